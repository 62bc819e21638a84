package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema"
)

// asking is the status line while hosts are asked.
type asking struct {
	line    *ui.StatusLine
	waiting []schema.HostName
	hosts   int
}

func newAsking(hosts []schema.HostName, quiet bool) *asking {
	a := &asking{line: &ui.StatusLine{}, waiting: hosts, hosts: len(hosts)}
	if !quiet {
		a.line = ui.NewStatusLine(os.Stderr)
	}
	a.draw()
	return a
}

func (a *asking) answered(host schema.HostName) {
	var waiting []schema.HostName
	for _, name := range a.waiting {
		if name != host {
			waiting = append(waiting, name)
		}
	}
	a.waiting = waiting
	a.draw()
}

func (a *asking) draw() {
	const most = 5
	names := make([]string, 0, most)
	for _, name := range a.waiting[:min(len(a.waiting), most)] {
		names = append(names, string(name))
	}
	if len(a.waiting) > most {
		names = append(names, "…")
	}
	a.line.Draw(fmt.Sprintf("%d of %d hosts asked; waiting for %s", a.hosts-len(a.waiting), a.hosts, strings.Join(names, ", ")))
}

func (a *asking) close() { a.line.Clear() }
