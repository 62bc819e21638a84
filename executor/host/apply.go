package host

import (
	"context"
	"errors"
	"fmt"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/apply"
	"github.com/nixfleet/nixfleet/executor/host/internal/inspect"
	"github.com/nixfleet/nixfleet/executor/protocol"
)

// apply makes the host what the prepared part says.
func (s *session) apply(ctx context.Context, request protocol.Request) (*protocol.ApplyReply, error) {
	part := s.part
	s.part = nil
	if part == nil || part.Digest != request.Digest {
		return nil, protocolError("expected an apply of what was prepared last, found nothing prepared or another plan")
	}
	if err := s.takeLock(request.Run); err != nil {
		return nil, err
	}
	if err := s.checkComplete(part); err != nil {
		return nil, err
	}
	known, err := s.state.Load()
	if err != nil {
		return nil, err
	}
	result, err := apply.Run(ctx, s.hostToChange(), apply.Order{
		Goal: s.goal(part, known), Name: part.Host, Run: request.Run, Operator: s.hello.Operator,
		Plan: part.Part.Digest, Digest: part.digest, Entries: part.Part.Closure,
		CheckClosure: func(ctx context.Context) error { return s.checkStillThere(ctx, part) },
	}, func(event protocol.Event) { s.tell(request, event) })
	var refused *apply.RefusedError
	switch {
	case errors.As(err, &refused):
		return nil, refuse(refused.Refusals...)
	case err != nil:
		return nil, &protocol.Error{Kind: protocol.KindFailed, Message: err.Error(), Changes: result.Changes,
			Hint: "the host is between two states; mend what failed and execute again, which completes it"}
	}
	return &protocol.ApplyReply{Generation: result.Generation, Changes: result.Changes}, nil
}

func (s *session) hostToChange() apply.Host {
	return apply.Host{
		Host:     s.liveHost(),
		Accounts: account.Tools{Runner: s.deps.Runner, Fault: s.deps.Fault},
		State:    s.state,
		Shell:    s.deps.Shell,
		Now:      s.deps.Now, Wait: s.deps.Wait, Free: s.deps.Free, JobDeadline: s.deps.JobDeadline,
	}
}

// checkComplete refuses while something that prepare asked for has not come.
func (s *session) checkComplete(part *prepared) error {
	if len(part.missing) > 0 {
		return refuse(inspect.Refusal{Message: fmt.Sprintf("%d paths of the closure are not in the host's store, %s among them",
			len(part.missing), part.missing[0])})
	}
	if missing := s.missingPayloads(part); len(missing) > 0 {
		return refuse(inspect.Refusal{Message: fmt.Sprintf("%d payloads have not come, %s among them", len(missing), missing[0].Short())})
	}
	return nil
}

// checkStillThere asks once more for the closure, now that nothing can collect it.
func (s *session) checkStillThere(ctx context.Context, part *prepared) error {
	registered, err := s.registered(ctx, part)
	if err != nil {
		return err
	}
	for _, entry := range part.Part.Closure {
		if hash, valid := registered[entry.Path]; !valid || hash != entry.NarHash {
			return fmt.Errorf("the store path %s has gone from the host's store meanwhile", entry.Path)
		}
	}
	return nil
}
