package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/base"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// greet tells who is there, and whether there is anything to do. It is all that
// an unchanged run asks of a host, so it starts no process.
func (s *session) greet(ctx context.Context, request *protocol.Request, ask *protocol.HelloRequest) (*protocol.HelloReply, error) {
	own := make(chan hashed, 1)
	go func() { own <- hashOf(s.deps.Executable) }()

	reply := &protocol.HelloReply{System: string(systemOf(s.deps.Machine)), Free: map[string]int64{}}
	release := base.Release(s.deps.Root)
	reply.Base, reply.OS = release["ID"], release["PRETTY_NAME"]
	for _, dir := range []string{"/nix", "/var", "/etc"} {
		free, err := s.deps.Free(dir)
		if err != nil {
			return nil, err
		}
		reply.Free[dir] = free
	}
	if err := s.greetState(ctx, request, ask.Manifest, reply); err != nil {
		return nil, err
	}
	reply.Nix = nixstore.Version(ctx, s.deps.NixStore, s.deps.Runner, !reply.Unchanged)
	binary := <-own
	if binary.err != nil {
		return nil, fmt.Errorf("cannot read the helper's own binary: %w", binary.err)
	}
	reply.Helper = binary.digest
	return reply, nil
}

// greetState tells what was applied, whether that is still so, and who else is
// at work.
func (s *session) greetState(ctx context.Context, request *protocol.Request, asked schema.Digest, reply *protocol.HelloReply) error {
	known, err := s.state.Load()
	if err != nil {
		return err
	}
	reply.Boot, reply.Now = s.deps.Clock.Boot, s.deps.Now().UTC()
	if holder := s.leases.Holder(); holder != nil {
		reply.Lease = &protocol.LeaseHolder{Run: holder.Run, Operator: holder.Operator, Since: holder.Since, Epoch: holder.Epoch}
	}
	if err := s.greetTransactions(request.Run, reply); err != nil {
		return err
	}
	reply.Generation, _ = s.profile().Current()
	if known.Applied != nil {
		reply.Applied = known.Applied.Manifest
	}
	free := reply.Transaction == nil && (reply.Lease == nil || reply.Lease.Run == request.Run)
	reply.Unchanged = free && reply.Applied == asked && reply.Applied != "" && known.Host == request.Host && s.isAsApplied(ctx, known)
	return nil
}

// greetTransactions tells of the transaction that has not ended, and of the last
// one of the run that asks.
func (s *session) greetTransactions(run string, reply *protocol.HelloReply) error {
	found, err := transaction.Unfinished(s.state)
	if err != nil {
		return err
	}
	if found != nil {
		reply.Transaction, err = s.describe(found)
		return err
	}
	last, err := s.lastOf(run)
	if last != nil {
		verdict := verdictOf(last)
		reply.Last = &verdict
	}
	return err
}

func (s *session) describe(found *transaction.Interrupted) (*protocol.Transaction, error) {
	order := found.Order
	t := &protocol.Transaction{ID: order.ID, Run: order.Run, Epoch: order.Epoch, Operator: order.Operator, State: protocol.Interrupted}
	events, err := (&reader{state: s.state, id: order.ID}).next()
	for _, event := range events {
		if event.Stage != "" {
			t.Phase = event.Stage
		}
	}
	if holder := s.state.LockHolder(); holder != nil {
		t.State, t.Since = protocol.Live, holder.Since
		if t.Phase == schema.StageConfirm {
			t.State = protocol.Waits
		}
	}
	return t, err
}

// isAsApplied inspects the host. What cannot be inspected is not as it should
// be: prepare will say why.
func (s *session) isAsApplied(ctx context.Context, known *schema.State) bool {
	manifest := s.state.Manifest(known.Applied)
	if manifest == nil {
		return false
	}
	lost, err := nixstore.Lost(s.deps.Root, known.Applied.Verified)
	if err != nil || len(lost) > 0 {
		return false
	}
	closure := make(map[schema.StorePath]bool, len(known.Applied.Verified))
	for _, path := range known.Applied.Verified {
		closure[path] = true
	}
	work, err := s.compare(ctx, kind.Goal{Manifest: manifest, Closure: closure, State: known})
	return err == nil && len(work.Refusals) == 0 && work.Empty()
}

// compare returns the work that makes the host what a goal says.
func (s *session) compare(ctx context.Context, goal kind.Goal) (*kind.Found, error) {
	return kind.Compare(ctx, s.deps.base().Kinds, s.world(), goal)
}

func (s *session) world() kind.World {
	return kind.World{Files: s.files, Units: s.deps.Units, Profile: s.profile(), Processes: s.deps.Processes}
}

func (s *session) profile() *nixstore.Profile { return nixstore.NewProfile(s.deps.Root, s.deps.Fault) }

type hashed struct {
	digest schema.Digest
	err    error
}

func hashOf(file string) hashed {
	f, err := os.Open(file)
	if err != nil {
		return hashed{"", err}
	}
	defer f.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, f)
	return hashed{schema.Digest("sha256:" + hex.EncodeToString(hash.Sum(nil))), err}
}

// Self returns the digest of the running program.
func Self() (schema.Digest, error) {
	own := hashOf("/proc/self/exe")
	return own.digest, own.err
}

func systemOf(machine string) schema.System { return schema.System(machine + "-linux") }

// lastOf returns how a run's last transaction ended; nil where it has none.
func (s *session) lastOf(run string) (last *transaction.Verdict, err error) {
	ids, err := s.state.Names("transactions")
	latest := int64(-1)
	for _, id := range ids {
		if !strings.HasPrefix(id, run+"-") {
			continue
		}
		order, orderErr := transaction.LoadOrder(s.state, id)
		if orderErr != nil || order.Run != run || order.Epoch < latest {
			continue
		}
		latest = order.Epoch
		if last, err = transaction.LoadVerdict(s.state, id); err != nil {
			return nil, err
		}
	}
	return last, err
}
