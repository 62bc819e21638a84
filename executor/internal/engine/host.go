package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/session"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// task is one host's part of a run.
type task struct {
	*Run
	name    schema.HostName
	host    schema.Host
	part    *part
	helper  *session.Helper
	changes []schema.Change // made so far, as the host reported
	result  schema.HostRecord
	// before is the generation before the run, and changed says that the run changed it.
	before  int
	changed bool
	// offline says that it is held because it could not be reached.
	offline bool
	// past is what an earlier process knew of this turn.
	past past
	// facts are what the host told of itself, and key is the host key that it showed first.
	facts *protocol.HelloReply
	key   string
	// activating says that the hooks before its change have begun, or would have.
	activating bool
	// boot is what it has told of its boot; nil where it has to be asked.
	boot *protocol.RebootReply
	// waits is when the window opens that its reboot waits for; zero where it does not.
	waits time.Time
	// letting ends the giving back of slots that are not given back yet.
	letting []func()
	// gone says that it has not come back from a reboot, and stayed that it never went down.
	gone, stayed bool
}

// missing says so.
func (t *task) missing() string {
	if t.stayed {
		return string(t.name) + " has not gone down for its reboot"
	}
	return string(t.name) + " has not come back from its reboot"
}

// task returns a host's part of the run.
func (r *Run) task(name schema.HostName) *task {
	host := r.Plan.Index.Hosts[name]
	t := &task{Run: r, name: name, host: host, part: r.frozen.parts[host.Manifest]}
	t.helper = r.frozen.helpers[t.part.manifest.System]
	return t
}

// make takes the host from the first connection to its verdict.
func (t *task) make(ctx context.Context) {
	t.downs.adopt(t.name)
	if !t.awaited(ctx) {
		return
	}
	try := t.attempt
	if t.OnlyReboot {
		try = t.asApplied
	}
	if err := t.tries(ctx, try); err != nil {
		t.conclude(ctx, err)
	}
	t.afterChange(ctx)
	t.goOn(ctx)
}

// goOn reboots the host, where it needs that and may, and asks whether it is well. Where
// it waits for a window this is to be done again.
func (t *task) goOn(ctx context.Context) {
	switch rebooted := t.reboot(ctx); {
	case !t.waits.IsZero():
	case rebooted:
		t.askAgain(ctx)
	case !t.OnlyReboot:
		t.askFromHere(ctx)
	}
}

// timed does something and counts the time that it takes as the host's.
func (t *task) timed(do func()) {
	begun := time.Now() // durations want the monotonic clock
	spent := t.result.Seconds
	do()
	t.result.Seconds = spent + time.Since(begun).Round(time.Millisecond).Seconds()
}

func (t *task) emit(event schema.Event) {
	event.Host = t.name
	t.Run.emit(event)
}

func (t *task) stage(stage schema.Stage) { t.emit(schema.Event{Kind: schema.HostStage, Stage: stage}) }
func (t *task) note(line string)         { t.emit(schema.Event{Kind: schema.HostNote, Note: line}) }

// How often, and until when, a host that was not reached is tried again.
const (
	maxAttempts  = 3
	retryHorizon = 10 * time.Second
)

// tries tries again where the host was not reached, or lost before anything
// was asked of it that it could be changed by.
func (t *task) tries(ctx context.Context, try func(context.Context) error) error {
	begun := time.Now()
	for attempt := 1; ; attempt++ {
		err := try(ctx)
		again := fault.Is(err, fault.Transient) || fault.Is(err, fault.LinkLost)
		if !again || attempt == maxAttempts || time.Since(begun) > retryHorizon {
			return err
		}
		t.note(fmt.Sprintf("trying again: %s", fault.Brief(err)))
		select {
		case <-ctx.Done():
			return fault.New(fault.Interrupted, "%w", context.Cause(ctx))
		case <-t.Stop:
			return err
		case <-time.After(time.Duration(attempt) * t.Patience.Retry):
		}
	}
}

