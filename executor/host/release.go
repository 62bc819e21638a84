package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/base"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/executor/host/internal/recovery"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// A host leaves its fleet in two steps. The first is a transaction as any other, to
// a manifest with nothing in it: adopted originals come back, the rest goes. The
// second removes what is NixFleet's own, the helper last, so that until then the
// same command finds somebody who can go on.

// releaseWindow is how long a release waits to be confirmed where the manifest in
// effect does not say.
const releaseWindow = "60s"

// wayOut is the way to a host with nothing managed.
func (s *session) wayOut(request *protocol.Request, known *schema.State) (*way, error) {
	manifest := schema.Manifest{
		Version: schema.ManifestVersion, Base: s.deps.base().Name(base.Release(s.deps.Root)), System: systemOf(s.deps.Machine), Settle: "0s",
		Packages: []schema.StorePath{}, Groups: []schema.Group{}, Users: []schema.User{}, Directories: []schema.Directory{},
		Files: []schema.File{}, Units: []schema.Unit{}, Restarts: []schema.RestartRule{},
	}
	manifest.Activation.ConfirmWindow = releaseWindow
	if now := s.state.Manifest(known.Applied); now != nil {
		manifest.Base, manifest.Settle, manifest.Activation = now.Base, now.Settle, now.Activation
	}
	digest, err := schema.DigestOfValue(manifest)
	if err != nil {
		return nil, err
	}
	part := &prepared{
		Part:   &schema.Part{Host: request.Host, Digest: request.Digest, Manifest: manifest, Closure: []schema.PathEntry{}},
		digest: digest, closure: map[schema.StorePath]bool{},
	}
	part.order = transaction.Order{
		Kind: transaction.Release, ConfirmWindow: manifest.Activation.ConfirmWindow, Keep: manifest.Activation.KeepGenerations,
	}
	return &way{part: part}, nil
}

// keeps refuses a release after which something would still be NixFleet's.
func (w *way) keeps(work *kind.Found) (refusals []kind.Refusal) {
	if w.generation != nil || ownsNothing(&work.Owned) {
		return nil
	}
	for _, note := range work.Notes {
		refusals = append(refusals, kind.Refusal{Message: "the host cannot be released: " + note, Hint: "see to that on the host, then release it again"})
	}
	return refusals
}

func ownsNothing(owned *schema.Owned) bool {
	for _, objects := range *owned {
		if len(objects) > 0 {
			return false
		}
	}
	return true
}

// notesOnLeaving are what people must know before they let a host go.
func (s *session) notesOnLeaving() (notes []string) {
	if edits, err := s.state.Names("edits"); err == nil && len(edits) > 0 {
		notes = append(notes, fmt.Sprintf("copies of files that were edited by hand and overwritten stay, in %s", state.EditsKept("…")))
	}
	if number, _ := s.profile().Current(); number > 0 {
		notes = append(notes, "the profile goes; the store paths stay until Nix collects its garbage")
	}
	return notes
}

// leave removes what is NixFleet's own from a host with nothing managed any more.
func (s *session) leave(ctx context.Context, request *protocol.Request, _ *protocol.LeaveRequest) (*protocol.LeaveReply, error) {
	s.part = nil
	run, epoch := s.holding.get()
	lock, err := s.lockIdle(ctx, request)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	if err := s.checkReleased(ctx, request); err != nil {
		return nil, err
	}
	reply := &protocol.LeaveReply{Changes: []schema.Change{}}
	// From here on nothing may write to the directory that goes, a renewal included.
	s.holding.set("", 0)
	err = s.leases.Under(ctx, run, epoch, func() (err error) {
		if err := s.admit(); err != nil {
			return err
		}
		kept, err := s.state.KeepEdits(run)
		if err != nil {
			return err
		}
		if kept != "" {
			s.tell(request, protocol.Event{Note: fmt.Sprintf("copies of files that were edited by hand are in %s now; remove it when nobody needs them", kept)})
		}
		return s.slots.Alone(ctx, func() (err error) {
			reply.Changes, err = s.removeTraces(ctx)
			return err
		})
	})
	if err != nil {
		return nil, asRefusal(err)
	}
	return reply, nil
}

// lockIdle waits for the process of the release's transaction, which tells its
// verdict a moment before it ends.
func (s *session) lockIdle(ctx context.Context, request *protocol.Request) (*state.Lock, error) {
	holder := state.Holder{Run: request.Run, Operator: request.Operator, Since: s.deps.Now().UTC().Truncate(time.Second)}
	for begun := s.deps.Clock.Now(); ; {
		lock, err := s.state.Lock(holder)
		var locked *state.LockedError
		if !errors.As(err, &locked) || s.deps.Clock.Now()-begun > endPatience {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lockPoll):
		}
	}
}

// checkReleased refuses to leave a host that still has something managed.
func (s *session) checkReleased(ctx context.Context, request *protocol.Request) error {
	known, err := s.state.Load()
	if err != nil {
		return err
	}
	out, err := s.wayBack(request, protocol.BackRequest{Release: true}, known)
	if err != nil {
		return err
	}
	work, err := s.compare(ctx, s.goal(out.part, known))
	if err != nil {
		return err
	}
	if refusals := append(work.Refusals, out.keeps(work)...); len(refusals) > 0 {
		return refuse(refusals...)
	}
	if !work.Empty() {
		return refuse(kind.Refusal{
			Message: fmt.Sprintf("the host still has what is managed, %s %s among it", work.Changes()[0].Kind, work.Changes()[0].Object), Hint: "nixfleet release",
		})
	}
	return nil
}

// removeTraces removes all that is NixFleet's own. What is gone already is no error.
//
// If we crash here, the helper is still there, which finds nothing managed and goes
// on; a power cut in the instant after its own removal leaves an empty directory.
func (s *session) removeTraces(ctx context.Context) ([]schema.Change, error) {
	changes := []schema.Change{}
	gone := func(kind, object string) {
		changes = append(changes, schema.Change{Action: schema.Remove, Kind: kind, Object: object})
	}
	removed, err := s.profile().Remove()
	if err != nil {
		return nil, err
	}
	if removed {
		gone("profile", nixstore.ProfileLink)
	}
	unit, err := s.files.Lookup(schema.UnitDirectory + "/" + string(recovery.Unit))
	if err != nil {
		return nil, err
	}
	if err := s.deps.base().RemoveRecovery(ctx, recovery.Host{Files: s.files, Units: s.deps.Units}); err != nil {
		return nil, err
	}
	if unit.Kind != rooted.Absent {
		gone("unit", string(recovery.Unit))
	}
	for _, place := range s.deps.base().Staging {
		if err := s.files.RemovePlace(place); err != nil {
			return nil, err
		}
	}
	if err := s.state.RemoveAll(); err != nil {
		return nil, err
	}
	gone("directory", state.Directory)
	return changes, nil
}
