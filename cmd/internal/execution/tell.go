package execution

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/cmd/internal/summary"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema"
)

// teller tells of a run while it goes on: as lines for people on standard error, on a
// terminal with its progress below them; or as lines of JSON on standard output. A dry
// run's proposals are data and go to standard output.
type teller struct {
	data     io.Writer
	style    ui.Style
	json     *json.Encoder
	dryRun   bool
	zone     *time.Location // for times of day
	live     *ui.Live
	narrator *narrator

	mu    sync.Mutex // the model's, which is drawn meanwhile
	model *progress.Model
}

func newTeller(c *cli.Context, shape progress.Shape, head string) *teller {
	t := &teller{data: c.App.Writer, style: ui.StyleFor(os.Stderr), dryRun: c.Bool("dry-run"), model: progress.New(shape), zone: zoneOf(shape)}
	t.live = ui.Plain(os.Stderr)
	if c.Bool("json") {
		t.json = json.NewEncoder(c.App.Writer)
		t.json.SetEscapeHTML(false)
		return t
	}
	if !c.Bool("debug-wire") { // which writes to the same place
		t.live = ui.NewLive(os.Stderr, t.draw)
	}
	t.narrator = newNarrator(t.style, shape, c.Bool("verbose"), t.live.Drawn(), t.dryRun)
	t.narrator.resumes = c.Bool("resume")
	t.live.Print(head + "\n")
	return t
}

// draw is the progress as a terminal shows it.
func (t *teller) draw(width, height int) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.model.Lines(time.Now(), width, height, t.style)
}

func (t *teller) Tell(event schema.Event) {
	if t.json != nil {
		_ = t.json.Encode(event) // who stopped reading does not stop the run
		return
	}
	t.mu.Lock()
	t.model.Take(event)
	if t.dryRun && event.Kind == schema.HostChange {
		t.mu.Unlock()
		t.propose(Change(event.Host, event.Change))
		return
	}
	text := t.narrator.lines(event, t.model)
	t.mu.Unlock() // drawing takes the model while it has the screen
	if text != "" {
		t.live.Print(text)
	}
}

// propose writes a proposal; progress makes room for it where both are on a terminal.
func (t *teller) propose(line string) {
	if !ui.IsTerminal(t.data) {
		fmt.Fprintln(t.data, line)
		return
	}
	t.live.Around(func() { fmt.Fprintln(t.data, line) })
}

// Say prints what is not an event.
func (t *teller) Say(line string) {
	if !t.live.Drawn() {
		line = "\n" + line // the terminal has written ^C
	}
	t.live.Print(line + "\n")
}

func (t *teller) Close() { t.live.Close() }

func (t *teller) Live() *ui.Live { return t.live }

// End closes a run with what became of the hosts, and what to do next.
func (t *teller) End(record *schema.Record, file string, way summary.Way) {
	way.Zone = t.zone
	if t.json == nil && !t.dryRun {
		fmt.Fprintln(os.Stderr)
		_ = document.WriteText(os.Stderr, summary.Document(record, file, way), t.style) // talk: nothing depends on it
	}
}