// blame puts an error into the host's record, the hints apart.
func (t *task) blame(err error) {
	t.result.Error, t.result.Hint, t.result.Reason = err.Error(), strings.Join(schema.Hints(err), "\n"), ""
	var overtaken *overtakenError
	if errors.As(err, &overtaken) {
		t.result.Reason = schema.ReasonOvertaken
	}
}

// conclude turns an error into the host's verdict.
func (t *task) conclude(ctx context.Context, err error) {
	t.result.Changes = t.changes
	t.blame(err)
	var reported *protocol.Error
	if errors.As(err, &reported) && fault.KindOf(err) != fault.Unknown {
		if t.result.LockedBy = reported.LockedBy; t.result.LockedBy != "" {
			t.result.Reason = schema.ReasonLocked
		}
		t.result.Outcome = schema.HostRefused
		return
	}
	switch kind := fault.KindOf(err); {
	case kind == fault.Unknown:
		t.result.Outcome = schema.HostUnknown
	case kind == fault.Interrupted || ctx.Err() != nil:
		t.result.Outcome, t.result.Reason = schema.HostHeld, schema.ReasonOperatorStopped
		t.result.Error = "the run was cut before the host was changed: " + err.Error()
	case kind == fault.Transient || kind == fault.LinkLost:
		t.result.Outcome = schema.HostUnreachable
	case kind == fault.Refused:
		t.result.Outcome = schema.HostRefused
	default:
		t.result.Outcome = schema.HostFailed
	}
}

func (t *task) target() transport.Host {
	c := t.host.Connection
	return transport.Host{
		Name: string(t.name), Address: c.Address, Port: c.Port, User: c.User,
		HostKeys: c.HostKeys, ProxyJump: c.ProxyJump,
	}
}

func (t *task) identity() session.Identity {
	id := session.Identity{Host: t.name, Run: t.ID, Digest: schema.DigestOf(nil), Manifest: t.host.Manifest, Operator: t.Operator, System: t.helper.System}
	if t.Plan != nil {
		id.Digest = t.Plan.Digest
	}
	if t.Wire != nil {
		id.Wire = func(sent bool, parts ...[]byte) { t.Wire(t.name, sent, parts...) }
	}
	return id
}

// attempt goes all the way over one connection. An error means that the host was
// not changed, or it says itself what is known.
func (t *task) attempt(ctx context.Context) error {
	t.stage(schema.StageConnect)
	conn, err := t.Dialer.Dial(ctx, t.target())
	if err != nil {
		return err
	}
	defer conn.Close()
	defer conn.CloseWhenDone(ctx)()
	s, hello, err := session.Open(ctx, conn, t.identity(), t.helper, t.note, t.DryRun)
	if err != nil {
		return err
	}
	defer s.Close()
	t.meet(conn, hello)
	t.before = hello.Generation
	if t.past.changing {
		t.before = t.past.before
	}
	if err := t.sinceThen(hello); err != nil {
		return err
	}
	if at := t.underWay(hello); at != nil {
		if done, err := t.takeUp(ctx, conn, s, at); done || err != nil {
			return err
		}
		return t.attempt(ctx)
	}
	if hello.Unchanged {
		t.unchanged(hello)
		if t.DryRun {
			return nil
		}
		if err := t.askHost(ctx, s); err != nil {
			return err
		}
		return t.askBoot(ctx, s)
	}
	t.stage(schema.StagePrepare)
	prepared, err := t.prepare(ctx, s)
	if err != nil {
		return err
	}
	if t.DryRun {
		return t.foresee(hello, prepared)
	}
	done, err := t.supply(ctx, conn, s, prepared)
	if err != nil {
		return err
	}
	defer done()
	if err := t.beforeChange(ctx, s); err != nil {
		return err
	}
	t.stage(schema.StageApply)
	return t.change(ctx, conn, s)
}

