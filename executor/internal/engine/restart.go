package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/session"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// isBack reports whether the host is in another boot than the one that an earlier
// process of this run had it end.
func (b *rebooting) isBack() bool {
	return b.past.rebooted != "" || b.past.rebooting != "" && b.past.rebooting != b.seen.Boot
}

// goOn takes over from the earlier process. What had failed before the reboot, and how
// long the host was away, nobody knows any more.
func (b *rebooting) goOn(context.Context) *ending {
	b.record.Before, b.record.After, b.baseline = b.past.rebooting, b.seen.Boot, nil
	return b.rebooted()
}

// goDown has the host reboot, and waits until it is back. From the journal's line on,
// whoever resumes the run asks for this boot's end and no other's, so that a request
// that comes twice reboots once.
func (b *rebooting) goDown(ctx context.Context) *ending {
	if err := b.write(schema.Entry{Kind: schema.HostRebooting, Boot: b.seen.Boot}); err != nil {
		return failed("%s", err)
	}
	b.emit(schema.Event{Kind: schema.HostStage, Stage: schema.StageReboot, Until: moment(b.closes)})
	asked := time.Now()
	reply, err := b.request(ctx)
	var reported *protocol.Error
	switch {
	case errors.As(err, &reported): // it must not go down now
		end := held("%s", reported.Message)
		end.hint = reported.Hint
		return end
	case fault.Is(err, fault.Transient) || fault.Is(err, fault.Refused):
		return failed("it cannot be asked to: %s", err)
	case err != nil:
		b.note(fmt.Sprintf("it has not answered before it went down: %s", fault.Brief(err)))
	case reply.Boot != b.seen.Boot: // it did so by itself
		b.record.After = reply.Boot
		return b.rebooted()
	case !reply.Going:
		return failed("it does not go down, and does not say why")
	}
	if end := b.wait(ctx, asked, b.seen.Boot); end != nil {
		return end
	}
	b.record.Seconds = time.Since(asked).Round(time.Millisecond).Seconds()
	return b.rebooted()
}

// awaited waits for a host that an earlier process of this run had reboot, and that may
// be on its way still. Where it does not come that is its verdict.
func (t *task) awaited(ctx context.Context) bool {
	rule := t.rules[t.name]
	if t.past.rebooting == "" || t.past.rebooted != "" || rule == nil {
		return true
	}
	b := &rebooting{task: t, rule: rule, record: &schema.RebootRecord{Before: t.past.rebooting}, drained: true}
	end := b.wait(ctx, time.Now(), "")
	if end != nil {
		b.conclude(b.restore(ctx, end))
		b.giveBack(ctx, end)
	}
	return end == nil
}

// request asks for the end of the boot, once, where the host can be reached. An error
// that is neither the host's nor of the way there leaves open whether it goes down.
func (b *rebooting) request(ctx context.Context) (reply *protocol.RebootReply, err error) {
	err = b.tries(ctx, func(ctx context.Context) error {
		conn, s, err := b.look(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		defer conn.CloseWhenDone(ctx)()
		defer s.Close()
		// If we crash here, the host reboots or does not; its boot tells.
		reply, err = session.Call(ctx, s, protocol.Reboot, protocol.RebootRequest{Boot: b.seen.Boot}, session.Options{Deadline: b.Patience.Begin, OnEvent: b.relay})
		var reported *protocol.Error
		if err != nil && !errors.As(err, &reported) {
			err = fault.New(fault.Unknown, "%s", fault.Brief(err))
		}
		return err
	})
	return reply, err
}

// wait waits for the host to let us in, with the key that it had, in another boot.
func (b *rebooting) wait(ctx context.Context, asked time.Time, than string) *ending {
	deadline := asked.Add(b.rule.deadline)
	b.emit(schema.Event{Kind: schema.HostStage, Stage: schema.StageReturn, Until: moment(b.Now().Add(time.Until(deadline)))})
	limited, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	last := b.Now() // when it was seen
	var tried []string
	b.stayed = true
	for {
		reply, err := b.sameHost(limited)
		switch {
		case err == nil && reply.Boot != than:
			b.record.After = reply.Boot
			return nil
		case err == nil:
			last, err = b.Now(), fmt.Errorf("it answers, and has not gone down")
		case limited.Err() == nil:
			b.stayed = false
		}
		if ctx.Err() != nil {
			return b.cut(ctx)
		}
		if what := fault.Brief(err); limited.Err() == nil && !slices.Contains(tried, what) {
			tried = append(tried, what)
		}
		select {
		case <-limited.Done():
		case <-time.After(b.Patience.Retry):
			continue
		}
		if ctx.Err() != nil {
			return b.cut(ctx)
		}
		return b.lost(last, tried)
	}
}

// sameHost asks the host, if it is that.
func (b *rebooting) sameHost(ctx context.Context) (*protocol.RebootReply, error) {
	reply, key, err := b.glance(ctx)
	if err == nil && b.key != "" && key != b.key {
		return nil, fmt.Errorf("somebody answers with another host key: expected %s, found %s", b.key, key)
	}
	return reply, err
}

// mostTried is how many of the answers that came instead are told.
const mostTried = 5

// lost tells what is known of a host that is not back in time.
func (b *rebooting) lost(last time.Time, tried []string) *ending {
	if len(tried) == 0 {
		tried, b.stayed = []string{"no answer"}, false
	}
	if b.stayed {
		end := failed("%s has not gone down within %s after it was asked to reboot; it answered at %s, still in boot %s",
			b.name, b.rule.deadline, last.UTC().Format(time.RFC3339), b.record.Before)
		end.gone, end.hint = true, "on the host: systemctl list-jobs; when it has rebooted, or surely will not, execute again"
		return end
	}
	end := failed("%s has not come back within %s after its reboot; last seen %s in boot %s; since then: %s",
		b.name, b.rule.deadline, last.UTC().Format(time.RFC3339), b.record.Before, strings.Join(tried[max(0, len(tried)-mostTried):], "; "))
	end.gone, end.hint = true, "look at its console; when it is back, execute again"
	return end
}

// rebooted says that it is back.
func (b *rebooting) rebooted() *ending {
	if err := b.write(schema.Entry{Kind: schema.HostRebooted, Boot: b.record.After}); err != nil {
		return failed("%s", err)
	}
	return nil
}
