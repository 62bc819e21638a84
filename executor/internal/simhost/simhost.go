// Package simhost simulates hosts: each is an SSH server with a scripted sudo, a
// scripted helper that speaks the real protocol, and a Nix store in memory. A host
// changes nothing but its memory, and checks what it is sent as strictly as a real
// one: it passes the same protocol tests as the helper.
package simhost

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/nixfleet/nixfleet/executor/internal/servetest"
	"github.com/nixfleet/nixfleet/executor/internal/sshtest"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
	"golang.org/x/crypto/ssh"
)

// Host is a running host. Change it in [Host.Set].
type Host struct {
	Server *sshtest.Server
	Store  *servetest.Store
	State

	parts        *Parts
	mu           sync.Mutex
	calls        []string
	transactions []*Transaction
	hooks        []string
	ticks        int // counts sessions and waits, to tell which began first
}

// State is what a host is like.
type State struct {
	// Helper is the helper's binary; nil where there is none. HelperHash is its hash,
	// where a caller with many hosts has computed it.
	Helper     []byte
	HelperHash schema.Digest
	// Version is the protocol that the helper speaks.
	Version int
	// Machine is what uname -sm says.
	Machine string
	// Sudo is what sudo says instead of running a command; empty where it runs it.
	Sudo string
	// Uploads says that sudo also lets the account install the helper.
	Uploads bool
	// Noise is what the shell prints before a command's own output.
	Noise string
	// HelperSays is what happens instead of the helper's start: a message on
	// standard error with the exit status.
	HelperSays string
	HelperExit int

	// Applied, Drifted and Generation are what the helper reports.
	Applied    schema.Digest
	Drifted    bool
	Generation int
	// Generations are the manifests that were applied, by generation.
	Generations map[int]schema.Digest
	// Holder is another run that holds the host's lease.
	Holder string
	lease  string // the run that holds it
	epoch  int64
	// Payloads are those that the host has.
	Payloads map[schema.Digest]bool

	// OnHello, OnPrepare, OnBegin, OnAttach and OnBack script the helper, and OnApply
	// the transaction; nil does what a healthy host does.
	OnHello   func(*Session) error
	OnPrepare func(*Session) error
	OnBegin   func(*Session) error
	OnAttach  func(*Session) error
	OnBack    func(*Session) error
	OnApply   func(*Transaction) error
	// OnHealth says which check fails; nil where none does.
	OnHealth func(*Session) (string, error)
	// OnRun scripts a command, whose output [Session.Send] sends.
	OnRun func(*Session) (schema.Exit, error)
	// OnObserve changes what the helper observes; nil leaves it as the fields say.
	OnObserve func(*Session, *protocol.ObserveReply) error
	// OnError sees every error that the helper answers; may be nil.
	OnError func(op string, err error)

	Reboots
}

// Start starts a host that lets a key in.
func Start(t testing.TB, key ssh.PublicKey) *Host {
	t.Helper()
	h := New(sshtest.Start(t), &Parts{})
	h.Server.Set(func(s *sshtest.Settings) {
		s.Authorized = []ssh.PublicKey{key}
		s.Run = h.Run
	})
	return h
}

// New returns a host behind a server, which is to run [Host.Run] for its commands. Hosts
// may share parts.
func New(server *sshtest.Server, parts *Parts) *Host {
	return &Host{Server: server, Store: &servetest.Store{}, parts: parts, State: State{
		Version: protocol.Version, Machine: "Linux x86_64", Uploads: true, Payloads: map[schema.Digest]bool{}, Generations: map[int]schema.Digest{},
		Reboots: Reboots{Boot: "b1", Away: 1, Slots: map[string]Slot{}},
	}}
}

// Set changes the host.
func (h *Host) Set(change func(*State)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(&h.State)
}

// Look returns the host's state.
func (h *Host) Look() State {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.State
}

// Calls returns what was asked of the host so far: commands, in short, and the
// helper's requests.
func (h *Host) Calls() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.calls, " ")
}

func (h *Host) called(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, what)
}

// tick returns a number larger than any before.
func (h *Host) tick() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ticks++
	return h.ticks
}

// Run runs a command.
func (h *Host) Run(c *sshtest.Command) int {
	state := h.Look()
	fmt.Fprint(c.Stdout, state.Noise)
	line, asRoot := strings.CutPrefix(c.Line, "sudo -n ")
	switch {
	case line == "uname -sm":
		h.called("uname")
		fmt.Fprintln(c.Stdout, state.Machine)
		return 0
	case line == "ls -d "+protocol.HelperPath:
		if state.Helper == nil {
			fmt.Fprintf(c.Stderr, "ls: cannot access '%s': No such file or directory\n", protocol.HelperPath)
			return 2
		}
		return 0
	case !asRoot && c.User != "root":
		fmt.Fprintf(c.Stderr, "sh: 1: %s: Permission denied\n", line)
		return 126
	case state.Sudo != "":
		fmt.Fprintln(c.Stderr, state.Sudo)
		return 1
	case line == protocol.HelperPath+" serve" || line == protocol.HelperPath+" store":
		return h.helper(c, state, strings.TrimPrefix(line, protocol.HelperPath+" "))
	case strings.HasPrefix(line, "sh -c '"):
		return h.upload(c, state, line)
	}
	fmt.Fprintf(c.Stderr, "sudo: no scripted command %q\n", line)
	return 1
}

func (h *Host) helper(c *sshtest.Command, state State, word string) int {
	h.called(word)
	switch {
	case state.HelperSays != "":
		fmt.Fprintln(c.Stderr, state.HelperSays)
		return state.HelperExit
	case state.Helper == nil:
		fmt.Fprintf(c.Stderr, "sudo: %s: command not found\n", protocol.HelperPath)
		return 1
	case word == "store":
		return h.Store.Serve(c.Stdin, c.Stdout, c.Stderr)
	}
	return h.Serve(c)
}

// upload is the script that installs the helper: it must name the hash of what it
// reads.
func (h *Host) upload(c *sshtest.Command, state State, line string) int {
	h.called("upload")
	if !state.Uploads {
		fmt.Fprintln(c.Stderr, "sudo: a password is required")
		return 1
	}
	binary, err := io.ReadAll(c.Stdin)
	if err != nil {
		return 1
	}
	hash := strings.TrimPrefix(string(schema.DigestOf(binary)), "sha256:")
	if !strings.Contains(line, hash) {
		return 93
	}
	h.Set(func(s *State) { s.Helper, s.HelperHash = binary, "" })
	return 0
}