// sinceThen refuses a host to which something else was applied since an earlier process
// of the run began to change it: whoever did that may not know of this run.
func (t *task) sinceThen(hello *protocol.HelloReply) error {
	if !t.past.changing || hello.Applied == t.host.Manifest || hello.Transaction != nil || hello.Generation == t.past.before || madeBy(hello) {
		return nil
	}
	return fault.New(fault.Refused, "%w", &overtakenError{fmt.Sprintf("something else was applied to %s since this run began to change it, from generation %d: found generation %d", t.name, t.past.before, hello.Generation)}).
		WithHint("nixfleet history tells by whom; where this plan shall hold, execute it anew")
}

// overtakenError says that something else was applied to a host that this run changed.
type overtakenError struct{ text string }

func (e *overtakenError) Error() string { return e.text }

// madeBy reports whether the run that asks has made the generation that the host is in.
func madeBy(hello *protocol.HelloReply) bool {
	return hello.Last != nil && hello.Last.Generation == hello.Generation
}

// unchanged says that there is nothing to do, because the host was so before this run
// or because the run has made it so already.
func (t *task) unchanged(hello *protocol.HelloReply) {
	t.result = schema.HostRecord{Outcome: schema.HostUnchanged, Generation: hello.Generation}
	if last := hello.Last; last != nil && last.Outcome == protocol.Applied {
		t.result.Outcome, t.result.Changes, t.changed = schema.HostChanged, last.Changes, true
	}
}

func (t *task) prepare(ctx context.Context, s *session.Session) (*protocol.PrepareReply, error) {
	body, err := t.frozen.prepareBody(t.name)
	if err != nil {
		return nil, err
	}
	return session.CallEncoded(ctx, s, protocol.Prepare, body, session.Options{Deadline: t.Patience.Prepare, OnEvent: t.relay})
}

// relay passes on what the host reports of its work.
func (t *task) relay(event *protocol.Event) {
	if event.Stage.OfHost() {
		t.stage(event.Stage)
	}
	if event.Change != nil {
		t.changes = append(t.changes, *event.Change)
		t.emit(schema.Event{Kind: schema.HostChange, Change: event.Change})
	}
	if event.Note != "" {
		t.note(event.Note)
	}
}

// foresee ends a dry run: it reports what an execution would change.
func (t *task) foresee(hello *protocol.HelloReply, prepared *protocol.PrepareReply) error {
	if n := len(prepared.MissingPaths); n > 0 {
		t.note(fmt.Sprintf("would copy %d store paths, %s", n, human.Bytes(t.bytesOf(prepared.MissingPaths))))
	}
	for i := range prepared.Changes {
		t.emit(schema.Event{Kind: schema.HostChange, Change: &prepared.Changes[i]})
	}
	t.result = schema.HostRecord{Outcome: schema.HostUnchanged, Generation: hello.Generation, Changes: prepared.Changes}
	if len(prepared.Changes) > 0 {
		t.result.Outcome = schema.HostChanged
	}
	return nil
}

// payloadBatch is how much text travels in one request: enough to fill a link,
// little enough for the memory of a thousand hosts.
const payloadBatch = 256 << 10

func (t *task) sendPayloads(ctx context.Context, s *session.Session, missing []schema.Digest) error {
	t.stage(schema.StagePayloads)
	for len(missing) > 0 {
		batch, volume := map[schema.Digest]schema.Payload{}, 0
		for len(missing) > 0 && (volume == 0 || volume < payloadBatch) {
			payload, ok := t.Plan.Payloads[missing[0]]
			if !ok {
				return fault.New(fault.Refused, "the helper on %s asks for the payload %s, which the plan does not have", t.name, missing[0])
			}
			batch[missing[0]] = payload
			volume += payloadSize(payload)
			missing = missing[1:]
		}
		_, err := session.Call(ctx, s, protocol.Payloads, protocol.PayloadsRequest{Payloads: batch}, session.Options{Deadline: t.Patience.Prepare})
		if err != nil {
			return fmt.Errorf("cannot send payloads to %s: %w", t.name, err)
		}
	}
	return nil
}

func payloadSize(p schema.Payload) int {
	if p.Text != nil {
		return len(*p.Text) + 1
	}
	return len(*p.Base64) + 1
}
