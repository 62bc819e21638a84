package transport

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"golang.org/x/crypto/ssh"
)

// jump is a connection to a jump host, shared by all hosts behind it: a bastion
// takes only so many connections that have not logged in yet.
type jump struct {
	mu     sync.Mutex
	client *ssh.Client
	// dialing is closed when the attempt under way ends; nil where there is none.
	dialing chan struct{}
	err     error // of the last attempt
}

// chain is the jump hosts that are being connected to for one host, so that a
// configuration that leads in a circle ends.
type chain struct{}

// through connects to the last of the comma-separated jump hosts, each reached
// through those before it. Hosts that ask at the same time share one attempt.
func (d *Dialer) through(ctx context.Context, spec string) (*jump, error) {
	behind, _ := ctx.Value(chain{}).([]string)
	if slices.Contains(behind, spec) {
		return nil, fault.New(fault.Refused, "the jump hosts lead in a circle: %s", strings.Join(append(behind, spec), " -> ")).
			WithHint("set ProxyJump none for the jump host in ~/.ssh/config")
	}
	ctx = context.WithValue(ctx, chain{}, append(slices.Clone(behind), spec))
	d.mu.Lock()
	j := d.jumps[spec]
	if j == nil {
		j = &jump{}
		d.jumps[spec] = j
	}
	d.mu.Unlock()

	j.mu.Lock()
	if j.client != nil {
		j.mu.Unlock()
		return j, nil
	}
	if wait := j.dialing; wait != nil {
		j.mu.Unlock()
		return j.await(ctx, wait)
	}
	done := make(chan struct{})
	j.dialing = done
	j.mu.Unlock()

	client, err := d.enter(ctx, spec, j)
	j.mu.Lock()
	j.client, j.err, j.dialing = client, err, nil
	j.mu.Unlock()
	close(done)
	return j, err
}

// await waits for the attempt of another host.
func (j *jump) await(ctx context.Context, done chan struct{}) (*jump, error) {
	select {
	case <-done:
	case <-ctx.Done():
		return nil, fault.New(fault.Interrupted, "%w", context.Cause(ctx))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.client == nil && j.err == nil {
		return nil, fault.New(fault.Transient, "the connection to the jump host was lost")
	}
	return j, j.err
}

func (d *Dialer) enter(ctx context.Context, spec string, j *jump) (*ssh.Client, error) {
	before, last := cutLast(spec)
	host, err := d.jumpHost(last)
	if err != nil {
		return nil, err
	}
	if before != "" {
		host.ProxyJump = before
	}
	l, err := d.connect(ctx, host)
	if err != nil {
		return nil, err
	}
	// The client opens connections to other hosts; the host itself may ask nothing.
	none, nothing := make(chan ssh.NewChannel), make(chan *ssh.Request)
	close(none)
	close(nothing)
	client := ssh.NewClient(l.Conn, none, nothing)
	conn := newConn(l)
	go func() {
		<-conn.lost // so that the next host dials anew
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.client == client {
			j.client = nil
		}
	}()
	return client, nil
}

func cutLast(spec string) (before, last string) {
	i := strings.LastIndexByte(spec, ',')
	if i < 0 {
		return "", strings.TrimSpace(spec)
	}
	return strings.TrimSpace(spec[:i]), strings.TrimSpace(spec[i+1:])
}

// jumpHost reads "[user@]host[:port]" or "ssh://[user@]host[:port]". Unlike a
// host of the plan, a jump host may be an alias of the SSH configuration.
func (d *Dialer) jumpHost(spec string) (Host, error) {
	u, err := url.Parse("ssh://" + strings.TrimPrefix(spec, "ssh://"))
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return Host{}, fault.New(fault.Refused, "cannot read the jump host %q", spec).
			WithHint("write [user@]host[:port], several separated by commas")
	}
	host := Host{Name: u.Hostname(), Address: u.Hostname(), User: u.User.Username()}
	if u.Port() != "" {
		if host.Port, err = strconv.Atoi(u.Port()); err != nil {
			return Host{}, fault.New(fault.Refused, "cannot read the port of the jump host %q", spec)
		}
	}
	config, err := d.config()
	if err != nil {
		return Host{}, err
	}
	s, err := config.settingsFor(host.Name)
	if err != nil {
		return Host{}, err
	}
	if _, next := cutLast(s.proxyJump); next == spec {
		host.ProxyJump = "none" // "Host *" with a ProxyJump means all but the jump host itself
	}
	if s.hostName != "" {
		host.Address = strings.ReplaceAll(s.hostName, "%h", host.Name)
	}
	return host, nil
}

func (j *jump) dial(ctx context.Context, network, address string) (net.Conn, error) {
	j.mu.Lock()
	client := j.client
	j.mu.Unlock()
	if client == nil {
		return nil, fmt.Errorf("the connection to the jump host is lost")
	}
	return client.DialContext(ctx, network, address)
}

func (j *jump) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.client != nil {
		j.client.Close()
	}
}
