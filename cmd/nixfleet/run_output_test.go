package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/cmd/internal/summary"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema"
)

// tellerOf writes both streams to one buffer.
func tellerOf(out *bytes.Buffer, hosts int) *runTeller {
	return &runTeller{
		out: out, talk: out, live: ui.Plain(out), model: progress.New(progress.Shape{Hosts: hosts}),
		written: map[schema.HostName]*[2]bytes.Buffer{}, groups: map[string]*runGroup{},
	}
}

var way = summary.Way{Again: "nixfleet run", After: " -- uname -r"}

// ranOn tells of one host, in pieces of a few bytes.
func ranOn(t *runTeller, host schema.HostName, exit schema.Exit, stdout, stderr string) {
	t.Tell(schema.Event{Kind: schema.HostStarted, Host: host})
	for i, text := range []string{stdout, stderr} {
		for len(text) > 0 {
			n := min(len(text), 5)
			t.Tell(schema.Event{Kind: schema.HostOutput, Host: host, Output: &schema.Output{Stderr: i == 1, Data: []byte(text[:n])}})
			text = text[n:]
		}
	}
	end := schema.Event{Kind: schema.HostFinished, Host: host, Outcome: schema.HostRan, Exit: &exit}
	if exit.Status != 0 {
		end.Outcome, end.Error = schema.HostFailed, fmt.Sprintf("exit status %d", exit.Status)
	}
	t.Tell(end)
}

func ended(verdict schema.Verdict, outcomes ...schema.Outcome) *schema.Record {
	record := &schema.Record{Run: "r1", Operation: schema.OperationCommand, Task: "command uname", Verdict: verdict, Finished: &time.Time{}, Hosts: map[schema.HostName]schema.HostRecord{}}
	for i, outcome := range outcomes {
		record.Hosts[schema.HostName(fmt.Sprint(i))] = schema.HostRecord{Outcome: outcome}
	}
	return record
}

func TestWhatIsAlikeIsToldTogether(t *testing.T) {
	var out bytes.Buffer
	teller := tellerOf(&out, 21)
	ranOn(teller, "db-1", schema.Exit{Status: 2}, "looked\n", "no such \x1b[31mthing\n")
	ranOn(teller, "lb-1", schema.Exit{Dropped: 70 << 10}, "another\n\nend", "")
	for i := range 18 {
		ranOn(teller, schema.HostName(fmt.Sprintf("web-%d", 18-i)), schema.Exit{}, "6.1.0\n", "")
	}
	teller.Tell(schema.Event{Kind: schema.HostFinished, Host: "web-19", Outcome: schema.HostHeld, Error: "the run was stopped before its turn"})
	teller.End(ended(schema.Halted, schema.HostRan, schema.HostFailed, schema.HostHeld), "/r1.json", way)
	autogold.Expect(`web-[1-18] (18 hosts)
  6.1.0
lb-1
  another

  end
  … and 72 kB more, which were not passed on
db-1: failed: exit status 2
  looked
  stderr: no such \x1b[31mthing
web-19: held: the run was stopped before its turn

halted in 0s: 1 ran, 1 failed, 1 held
hint: only those again: nixfleet run --failed-of r1 -- uname -r
record: /r1.json
`).Equal(t, out.String())
}

func TestLinesComeAsTheyAre(t *testing.T) {
	var out bytes.Buffer
	teller := tellerOf(&out, 2)
	teller.stream = true
	ranOn(teller, "web-1", schema.Exit{}, "first line\nsecond\nno end", "a word\n")
	ranOn(teller, "web-2", schema.Exit{Status: 1}, "", "")
	teller.End(ended(schema.Failed, schema.HostRan, schema.HostFailed), "/r1.json", way)
	autogold.Expect(`web-1: first line
web-1: second
web-1: a word
web-1: no end
web-2: failed: exit status 1

failed in 0s: 1 ran, 1 failed
hint: only those again: nixfleet run --failed-of r1 -- uname -r
record: /r1.json
`).Equal(t, out.String())
}

// A single host's output is for pipes: not a byte is changed, and nothing added.
func TestOneHostsOutputPassesThrough(t *testing.T) {
	var out bytes.Buffer
	teller := tellerOf(&out, 1)
	teller.through = true
	ranOn(teller, "web-1", schema.Exit{}, "\x00\xff binary\r\nno end", "")
	teller.End(ended(schema.Done, schema.HostRan), "/r1.json", way)
	if out.String() != "\x00\xff binary\r\nno end" {
		t.Errorf("found %q", out.String())
	}
}

func TestALineThatNeverEndsIsToldInParts(t *testing.T) {
	var out bytes.Buffer
	teller := tellerOf(&out, 2)
	teller.stream = true
	teller.Tell(schema.Event{Kind: schema.HostStarted, Host: "web-1"})
	teller.output("web-1", false, bytes.Repeat([]byte("x"), 3*longestLine))
	if got := strings.Count(out.String(), "\n"); got != 3 || teller.written["web-1"][0].Len() > 0 {
		t.Errorf("told %d lines, and keeps %d bytes", got, teller.written["web-1"][0].Len())
	}
}
