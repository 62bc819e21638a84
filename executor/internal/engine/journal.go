package engine

import (
	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/schema"
)

// Journal keeps entries: when it returns, they are on the disk.
type Journal func(schema.Entry) error

// write keeps an entry before what it tells of begins. Where that cannot be, it must
// not begin.
func (r *Run) write(entry schema.Entry) error {
	if r.Journal == nil {
		return nil
	}
	entry.Time = r.Now().UTC()
	if err := r.Journal(entry); err != nil {
		return fault.New(fault.Refused, "%w", err)
	}
	return nil
}

func (t *task) write(entry schema.Entry) error {
	entry.Host = t.name
	return t.Run.write(entry)
}

// keepRecord keeps what is known of the host now.
func (t *task) keepRecord(kind schema.EntryKind) error {
	return t.write(schema.Entry{Kind: kind, Record: &t.result, Before: t.before, Changed: t.changed})
}

// keep keeps an entry; where that cannot be, nothing more begins.
func (o *rollout) keep(entry schema.Entry) {
	o.haltUnkept(entry.Wave, o.write(entry))
}

// Ended keeps that the run has come to its end, once its record says so.
func (r *Run) Ended() error {
	return r.write(schema.Entry{Kind: schema.RunEnded, Verdict: r.Verdict()})
}

// record puts what is known now of a host whose turn is over into the run's record.
func (o *rollout) record(t *task) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.records[t.name] = t.result
}

// amend keeps what is known now of a host whose turn is over.
func (o *rollout) amend(t *task) {
	o.record(t)
	o.haltUnkept("", t.keepRecord(schema.HostAmended))
}

// haltUnkept halts the rollout after an error of the journal, which then cannot know of it.
func (o *rollout) haltUnkept(wave string, err error) {
	if err != nil && o.halted == "" {
		o.halted, o.haltReason = err.Error(), schema.ReasonJournal
		o.emit(schema.Event{Kind: schema.RunHalted, Wave: wave, Error: o.halted, Reason: o.haltReason})
	}
}

// past is what the journal tells of a host whose turn had begun, and not ended, when
// the process before this one died. The zero value is that of a turn that begins.
type past struct {
	// changing says that its change had begun, or was about to, and before is its
	// generation before that.
	changing bool
	before   int
	// done says that the change had come to its end, with the hooks after it.
	done bool
	// hooks are the moments whose hooks had begun.
	hooks map[schema.HookMoment]bool
	// rebooting is the boot that was to end, and rebooted the one that it came back in;
	// empty where it had not come so far.
	rebooting, rebooted string
	// goingBack is what was known of it when it was about to go back to what it was
	// before the run; nil where it was not.
	goingBack *schema.HostRecord
}

// down reports whether the host may be down for a reboot, or drained for one.
func (p past) down() bool { return p.rebooting != "" || p.hooks[schema.BeforeReboot] }
