package transport

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/sshtest"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// chainOf starts servers that let the site's key in, all known to it.
func chainOf(t *testing.T, s *site, n int) []*sshtest.Server {
	key := s.key(".ssh/id_ed25519", "").PublicKey()
	var servers []*sshtest.Server
	var known strings.Builder
	for i := range n {
		server := sshtest.Start(t)
		server.Set(func(to *sshtest.Settings) { to.Authorized = []ssh.PublicKey{key} })
		server.Set(func(to *sshtest.Settings) { to.Forward = true })
		echo(server, fmt.Sprintf("server %d, ", i))
		servers = append(servers, server)
		known.WriteString(knownhosts.Line([]string{server.Address}, server.HostKeys[0].PublicKey()) + "\n")
	}
	s.write(".ssh/known_hosts", known.String())
	return servers
}

func TestProxyJump(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	servers := chainOf(t, s, 3)
	s.write(".ssh/config", fmt.Sprintf("Host bastion\n HostName 127.0.0.1\n Port %d\n User jumper\n", servers[0].Port))
	host := hostAt(servers[2])
	host.ProxyJump = fmt.Sprintf("bastion,ops@127.0.0.1:%d", servers[1].Port)

	d := s.dialer()
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			conn, err := d.Dial(context.Background(), host)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if got := mustRun(t, conn, "anything"); got != "server 2, deploy" {
				t.Errorf("got %q", got)
			}
		})
	}
	all.Wait()
	if n := servers[0].Connections.Load(); n != 1 {
		t.Errorf("5 hosts opened %d connections to the bastion", n)
	}

	// A bastion that went away is dialled anew.
	servers[0].CutAll()
	var err error
	for range 3000 { // until the news has arrived
		if _, err = d.Dial(context.Background(), host); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestProxyJumpFromConfiguration(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	servers := chainOf(t, s, 2)
	s.write(".ssh/config", fmt.Sprintf("Host *\n ProxyJump 127.0.0.1:%d\n", servers[0].Port))
	conn, err := s.dial(hostAt(servers[1]))
	if err != nil {
		t.Fatal(err)
	}
	if got := mustRun(t, conn, "anything"); got != "server 1, deploy" {
		t.Errorf("got %q", got)
	}
	if servers[0].Connections.Load() != 1 {
		t.Error("did not go through the jump host")
	}
}

func TestProxyJumpChecksEachHostKey(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	servers := chainOf(t, s, 2)
	host := hostAt(servers[1])
	host.ProxyJump = servers[0].Address
	s.write(".ssh/known_hosts", knownhosts.Line([]string{servers[1].Address}, servers[1].HostKeys[0].PublicKey())+"\n")
	_, err := s.dial(host)
	wantError(t, err, fault.Refused, "cannot reach web-1 through "+servers[0].Address, "the host key of 127.0.0.1 ("+servers[0].Address+") is unknown")

	s.write(".ssh/known_hosts", knownhosts.Line([]string{servers[0].Address}, servers[0].HostKeys[0].PublicKey())+"\n")
	_, err = s.dial(host)
	wantError(t, err, fault.Refused, "the host key of web-1 ("+servers[1].Address+") is unknown")
}

func TestProxyJumpErrors(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	servers := chainOf(t, s, 2)
	host := hostAt(servers[1])
	s.write(".ssh/config", "Host a\n ProxyJump b\nHost b\n ProxyJump a\n")
	host.ProxyJump = "a"
	_, err := s.dial(host)
	wantError(t, err, fault.Refused, "the jump hosts lead in a circle: a -> b -> a")

	host.ProxyJump = "user@"
	_, err = s.dial(host)
	wantError(t, err, fault.Refused, `cannot read the jump host "user@"`)

	servers[0].Set(func(to *sshtest.Settings) { to.Forward = false })
	host.ProxyJump = servers[0].Address
	_, err = s.dial(host)
	wantError(t, err, fault.Transient, "cannot connect to web-1", "not here")
}
