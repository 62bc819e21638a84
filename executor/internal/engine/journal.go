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

// past is what the journal tells of a host whose turn had begun, and not ended, when
// the process before this one died. The zero value is that of a turn that begins.
type past struct {
	// changing says that its change had begun, or was about to, and before is its
	// generation before that.
	changing bool
	before   int
	// hooks are the moments whose hooks had begun.
	hooks map[schema.HookMoment]bool
	// rebooting is the boot that was to end, and rebooted the one that it came back in;
	// empty where it had not come so far.
	rebooting, rebooted string
	// goingBack is why it was about to go back; empty where it was not.
	goingBack string
}
