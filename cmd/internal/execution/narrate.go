package execution

import (
	"fmt"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/cmd/internal/summary"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// What is told of a run with many hosts; the record has the rest.
const (
	// fewHosts are so few that everything is told of each.
	fewHosts = 20
	// mostReasons are told in full, and of each so many hosts that have it too.
	mostReasons, mostAlike = 50, 20
)

// narrator makes lines of events that stay to be read: all that happens where hosts
// are few or that is asked for, and of many hosts a line each, or on a terminal what
// went wrong, each reason once.
type narrator struct {
	style ui.Style
	// all tells everything, and stages where verbose.
	all, verbose bool
	// drawn says that progress is to be seen elsewhere.
	drawn  bool
	dryRun bool
	// resumes says that an earlier process has begun the run.
	resumes bool
	zone    *time.Location
	told    map[string]*told
	notes   map[string]bool
	begun   map[schema.HostName]bool // whose turn this process began
	open    string                   // the wave whose end is not told yet
}

// told is a reason, who was the first to have it, and how many had.
type told struct {
	first schema.HostName
	hosts int
}

func newNarrator(style ui.Style, shape progress.Shape, verbose, drawn, dryRun bool) *narrator {
	return &narrator{
		style: style, all: verbose || shape.Hosts <= fewHosts, verbose: verbose, drawn: drawn, dryRun: dryRun, zone: zoneOf(shape),
		told: map[string]*told{}, notes: map[string]bool{}, begun: map[schema.HostName]bool{},
	}
}

// zoneOf is where times are told.
func zoneOf(shape progress.Shape) *time.Location {
	if shape.Zone == nil {
		return time.Local
	}
	return shape.Zone
}

// lines are those that tell of an event, which the model has taken in.
func (n *narrator) lines(e schema.Event, model *progress.Model) string {
	switch e.Kind {
	case schema.WaveStarted:
		return n.waveEnds(e, model) + n.waveBegins(e, model)
	case schema.WaveStage:
		return n.stage(e)
	case schema.WaveFinished, schema.RunFinished:
		return n.waveEnds(e, model)
	case schema.RunHalted:
		return n.style.Yellow("halted: ") + indentRest(ui.PrintableLines(e.Error)) + "\n"
	case schema.HostStarted:
		n.begun[e.Host] = true
	case schema.HostStage:
		switch {
		case e.Stage == schema.StageWindow && e.Until != nil:
			e.Note = "waits for its reboot window, until " + human.Time(*e.Until, n.zone)
			return n.note(e)
		case n.verbose:
			return fmt.Sprintf("%s: %s\n", e.Host, ui.Printable(progress.InWords(e)))
		}
	case schema.HostChange:
		if n.all {
			return Change(e.Host, e.Change) + "\n"
		}
	case schema.HostNote:
		return n.note(e)
	case schema.HostFinished:
		return n.host(e, model)
	case schema.HostUnwell:
		e.Outcome = schema.HostUnhealthy
		return n.trouble(e, "")
	case schema.HostReturned:
		return n.trouble(e, "")
	}
	return ""
}

// Change is a change in a line.
func Change(host schema.HostName, change *schema.Change) string {
	line := fmt.Sprintf("%s: %s %s %s", host, change.Action, change.Kind, change.Object)
	if change.Detail != "" {
		line += " (" + change.Detail + ")"
	}
	return ui.Printable(line)
}

// note tells a line of a host's. Of many hosts only the first that says so is told.
func (n *narrator) note(e schema.Event) string {
	if key := summary.Alike(e.Host, e.Note); !n.all {
		if n.notes[key] || len(n.notes) >= mostReasons {
			return ""
		}
		n.notes[key] = true
		return fmt.Sprintf("%s: %s (and so on of others)\n", e.Host, ui.PrintableLines(e.Note))
	}
	return fmt.Sprintf("%s: %s\n", e.Host, ui.PrintableLines(e.Note))
}

// host tells the end of a host's turn.
func (n *narrator) host(e schema.Event, model *progress.Model) string {
	took := " in " + human.Seconds(e.Seconds)
	switch {
	case e.Outcome == schema.HostHeld && e.Seconds == 0: // its turn never came
		took = ""
	case n.resumes && !n.begun[e.Host]:
		took += ", before it was resumed"
	}
	if e.Reboot != nil && !n.all {
		switch e.Reboot.State {
		case schema.RebootDone:
			took += ", rebooted"
		case schema.RebootHeld:
			took += ", its reboot is held"
		}
	}
	switch {
	case n.all:
		text := n.named(e) + took + "\n"
		return text + why(e)
	case e.Outcome == schema.HostHeld && e.Error == model.Halted():
		return "" // the halt is told, and the summary counts them
	case e.Error != "" || !fine(e.Outcome):
		return n.trouble(e, took)
	case n.drawn:
		return ""
	}
	if changes := model.Changes(e.Host); changes > 0 {
		took += " (" + human.Count(changes, "change") + ")"
	}
	return n.named(e) + took + "\n"
}

// why is an event's error with its hints, in lines of their own.
func why(e schema.Event) string {
	text := ""
	if e.Error != "" {
		text = indent(ui.PrintableLines(e.Error)) + "\n"
	}
	if e.Hint != "" {
		text += "  hint: " + strings.ReplaceAll(ui.PrintableLines(e.Hint), "\n", "\n  hint: ") + "\n"
	}
	return text
}

func fine(outcome schema.Outcome) bool {
	return outcome == schema.HostChanged || outcome == schema.HostUnchanged || outcome == schema.HostRan
}

// trouble tells what became of a host, and why. Of many hosts a reason is told once,
// and then who else has it, up to a number.
func (n *narrator) trouble(e schema.Event, took string) string {
	full := n.named(e) + took + "\n" + why(e)
	if n.all {
		return full
	}
	key := string(e.Outcome) + summary.Alike(e.Host, e.Error)
	same := n.told[key]
	switch {
	case same == nil && len(n.told) == mostReasons:
		n.told[key] = &told{e.Host, mostAlike}
		return "there are more reasons than are told here; the record has them all\n"
	case same == nil && len(n.told) > mostReasons:
		return ""
	case same == nil:
		n.told[key] = &told{e.Host, 0}
		return full
	}
	same.hosts++
	switch {
	case same.hosts < mostAlike:
		return fmt.Sprintf("%s%s, as %s\n", n.named(e), took, same.first)
	case same.hosts == mostAlike:
		return fmt.Sprintf("%s%s, as %s; others are counted at the end\n", n.named(e), took, same.first)
	}
	return ""
}

func (n *narrator) named(e schema.Event) string {
	return n.style.Bold(string(e.Host)) + ": " + document.Line(progress.Outcome(e.Outcome, n.outcome(e.Outcome))).On(n.style)
}

// outcome names an outcome; in a dry run nothing was changed.
func (n *narrator) outcome(outcome schema.Outcome) string {
	if n.dryRun && outcome == schema.HostChanged {
		return "would change"
	}
	return string(outcome)
}

// waveBegins tells of a wave where several are, and nobody sees them otherwise.
func (n *narrator) waveBegins(e schema.Event, model *progress.Model) string {
	wave, number, found := model.WaveNamed(e.Wave, e.Time)
	if !found || len(model.Shape().Waves) < 2 {
		return ""
	}
	n.open = e.Wave
	if n.drawn {
		return ""
	}
	return fmt.Sprintf("wave %s, %d of %d: %s\n", ui.Printable(e.Wave), number, len(model.Shape().Waves), human.Count(wave.Hosts, "host"))
}

// waveEnds tells what became of the hosts of the wave that was begun last.
func (n *narrator) waveEnds(e schema.Event, model *progress.Model) string {
	wave, _, found := model.WaveNamed(n.open, e.Time)
	if n.open == "" || !found {
		return ""
	}
	n.open = ""
	return fmt.Sprintf("wave %s: %d of %s in %s: %s\n", ui.Printable(wave.Name), wave.Done, human.Count(wave.Hosts, "host"),
		human.Duration(wave.For), progress.Counts(wave.Counts, n.outcome).On(n.style))
}

// stage tells what is done to a wave as a whole.
func (n *narrator) stage(e schema.Event) string {
	if n.drawn && e.Stage != schema.StageRollback {
		return ""
	}
	text := ui.Printable(string(e.Stage))
	if e.Until != nil {
		text += ", " + human.Duration(e.Until.Sub(e.Time).Round(time.Second))
		if e.Stage != schema.StageSoak {
			text += " at most"
		}
	}
	if e.Wave != "" {
		text = "wave " + ui.Printable(e.Wave) + ": " + text
	}
	return text + "\n"
}

func indent(text string) string { return "  " + indentRest(text) }

func indentRest(text string) string { return strings.ReplaceAll(text, "\n", "\n  ") }
