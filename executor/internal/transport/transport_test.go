package transport

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/sshtest"
	"github.com/nixfleet/nixfleet/schema"
)

// site is a user's machine: a home directory and an environment.
type site struct {
	t   *testing.T
	env Env
}

func newSite(t *testing.T) *site {
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{}
	return &site{t, Env{
		Home: home, User: "alice", Getenv: func(key string) string { return vars[key] },
		ConfigFiles: []string{filepath.Join(home, ".ssh/config")},
		Dial:        (&net.Dialer{}).DialContext,
	}}
}

func (s *site) write(name, content string) string {
	s.t.Helper()
	file := filepath.Join(s.env.Home, name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file
}

// key makes a key, writes it to a file and returns it.
func (s *site) key(name, passphrase string) ssh.Signer {
	s.t.Helper()
	return writeKey(s.t, filepath.Join(s.env.Home, name), passphrase)
}

func (s *site) know(server *sshtest.Server) {
	s.t.Helper()
	s.write(".ssh/known_hosts", knownhosts.Line([]string{server.Address}, server.HostKeys[0].PublicKey())+"\n")
}

func (s *site) dialer() *Dialer {
	d := NewDialer(s.env)
	s.t.Cleanup(d.Close)
	return d
}

func hostAt(server *sshtest.Server) Host {
	return Host{Name: "web-1", Address: "127.0.0.1", Port: server.Port, User: "deploy"}
}

func (s *site) dial(host Host) (*Conn, error) {
	s.t.Helper()
	conn, err := s.dialer().Dial(context.Background(), host)
	if err == nil {
		s.t.Cleanup(conn.Close)
	}
	return conn, err
}

// mustRun runs a command and returns its output.
func mustRun(t *testing.T, conn *Conn, line string) string {
	t.Helper()
	command, err := conn.Start(line)
	if err != nil {
		t.Fatal(err)
	}
	output, err := io.ReadAll(command)
	if err != nil {
		t.Fatal(err)
	}
	if exit, err := command.Wait(time.Minute); err != nil || exit.Status != 0 {
		t.Fatalf("%q ended with %+v, %v", line, exit, err)
	}
	return string(output)
}

// echo makes a server answer every command with a word.
func echo(server *sshtest.Server, word string) {
	server.Set(func(to *sshtest.Settings) {
		to.Run = func(c *sshtest.Command) int {
			fmt.Fprint(c.Stdout, word, c.User)
			return 0
		}
	})
}

func wantError(t *testing.T, err error, kind fault.Kind, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("expected an error")
	}
	if fault.KindOf(err) != kind {
		t.Errorf("error of kind %d instead of %d: %v", fault.KindOf(err), kind, err)
	}
	for _, part := range parts {
		if !strings.Contains(schema.InFull(err), part) {
			t.Errorf("expected %q in: %v", part, err)
		}
	}
}

func TestPinDecides(t *testing.T) {
	s, server := newSite(t), sshtest.Start(t)
	server.Set(func(to *sshtest.Settings) { to.Authorized = []ssh.PublicKey{s.key(".ssh/id_ed25519", "").PublicKey()} })
	echo(server, "hello ")
	host := hostAt(server)
	host.HostKeys = []string{string(ssh.MarshalAuthorizedKey(server.HostKeys[0].PublicKey()))}
	conn, err := s.dial(host)
	if err != nil {
		t.Fatal(err)
	}
	if got := mustRun(t, conn, "anything"); got != "hello deploy" {
		t.Errorf("got %q", got)
	}

	// A pin is the only truth: known_hosts does not help against it.
	s.know(server)
	other := sshtest.NewKey(t).PublicKey()
	host.HostKeys = []string{string(ssh.MarshalAuthorizedKey(other))}
	_, err = s.dial(host)
	wantError(t, err, fault.Refused, "the host key of web-1 (127.0.0.1:", "is not the one in the plan",
		"expected ssh-ed25519 "+ssh.FingerprintSHA256(other), "found ssh-ed25519 "+ssh.FingerprintSHA256(server.HostKeys[0].PublicKey()), "hint: ")

	host.HostKeys = []string{"ssh-ed25519 nonsense"}
	_, err = s.dial(host)
	wantError(t, err, fault.Refused, `cannot read the host key "ssh-ed25519 nonsense" of the plan`)
}

