package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/session"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Look asks hosts about themselves, several at once, and changes nothing on any.
type Look struct {
	// ID names the look, as a run's.
	ID string
	// Hosts are those to ask, in the order in which they are begun.
	Hosts []LookHost
	// Plan is what hosts are compared with; nil asks for their state alone.
	Plan *schema.Plan
	// Back asks what going back would do; nil does not.
	Back *protocol.BackRequest
	// History asks for the last changes instead, all where it is 0; nil does not.
	History *int
	// Sensitive asks for contents that not everybody on a host may read.
	Sensitive bool
	// Parallel is how many at once, and Timeout how long one may take in all.
	Parallel int
	Timeout  time.Duration
	// Operator is who asks.
	Operator string
	// Dialer connects to hosts.
	Dialer *transport.Dialer
	// Wire is told every message to and from a host's helper, in parts; may be nil.
	Wire func(host schema.HostName, sent bool, parts ...[]byte)
	// Now is the clock.
	Now func() time.Time
	// Patience are the times to wait; the zero value stands for the defaults.
	Patience Patience
	// Report is told of every host, one at a time, as it is seen.
	Report func(Seen)

	frozen *frozen
	mu     sync.Mutex
}

// LookHost is a host to ask.
type LookHost struct {
	Name       schema.HostName
	Connection schema.Connection
	// System is what it is said to be, for hints; may be empty.
	System schema.System
}

// Seen is what was seen of one host.
type Seen struct {
	Host schema.HostName
	// Observation is nil where the host could not be asked; Err says why.
	Observation *schema.Observation
	// Proposal is what an execution would do. It is nil where the host is as the plan
	// says, and where there was no plan to compare with.
	Proposal *protocol.Proposal
	// Back is what going back means on this host; nil where nobody asked.
	Back *protocol.BackReply
	// History is what was done to the host; nil where nobody asked.
	History *protocol.HistoryReply
	// Skew is how far the host's clock is ahead of this machine's, as exactly as the
	// way to the host allows.
	Skew time.Duration
	Err  error
	// Unreachable says that Err is of the way to the host and not of the host.
	Unreachable bool
	// Seconds is the time it took.
	Seconds float64
}

// Do asks all hosts. When ctx ends, those that were not asked yet end with its cause.
func (l *Look) Do(ctx context.Context) {
	l.Patience = l.Patience.orDefaults()
	if l.Plan != nil {
		l.frozen = freeze(l.Plan, nil)
	}
	slots := make(chan struct{}, max(l.Parallel, 1))
	var inFlight sync.WaitGroup
	for _, host := range l.Hosts {
		slots <- struct{}{}
		inFlight.Add(1)
		go func() {
			defer inFlight.Done()
			defer func() { <-slots }()
			l.report(l.host(ctx, host))
		}()
	}
	inFlight.Wait()
}

func (l *Look) report(seen Seen) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Report(seen)
}

// host asks one host. What fails on the way is tried once more: nothing was touched.
func (l *Look) host(ctx context.Context, host LookHost) (seen Seen) {
	begun := time.Now()
	if l.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, l.Timeout, fmt.Errorf("%s (%s) did not answer within %s", host.Name, host.Connection.Address, l.Timeout))
		defer cancel()
	}
	var err error
	for attempt := 1; ; attempt++ {
		seen = Seen{Host: host.Name}
		err = l.attempt(ctx, host, &seen)
		again := fault.Is(err, fault.Transient) || fault.Is(err, fault.LinkLost)
		if !again || attempt == 2 || time.Since(begun) > retryHorizon || !l.pause(ctx) {
			break
		}
	}
	if err != nil {
		seen = Seen{Host: host.Name, Err: err}
		seen.Unreachable = fault.Is(err, fault.Transient) || fault.Is(err, fault.LinkLost) || ctx.Err() != nil
		if cause := context.Cause(ctx); cause != nil {
			seen.Err = cause
		}
	}
	seen.Seconds = time.Since(begun).Round(time.Millisecond).Seconds()
	return seen
}

func (l *Look) pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(l.Patience.Retry):
		return true
	}
}

func (l *Look) attempt(ctx context.Context, host LookHost, seen *Seen) error {
	if ctx.Err() != nil {
		return fault.New(fault.Interrupted, "%w", context.Cause(ctx))
	}
	c := host.Connection
	conn, err := l.Dialer.Dial(ctx, transport.Host{
		Name: string(host.Name), Address: c.Address, Port: c.Port, User: c.User, HostKeys: c.HostKeys, ProxyJump: c.ProxyJump,
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	defer conn.CloseWhenDone(ctx)()
	s, err := session.Start(conn, l.identity(host))
	if err != nil {
		return err
	}
	defer s.Close()
	if l.History != nil {
		seen.History, err = session.Call(ctx, s, protocol.History, protocol.HistoryRequest{Limit: *l.History}, session.Options{})
		return err
	}
	alone, err := protocol.Encode(protocol.ObserveRequest{Back: l.Back, Sensitive: l.Sensitive})
	if err == nil {
		err = l.ask(ctx, s, seen, alone)
	}
	if err != nil || l.Plan == nil || l.asPlanned(host.Name, seen.Observation) {
		return err
	}
	part, err := l.frozen.prepareBody(host.Name)
	if err != nil {
		return err
	}
	compared := append(protocol.Body[protocol.ObserveRequest]{[]byte(`{"part":`)}, part...)
	if l.Sensitive {
		compared = append(compared, []byte(`,"sensitive":true`))
	}
	return l.ask(ctx, s, seen, append(compared, []byte("}")))
}

func (l *Look) ask(ctx context.Context, s *session.Session, seen *Seen, body protocol.Body[protocol.ObserveRequest]) error {
	reply, err := session.CallEncoded(ctx, s, protocol.Observe, body, session.Options{})
	if err != nil {
		return err
	}
	seen.Observation, seen.Proposal, seen.Back = &reply.Observation, reply.Proposal, reply.Back
	seen.Skew = reply.Observation.At.Sub(l.Now())
	return nil
}

// asPlanned reports whether there is nothing to propose.
func (l *Look) asPlanned(name schema.HostName, o *schema.Observation) bool {
	if o.Applied == nil || o.Applied.Manifest != l.Plan.Index.Hosts[name].Manifest || o.Unfinished != nil || len(o.Problems) > 0 {
		return false
	}
	for _, drift := range o.Drift {
		if !drift.Stays {
			return false
		}
	}
	return true
}

func (l *Look) identity(host LookHost) session.Identity {
	// Without a plan the requests carry the digest of nothing.
	id := session.Identity{Host: host.Name, Run: l.ID, Digest: schema.DigestOf(nil), Operator: l.Operator, System: host.System}
	if l.Plan != nil {
		id.Digest, id.Manifest = l.Plan.Digest, l.Plan.Index.Hosts[host.Name].Manifest
	}
	if l.Wire != nil {
		id.Wire = func(sent bool, parts ...[]byte) { l.Wire(host.Name, sent, parts...) }
	}
	return id
}
