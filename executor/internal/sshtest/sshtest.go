// Package sshtest is an SSH server inside a test, or inside a program that tests: it
// has the keys, accounts and faults that it is given, and runs Go functions for commands.
package sshtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Server is a running server.
type Server struct {
	// Address is where it listens, "127.0.0.1:port".
	Address string
	// Port is the port of Address.
	Port int
	// Settings hold for connections to come; change them in [Server.Set].
	Settings

	// Connections counts the connections that were accepted, Logins those that logged in.
	Connections, Logins atomic.Int64
	// Offered counts the keys that clients asked about.
	Offered atomic.Int64

	listener net.Listener
	mu       sync.Mutex
	open     map[*link]bool
	frozen   chan struct{}
	working  sync.WaitGroup
}

// Settings are what a server is like.
type Settings struct {
	// HostKeys are its keys.
	HostKeys []ssh.Signer
	// Authorized are the keys that open every account.
	Authorized []ssh.PublicKey
	// Authorities are certificate authorities whose user certificates open the
	// accounts they name.
	Authorities []ssh.PublicKey
	// Run runs a command and returns its exit status; a negative one ends the
	// channel without any.
	Run func(*Command) int
	// Forward lets clients open connections through the server.
	Forward bool
	// MaxTries is how many logins a connection may attempt; 0 stands for 6.
	MaxTries int
}

// Command is a command that a client runs.
type Command struct {
	Line   string
	User   string
	Env    map[string]string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// Cut ends the client's connection without a word.
	Cut func()
}

// NewKey returns a new key.
func NewKey(t testing.TB) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// Start starts a server, which the test's end stops.
func Start(t testing.TB) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Settings{HostKeys: []ssh.Signer{NewKey(t)}, Run: func(*Command) int { return 0 }})
	s.Address, s.Port, s.listener = listener.Addr().String(), listener.Addr().(*net.TCPAddr).Port, listener
	go s.accept()
	t.Cleanup(s.Stop)
	return s
}

// New returns a server that listens nowhere: it serves what it is given in [Server.Serve].
func New(settings Settings) *Server { return &Server{Settings: settings, open: map[*link]bool{}} }

// Set changes the settings.
func (s *Server) Set(change func(*Settings)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.Settings)
}

// Stop ends the server and waits for its commands.
func (s *Server) Stop() {
	s.Vanish()
	s.working.Wait()
}

// Vanish ends all connections and takes no other; commands at work go on.
func (s *Server) Vanish() {
	s.listener.Close()
	s.Thaw()
	s.CutAll()
}

// CutAll ends all connections without a word.
func (s *Server) CutAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.open {
		l.Close()
	}
}

// Freeze makes the server deaf and dumb, as a cable that was pulled, until [Server.Thaw].
func (s *Server) Freeze() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen == nil {
		s.frozen = make(chan struct{})
	}
}

// Thaw undoes [Server.Freeze].
func (s *Server) Thaw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen != nil {
		close(s.frozen)
		s.frozen = nil
	}
}

func (s *Server) wait() {
	s.mu.Lock()
	frozen := s.frozen
	s.mu.Unlock()
	if frozen != nil {
		<-frozen
	}
}

// link is a connection that freezes with its server, under the settings of its beginning.
type link struct {
	net.Conn
	server   *Server
	settings Settings
}

func (l *link) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	l.server.wait()
	return n, err
}

func (l *link) Write(p []byte) (int, error) {
	l.server.wait()
	return l.Conn.Write(p)
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.Connections.Add(1)
		l := s.admit(conn)
		s.working.Add(1)
		go func() {
			defer s.working.Done()
			s.serve(l)
		}()
	}
}

// Serve serves a connection to its end.
func (s *Server) Serve(conn net.Conn) { s.serve(s.admit(conn)) }

func (s *Server) admit(conn net.Conn) *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &link{Conn: conn, server: s, settings: s.Settings}
	s.open[l] = true
	return l
}

func (s *Server) serve(l *link) {
	l.serve()
	l.Close()
	s.mu.Lock()
	delete(s.open, l)
	s.mu.Unlock()
}

func (s *Settings) config(offered *atomic.Int64) *ssh.ServerConfig {
	checker := &ssh.CertChecker{
		IsUserAuthority: func(key ssh.PublicKey) bool { return contains(s.Authorities, key) },
		UserKeyFallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if contains(s.Authorized, key) {
				return &ssh.Permissions{}, nil
			}
			return nil, errors.New("unknown key")
		},
	}
	config := &ssh.ServerConfig{
		MaxAuthTries: s.MaxTries,
		PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			offered.Add(1)
			return checker.Authenticate(meta, key)
		},
	}
	for _, key := range s.HostKeys {
		config.AddHostKey(key)
	}
	return config
}

func contains(keys []ssh.PublicKey, key ssh.PublicKey) bool {
	for _, k := range keys {
		if string(k.Marshal()) == string(key.Marshal()) {
			return true
		}
	}
	return false
}

func (l *link) serve() {
	s := l.server
	conn, channels, requests, err := ssh.NewServerConn(l, l.settings.config(&s.Offered))
	if err != nil {
		return
	}
	s.Logins.Add(1)
	go func() {
		for r := range requests { // keepalives among them
			if r.WantReply {
				_ = r.Reply(false, nil)
			}
		}
	}()
	for channel := range channels {
		switch {
		case channel.ChannelType() == "session":
			s.working.Add(1)
			go func() {
				defer s.working.Done()
				l.settings.session(channel, conn.User(), l)
			}()
		case channel.ChannelType() == "direct-tcpip" && l.settings.Forward:
			s.working.Add(1)
			go func() {
				defer s.working.Done()
				forward(channel)
			}()
		default:
			_ = channel.Reject(ssh.Prohibited, "not here")
		}
	}
}

func (s *Settings) session(channel ssh.NewChannel, user string, l *link) {
	stream, requests, err := channel.Accept()
	if err != nil {
		return
	}
	defer stream.Close()
	env := map[string]string{}
	for r := range requests {
		switch r.Type {
		case "env":
			var body struct{ Name, Value string }
			if ssh.Unmarshal(r.Payload, &body) == nil {
				env[body.Name] = body.Value
			}
		case "exec":
			var body struct{ Line string }
			if ssh.Unmarshal(r.Payload, &body) != nil {
				return
			}
			if r.WantReply {
				_ = r.Reply(true, nil)
			}
			go ssh.DiscardRequests(requests)
			status := s.Run(&Command{
				Line: body.Line, User: user, Env: env, Stdin: stream, Stdout: stream, Stderr: stream.Stderr(),
				Cut: func() { l.Close() },
			})
			if status >= 0 {
				_, _ = stream.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
			}
			return
		}
	}
}

func forward(channel ssh.NewChannel) {
	var to struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	if err := ssh.Unmarshal(channel.ExtraData(), &to); err != nil {
		_ = channel.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	conn, err := net.DialTCP("tcp", nil, &net.TCPAddr{IP: net.ParseIP(to.Host), Port: int(to.Port)})
	if err != nil {
		_ = channel.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	defer conn.Close()
	stream, requests, err := channel.Accept()
	if err != nil {
		return
	}
	defer stream.Close()
	go ssh.DiscardRequests(requests)
	done := make(chan struct{}, 2)
	go func() { _, _ = io.Copy(stream, conn); done <- struct{}{} }()
	go func() { _, _ = io.Copy(conn, stream); done <- struct{}{} }()
	<-done
}
