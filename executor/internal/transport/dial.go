// Package transport opens SSH connections as the user's own configuration says
// and runs commands over them. It is the only package that speaks SSH, it starts
// no process, and it trusts no host key that neither the plan nor known_hosts
// names.
package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"golang.org/x/crypto/ssh"
)

// Env is what the transport takes from its surroundings.
type Env struct {
	// Home is the home directory, for ~/.ssh.
	Home string
	// User is the local account, with which jump hosts are entered by default.
	User string
	// Getenv reads the environment: SSH_AUTH_SOCK and what IdentityFile mentions.
	Getenv func(string) string
	// ConfigFiles are ssh_config(5) files, the first value counting.
	ConfigFiles []string
	// GlobalKnownHosts are the system's known_hosts files.
	GlobalKnownHosts []string
	// Passphrase asks for the passphrase of a key file; nil where there is no terminal.
	Passphrase func(file string) ([]byte, error)
	// Dial opens a TCP connection.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Host is where a connection goes: the plan's words.
type Host struct {
	// Name is the host's name in the plan.
	Name string
	// Address is a DNS name or an IP address.
	Address string
	// Port is the SSH port; 0 asks the SSH configuration.
	Port int
	// User is the account; empty asks the SSH configuration.
	User string
	// HostKeys are the pinned host keys; where there are none, known_hosts decides.
	HostKeys []string
	// ProxyJump are jump hosts as in ssh_config(5); empty asks the SSH configuration.
	ProxyJump string
}

// Dialer opens connections. It reads configuration, keys and known_hosts once.
type Dialer struct {
	env    Env
	config func() (*config, error)
	keys   *keyring

	mu    sync.Mutex
	known map[string]*knownFiles
	jumps map[string]*jump
}

// NewDialer returns a dialer that reads what it needs when it is needed.
func NewDialer(env Env) *Dialer {
	return &Dialer{
		env:    env,
		config: sync.OnceValues(func() (*config, error) { return loadConfig(env) }),
		keys:   newKeyring(env),
		known:  map[string]*knownFiles{},
		jumps:  map[string]*jump{},
	}
}

// Close closes the connections to jump hosts and to the agent.
func (d *Dialer) Close() {
	d.mu.Lock()
	jumps := d.jumps
	d.jumps = map[string]*jump{}
	d.mu.Unlock()
	for _, j := range jumps {
		j.close()
	}
	d.keys.close()
}

// route is all that is settled before a connection is tried.
type route struct {
	Host
	settings
	address string // with the port
	trust   trust
	login   *attempt
	key     ssh.PublicKey // that the host showed
}

// Dial connects and logs in. Its errors are of kind transient where another
// attempt may succeed, and refused otherwise; nothing was done on the host.
func (d *Dialer) Dial(ctx context.Context, host Host) (*Conn, error) {
	l, err := d.connect(ctx, host)
	if err != nil {
		return nil, err
	}
	return newConn(l), nil
}

// login is a connection that is logged in, of which nobody has made use yet.
type login struct {
	ssh.Conn
	channels <-chan ssh.NewChannel
	requests <-chan *ssh.Request
	route    *route
}

func (d *Dialer) connect(ctx context.Context, host Host) (*login, error) {
	r, err := d.route(host)
	if err != nil {
		return nil, err
	}
	dial := d.env.Dial
	if r.ProxyJump != "" {
		via, err := d.through(ctx, r.ProxyJump)
		if err != nil {
			return nil, fmt.Errorf("cannot reach %s through %s: %w", r.Name, r.ProxyJump, err)
		}
		dial = via.dial
	}
	return d.handshake(ctx, r, dial)
}

func (d *Dialer) route(host Host) (*route, error) {
	config, err := d.config()
	if err != nil {
		return nil, err
	}
	s, err := config.settingsFor(host.Name, host.Address)
	if err != nil {
		return nil, err
	}
	// HostName is not asked: the plan's address is what was approved. Where that
	// makes a difference, a failure to connect says so.
	if host.Port == 0 {
		host.Port = max(s.port, 0)
	}
	if host.Port == 0 {
		host.Port = 22
	}
	if host.User == "" {
		host.User = s.user
	}
	if host.User == "" {
		host.User = d.env.User
	}
	if host.ProxyJump == "" {
		host.ProxyJump = s.proxyJump
	}
	if host.ProxyJump == "none" {
		host.ProxyJump = ""
	}
	r := &route{Host: host, settings: s, address: net.JoinHostPort(host.Address, strconv.Itoa(host.Port))}
	if r.trust, err = d.trustFor(r); err != nil {
		return nil, err
	}
	r.login = d.keys.identitiesFor(s, host.Address, host.User, host.Port).attempt()
	return r, nil
}

func (d *Dialer) trustFor(r *route) (trust, error) {
	pins, err := parsePins(r.HostKeys)
	if err != nil {
		return trust{}, err
	}
	t := trust{host: r.Name, address: r.address, pins: pins}
	if r.hostKeyAlias != "" {
		t.address = net.JoinHostPort(r.hostKeyAlias, "22")
	}
	var files []string
	for _, name := range r.knownHosts {
		files = append(files, d.env.expand(name, r.Address, r.User, r.Port))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	id := strings.Join(files, "\n")
	if d.known[id] == nil {
		d.known[id] = newKnownFiles(files)
	}
	t.known = d.known[id]
	return t, nil
}

// ciphers are those that modern CPUs do fastest, then the others. The library's
// order of key exchanges stands: its first, which quantum computers do not break,
// costs a tenth of a millisecond more than the second.
var ciphers = []string{ssh.CipherAES128GCM, ssh.CipherAES256GCM, ssh.CipherChaCha20Poly1305, ssh.CipherAES128CTR, ssh.CipherAES192CTR, ssh.CipherAES256CTR}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

func (d *Dialer) handshake(ctx context.Context, r *route, dial dialFunc) (*login, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 3*r.connectTimeout, errHandshake)
	defer cancel()
	dialCtx, cancelDial := context.WithTimeout(ctx, r.connectTimeout)
	defer cancelDial()
	tcp, err := dial(dialCtx, "tcp", r.address)
	if err != nil {
		return nil, dialError(ctx, r, err)
	}
	// A deadline on the connection would not do: a tunnel through a jump host has none.
	stop := context.AfterFunc(ctx, func() { tcp.Close() })
	defer stop()
	var banner strings.Builder
	conn, channels, requests, err := ssh.NewClientConn(tcp, r.address, &ssh.ClientConfig{
		Config: ssh.Config{Ciphers: ciphers},
		User:   r.User,
		Auth:   []ssh.AuthMethod{r.login.method()},
		HostKeyCallback: func(_ string, remote net.Addr, key ssh.PublicKey) error {
			r.key = key
			return r.trust.check("", remote, key)
		},
		HostKeyAlgorithms: r.trust.algorithms(),
		BannerCallback:    func(message string) error { banner.WriteString(message); return nil },
		ClientVersion:     "SSH-2.0-NixFleet",
	})
	if err != nil {
		tcp.Close()
		return nil, handshakeError(ctx, r, err)
	}
	r.login.succeeded()
	return &login{conn, channels, requests, r}, nil
}

var errHandshake = errors.New("the SSH handshake took too long")

func dialError(ctx context.Context, r *route, err error) error {
	if cause := context.Cause(ctx); cause != nil && cause != errHandshake {
		return fault.New(fault.Interrupted, "cannot connect to %s (%s): %w", r.Name, r.address, cause)
	}
	failed := fault.New(fault.Transient, "cannot connect to %s (%s): %w", r.Name, r.address, plain(r, err))
	var dns *net.DNSError
	switch {
	case r.hostName != "" && r.hostName != r.Address && r.hostName != "%h":
		return failed.WithHint("the plan's address counts, not the HostName %q of your SSH configuration; correct the host's addr in the inventory and compile again", r.hostName)
	case errors.As(err, &dns) && dns.IsNotFound:
		return failed.WithHint("correct the host's addr in the inventory and compile again")
	}
	return failed
}

// plain says in few words why a connection could not be opened.
func plain(r *route, err error) error {
	var dns *net.DNSError
	var operation *net.OpError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("the address %q has no DNS entry", r.Address)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %s", r.connectTimeout)
	case errors.Is(err, syscall.EMFILE):
		return errors.New("this process has as many files open as it may (ulimit -Hn); take fewer hosts at once with --parallel")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("connection refused; nothing listens there")
	case errors.As(err, &operation):
		return operation.Err
	}
	return err
}

