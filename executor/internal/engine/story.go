package engine

import (
	"maps"

	"github.com/nixfleet/nixfleet/schema"
)

// Story is what a journal tells of a run so far.
type Story struct {
	// Run is the head.
	Run schema.Beginning
	// Ended are the hosts whose turn is over, and begun are those whose turn is not.
	Ended map[schema.HostName]Turn
	begun map[schema.HostName]past
	// waves are those that are over, their soak and gate too; the empty name is the gate
	// before the first.
	waves map[string]bool
	// Halted is why policy halted the run, in a wave or at the gate after it; empty where
	// it did not.
	Halted     string
	haltReason schema.Reason
	wave       string
	// Verdict is of a run that has come to its end; empty of one that has not.
	Verdict schema.Verdict
}

// Turn is how a host's turn ended.
type Turn struct {
	// Record is what became of the host.
	Record schema.HostRecord
	// Before is its generation before the run, and Changed says that the run changed it
	// and may take it back.
	Before  int
	Changed bool
	// was is what was known of the turn when it ended.
	was past
	// returning says that it was about to go back to what it was before the run, after its
	// turn, and is not known to have done so.
	returning bool
}

// again reports whether a resumed run takes the host again: where its turn told nothing
// final of it.
func (t Turn) again() bool {
	switch t.Record.Outcome {
	case schema.HostHeld, schema.HostUnknown:
		return true
	}
	return t.Record.Reboot != nil && t.Record.Reboot.State == schema.RebootHeld && reached(t.Record.Outcome)
}

// past is what the turn that comes after it must know of it.
func (t Turn) past() past {
	p := t.was
	if !p.changing {
		p.changing, p.before = t.Changed, t.Before
	}
	p.done = reached(t.Record.Outcome)
	if t.returning {
		p.goingBack = &t.Record
	}
	return p
}

// Tell tells the story of a journal's entries, of which the first is the run's head.
func Tell(entries []schema.Entry) *Story {
	s := &Story{Run: *entries[0].Run, Ended: map[schema.HostName]Turn{}, begun: map[schema.HostName]past{}, waves: map[string]bool{}}
	for _, entry := range entries[1:] {
		s.tell(entry)
	}
	return s
}

func (s *Story) tell(entry schema.Entry) {
	host := s.begun[entry.Host]
	switch entry.Kind {
	case schema.RunResumed:
		s.Verdict = ""
	case schema.WaveEnded:
		s.waves[entry.Wave] = true
	case schema.RunHalting:
		s.Halted, s.haltReason, s.wave = entry.Error, entry.Reason, entry.Wave
	case schema.RunEnded:
		s.Verdict = entry.Verdict
	case schema.HostBegun:
		if turn, ended := s.Ended[entry.Host]; ended {
			host = turn.past()
			delete(s.Ended, entry.Host)
		}
	case schema.HostHooks:
		host.hooks = maps.Clone(host.hooks)
		if host.hooks == nil {
			host.hooks = map[schema.HookMoment]bool{}
		}
		host.hooks[entry.Hook] = true
	case schema.HostChanging:
		if !host.changing { // else it had begun before, and before that it was what it was then
			host.changing, host.before = true, entry.Before
		}
		host.done = false
	case schema.HostRebooting:
		host.rebooting, host.rebooted = entry.Boot, ""
	case schema.HostRebooted:
		host.rebooted = entry.Boot
	case schema.HostGoingBack:
		if turn, ended := s.Ended[entry.Host]; ended {
			turn.Record, turn.Before, turn.returning = *entry.Record, entry.Before, true
			s.Ended[entry.Host] = turn
		}
		host.goingBack = entry.Record
	case schema.HostEnded, schema.HostAmended:
		if r := entry.Record.Reboot; r != nil && r.State == schema.RebootHeld { // it did not go down after all
			host.rebooting = ""
		}
		s.Ended[entry.Host] = Turn{Record: *entry.Record, Before: entry.Before, Changed: entry.Changed, was: host}
		delete(s.begun, entry.Host)
		return
	}
	if _, ended := s.Ended[entry.Host]; entry.Host != "" && !ended {
		s.begun[entry.Host] = host
	}
}

// underWay reports whether something has begun with the host that has not ended.
func (s *Story) underWay(host schema.HostName) bool {
	_, begun := s.begun[host]
	return begun || s.Ended[host].returning
}

// knows reports whether the host had a turn in an earlier process of the run.
func (s *Story) knows(host schema.HostName) bool {
	if s == nil {
		return false
	}
	_, ended := s.Ended[host]
	_, begun := s.begun[host]
	return ended || begun
}

// Left returns the hosts that a resumed run would take: where it has halted, only those
// whose turn had begun, or their way back.
func (s *Story) Left() (left []schema.HostName) {
	for _, host := range s.Run.Hosts {
		turn, ended := s.Ended[host]
		if s.underWay(host) || s.Halted == "" && (!ended || turn.again()) {
			left = append(left, host)
		}
	}
	return left
}
