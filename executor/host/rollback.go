package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/observe"
	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// prepareBack takes the place of prepare where the host goes back to what it has
// been: all that this needs is on its own disk.
func (s *session) prepareBack(ctx context.Context, request *protocol.Request, ask *protocol.BackRequest) (*protocol.BackReply, error) {
	s.part = nil
	known, err := s.state.Load()
	if err != nil {
		return nil, err
	}
	b, err := s.wayBack(request, *ask, known)
	if err != nil {
		return nil, err
	}
	refusals, err := s.checkClosure(ctx, b.part, known)
	if err != nil {
		return nil, err
	}
	refusals = append(refusals, b.lacks(s.missingPayloads(b.part), b.part.missing)...)
	work, err := s.compare(ctx, s.goal(b.part, known))
	if err != nil {
		return nil, err
	}
	if refusals = append(append(refusals, work.Refusals...), b.keeps(work)...); len(refusals) > 0 {
		return nil, refuse(refusals...)
	}
	for _, note := range append(s.notesOn(b, known), work.Notes...) {
		s.tell(request, protocol.Event{Note: note})
	}
	s.part = b.part
	return b.reply(known, work), nil
}

// way is a way back.
type way struct {
	part *prepared
	// generation is the one that comes back; nil for a release.
	generation *schema.KeptGeneration
}

// wayBack finds what the host shall be.
func (s *session) wayBack(request *protocol.Request, ask protocol.BackRequest, known *schema.State) (*way, error) {
	if ask.Release == (ask.To != "") || !ask.Release && !protocol.IsTo(ask.To) {
		return nil, protocol.Errorf("expected a release, or the generation to go back to, found %+v", ask)
	}
	if known.Host != "" && known.Host != request.Host {
		return nil, refuse(kind.Refusal{
			Message: fmt.Sprintf("wrong host: expected %q, found one that was applied as %q", request.Host, known.Host),
			Hint:    "correct the address in the inventory; where the host was renamed, execute a plan that has it under its new name first",
		})
	}
	if ask.Release {
		return s.wayOut(request, known)
	}
	if known.Applied == nil {
		return nil, refuse(kind.Refusal{Message: "nothing was ever applied to the host: there is no generation to go back to"})
	}
	kept, err := s.kept(known)
	if err != nil {
		return nil, err
	}
	chosen, err := chooseGeneration(kept, known.Applied, ask.To)
	if err != nil {
		return nil, err
	}
	_, manifest, closure, err := s.state.LoadGeneration(chosen.Generation)
	if err != nil {
		return nil, err
	}
	part := &prepared{
		Part:   &schema.Part{Host: request.Host, Digest: request.Digest, Manifest: *manifest, Closure: closure},
		digest: chosen.Manifest, closure: map[schema.StorePath]bool{},
	}
	for _, entry := range closure {
		part.closure[entry.Path] = true
	}
	keep := manifest.Activation.KeepGenerations
	if now := s.state.Manifest(known.Applied); now != nil { // so that the way forward is kept as well
		keep = max(keep, now.Activation.KeepGenerations)
	}
	part.order = transaction.Order{
		Kind: transaction.Rollback, To: chosen.Generation, Plan: chosen.Plan, Revision: chosen.Revision,
		ConfirmWindow: manifest.Activation.ConfirmWindow, Keep: keep,
	}
	return &way{part: part, generation: chosen}, nil
}

// chooseGeneration finds the generation that is meant among those that are kept,
// the newest first.
func chooseGeneration(kept []schema.KeptGeneration, applied *schema.Applied, to string) (*schema.KeptGeneration, error) {
	var found []schema.KeptGeneration
	missing := fmt.Sprintf("the host does not keep the generation %s", to)
	switch number, err := strconv.Atoi(to); {
	case to == "previous":
		number = previousOf(kept, applied)
		found = slices.DeleteFunc(slices.Clone(kept), func(g schema.KeptGeneration) bool { return g.Generation != number })
		missing = fmt.Sprintf("the host keeps no generation before the one in effect, %d", applied.Generation)
	case err == nil && len(to) < 8:
		found = slices.DeleteFunc(slices.Clone(kept), func(g schema.KeptGeneration) bool { return g.Generation != number })
	default:
		begins := "sha256:" + strings.TrimPrefix(to, "sha256:")
		found = slices.DeleteFunc(slices.Clone(kept), func(g schema.KeptGeneration) bool {
			return !strings.HasPrefix(string(g.Manifest), begins) && !strings.HasPrefix(string(g.Plan), begins)
		})
		missing = fmt.Sprintf("the host keeps no generation whose manifest's or plan's digest begins with %s", begins)
	}
	if len(found) == 0 {
		return nil, refuse(kind.Refusal{Message: missing + "; it keeps " + listed(kept), Hint: "nixfleet history tells what they are; any older state is in a plan, to be executed"})
	}
	for _, other := range found[1:] {
		if other.Manifest != found[0].Manifest {
			return nil, refuse(kind.Refusal{
				Message: fmt.Sprintf("%s is the beginning of more than one digest: of the generations %s", to, listed(found)), Hint: "name the generation by its number",
			})
		}
	}
	return &found[0], nil
}

