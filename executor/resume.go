package executor

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/engine"
	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/journal"
	"github.com/nixfleet/nixfleet/executor/internal/record"
	"github.com/nixfleet/nixfleet/schema"
)

// log is where a run stands: its journal and, of one that is resumed, its story. A dry
// run has neither.
type log struct {
	run     string
	started time.Time
	journal *journal.Journal
	story   *engine.Story
}

func (l *log) close() {
	if l.journal != nil {
		l.journal.Close()
	}
}

func (l *log) append(dies func(engine.Journal) engine.Journal) engine.Journal {
	switch {
	case l.journal == nil:
		return nil
	case dies != nil:
		return dies(l.journal.Append)
	}
	return l.journal.Append
}

// begins makes the log of a run that begins.
func begins(plan *schema.Plan, hosts map[schema.HostName]bool, options Options, deps Deps) (*log, error) {
	run, err := record.NewRun(deps.Clock(), deps.Random)
	if err != nil {
		return nil, err
	}
	l := &log{run: run, started: deps.Clock().UTC()}
	if options.DryRun {
		return l, nil
	}
	if err := refuseSecond(plan, hosts, deps); err != nil {
		return nil, err
	}
	l.journal, err = journal.Create(runsDir(deps), schema.Entry{Time: l.started, Kind: schema.RunBegun, Run: &schema.Beginning{
		Version: schema.JournalVersion, Program: options.Program, ID: run, Digest: plan.Digest, Fleet: plan.Index.Fleet,
		Operator: options.Operator, Hosts: inOrder(plan, hosts), Parallel: parallel(plan, options),
	}})
	return l, err
}

// inOrder returns the hosts in the order of the plan's waves.
func inOrder(plan *schema.Plan, hosts map[schema.HostName]bool) schema.HostList {
	var list schema.HostList
	for _, wave := range plan.Index.Rollout.Waves {
		for _, host := range wave.Hosts {
			if hosts[host] {
				list = append(list, host)
			}
		}
	}
	return list
}

// refuseSecond refuses hosts that another run on this machine takes now. Of runs on
// other machines the hosts tell, by their leases.
func refuseSecond(plan *schema.Plan, hosts map[schema.HostName]bool, deps Deps) error {
	others, err := journal.AtWork(runsDir(deps))
	if err != nil {
		return err
	}
	for _, other := range others {
		if other.Fleet != plan.Index.Fleet {
			continue
		}
		if i := slices.IndexFunc(other.Hosts, func(host schema.HostName) bool { return hosts[host] }); i >= 0 {
			return fault.New(fault.Refused, "run %s by %s takes %s now, of plan %s: two runs cannot", other.ID, other.Operator, other.Hosts[i], other.Digest.Short()).
				WithHint("nixfleet runs show %s tells how far it is; leave its hosts out, or wait for its end", other.ID)
		}
	}
	return nil
}

// resumes opens the log of a run to go on with it.
func resumes(plan *schema.Plan, options Options, deps Deps) (*log, error) {
	j, entries, err := journal.Continue(runsDir(deps), options.Resume)
	if errors.Is(err, journal.ErrAtWork) {
		return nil, fault.New(fault.Refused, "cannot resume run %s: a process on this machine is at work on it", options.Resume).
			WithHint("nixfleet runs show %s tells how far it is", options.Resume)
	}
	if err != nil {
		return nil, fault.New(fault.Refused, "cannot resume run %s: %w", options.Resume, err).WithHint("nixfleet runs lists runs")
	}
	l := &log{run: options.Resume, started: entries[0].Time, journal: j, story: engine.Tell(entries)}
	if err := l.check(plan, options); err != nil {
		l.close()
		return nil, err
	}
	entry := schema.Entry{Time: deps.Clock().UTC(), Kind: schema.RunResumed, Operator: options.Operator}
	if err := j.Append(entry); err != nil {
		l.close()
		return nil, err // nothing was touched
	}
	return l, nil
}

// check refuses to go on with what is not the same run any more.
func (l *log) check(plan *schema.Plan, options Options) error {
	head := l.story.Run
	switch {
	case head.Digest != plan.Digest:
		return fault.New(fault.Refused, "cannot resume run %s with this plan: it carries out %s, found %s", l.run, head.Digest, plan.Digest).
			WithHint("resume with the plan that it began with, or execute this one anew")
	case head.Program != options.Program:
		return fault.New(fault.Refused, "cannot resume run %s: nixfleet %s began it, and this is %s", l.run, head.Program, options.Program).
			WithHint("resume with nixfleet %s; or execute the plan anew: hosts that are as it says are left alone", head.Program)
	case l.story.Verdict != "" && len(l.story.Left()) == 0:
		return fault.New(fault.Refused, "cannot resume run %s: it has come to its end, %s%s", l.run, l.story.Verdict, because(l.story.Halted)).
			WithHint("nixfleet runs show %s tells what became of it; execute the plan anew where something is left to do", l.run)
	}
	return nil
}

func because(halted string) string {
	if halted == "" {
		return ""
	}
	return ": " + halted
}

// Resumable returns the newest run of the plan that can be resumed. Where there is
// none, the error says what there is.
func Resumable(plan *schema.Plan, stateDir string) (*RunStory, error) {
	names, err := recorded(stateDir)
	if err != nil {
		return nil, err
	}
	var other *schema.Beginning
	for _, name := range names {
		head, err := journal.Head(filepath.Join(stateDir, "runs"), name)
		if err != nil || head.Fleet != plan.Index.Fleet || head.Digest != plan.Digest && other != nil {
			continue
		}
		story, err := ReadRun(stateDir, name)
		switch {
		case err != nil || story.Left == 0 && story.Verdict != "":
		case head.Digest == plan.Digest:
			return story, nil
		default:
			other = head
		}
	}
	if other != nil {
		return nil, fault.New(fault.Refused, "no run of this plan can be resumed: run %s, which can, carries out another: expected %s, found %s", other.ID, other.Digest, plan.Digest).
			WithHint("resume it with its own plan, or execute this one anew: hosts that are as it says are left alone")
	}
	return nil, fault.New(fault.Refused, "no run of this plan can be resumed: none was begun here, or all have come to their end").
		WithHint("nixfleet runs lists runs; execute the plan without --resume")
}

// again are the options with the hosts of the run that is resumed.
func (l *log) again(options Options) (Options, error) {
	if options.Select.Narrows() {
		return options, fault.New(fault.Refused, "cannot resume run %s on some of its hosts: a run has its hosts", l.run).
			WithHint("resume without --host, --group and the like; or execute the plan anew on some")
	}
	if options.DryRun {
		return options, fault.New(fault.Refused, "cannot resume run %s as a dry run", l.run).WithHint("execute the plan with --dry-run tells what is left to do")
	}
	options.Select = Selection{Among: &Among{Hosts: l.story.Run.Hosts, What: fmt.Sprintf("the hosts of run %s", l.run)}}
	if options.Parallel == 0 || options.Parallel > l.story.Run.Parallel {
		options.Parallel = l.story.Run.Parallel
	}
	return options, nil
}

func runsDir(deps Deps) string { return filepath.Join(deps.StateDir, "runs") }