func TestKnownHosts(t *testing.T) {
	t.Parallel()
	s, server := newSite(t), sshtest.Start(t)
	server.Set(func(to *sshtest.Settings) { to.Authorized = []ssh.PublicKey{s.key(".ssh/id_ed25519", "").PublicKey()} })
	found := ssh.FingerprintSHA256(server.HostKeys[0].PublicKey())

	_, err := s.dial(hostAt(server))
	wantError(t, err, fault.Refused, "the host key of web-1 (127.0.0.1:", "is unknown", "found ssh-ed25519 "+found,
		fmt.Sprintf("echo '[127.0.0.1]:%d ssh-ed25519 ", server.Port), ".ssh/known_hosts")

	s.know(server)
	if _, err := s.dial(hostAt(server)); err != nil {
		t.Errorf("known host: %v", err)
	}

	hashed := knownhosts.HashHostname(knownhosts.Normalize(server.Address))
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(server.HostKeys[0].PublicKey())))
	s.write(".ssh/known_hosts", hashed+" "+line+"\n")
	if _, err := s.dial(hostAt(server)); err != nil {
		t.Errorf("hashed: %v", err)
	}

	s.write(".ssh/known_hosts", "127.0.0.1 "+line+"\n")
	if _, err := s.dial(hostAt(server)); err != nil {
		t.Errorf("entry without a port, as ssh accepts it: %v", err)
	}

	old := sshtest.NewKey(t).PublicKey()
	file := s.write(".ssh/known_hosts", "# one\n"+knownhosts.Line([]string{server.Address}, old)+"\n")
	_, err = s.dial(hostAt(server))
	wantError(t, err, fault.Refused, "has changed: expected ssh-ed25519 "+ssh.FingerprintSHA256(old)+" ("+file+":2)",
		"found ssh-ed25519 "+found, fmt.Sprintf("ssh-keygen -f %s -R '[127.0.0.1]:%d'", file, server.Port))

	s.write(".ssh/known_hosts", "@revoked * "+line+"\n")
	_, err = s.dial(hostAt(server))
	wantError(t, err, fault.Refused, "is revoked by "+file+":1")

	file = s.write(".ssh/known_hosts", knownhosts.Line([]string{server.Address}, server.HostKeys[0].PublicKey())+"\n@revoked * "+line+"\n")
	_, err = s.dial(hostAt(server))
	wantError(t, err, fault.Refused, "is revoked by "+file+":2")

	s.write(".ssh/known_hosts", "web-1 ssh-ed25519 nonsense\n")
	_, err = s.dial(hostAt(server))
	wantError(t, err, fault.Refused, file+":1", "correct or remove that line")
}

func TestHostCertificate(t *testing.T) {
	s, server := newSite(t), sshtest.Start(t)
	server.Set(func(to *sshtest.Settings) { to.Authorized = []ssh.PublicKey{s.key(".ssh/id_ed25519", "").PublicKey()} })
	authority := sshtest.NewKey(t)
	cert := &ssh.Certificate{
		Key: server.HostKeys[0].PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{"127.0.0.1"},
		ValidBefore: ssh.CertTimeInfinity,
	}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	certified, err := ssh.NewCertSigner(cert, server.HostKeys[0])
	if err != nil {
		t.Fatal(err)
	}
	server.Set(func(to *sshtest.Settings) { to.HostKeys = append(to.HostKeys, certified) })
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(authority.PublicKey())))
	s.write(".ssh/known_hosts", fmt.Sprintf("@cert-authority [127.0.0.1]:%d %s\n", server.Port, line))
	if _, err := s.dial(hostAt(server)); err != nil {
		t.Error(err)
	}
}

