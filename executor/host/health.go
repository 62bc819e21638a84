package host

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/nixfleet/nixfleet/executor/health"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// checkHealth asks the checks of what was applied. When ctx is done, asking ends.
func (s *session) checkHealth(ctx context.Context, request *protocol.Request, ask *protocol.HealthRequest) (*protocol.HealthReply, error) {
	known, err := s.state.Load()
	if err != nil {
		return nil, err
	}
	if known.Applied == nil || known.Applied.Manifest != ask.Manifest {
		return nil, refuse(kind.Refusal{Message: fmt.Sprintf("the health checks of %s are not this host's: something else was applied meanwhile", ask.Manifest.Short())})
	}
	manifest := s.state.Manifest(known.Applied)
	if manifest == nil {
		return nil, fmt.Errorf("cannot read the manifest of generation %d", known.Applied.Generation)
	}
	err = askerOf(s.deps).Ask(ctx, manifest.HealthChecks, func(note string) { s.tell(request, protocol.Event{Note: note}) })
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return &protocol.HealthReply{Failure: err.Error()}, nil
	}
	return &protocol.HealthReply{}, nil
}

// askerOf asks from the host itself.
func askerOf(deps Deps) health.Asker {
	return health.Asker{
		Place: schema.OnHost, Address: "localhost", Dial: (&net.Dialer{Timeout: time.Minute}).DialContext,
		// What the fleet brings to the host comes before what it has by itself.
		Shell: func(ctx context.Context, line string) ([]byte, error) {
			return deps.Shell(ctx, "PATH="+commandPath[0]+":$PATH\n"+line)
		},
		Unit: func(ctx context.Context, name schema.UnitName) (health.Unit, error) {
			listed, err := deps.Units.List(ctx, []schema.UnitName{name})
			if err != nil {
				return health.Unit{}, err
			}
			status := listed[name]
			u := health.Unit{Active: status.Active != "activating" && status.Runs(), State: fmt.Sprintf("%s (%s)", status.Active, status.Sub)}
			if status.Load == "not-found" {
				u.State = "no unit that systemd knows"
				return u, nil
			}
			details, err := deps.Units.Details(ctx, name)
			u.Restarts, u.Invocation = details.Restarts, details.Invocation
			return u, err
		},
	}
}
