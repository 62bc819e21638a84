package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/cmd/internal/summary"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// runTeller tells what a command wrote on hosts, and how it ended.
type runTeller struct {
	out, talk io.Writer
	style     ui.Style
	live      *ui.Live
	json      *json.Encoder
	stream    bool                                 // line by line, with the host's name
	through   bool                                 // of one host, as it is
	printable bool                                 // a terminal must not be moved by what hosts write
	verbose   bool                                 // a line for each host that ends
	written   map[schema.HostName]*[2]bytes.Buffer // what is not told yet
	groups    map[string]*runGroup

	mu    sync.Mutex // the model's, which is drawn meanwhile
	model *progress.Model
}

// runGroup is hosts on which the same came of it.
type runGroup struct {
	hosts          []schema.HostName
	outcome        schema.Outcome
	exit           *schema.Exit
	problem        string
	stdout, stderr string
}

func newRunTeller(c *cli.Context, hosts []schema.HostName) *runTeller {
	t := &runTeller{
		out: c.App.Writer, talk: os.Stderr, style: ui.StyleFor(os.Stderr), stream: c.Bool("stream"), verbose: c.Bool("verbose"),
		printable: ui.IsTerminal(c.App.Writer), written: map[schema.HostName]*[2]bytes.Buffer{}, groups: map[string]*runGroup{},
		model: progress.New(progress.Shape{Hosts: len(hosts), Parallel: c.Int("parallel")}),
	}
	t.live = ui.Plain(os.Stderr)
	switch {
	case c.Bool("json"):
		t.json = json.NewEncoder(c.App.Writer)
		t.json.SetEscapeHTML(false)
	case !t.stream && len(hosts) == 1:
		t.through = true
	case !c.Bool("debug-wire"): // which writes to the same place
		t.live = ui.NewLive(os.Stderr, t.draw)
	}
	return t
}

// draw is the progress as a terminal shows it.
func (t *runTeller) draw(width, height int) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.model.Lines(time.Now(), width, height, t.style)
}

// most is how much output of a host is of use.
func (t *runTeller) most() int64 {
	if t.stream || t.through {
		return executor.MostOutput
	}
	return groupedOutput
}

func (t *runTeller) Tell(event schema.Event) {
	t.mu.Lock()
	t.model.Take(event)
	t.mu.Unlock()
	switch event.Kind {
	case schema.HostStarted:
		t.written[event.Host] = &[2]bytes.Buffer{}
	case schema.HostNote:
		t.line("%s: %s", event.Host, ui.Printable(event.Note))
	case schema.HostOutput:
		t.output(event.Host, event.Output.Stderr, event.Output.Data)
	case schema.HostFinished:
		t.finished(event)
		delete(t.written, event.Host)
	}
}

func (t *runTeller) line(format string, args ...any) {
	t.live.Print(fmt.Sprintf(format+"\n", args...))
}

// output keeps what a host wrote, or tells it.
func (t *runTeller) output(host schema.HostName, stderr bool, data []byte) {
	if t.through && !t.printable {
		_, _ = t.writer(stderr).Write(data) // who stopped reading does not stop the command
		return
	}
	n := 0
	if stderr {
		n = 1
	}
	buffer := &t.written[host][n]
	buffer.Write(data)
	if t.stream || t.through {
		t.lines(host, stderr, buffer, false)
	}
}

func (t *runTeller) writer(stderr bool) io.Writer {
	if stderr {
		return t.talk
	}
	return t.out
}

// longestLine is how much without a line's end is a line all the same.
const longestLine = 64 << 10

// lines tells the lines that are whole, and at the end the last one too.
func (t *runTeller) lines(host schema.HostName, stderr bool, buffer *bytes.Buffer, all bool) {
	for buffer.Len() > 0 {
		size := bytes.IndexByte(buffer.Bytes(), '\n') + 1
		if size == 0 && !all && buffer.Len() < longestLine {
			return
		}
		if size == 0 {
			size = min(buffer.Len(), longestLine)
		}
		text := strings.TrimSuffix(string(buffer.Next(size)), "\n")
		if !t.through {
			text = string(host) + ": " + text
		}
		t.live.Around(func() { fmt.Fprintln(t.writer(stderr), ui.Printable(text)) })
	}
}

