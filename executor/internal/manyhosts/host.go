package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/servetest"
	"github.com/nixfleet/nixfleet/executor/internal/sshtest"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// host is one of them.
type host struct {
	fleet  *fleet
	server *sshtest.Server
	work   time.Duration // of [fleet.toil] times as long

	mu      sync.Mutex
	store   *servetest.Store
	texts   map[schema.Digest]bool
	applied schema.Digest
	change  *change // the last
}

// reset makes the host new.
func (h *host) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.store, h.texts, h.applied, h.change = &servetest.Store{}, map[schema.Digest]bool{}, "", nil
}

// toil is how long a change takes now.
func (h *host) toil() time.Duration { return h.work * time.Duration(h.fleet.times.Load()) }

func (h *host) changed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.applied != ""
}

// run runs a command. Those of plain words do what the helper does, as far as time
// goes, and are for measuring what SSH alone takes.
func (h *host) run(c *sshtest.Command) int {
	time.Sleep(h.fleet.latency.start)
	switch line := strings.TrimPrefix(c.Line, "sudo -n "); line {
	case protocol.HelperPath + " serve":
		s := &session{host: h, began: time.Now(), conn: protocol.NewConn(c.Stdin, c.Stdout)}
		err := s.serve()
		if err != nil {
			h.fleet.fault(err.Error())
			fmt.Fprintln(c.Stderr, err)
			return 1
		}
		return 0
	case protocol.HelperPath + " store":
		h.mu.Lock()
		store := h.store
		h.mu.Unlock()
		return store.Serve(c.Stdin, c.Stdout, c.Stderr)
	case "look":
		time.Sleep(h.fleet.latency.look)
		return 0
	case "work":
		time.Sleep(h.fleet.latency.look + h.toil())
		return 0
	case "true":
		return 0
	default:
		h.fleet.fault("no such command: " + line)
		return 127
	}
}

// change is a transaction: so much work, then a wait for its confirmation.
type change struct {
	id        string
	began     time.Time
	changes   []schema.Change
	confirmed chan struct{}
	confirm   sync.Once
}

// begin begins what was prepared, which lies in the store by now.
func (h *host) begin(run string, p *part) (*change, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if paths, texts := h.lacks(p); len(paths)+len(texts) > 0 {
		return nil, fmt.Errorf("%d paths and %d texts have not come", len(paths), len(texts))
	}
	h.change = &change{id: run + "-1", began: time.Now(), changes: p.changes, confirmed: make(chan struct{})}
	go h.finish(h.change, p.digest)
	return h.change, nil
}

func (h *host) finish(c *change, digest schema.Digest) {
	<-c.confirmed
	h.mu.Lock()
	defer h.mu.Unlock()
	h.applied = digest
}

func (h *host) last() *change {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.change
}

// lacks says what the host lacks of a part; the caller has the lock.
func (h *host) lacks(p *part) (paths []schema.StorePath, texts []schema.Digest) {
	for _, path := range p.paths {
		if !h.store.Has(string(path)) {
			paths = append(paths, path)
		}
	}
	for _, text := range p.texts {
		if !h.texts[text] {
			texts = append(texts, text)
		}
	}
	return paths, texts
}