// A server with several keys shows the one that is known, whatever it prefers.
func TestKnownAlgorithmIsPreferred(t *testing.T) {
	s, server := newSite(t), sshtest.Start(t)
	server.Set(func(to *sshtest.Settings) { to.Authorized = []ssh.PublicKey{s.key(".ssh/id_ed25519", "").PublicKey()} })
	ecdsa := newECDSA(t)
	server.Set(func(to *sshtest.Settings) { to.HostKeys = append(to.HostKeys, ecdsa) })
	s.write(".ssh/known_hosts", knownhosts.Line([]string{server.Address}, ecdsa.PublicKey())+"\n")
	if _, err := s.dial(hostAt(server)); err != nil {
		t.Error(err)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	s, server := newSite(t), sshtest.Start(t)
	s.know(server)
	_, err := s.dial(hostAt(server))
	wantError(t, err, fault.Refused, `web-1 (127.0.0.1:`, `does not let "deploy" log in: there is no key to offer`, fmt.Sprintf("hint: try ssh -v -p %d deploy@127.0.0.1 true", server.Port))

	s.key(".ssh/id_ed25519", "")
	_, err = s.dial(hostAt(server))
	wantError(t, err, fault.Refused, "it does not accept the key from "+s.env.Home+"/.ssh/id_ed25519")

	s.write(".ssh/config", "Host web-1\n  IdentityFile ~/work/%r.key\nHost *\n  IdentitiesOnly yes\n")
	if err := os.Mkdir(filepath.Join(s.env.Home, "work"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = s.dial(hostAt(server))
	wantError(t, err, fault.Refused, "work/deploy.key: open ")

	server.Set(func(to *sshtest.Settings) { to.Authorized = []ssh.PublicKey{s.key("work/deploy.key", "").PublicKey()} })
	if _, err := s.dial(hostAt(server)); err != nil {
		t.Error(err)
	}
}

func TestEncryptedKey(t *testing.T) {
	t.Parallel()
	s, server := newSite(t), sshtest.Start(t)
	s.know(server)
	key := s.key(".ssh/id_ed25519", "open sesame")
	file := s.env.Home + "/.ssh/id_ed25519"
	server.Set(func(to *sshtest.Settings) { to.Authorized = []ssh.PublicKey{key.PublicKey()} })
	_, err := s.dial(hostAt(server))
	wantError(t, err, fault.Refused, "the key "+file+" is encrypted, and there is no terminal to ask for its passphrase", "hint: ssh-add "+file)

	asked := 0
	s.env.Passphrase = func(name string) ([]byte, error) {
		asked++
		if name != file {
			t.Errorf("asked for %s", name)
		}
		return []byte("open sesame"), nil
	}
	d := s.dialer()
	for range 3 {
		conn, err := d.Dial(context.Background(), hostAt(server))
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	if asked != 1 {
		t.Errorf("asked %d times for the passphrase", asked)
	}

	s.env.Passphrase = func(string) ([]byte, error) { return []byte("wrong"), nil }
	_, err = s.dial(hostAt(server))
	wantError(t, err, fault.Refused, "cannot unlock the key "+file)

	s.env.Passphrase = func(string) ([]byte, error) {
		t.Error("asked although no host accepts the key")
		return nil, errors.New("no")
	}
	server.Set(func(to *sshtest.Settings) { to.Authorized = nil })
	if _, err = s.dial(hostAt(server)); err == nil {
		t.Error("expected an error")
	}
}

func TestUserCertificate(t *testing.T) {
	s, server := newSite(t), sshtest.Start(t)
	s.know(server)
	key, authority := s.key(".ssh/id_ed25519", ""), sshtest.NewKey(t)
	server.Set(func(to *sshtest.Settings) { to.Authorities = []ssh.PublicKey{authority.PublicKey()} })
	cert := &ssh.Certificate{Key: key.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{"deploy"}, ValidBefore: ssh.CertTimeInfinity}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	s.write(".ssh/id_ed25519-cert.pub", string(ssh.MarshalAuthorizedKey(cert)))
	if _, err := s.dial(hostAt(server)); err != nil {
		t.Error(err)
	}
}

func TestAgent(t *testing.T) {
	t.Parallel()
	s, server := newSite(t), sshtest.Start(t)
	s.know(server)
	keys := agent.NewKeyring()
	for range 8 {
		addToAgent(t, keys, "", "")
	}
	right := addToAgent(t, keys, s.env.Home, ".ssh/right")
	server.Set(func(to *sshtest.Settings) { to.Authorized, to.MaxTries = []ssh.PublicKey{right}, 6 })
	socket := serveAgent(t, keys)
	s.env.Getenv = func(key string) string { return map[string]string{"SSH_AUTH_SOCK": socket}[key] }

	_, err := s.dial(hostAt(server))
	wantError(t, err, fault.Refused, "cannot log in to web-1", "MaxAuthTries", "IdentitiesOnly yes")

	// Only the public half is here: the agent signs, and is asked for nothing else.
	s.write(".ssh/config", "IdentitiesOnly yes\nIdentityFile ~/.ssh/right\n")
	if _, err := s.dial(hostAt(server)); err != nil {
		t.Error(err)
	}

	s.write(".ssh/config", "IdentityAgent none\n")
	_, err = s.dial(hostAt(server))
	wantError(t, err, fault.Refused, "there is no key to offer")
}

// The key that opened one host is the first that the next is offered.
func TestLastKeyFirst(t *testing.T) {
	s, server := newSite(t), sshtest.Start(t)
	s.know(server)
	s.key(".ssh/id_ed25519", "")
	server.Set(func(to *sshtest.Settings) { to.Authorized = []ssh.PublicKey{s.key(".ssh/id_ecdsa", "").PublicKey()} })
	d := s.dialer()
	for i, want := range []int64{2, 3} {
		conn, err := d.Dial(context.Background(), hostAt(server))
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		// The server is asked about a key, and sees it again with the signature,
		// for which it remembers its own answer.
		if got := server.Offered.Load(); got != want {
			t.Errorf("after %d logins %d keys were offered instead of %d", i+1, got, want)
		}
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	s.write(".ssh/config", "Host web-1\n  ConnectTimeout 1\n")
	go func() { // one that accepts and says nothing, one that hangs up
		conn, _ := listener.Accept()
		defer conn.Close()
		second, err := listener.Accept()
		if err == nil {
			listener.Close() // first: who was hung up on may dial again at once
			second.Close()
		}
		time.Sleep(100 * time.Millisecond)
	}()
	host := Host{Name: "web-1", Address: "127.0.0.1", Port: port}
	_, err = s.dial(host)
	wantError(t, err, fault.Transient, "cannot log in to web-1 (127.0.0.1:", "no answer within 3s")
	_, err = s.dial(host)
	wantError(t, err, fault.Transient, "cannot log in to web-1", "the host closed the connection")
	_, err = s.dial(host)
	wantError(t, err, fault.Transient, "cannot connect to web-1", "connection refused")

	host.Address = "nowhere.invalid"
	s.env.Dial = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}}
	}
	_, err = s.dial(host)
	wantError(t, err, fault.Transient, `cannot connect to web-1 (nowhere.invalid:`, `): the address "nowhere.invalid" has no DNS entry`, "hint: correct the host's addr in the inventory")

	s.write(".ssh/config", "Host web-1\n  HostName 10.0.0.9\n")
	_, err = s.dial(host)
	wantError(t, err, fault.Transient, `hint: the plan's address counts, not the HostName "10.0.0.9" of your SSH configuration`)
}

func TestInterruptedDial(t *testing.T) {
	s := newSite(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(50*time.Millisecond, func() { cancel(errors.New("interrupted")) })
	_, err = s.dialer().Dial(ctx, Host{Name: "web-1", Address: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port})
	wantError(t, err, fault.Interrupted, "interrupted")
}
