package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/lease"
	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// reboot tells of the boot that the host is in, and ends it where that is the one that
// shall end.
func (s *session) reboot(ctx context.Context, request *protocol.Request, ask *protocol.RebootRequest) (*protocol.RebootReply, error) {
	reply, err := s.thisBoot(ctx)
	if err != nil || ask.Boot == "" || ask.Boot != reply.Boot {
		return reply, err
	}
	if reply.Boot == lease.UnknownBoot {
		return nil, refuse(kind.Refusal{Message: "the host is not rebooted: it does not tell one boot from another", Hint: "on the host: cat /proc/sys/kernel/random/boot_id"})
	}
	if err := s.awaitIdle(ctx); err != nil {
		return nil, err
	}
	if err := s.hold(ctx, request); err != nil {
		return nil, err
	}
	run, epoch := s.holding.get()
	// With the lease locked no transaction can begin between the question and the reboot.
	err = s.leases.Under(ctx, run, epoch, func() error {
		if err := s.admit(); err != nil {
			return err
		}
		if err := s.askInhibitors(ctx, request); err != nil {
			return err
		}
		return s.goDown(ctx, request)
	})
	if err != nil {
		return nil, asRefusal(err)
	}
	// The lease is not given back: nobody begins anything before the host is down.
	s.holding.set("", 0)
	reply.Going = true
	return reply, nil
}

// thisBoot tells how the host is in its boot.
func (s *session) thisBoot(ctx context.Context) (*protocol.RebootReply, error) {
	failed, err := s.deps.Units.Failed(ctx)
	if err != nil {
		return nil, err
	}
	starting, err := s.deps.Booting(ctx)
	if err != nil {
		return nil, err
	}
	failed = slices.DeleteFunc(failed, isOurCommand)
	if failed == nil {
		failed = []schema.UnitName{}
	}
	clock := s.deps.Clock
	return &protocol.RebootReply{
		Boot: clock.Boot, Uptime: (clock.Now() - clock.Began).Truncate(time.Millisecond),
		State: s.deps.base().RebootNeeded(s.deps.Root), Failed: failed, Starting: starting,
	}, nil
}

// isOurCommand reports whether a unit is that of somebody's command, task or hook, which
// says nothing of the host.
func isOurCommand(name schema.UnitName) bool {
	return slices.ContainsFunc([]string{commandUnits, taskUnits, hookUnits}, func(prefix string) bool { return strings.HasPrefix(string(name), prefix) })
}

// askInhibitors refuses while a program says that the host must not go down.
func (s *session) askInhibitors(ctx context.Context, request *protocol.Request) error {
	found, err := s.deps.Inhibitors(ctx)
	if err != nil {
		s.tell(request, protocol.Event{Note: err.Error() + "; it is rebooted all the same"})
		return nil
	}
	var refusals []kind.Refusal
	for _, i := range found {
		refusals = append(refusals, kind.Refusal{
			Message: fmt.Sprintf("the host must not go down now, says %s (process %d): %s", oneLine(i.Who), i.PID, oneLine(i.Why)),
			Hint:    "wait for its end, or end it; on the host: systemd-inhibit --list",
		})
	}
	if len(refusals) > 0 {
		return refuse(refusals...)
	}
	return nil
}

// goDown says in the history that the host is rebooted, and has it rebooted.
//
// If we crash here, the host goes down or not, and who asks again learns which: the line
// is not written twice, and nothing happens twice to one boot.
func (s *session) goDown(ctx context.Context, request *protocol.Request) error {
	known, err := s.state.Load()
	if err != nil {
		return err
	}
	entry := schema.HistoryEntry{
		At: s.deps.Now().UTC().Truncate(time.Second), Kind: "reboot", Boot: s.deps.Clock.Boot, Run: request.Run, Operator: request.Operator, Verdict: "asked",
	}
	if known.Applied != nil {
		entry.Generation, entry.Manifest = known.Applied.Generation, known.Applied.Manifest
	}
	if err := transaction.AddHistory(s.state, entry); err != nil {
		return err
	}
	s.tell(request, protocol.Event{Stage: schema.StageReboot}) // from here on nobody says that nothing was done
	err = s.deps.Reboot(ctx)
	refused := new(unit.RefusedError)
	if err != nil && !errors.As(err, &refused) {
		// It may go down. That it does not, its boot will show.
		s.tell(request, protocol.Event{Note: "the reboot was asked for, and systemd did not answer: " + err.Error()})
		return nil
	}
	if err != nil {
		return refuse(kind.Refusal{Message: "the host is not rebooted: " + err.Error(), Hint: "on the host: systemctl list-jobs"})
	}
	return nil
}
