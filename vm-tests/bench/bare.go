package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"
	"golang.org/x/crypto/ssh"
)

// bareCommand is what SSH alone takes, of the same library: it runs a line on each
// host, several hosts at once, and another over a second connection, as a change
// is confirmed over one. This program starts itself with it.
var bareCommand = &cli.Command{
	Name: "bare", Hidden: true,
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "hosts"}, &cli.StringFlag{Name: "key"}, &cli.IntFlag{Name: "first"}, &cli.IntFlag{Name: "parallel"},
		&cli.StringFlag{Name: "line"}, &cli.StringFlag{Name: "again"},
	},
	Action: func(c *cli.Context) error {
		var fleet simulated
		text, err := os.ReadFile(c.String("hosts"))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &fleet); err != nil {
			return err
		}
		private, err := os.ReadFile(c.String("key"))
		if err != nil {
			return err
		}
		signer, err := ssh.ParsePrivateKey(private)
		if err != nil {
			return err
		}
		b := &bare{port: fleet.Port, key: signer, lines: []string{c.String("line"), c.String("again")}}
		return b.all(fleet.Hosts[:c.Int("first")], c.Int("parallel"))
	},
}

type bare struct {
	port  int
	key   ssh.Signer
	lines []string
}

func (b *bare) all(hosts []simulatedHost, parallel int) error {
	turns, errs := make(chan struct{}, parallel), make(chan error, len(hosts))
	var working sync.WaitGroup
	for _, host := range hosts {
		turns <- struct{}{}
		working.Go(func() {
			if err := b.run(host, b.lines); err != nil {
				errs <- fmt.Errorf("%s: %w", host.Name, err)
			}
			<-turns
		})
	}
	working.Wait()
	close(errs)
	return <-errs
}

// run runs the lines one after the other, each over a connection of its own. The first
// stays open to the end.
func (b *bare) run(host simulatedHost, lines []string) error {
	if len(lines) == 0 || lines[0] == "" {
		return nil
	}
	pinned, _, _, _, err := ssh.ParseAuthorizedKey([]byte(host.HostKey))
	if err != nil {
		return err
	}
	client, err := ssh.Dial("tcp", fmt.Sprintf("%s:%d", host.Address, b.port), &ssh.ClientConfig{
		User: "deploy", Auth: []ssh.AuthMethod{ssh.PublicKeys(b.key)}, HostKeyCallback: ssh.FixedHostKey(pinned), HostKeyAlgorithms: []string{pinned.Type()},
	})
	if err != nil {
		return err
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	if err := session.Run(strings.TrimSpace(lines[0])); err != nil {
		return err
	}
	return b.run(host, lines[1:])
}
