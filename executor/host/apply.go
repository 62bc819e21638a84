package host

import (
	"context"
	"fmt"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/inspect"
	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
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
	verdict, err := transaction.Run(ctx, s.hostToChange(), transaction.Order{
		ID: request.Run, Kind: transaction.Apply, Host: part.Host, Run: request.Run, Operator: s.hello.Operator,
		Plan: part.Part.Digest, Manifest: part.Manifest, Digest: part.digest, Closure: part.Part.Closure,
	}, func(event protocol.Event) { s.tell(request, event) }, nil)
	if err != nil {
		return nil, err
	}
	switch verdict.Outcome {
	case transaction.Refused:
		return nil, &protocol.Error{Kind: protocol.KindRefused, Message: verdict.Message, Hint: verdict.Hint}
	case transaction.Failed, transaction.RolledBack:
		return nil, &protocol.Error{Kind: protocol.KindFailed, Message: verdict.Message, Changes: verdict.Changes, Hint: verdict.Hint}
	}
	return &protocol.ApplyReply{Generation: verdict.Generation, Changes: verdict.Changes}, nil
}

func (s *session) hostToChange() transaction.Host {
	return transaction.Host{
		Host:         s.liveHost(),
		Accounts:     account.Tools{Runner: s.deps.Runner, Fault: s.deps.Fault},
		State:        s.state,
		Shell:        s.deps.Shell,
		CheckClosure: s.checkStillThere,
		Now:          s.deps.Now, Wait: s.deps.Wait, Free: s.deps.Free, JobDeadline: s.deps.JobDeadline,
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

// checkStillThere asks once more for a closure, now that nothing can collect it.
func (s *session) checkStillThere(ctx context.Context, closure []schema.PathEntry) error {
	registered, err := s.registered(ctx, closure)
	if err != nil {
		return err
	}
	for _, entry := range closure {
		if hash, valid := registered[entry.Path]; !valid || hash != entry.NarHash {
			return fmt.Errorf("the store path %s has gone from the host's store meanwhile", entry.Path)
		}
	}
	return nil
}
