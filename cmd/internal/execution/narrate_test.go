package execution

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/cmd/internal/progress/progresstest"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema"
)

// narrated is what is told of a run's events.
func narrated(shape progress.Shape, events []schema.Event, verbose, drawn bool) string {
	n, model := newNarrator(ui.Style{}, shape, verbose, drawn, false), progress.New(shape)
	n.zone = time.UTC
	var out strings.Builder
	for _, event := range events {
		model.Take(event)
		out.WriteString(n.lines(event, model))
	}
	return out.String()
}

func TestOfFewHostsEverythingIsTold(t *testing.T) {
	shape := progresstest.Shape(3, 2)
	events := progresstest.Run(shape, 0)
	text := narrated(shape, events, false, false)
	if n := strings.Count(text, "update file"); n != 27 {
		t.Errorf("%d changes are told of 27", n)
	}
	autogold.Expect(`wave canary, 1 of 3: 1 host
web-1: update file /etc/web/7-0.conf
web-1: update file /etc/web/7-1.conf
`).Equal(t, strings.Join(strings.SplitAfter(text, "\n")[:3], ""))
	rest := strings.ReplaceAll(text, "update file", "")
	for _, want := range []string{"web-1: changed in ", "wave canary: soak, 5m00s\n", "wave canary: 1 of 1 host in ", "wave rest, 3 of 3: 1 host", "wave rest: 1 of 1 host in "} {
		if !strings.Contains(rest, want) {
			t.Errorf("%q is not told:\n%s", want, rest)
		}
	}
	verbose := narrated(shape, events, true, false)
	if !strings.Contains(verbose, "web-1: payloads\n") || strings.Contains(text, "payloads") {
		t.Errorf("stages are told where everything is asked for, and only there:\n%s", verbose)
	}
}

// Of many hosts there is a line each, and on a terminal only what went wrong: each
// reason once.
func TestOfManyHostsLittleIsTold(t *testing.T) {
	shape := progresstest.Shape(200, 20)
	events := progresstest.Run(shape, 10) // 20 fail
	text := narrated(shape, events, false, false)
	if n := strings.Count(text, ": changed in "); n != 181 || strings.Contains(text, "update file") || !strings.Contains(text, "s (9 changes)\n") {
		t.Errorf("of 181 hosts that changed %d have their line:\n%s", n, text)
	}
	drawn := narrated(shape, events, false, true)
	autogold.ExpectFile(t, autogold.Raw(drawn))
	if strings.Contains(drawn, "changed in") || strings.Count(drawn, "bind() to") != 1 {
		t.Errorf("found\n%s", drawn)
	}
	if n := strings.Count(narrated(shape, events, true, true), "\n"); n < 4000 {
		t.Errorf("with --verbose there are %d lines", n)
	}
}

// Whatever goes wrong on three thousand hosts, it does not scroll away what was told.
func TestNoFlood(t *testing.T) {
	shape := progress.Shape{Hosts: 3000, Parallel: 500}
	for name, problem := range map[string]func(int) error{
		"alike": func(i int) error {
			return fmt.Errorf("cannot connect to web-%d (10.1.%d.%d:22): refused", i, i/250, i%250)
		},
		"different": func(i int) error { return fmt.Errorf("reason number %d\nand\nits\nlines", i) },
		"held":      func(int) error { return errors.New("too many failed") },
	} {
		events := []schema.Event{{Kind: schema.RunHalted, Error: "too many failed"}}
		for i := range shape.Hosts {
			e := schema.Event{Kind: schema.HostFinished, Host: schema.HostName(fmt.Sprintf("web-%d", i)), Outcome: schema.HostRolledBack, Error: problem(i).Error()}
			if name == "held" {
				e.Outcome = schema.HostHeld
			}
			events = append(events, schema.Event{Kind: schema.HostNote, Host: e.Host, Note: "replaced the helper"}, e)
		}
		for _, drawn := range []bool{true, false} {
			text := narrated(shape, events, false, drawn)
			if n := strings.Count(text, "\n"); n > 5*mostReasons+5 || strings.Count(text, "replaced the helper") != 1 || !strings.Contains(text, "halted: too many failed") {
				t.Errorf("%s: %d lines\n%.2000s", name, n, text)
			}
		}
	}
}

func TestTroubleAfterATurn(t *testing.T) {
	shape := progress.Shape{Hosts: 2, Parallel: 2, Waves: []progress.Wave{{Name: "all", Hosts: []schema.HostName{"a", "b"}}}}
	opens := time.Date(2026, 3, 8, 2, 0, 0, 0, time.UTC)
	autogold.Expect(`a: unhealthy
  health check "x" failed
halted: 1 host failed
wave all: rollback
a: rolled-back
  the rollout halted: 1 host failed
  it went back
b: failed
  \x1b[2J
c: waits for its reboot window, until Sun 2026-03-08 02:00 UTC
`).Equal(t, narrated(shape, []schema.Event{
		{Kind: schema.WaveStarted, Wave: "all"},
		{Kind: schema.HostUnwell, Host: "a", Error: `health check "x" failed`},
		{Kind: schema.RunHalted, Error: "1 host failed"},
		{Kind: schema.WaveStage, Wave: "all", Stage: schema.StageRollback},
		{Kind: schema.HostReturning, Host: "a"},
		{Kind: schema.HostReturned, Host: "a", Outcome: schema.HostRolledBack, Error: "the rollout halted: 1 host failed\nit went back"},
		{Kind: schema.HostReturned, Host: "b", Outcome: schema.HostFailed, Error: "\x1b[2J"},
		{Kind: schema.HostStage, Host: "c", Stage: schema.StageWindow, Until: &opens},
		{Kind: schema.WaveFinished, Wave: "all"},
		{Kind: schema.RunFinished, Verdict: schema.Halted},
	}, false, false))
}

// Of a run that is resumed it is told whose turn was over before.
func TestTurnsBeforeTheRunWasResumed(t *testing.T) {
	shape := progress.Shape{Hosts: 3, Parallel: 1}
	n, model := newNarrator(ui.Style{}, shape, false, false, false), progress.New(shape)
	n.resumes = true
	var out strings.Builder
	for _, event := range []schema.Event{
		{Kind: schema.HostFinished, Host: "a", Outcome: schema.HostChanged, Seconds: 2},
		{Kind: schema.HostStarted, Host: "b"},
		{Kind: schema.HostFinished, Host: "b", Outcome: schema.HostChanged, Seconds: 3},
		{Kind: schema.HostFinished, Host: "c", Outcome: schema.HostHeld, Error: "1 host failed"},
	} {
		model.Take(event)
		out.WriteString(n.lines(event, model))
	}
	autogold.Expect(`a: changed in 2s, before it was resumed
b: changed in 3s
c: held
  1 host failed
`).Equal(t, out.String())
}
