package execution

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema"
)

// teller tells of a run while it goes on: as lines for people on standard
// error, with a status line that overwrites itself on a terminal; or as lines of
// JSON on standard output. A dry run's proposals are data and go to standard output.
type teller struct {
	talk   io.Writer
	data   io.Writer
	style  ui.Style
	json   *json.Encoder
	dryRun bool
	status *ui.StatusLine
	hosts  int
	done   int
	flight map[schema.HostName]string
}

func newTeller(c *cli.Context, hosts int, head string) *teller {
	t := &teller{
		talk: os.Stderr, data: c.App.Writer, style: ui.StyleFor(os.Stderr), dryRun: c.Bool("dry-run"),
		hosts: hosts, flight: map[schema.HostName]string{}, status: ui.NewStatusLine(os.Stderr),
	}
	if c.Bool("json") {
		t.json = json.NewEncoder(c.App.Writer)
		t.json.SetEscapeHTML(false)
		return t
	}
	fmt.Fprintln(t.talk, head)
	return t
}

func (t *teller) tell(event schema.Event) {
	if t.json != nil {
		_ = t.json.Encode(event) // who stopped reading does not stop the run
		return
	}
	switch event.Kind {
	case schema.HostStarted:
		t.flight[event.Host] = "connect"
	case schema.HostStage:
		t.flight[event.Host] = event.Stage
	case schema.HostChange:
		t.change(event.Host, event.Change)
	case schema.HostNote:
		t.line(fmt.Sprintf("%s: %s", event.Host, event.Note))
	case schema.HostReturning:
		t.flight[event.Host] = "roll back"
	case schema.HostReturned:
		delete(t.flight, event.Host)
		t.line(fmt.Sprintf("%s: %s", t.style.Bold(string(event.Host)), t.outcome(event.Outcome)))
		t.line(indent(event.Error))
	case schema.WaveStage:
		if event.Wave != "" {
			event.Stage = "wave " + event.Wave + ": " + event.Stage
		}
		t.line(event.Stage)
	case schema.HostUnwell:
		t.line(fmt.Sprintf("%s: %s", t.style.Bold(string(event.Host)), t.outcome(schema.HostUnhealthy)))
		t.line(indent(event.Error))
	case schema.RunHalted:
		t.line(t.style.Yellow("halted: ") + event.Error)
	case schema.HostFinished:
		delete(t.flight, event.Host)
		t.done++
		t.line(fmt.Sprintf("%s: %s in %.1f s", t.style.Bold(string(event.Host)), t.outcome(event.Outcome), event.Seconds))
		if event.Error != "" {
			t.line(indent(event.Error))
		}
	}
	if t.status.Live() {
		t.status.Draw(t.progress())
	}
}

func (t *teller) change(host schema.HostName, change *schema.Change) {
	line := fmt.Sprintf("%s: %s %s %s", host, change.Action, change.Kind, change.Object)
	if change.Detail != "" {
		line += " (" + change.Detail + ")"
	}
	if t.dryRun {
		t.status.Clear()
		fmt.Fprintln(t.data, line)
		return
	}
	t.line(line)
}

func (t *teller) line(text string) {
	t.status.Clear()
	fmt.Fprintln(t.talk, text)
}

func (t *teller) close() { t.status.Clear() }

// outcome names an outcome; in a dry run nothing was changed.
func (t *teller) outcome(outcome schema.Outcome) string {
	text := string(outcome)
	if t.dryRun && outcome == schema.HostChanged {
		text = "would change"
	}
	switch outcome {
	case schema.HostChanged, schema.HostUnchanged:
		return t.style.Green(text)
	case schema.HostHeld:
		return t.style.Yellow(text)
	}
	return t.style.Red(text)
}

// progress is one line: how far the run is and who is at work.
func (t *teller) progress() string {
	var busy []string
	for _, host := range slices.Sorted(maps.Keys(t.flight)) {
		busy = append(busy, fmt.Sprintf("%s (%s)", host, t.flight[host]))
	}
	return fmt.Sprintf("%d of %d hosts done; at work: %s", t.done, t.hosts, strings.Join(busy, ", "))
}

// summarize closes a run with what became of the hosts, and why not all is well.
func (t *teller) summarize(record *schema.Record, file string) {
	if t.json != nil {
		return
	}
	counts := map[schema.Outcome]int{}
	for _, host := range record.Hosts {
		counts[host.Outcome]++
	}
	var parts []string
	for _, outcome := range []schema.Outcome{
		schema.HostChanged, schema.HostUnchanged, schema.HostUnhealthy, schema.HostFailed, schema.HostRolledBack, schema.HostUnknown,
		schema.HostRefused, schema.HostUnreachable, schema.HostHeld,
	} {
		if n := counts[outcome]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, t.outcome(outcome)))
		}
	}
	took := ""
	if record.Finished != nil {
		took = fmt.Sprintf(" in %.1f s", record.Finished.Sub(record.Started).Round(time.Millisecond).Seconds())
	}
	fmt.Fprintf(t.talk, "\n%s%s: %s\n", t.style.Bold(string(record.Verdict)), took, strings.Join(parts, ", "))
	for _, name := range slices.Sorted(maps.Keys(record.Hosts)) {
		if host := record.Hosts[name]; host.Outcome != schema.HostChanged && host.Outcome != schema.HostUnchanged {
			fmt.Fprintf(t.talk, "  %s: %s: %s\n", name, t.outcome(host.Outcome), firstLine(host.Error))
		}
	}
	fmt.Fprintf(t.talk, "record: %s\n", file)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}
