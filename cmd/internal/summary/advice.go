package summary

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// Way is how a run was asked for, as far as what to type next goes.
type Way struct {
	// Again is the command line up to where hosts are chosen, "nixfleet execute plan.json",
	// and After what follows that: " -- uptime".
	Again, After string
	// Roster says where other commands know the hosts from: " --plan plan.json".
	Roster string
	// Resume says that the command takes --resume.
	Resume bool
	// Zone is where times are told.
	Zone *time.Location
}

// fewNamed are so few hosts that they are named one by one.
const fewNamed = 3

// some chooses the hosts of a group: by name where these are few.
func some(hosts []schema.HostName, run string) string {
	if len(hosts) > fewNamed {
		return " --failed-of " + run
	}
	return named(hosts)
}

func named(hosts []schema.HostName) string {
	var text strings.Builder
	for _, host := range hosts {
		text.WriteString(" --host " + string(host))
	}
	return text.String()
}

// again is the same for the hosts of a group.
func (w Way) again(g Group, run string) string { return w.Again + some(g.Hosts, run) + w.After }

// about is another command for a group, or for its first hosts.
func (w Way) about(verb string, g Group) string {
	return "nixfleet " + verb + w.Roster + named(g.Hosts[:min(len(g.Hosts), 1)])
}

// Hints say what to do next for a group.
func Hints(g Group, record *schema.Record, way Way) []string {
	hints := own(g.Reason)
	switch {
	case g.Reboot != "":
		return append(hints, rebootHints(g, way)...)
	case strings.HasPrefix(record.Task, "task ") || strings.HasPrefix(record.Task, "command "):
		return append(hints, commandHints(g, record, way)...)
	}
	again := way.again(g, record.Run)
	if strings.Contains(g.Reason, "it is to go back to generation") && way.Resume {
		return append(hints, "let it go back: "+way.Again+" --resume --run "+record.Run)
	}
	switch g.Outcome {
	case schema.HostChanged:
		return append(hints, stayedHint(g, way))
	case schema.HostRolledBack:
		// The host's own hint says the same, without what to type.
		hints = slices.DeleteFunc(hints, func(hint string) bool { return strings.HasPrefix(hint, "the host is as it was before; ") })
		return append(hints, rolledBackHints(g, record, way)...)
	case schema.HostUnhealthy:
		hints = append(hints, "fix what the check asks for, then "+again)
		if record.Task == "" {
			hints = append(hints, "or take it back: nixfleet rollback"+way.Roster+some(g.Hosts, record.Run)+" --to previous")
		}
		return hints
	case schema.HostFailed:
		return append(hints, "the next contact goes on undoing: "+again, "how it is meanwhile: "+way.about("status", g))
	case schema.HostRefused:
		if strings.Contains(g.Reason, "locked by run") {
			return append(hints, "see who is at work: "+way.about("history", g)+"; when they are done, "+again)
		}
		return append(hints, "nothing was touched; fix that, then "+again)
	case schema.HostUnreachable:
		return append(hints, "nothing was touched; when it can be reached, "+again)
	case schema.HostUnknown:
		if strings.HasPrefix(record.Halted, "the run was stopped") && way.Resume {
			return append(hints, "see what became of it, and go on: "+way.Again+" --resume")
		}
		return append(hints, "it finishes or undoes the change by itself; see which: "+way.about("status", g), "and then "+again)
	case schema.HostHeld:
		return append(hints, heldHint(g, record, way))
	}
	return hints
}

// stayedHint is of a host that should have gone back and did not.
func stayedHint(g Group, way Way) string {
	if strings.Contains(g.Reason, "it was not managed") {
		return "where it shall not stay so: " + way.about("release", g)
	}
	return "what was done to it: " + way.about("history", g)
}

// own are the hints that the reason brings along.
func own(reason string) (hints []string) {
	for _, line := range strings.Split(reason, "\n") {
		if hint, found := strings.CutPrefix(strings.TrimSpace(line), "hint: "); found {
			hints = append(hints, hint)
		}
	}
	return hints
}

var failedUnit = regexp.MustCompile(`\bunit ([A-Za-z0-9@:_.\\-]+\.[a-z]+) failed\b`)

func rolledBackHints(g Group, record *schema.Record, way Way) []string {
	if strings.HasPrefix(g.Reason, "the rollout halted: ") {
		return []string{"nothing was wrong here; once the others are fixed, " + way.again(g, record.Run)}
	}
	var hints []string
	if unit := failedUnit.FindStringSubmatch(g.Reason); unit != nil {
		hints = append(hints, way.about("run", g)+" -- journalctl --unit "+unit[1]+" --lines 50")
	}
	return append(hints, "it is as it was before; fix the cause, then "+way.again(g, record.Run))
}

// heldHint goes by why hosts were left out.
func heldHint(g Group, record *schema.Record, way Way) string {
	again := way.again(g, record.Run)
	resume := again
	if way.Resume {
		resume = way.Again + " --resume"
	}
	switch reason := record.Halted; {
	case strings.HasPrefix(g.Reason, "held for a later execution"):
		return "when it can be reached, " + again
	case strings.HasPrefix(reason, "the gate is closed"):
		return "when the gate's command says yes, " + again // what policy has halted is not resumed
	case strings.HasPrefix(reason, "the run was stopped"):
		return "go on: " + resume
	}
	return "once the failed hosts are fixed, continue: " + again
}

func rebootHints(g Group, way Way) []string {
	if g.Reboot == schema.RebootFailed {
		return []string{"is it there? " + way.about("status", g), "then nixfleet reboot" + way.Roster + named(g.Hosts)}
	}
	hosts := named(g.Hosts)
	if len(g.Hosts) > fewNamed {
		hosts = " --group all" // of which it takes those that are due and may
	}
	due := "nixfleet reboot" + way.Roster + hosts + " --due"
	if until := g.Record.Reboot.Until; until != nil {
		zone := way.Zone
		if zone == nil {
			zone = time.UTC
		}
		return []string{"at " + human.Time(*until, zone) + " or later, " + due}
	}
	return []string{"later, " + due}
}

// commandHints are those of a task or command: it is not for us to say what is wrong
// with what it wrote.
func commandHints(g Group, record *schema.Record, way Way) []string {
	again := "only those again: " + way.Again + " --failed-of " + record.Run + way.After
	if g.Outcome == schema.HostUnknown {
		kind, _, _ := strings.Cut(record.Task, " ")
		return []string{"it may have run; see what it did: " + way.about("run", g) + " -- journalctl --unit nixfleet-" + kind + "-" + record.Run + ".service", again}
	}
	return []string{again}
}