// previousOf returns the generation before the one in effect. One that a rollback
// has brought back stands for itself: going back twice goes further back, and
// never returns to what was left. 0 where there is none.
func previousOf(kept []schema.KeptGeneration, applied *schema.Applied) int {
	at := applied.Generation
	for _, g := range kept { // the newest first, so each chain is followed to its end
		if g.Generation == at && g.RollbackTo > 0 && g.RollbackTo < at {
			at = g.RollbackTo
		}
	}
	for _, g := range kept {
		if g.Generation < at && g.Manifest != applied.Manifest {
			return g.Generation
		}
	}
	return 0
}

func listed(kept []schema.KeptGeneration) string {
	if len(kept) == 0 {
		return "none"
	}
	var names []string
	for _, g := range slices.Backward(kept) {
		name := strconv.Itoa(g.Generation)
		if g.InEffect {
			name += " (in effect)"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// lacks says what is not on the host any more.
func (w *way) lacks(texts []schema.Digest, paths []schema.StorePath) (refusals []kind.Refusal) {
	if w.generation == nil {
		return nil
	}
	hint := "execute the plan that has it, which brings what is missing"
	if w.generation.Plan != "" {
		hint = fmt.Sprintf("execute the plan %s, which brings what is missing", w.generation.Plan.Short())
	}
	if len(texts) > 0 {
		refusals = append(refusals, kind.Refusal{Hint: hint,
			Message: fmt.Sprintf("the generation %d cannot come back: the host has lost %d of its texts, that of %s among them", w.generation.Generation, len(texts), w.owner(texts[0]))})
	}
	if len(paths) > 0 {
		refusals = append(refusals, kind.Refusal{Hint: hint,
			Message: fmt.Sprintf("the generation %d cannot come back: %d paths of its closure are not in the host's store any more, %s among them", w.generation.Generation, len(paths), paths[0])})
	}
	return refusals
}

// owner names what a text is of.
func (w *way) owner(text schema.Digest) string {
	for _, file := range w.part.Manifest.Files {
		if file.Payload == text {
			return file.Path
		}
	}
	for _, u := range w.part.Manifest.Units {
		if u.Payload == text {
			return string(u.Name)
		}
	}
	return text.Short()
}

func (w *way) reply(known *schema.State, work *kind.Found) *protocol.BackReply {
	reply := &protocol.BackReply{Generation: w.generation, Changes: work.Changes(), ConfirmWindow: w.part.order.ConfirmWindow}
	reply.Nothing = work.Empty() && (w.generation == nil || known.Applied.Manifest == w.part.digest)
	if reply.Changes == nil {
		reply.Changes = []schema.Change{}
	}
	return reply
}

// notesOn are what people must know of a way back.
func (s *session) notesOn(w *way, known *schema.State) (notes []string) {
	if w.generation == nil {
		return s.notesOnLeaving()
	}
	updated := observe.LastUpdate(observe.Host{Root: s.deps.Root, Base: s.deps.base(), State: known, Location: time.Local})
	if updated != nil && updated.At.After(w.generation.At) {
		notes = append(notes, fmt.Sprintf("apt has changed packages since the generation %d was applied (%s, %s): that is not rolled back",
			w.generation.Generation, updated.At.UTC().Format(time.RFC3339), updated.Summary))
	}
	return notes
}

// proposeBack tells what going back would do, without a trace of the question.
func (s *session) proposeBack(ctx context.Context, request *protocol.Request, ask *protocol.ObserveRequest, host observe.Host, reply *protocol.ObserveReply) error {
	b, err := s.wayBack(request, *ask.Back, host.State)
	var refused *protocol.Error
	if errors.As(err, &refused) && refused.Kind == protocol.KindRefused {
		reply.Proposal = &protocol.Proposal{Refusals: []protocol.Refusal{{Message: refused.Message, Hint: refused.Hint}}}
		return nil
	}
	if err != nil {
		return err
	}
	proposal, err := observe.Propose(ctx, host, observe.Ask{
		Part: b.part.Part, Closure: s.state.Closure(host.State.Applied), Blob: s.state.Blob, Sensitive: ask.Sensitive,
	})
	if err != nil {
		return err
	}
	work, err := s.compare(ctx, s.goal(b.part, host.State))
	if err != nil {
		return err
	}
	for _, refusal := range append(b.lacks(s.missingPayloads(b.part), proposal.MissingPaths), b.keeps(work)...) {
		proposal.Refusals = append(proposal.Refusals, protocol.Refusal{Message: refusal.Message, Hint: refusal.Hint})
	}
	proposal.Notes = append(s.notesOn(b, host.State), proposal.Notes...)
	proposal.MissingPaths = nil
	s.fillIn(proposal, ask.Sensitive)
	reply.Proposal, reply.Back = proposal, b.reply(host.State, work)
	reply.Back.Closure = b.part.Part.Closure
	return nil
}

// contentAtMost bounds what is told of the texts that would come back, each and all.
const contentAtMost, contentsAtMost = 512 << 10, 16 << 20

// fillIn adds the texts that would come back: nobody but the host has them.
func (s *session) fillIn(proposal *protocol.Proposal, sensitive bool) {
	left := contentsAtMost
	for _, detail := range proposal.Files {
		wanted := detail.Wanted
		if wanted == nil || wanted.Content != nil || wanted.Source != "" || wanted.Digest == "" || detail.Hidden && !sensitive {
			continue
		}
		if detail.Live != nil && detail.Live.Digest == wanted.Digest {
			continue
		}
		if content, err := s.state.Blob(wanted.Digest); err == nil && len(content) <= min(contentAtMost, left) {
			payload := schema.NewPayload(content)
			wanted.Size, wanted.Content = int64(len(content)), &payload
			left -= len(content)
		}
	}
}
