package execution

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/cmd/internal/progress/progresstest"
	"github.com/nixfleet/nixfleet/cmd/internal/summary"
	"github.com/nixfleet/nixfleet/cmd/internal/ui/screentest"
	"github.com/nixfleet/nixfleet/schema"
)

// tellerOn is a teller whose standard error is a terminal, with flags that are set.
func tellerOn(t *testing.T, terminal *screentest.Terminal, shape progress.Shape, flags ...string) *teller {
	before := os.Stderr
	t.Cleanup(func() { os.Stderr = before })
	os.Stderr = terminal.File
	set := flag.NewFlagSet("execute", flag.ContinueOnError)
	for _, name := range []string{"json", "dry-run", "verbose", "debug-wire"} {
		set.Bool(name, slices.Contains(flags, name), "")
	}
	return newTeller(cli.NewContext(&cli.App{Writer: terminal.File}, set, nil), shape, "executing")
}

// until waits for what the drawing goroutine does.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

// On a terminal of the kernel's a run shows its progress, says what went wrong above it,
// and leaves nothing of the progress behind. No line of it is folded.
func TestARunOnATerminal(t *testing.T) {
	terminal := screentest.Open(t, 80, 24)
	shape := progresstest.Shape(200, 20)
	teller := tellerOn(t, terminal, shape)
	events := progresstest.Run(shape, 10)
	ended := 0
	for _, event := range events {
		if event.Kind == schema.HostFinished {
			ended++
		}
		teller.Tell(event)
		if event.Kind == schema.HostFinished && ended%40 == 0 {
			bar := fmt.Sprintf("%d of 200 hosts, ", ended)
			until(t, bar, func() bool { return strings.Contains(terminal.Text(), bar) })
		}
	}
	teller.Close()
	teller.End(&schema.Record{Run: "r1", Verdict: schema.Done, Hosts: map[schema.HostName]schema.HostRecord{"web-1": {Outcome: schema.HostChanged}}}, "r1.json", summary.Way{})
	terminal.Close()
	text, drawn := terminal.Text(), narrated(shape, events, false, true)
	if want := "executing\n" + drawn + "\ndone: 1 changed\nrecord: r1.json\n"; text != want {
		t.Errorf("expected\n%s\nfound\n%s", want, text)
	}
	if n, strange := terminal.Folded(), terminal.Strange(); n > 0 || len(strange) > 0 {
		t.Errorf("%d lines were folded, and it wrote %q", n, strange)
	}
}

// A terminal that is resized shows the progress as it fits.
func TestARunOnATerminalThatIsResized(t *testing.T) {
	terminal := screentest.Open(t, 120, 40)
	shape := progress.Shape{Hosts: 90, Parallel: 90}
	teller := tellerOn(t, terminal, shape)
	for i := range 90 {
		teller.Tell(schema.Event{Kind: schema.HostStarted, Host: schema.HostName(fmt.Sprintf("web-%d", i+1)), Time: time.Now()})
	}
	until(t, "twelve hosts", func() bool { return strings.Contains(terminal.Text(), "web-9 ") })
	for _, size := range [][2]int{{40, 10}, {25, 5}, {100, 24}} {
		terminal.SetSize(t, size[0], size[1])
		terminal.Resize(size[0])
		rows := progress.Rows(size[1])
		until(t, fmt.Sprintf("%d lines", rows), func() bool { return len(terminal.Visible()) == rows+1 }) // and that of the beginning
	}
	if n := terminal.Folded(); n > 0 {
		t.Errorf("%d lines were folded", n)
	}
	teller.Close()
	terminal.Close()
	if text := terminal.Text(); text != "executing\n" {
		t.Errorf("it left\n%s", text)
	}
}

// What a dry run proposes, and a passphrase that is asked for, come whole.
func TestOthersOnTheTerminal(t *testing.T) {
	terminal := screentest.Open(t, 80, 24)
	teller := tellerOn(t, terminal, progress.Shape{Hosts: 90, Parallel: 2}, "dry-run")
	teller.Tell(schema.Event{Kind: schema.HostStarted, Host: "web-1", Time: time.Now()})
	shown := func() bool { return strings.Contains(terminal.Text(), "connect") }
	until(t, "progress", shown)
	teller.Tell(schema.Event{Kind: schema.HostChange, Host: "web-1", Change: &schema.Change{Action: schema.Update, Kind: "file", Object: "/etc/motd"}})
	until(t, "progress after a proposal", shown)
	ask := teller.live.Asking(func(file string) ([]byte, error) {
		fmt.Fprintf(terminal.File, "Passphrase for %s: ", file)
		teller.Tell(schema.Event{Kind: schema.RunHalted, Error: "meanwhile", Time: time.Now()})
		until(t, "the question", func() bool {
			return strings.HasSuffix(terminal.Text(), "Passphrase for id: \n") || strings.HasSuffix(terminal.Text(), "Passphrase for id:\n")
		})
		time.Sleep(300 * time.Millisecond) // in which nothing may be drawn over it
		fmt.Fprintln(terminal.File)
		return []byte("secret"), nil
	})
	if answer, err := ask("id"); string(answer) != "secret" || err != nil {
		t.Errorf("found %q, %v", answer, err)
	}
	until(t, "progress after the question", shown)
	teller.Say("interrupted")
	teller.Close()
	terminal.Close()
	if want := "executing\nweb-1: update file /etc/motd\nPassphrase for id:\nhalted: meanwhile\ninterrupted\n"; terminal.Text() != want {
		t.Errorf("expected\n%s\nfound\n%s", want, terminal.Text())
	}
}

// Where lines cannot be drawn anew, or something else writes to the terminal, there is
// no progress, and hosts have their lines.
func TestTerminalsWithoutProgress(t *testing.T) {
	for name, c := range map[string]struct{ variable, value, flag string }{
		"dumb": {"TERM", "dumb", ""}, "CI": {"CI", "true", ""}, "wire": {"LANG", "C", "debug-wire"}, "json": {"LANG", "C", "json"},
	} {
		terminal := screentest.Open(t, 80, 24)
		t.Setenv(c.variable, c.value)
		t.Setenv("NO_COLOR", "1")
		teller := tellerOn(t, terminal, progress.Shape{Hosts: 90, Parallel: 90}, c.flag)
		if teller.live.Drawn() {
			t.Errorf("%s: progress is drawn", name)
		}
		teller.Tell(schema.Event{Kind: schema.HostFinished, Host: "a", Outcome: schema.HostChanged, Run: "r"})
		teller.Close()
		terminal.Close()
		want := "executing\na: changed in 0s\n"
		if c.flag == "json" {
			want = `{"time":"0001-01-01T00:00:00Z","run":"r","kind":"host-finished","host":"a","outc` + "\n" + `ome":"changed"}` + "\n"
		}
		if text := terminal.Text(); text != want {
			t.Errorf("%s: expected\n%s\nfound\n%s", name, want, text)
		}
	}
}
