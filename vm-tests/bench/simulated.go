package main

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

// simulated is a process with many simulated hosts in it; see executor/internal/simhost/manyhosts,
// which writes this.
type simulated struct {
	Port  int             `json:"port"`
	Hosts []simulatedHost `json:"hosts"`

	dir     string
	process *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Reader
}

type simulatedHost struct {
	Name    string  `json:"name"`
	Address string  `json:"address"`
	HostKey string  `json:"hostKey"`
	Work    float64 `json:"work"` // seconds
}

// seenByHosts is what the hosts saw of a controller.
type seenByHosts struct {
	Connections int      `json:"connections"`
	Most        int      `json:"most"`
	Changed     int      `json:"changed"`
	CPU         float64  `json:"cpu"` // of the hosts, since their beginning
	Faults      []string `json:"faults"`
}

// simulate starts so many hosts and writes hosts.json, and a home with the key that opens them.
func (b *bench) simulate(count int) (*simulated, error) {
	s := &simulated{dir: filepath.Join(b.dir, "simulated")}
	if err := s.writeKey(); err != nil {
		return nil, err
	}
	program := filepath.Join(s.dir, "manyhosts")
	if out, err := exec.CommandContext(b.ctx, "go", "build", "-buildvcs=false", "-o", program, "./executor/internal/simhost/manyhosts").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cannot build the simulated hosts: %w\n%s", err, out)
	}
	s.process = exec.CommandContext(b.ctx, program, "--hosts", fmt.Sprint(count), "--helper", filepath.Join(b.bin, "nixfleet-host"), "--key", s.key()+".pub")
	s.process.Stderr = os.Stderr
	var err error
	if s.orders, err = s.process.StdinPipe(); err != nil {
		return nil, err
	}
	answers, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.answers = bufio.NewReader(answers)
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	line, err := s.answers.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the simulated hosts do not say who they are: %w", err)
	}
	if err := json.Unmarshal(line, s); err != nil {
		return nil, err
	}
	return s, os.WriteFile(s.list(), line, 0o644)
}

func (s *simulated) home() string { return s.dir }
func (s *simulated) key() string  { return filepath.Join(s.dir, ".ssh/id_ed25519") }
func (s *simulated) list() string { return filepath.Join(s.dir, "hosts.json") }

func (s *simulated) writeKey() error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.key()), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(s.key(), pem.EncodeToMemory(block), 0o600); err != nil {
		return err
	}
	return os.WriteFile(s.key()+".pub", ssh.MarshalAuthorizedKey(key), 0o644)
}

// close ends the hosts.
func (s *simulated) close() error {
	s.orders.Close()
	return s.process.Wait()
}

// order gives an order and returns what was seen since the one before.
func (s *simulated) order(what string) (seenByHosts, error) {
	var seen seenByHosts
	if _, err := fmt.Fprintln(s.orders, what); err != nil {
		return seen, fmt.Errorf("the simulated hosts have ended: %w", err)
	}
	line, err := s.answers.ReadBytes('\n')
	if err != nil {
		return seen, fmt.Errorf("the simulated hosts have ended: %w", err)
	}
	return seen, json.Unmarshal(line, &seen)
}

// writeFleet writes a fleet of the first hosts: some files and one small store path.
func (s *simulated) writeFleet(dir string, count int) error {
	var inventory strings.Builder
	fmt.Fprintf(&inventory, "defaults: { base: ubuntu, user: deploy, port: %d }\nrollout: { maxParallel: 1000 }\nhosts:\n", s.Port)
	for _, h := range s.Hosts[:count] {
		fmt.Fprintf(&inventory, "  %s: { addr: %s, hostKeys: [ %q ] }\n", h.Name, h.Address, h.HostKey)
	}
	var module strings.Builder
	module.WriteString("{ pkgs, ... }: {\n")
	for i := range 5 {
		fmt.Fprintf(&module, "  nixfleet.files.\"/etc/nfbench/file-%d.conf\".text = %s;\n", i, nixString(fileContent(i, 1)))
	}
	fmt.Fprintf(&module, "  nixfleet.files.\"/etc/nfbench/data\".source = pkgs.writeText \"data\" %s;\n}\n", nixString(strings.Repeat("some data of a host\n", 3000)))
	return writeFiles(dir, map[string]string{
		"flake.nix":           "{ outputs = _: { nixfleet = { nixfleet, ... }: nixfleet.mkFleet { modules = [ ./module.nix ]; }; }; }\n",
		"module.nix":          module.String(),
		"inventory/prod.yaml": inventory.String(),
	})
}
