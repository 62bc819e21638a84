package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// asking is what a terminal shows while hosts are asked.
type asking struct {
	live  *ui.Live
	began time.Time

	mu      sync.Mutex
	waiting []schema.HostName
	hosts   int
}

func newAsking(hosts []schema.HostName, quiet bool) *asking {
	a := &asking{waiting: slices.Clone(hosts), hosts: len(hosts), began: time.Now()}
	if a.live = ui.Plain(os.Stderr); !quiet {
		a.live = ui.NewLive(os.Stderr, a.draw)
	}
	return a
}

func (a *asking) answered(host schema.HostName) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.Index(a.waiting, host); i >= 0 {
		a.waiting = slices.Delete(a.waiting, i, i+1)
	}
}

func (a *asking) draw(int, int) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) == 0 {
		return nil
	}
	const most = 5
	names := make([]string, 0, most)
	for _, name := range a.waiting[:min(len(a.waiting), most)] {
		names = append(names, string(name))
	}
	if len(a.waiting) > most {
		names = append(names, "…")
	}
	return []string{fmt.Sprintf("%d of %d hosts asked, %s; waiting for %s", a.hosts-len(a.waiting), a.hosts,
		human.Duration(time.Since(a.began)), strings.Join(names, ", "))}
}

func (a *asking) close() { a.live.Close() }