func handshakeError(ctx context.Context, r *route, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f // the host key, or a passphrase
	}
	cause := context.Cause(ctx)
	switch {
	case cause == errHandshake:
		return fault.New(fault.Transient, "cannot log in to %s (%s): no answer within %s", r.Name, r.address, 3*r.connectTimeout)
	case cause != nil:
		return fault.New(fault.Interrupted, "cannot log in to %s (%s): %w", r.Name, r.address, cause)
	case strings.Contains(err.Error(), "unable to authenticate"):
		return r.login.refused(r)
	case errors.As(r.login.err, &f):
		return f
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		// sshd does that when too many unauthenticated connections are open (MaxStartups).
		return fault.New(fault.Transient, "cannot log in to %s (%s): the host closed the connection", r.Name, r.address)
	case isDisconnect(err):
		return fault.New(fault.Refused, "cannot log in to %s (%s) as %q: %w", r.Name, r.address, r.User, err).
			WithHint("an agent with many keys exceeds the server's MaxAuthTries; name one with IdentityFile and IdentitiesOnly yes in ~/.ssh/config")
	}
	var network net.Error
	if errors.As(err, &network) {
		return fault.New(fault.Transient, "cannot log in to %s (%s): %w", r.Name, r.address, err)
	}
	return fault.New(fault.Refused, "cannot log in to %s (%s): %w", r.Name, r.address, err)
}

// isDisconnect reports a message by which the server ended the connection; the
// library's type for it is not exported.
func isDisconnect(err error) bool { return strings.Contains(err.Error(), "ssh: disconnect, reason ") }