// finished takes a host into the group of those with the same end.
func (t *runTeller) finished(event schema.Event) {
	var group runGroup
	if written := t.written[event.Host]; written != nil { // it was begun
		if t.stream || t.through {
			t.lines(event.Host, false, &written[0], true)
			t.lines(event.Host, true, &written[1], true)
		}
		group.stdout, group.stderr = written[0].String(), written[1].String()
	}
	group.outcome, group.exit, group.problem = event.Outcome, event.Exit, event.Error
	if t.json != nil {
		_ = t.json.Encode(runResult{ // who stopped reading does not stop the run
			Host: event.Host, Outcome: event.Outcome, Exit: event.Exit, Error: event.Error, Stdout: group.stdout, Stderr: group.stderr, Seconds: event.Seconds,
		})
		return
	}
	if t.verbose && event.Outcome == schema.HostRan {
		t.line("%s: %s in %s", t.style.Bold(string(event.Host)), t.style.Green(string(event.Outcome)), human.Seconds(event.Seconds))
	}
	if t.stream || t.through {
		t.ended(event.Host, &group)
		return
	}
	key := strings.Join([]string{string(group.outcome), group.problem, group.stdout, group.stderr}, "\x00")
	known := t.groups[key]
	if known == nil {
		known = &group
		t.groups[key] = known
	}
	known.hosts = append(known.hosts, event.Host)
}

// runResult is a host's line of JSON.
type runResult struct {
	Host    schema.HostName `json:"host"`
	Outcome schema.Outcome  `json:"outcome"`
	Exit    *schema.Exit    `json:"exit,omitempty"`
	Error   string          `json:"error,omitempty"`
	Stdout  string          `json:"stdout"`
	Stderr  string          `json:"stderr"`
	Seconds float64         `json:"seconds"`
}

// ended says how it ended on a host whose output was told already.
func (t *runTeller) ended(host schema.HostName, g *runGroup) {
	if g.problem != "" {
		t.line("%s: %s: %s", t.style.Bold(string(host)), t.style.Red(string(g.outcome)), indentRest(g.problem))
	}
	t.dropped(g)
}

func (t *runTeller) dropped(g *runGroup) {
	if g.exit != nil && g.exit.Dropped > 0 {
		t.line("  … and %s more, which were not passed on", human.Bytes(g.exit.Dropped))
	}
}

func indentRest(text string) string { return strings.ReplaceAll(text, "\n", "\n  ") }

// Say writes a line that stays.
func (t *runTeller) Say(line string) { t.line("%s", line) }

func (t *runTeller) Live() *ui.Live { return t.live }

func (t *runTeller) Close() { t.live.Close() }

// End tells the groups, the largest first and those that did not end well last, and
// closes with how it went and what to do next.
func (t *runTeller) End(record *schema.Record, file string, way summary.Way) {
	t.live.Close()
	if t.json != nil {
		_ = t.json.Encode(struct {
			Run     string         `json:"run"`
			Verdict schema.Verdict `json:"verdict"`
		}{record.Run, record.Verdict})
		return
	}
	groups := slices.Collect(maps.Values(t.groups))
	for _, g := range groups {
		slices.SortFunc(g.hosts, schema.HostName.Compare)
	}
	well := func(g *runGroup) int {
		if g.outcome == schema.HostRan {
			return 0
		}
		return 1
	}
	slices.SortFunc(groups, func(a, b *runGroup) int {
		if d := well(a) - well(b); d != 0 {
			return d
		}
		if d := len(b.hosts) - len(a.hosts); d != 0 {
			return d
		}
		return strings.Compare(string(a.hosts[0]), string(b.hosts[0]))
	})
	for _, g := range groups {
		t.group(g)
	}
	if !t.through || record.Verdict != schema.Done {
		t.summarize(record, file, way)
	}
}

// group tells what came of it on the hosts of a group.
func (t *runTeller) group(g *runGroup) {
	style := ui.StyleFor(t.out)
	head := style.Bold(document.Hosts(g.hosts).On(ui.Style{}))
	if g.problem != "" {
		head += ": " + style.Red(string(g.outcome)) + ": " + indentRest(g.problem)
	}
	fmt.Fprintln(t.out, head)
	t.block("  ", g.stdout)
	t.block("  "+style.Faint("stderr:")+" ", g.stderr)
	t.dropped(g)
}

func (t *runTeller) block(indent, text string) {
	if text == "" {
		return
	}
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		fmt.Fprintln(t.out, indent+ui.Printable(strings.TrimSuffix(line, "\r")))
	}
}

// summarize says what to do next. Why is told with the groups.
func (t *runTeller) summarize(record *schema.Record, file string, way summary.Way) {
	fmt.Fprintln(t.talk)
	_ = document.WriteText(t.talk, summary.Brief(record, file, way), t.style) // talk: nothing depends on it
}
