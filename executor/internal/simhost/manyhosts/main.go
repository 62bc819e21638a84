// Command manyhosts is many simulated hosts in one process, for measuring a controller
// in another: SSH servers with keys of their own, all at one port of addresses of the
// loopback network, with the latencies of a network, of starting a helper and of work,
// and the helpers of package simhost.
//
// It writes who they are as a line of JSON, and then takes orders on standard input:
// "reset" makes the hosts new, "work 5" makes work five times as long, and "look" does
// nothing. Each is answered with what was seen of the controller since the one before.
// It ends with its input.
package main

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/executor/internal/sshtest"
	"github.com/nixfleet/nixfleet/schema"
)

// fleet is all the hosts.
type fleet struct {
	latency  latency
	helper   schema.Digest
	hosts    map[string]*host // by address
	listener net.Listener
	times    atomic.Int64 // so many times the work

	parts simhost.Parts
	mu    sync.Mutex
	seen  seen
}

// latency is how long things take.
type latency struct {
	// trip is there and back over the network.
	trip time.Duration
	// start is sudo and the start of the helper.
	start time.Duration
	// look is the helper's inspection of the host.
	look time.Duration
	// least and most work a change is; hosts lie evenly between.
	least, most time.Duration
}

// seen is what was seen of the controller.
type seen struct {
	Connections int `json:"connections"`
	// Open are the connections that are open, and Most how many were at once.
	Open int `json:"open"`
	Most int `json:"most"`
	// Changed are the hosts that were changed.
	Changed int `json:"changed"`
	// CPU is what the hosts have taken so far, in seconds of all processors.
	CPU float64 `json:"cpu"`
	// Faults are requests that were refused.
	Faults []string `json:"faults"`
}

// listed is what others must know of a host.
type listed struct {
	Name    string  `json:"name"`
	Address string  `json:"address"`
	HostKey string  `json:"hostKey"`
	Work    float64 `json:"work"` // seconds
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	count := flag.Int("hosts", 10, "how many")
	helper := flag.String("helper", "", "the helper that they have")
	key := flag.String("key", "", "the public key that opens them")
	port := flag.Int("port", 0, "the port that they listen at; any where it is left out")
	var l latency
	flag.DurationVar(&l.trip, "trip", 20*time.Millisecond, "there and back over the network")
	flag.DurationVar(&l.start, "start", 12*time.Millisecond, "the start of a helper")
	flag.DurationVar(&l.look, "look", 30*time.Millisecond, "an inspection")
	flag.DurationVar(&l.least, "least", 300*time.Millisecond, "the shortest work")
	flag.DurationVar(&l.most, "most", time.Second, "the longest work")
	flag.Parse()
	f := &fleet{latency: l, hosts: map[string]*host{}}
	binary, err := os.ReadFile(*helper)
	if err != nil {
		return err
	}
	f.helper = schema.DigestOf(binary)
	text, err := os.ReadFile(*key)
	if err != nil {
		return err
	}
	authorized, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return err
	}
	f.times.Store(1)
	if f.listener, err = net.Listen("tcp4", fmt.Sprintf(":%d", *port)); err != nil {
		return err
	}
	var list []listed
	for i := range *count {
		entry, err := f.add(i, *count, authorized)
		if err != nil {
			return err
		}
		list = append(list, entry)
	}
	go f.accept()
	return f.obey(list)
}

// add adds a host. Its key is the same every time, so that a plan can be used again.
func (f *fleet) add(i, count int, authorized ssh.PublicKey) (listed, error) {
	seed := sha256.Sum256(fmt.Append(nil, "host ", i))
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		return listed{}, err
	}
	// Neighbours differ: steps of the golden ratio lie evenly however many there are.
	spread := float64(i) * 0.618033988749895
	spread -= float64(int(spread))
	h := &host{fleet: f, work: f.latency.least + time.Duration(spread*float64(f.latency.most-f.latency.least))}
	h.server = sshtest.New(sshtest.Settings{HostKeys: []ssh.Signer{signer}, Authorized: []ssh.PublicKey{authorized}, Run: h.run})
	address := fmt.Sprintf("127.1.%d.%d", i/250, i%250+1)
	f.hosts[address] = h
	h.reset()
	return listed{
		Name: fmt.Sprintf("web-%d", i+1), Address: address, Work: h.work.Seconds(),
		HostKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))),
	}, nil
}

func (f *fleet) accept() {
	for {
		conn, err := f.listener.Accept()
		if err != nil {
			return
		}
		h := f.hosts[conn.LocalAddr().(*net.TCPAddr).IP.String()]
		if h == nil {
			conn.Close()
			continue
		}
		f.connected(1)
		go func() {
			h.server.Serve(far(conn, f.latency.trip))
			f.connected(-1)
		}()
	}
}

func (f *fleet) connected(by int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen.Open += by
	f.seen.Most = max(f.seen.Most, f.seen.Open)
	f.seen.Connections += max(by, 0)
}

func (f *fleet) fault(op string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen.Faults = append(f.seen.Faults, op+": "+err.Error())
}

// obey does what standard input says.
func (f *fleet) obey(list []listed) error {
	answer := json.NewEncoder(os.Stdout)
	err := answer.Encode(struct {
		Port  int      `json:"port"`
		Hosts []listed `json:"hosts"`
	}{f.listener.Addr().(*net.TCPAddr).Port, list})
	lines := bufio.NewScanner(os.Stdin)
	for err == nil && lines.Scan() {
		seen := f.look()
		what, number, _ := strings.Cut(lines.Text(), " ")
		switch what {
		case "reset":
			for _, h := range f.hosts {
				h.reset()
			}
		case "work":
			var times int64
			if _, err := fmt.Sscan(number, &times); err != nil {
				return fmt.Errorf("work %q: %w", number, err)
			}
			f.times.Store(times)
		}
		err = answer.Encode(seen)
	}
	return err
}

// look returns what was seen since it was called last.
func (f *fleet) look() seen {
	f.mu.Lock()
	seen := f.seen
	f.seen.Most, f.seen.Connections, f.seen.Faults = f.seen.Open, 0, nil
	f.mu.Unlock()
	for _, h := range f.hosts {
		if h.changed() {
			seen.Changed++
		}
	}
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil {
		seen.CPU = time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
	}
	return seen
}
