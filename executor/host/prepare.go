package host

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/nixfleet/nixfleet/executor/host/internal/base"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// prepared is a part of a plan that was verified.
type prepared struct {
	*schema.Part
	digest schema.Digest // of the manifest
	// order says what the transaction is for, as far as that is known before it begins.
	order   transaction.Order
	closure map[schema.StorePath]bool
	// missing are paths that the store lacked at the last look.
	missing []schema.StorePath
}

// prepare verifies the host's part of the plan and says what is missing and what
// would change, or all that is in the way.
func (s *session) prepare(ctx context.Context, request *protocol.Request, ask *protocol.PrepareRequest) (*protocol.PrepareReply, error) {
	s.part = nil
	part, err := s.verify(ask.Part(request))
	if err != nil {
		return nil, err
	}
	known, err := s.state.Load()
	if err != nil {
		return nil, err
	}
	refusals, err := s.checkClosure(ctx, part, known)
	if err != nil {
		return nil, err
	}
	work, err := s.compare(ctx, s.goal(part, known))
	if err != nil {
		return nil, err
	}
	refusals = append(refusals, work.Refusals...)
	if len(refusals) > 0 {
		return nil, refuse(refusals...)
	}
	for _, note := range work.Notes {
		s.tell(request, protocol.Event{Note: note})
	}
	s.part = part
	return &protocol.PrepareReply{MissingPaths: part.missing, MissingPayloads: s.missingPayloads(part), Changes: work.Changes()}, nil
}

func (s *session) tell(request *protocol.Request, event protocol.Event) {
	s.sender.send(message{Response: protocol.Response{Seq: request.Seq, Kind: protocol.EventBody}, body: event})
}

func (s *session) goal(part *prepared, known *schema.State) kind.Goal {
	return kind.Goal{Manifest: &part.Manifest, Closure: part.closure, State: known, Previous: s.state.Manifest(known.Applied)}
}

// verify checks that the part belongs to the plan and to this host.
func (s *session) verify(of *schema.Part) (*prepared, error) {
	part := &prepared{Part: of, closure: map[schema.StorePath]bool{}}
	refusal := func(format string, args ...any) (*prepared, error) {
		return nil, refuse(kind.Refusal{Message: fmt.Sprintf(format, args...)})
	}
	if err := part.Verify(); err != nil {
		return refusal("%v", err)
	}
	part.digest = part.Index.Hosts[part.Host].Manifest
	part.order = transaction.Order{
		Kind: transaction.Apply, Plan: part.Part.Digest, Revision: part.Index.Source.Revision,
		ConfirmWindow: part.Manifest.Activation.ConfirmWindow, Keep: part.Manifest.Activation.KeepGenerations,
	}
	if part.Index.Kind != schema.PlanKind || part.Index.Version != schema.PlanVersion || part.Manifest.Version != schema.ManifestVersion {
		return refusal("wrong format: expected %s of version %d with manifests of version %d, found %q, %d and %d",
			schema.PlanKind, schema.PlanVersion, schema.ManifestVersion, part.Index.Kind, part.Index.Version, part.Manifest.Version)
	}
	if part.Index.Preview {
		return nil, refuse(kind.Refusal{Message: "the plan is a preview: its closures are not built", Hint: "nixfleet build plan.json"})
	}
	if found := systemOf(s.deps.Machine); part.Manifest.System != found {
		return refusal("wrong architecture: expected %s, found %s", part.Manifest.System, found)
	}
	if unsupported := part.Manifest.Unsupported(); len(unsupported) > 0 {
		return nil, refuse(kind.Refusal{Message: "this version cannot carry out " + unsupported[0].Setting, Hint: unsupported[0].Instead})
	}
	wanted, err := base.For(part.Manifest.Base)
	if err != nil {
		return refusal("%v", err)
	}
	if release := base.Release(s.deps.Root); !wanted.Matches(release) {
		return refusal("wrong operating system: expected %s, found %q (%s)", part.Manifest.Base, release["ID"], release["PRETTY_NAME"])
	}
	for _, entry := range part.Closure {
		part.closure[entry.Path] = true
	}
	if closure := part.Manifest.Closure; closure != nil && !part.closure[closure.Path] {
		return refusal("the closure of %s does not hold it", closure.Path)
	}
	return part, nil
}

// checkClosure compares the plan's store paths with the host's. A path whose
// content is another is refused, whether the store says so or only its content:
// somebody may have planted it.
func (s *session) checkClosure(ctx context.Context, part *prepared, known *schema.State) ([]kind.Refusal, error) {
	part.missing = []schema.StorePath{}
	if len(part.Part.Closure) == 0 {
		return nil, nil
	}
	if s.deps.NixStore == "" {
		return []kind.Refusal{{Message: fmt.Sprintf("the host has no Nix: expected nix-store in one of %v, found none", nixstore.Directories),
			Hint: "install it on the host: apt install nix-bin nix-setup-systemd"}}, nil
	}
	registered, err := registered(ctx, s.deps, part.Part.Closure)
	if err != nil {
		return nil, err
	}
	lost, err := nixstore.Lost(s.deps.Root, slices.Collect(maps.Keys(registered)))
	if err != nil {
		return nil, err
	}
	verified := s.verifiedPaths(known)
	var refusals []kind.Refusal
	var size int64
	for _, entry := range part.Part.Closure {
		hash, valid := registered[entry.Path]
		if !valid {
			part.missing = append(part.missing, entry.Path)
			s.imported = with(s.imported, entry.Path)
			size += entry.NarSize
			continue
		}
		if hash == entry.NarHash && lost[entry.Path] {
			refusals = append(refusals, kind.Refusal{
				Message: fmt.Sprintf("the host's store has lost %s: its database has the path, the disk has not", entry.Path),
				Hint:    "on the host: nix-store --verify, which makes the store forget it; then execute again",
			})
			continue
		}
		if hash == entry.NarHash && !verified[entry.Path] {
			if hash, err = nixstore.ContentHash(ctx, s.deps.Root, entry.Path); err != nil {
				return nil, err
			}
		}
		if hash != entry.NarHash {
			refusals = append(refusals, kind.Refusal{
				Message: fmt.Sprintf("the store path %s has another content than the plan's: expected %s, found %s", entry.Path, entry.NarHash, hash),
				Hint:    "find out how it came there; nix-store --delete removes it where nothing uses it",
			})
			continue
		}
		s.checked = with(s.checked, entry.Path)
	}
	space, err := s.checkSpace("/nix", size)
	return append(refusals, space...), err
}

func registered(ctx context.Context, deps Deps, closure []schema.PathEntry) (map[schema.StorePath]schema.NarHash, error) {
	paths := make([]schema.StorePath, len(closure))
	for i, entry := range closure {
		paths[i] = entry.Path
	}
	return deps.Registry.Hashes(ctx, paths)
}

// verifiedPaths returns the paths whose content needs no other look.
func (s *session) verifiedPaths(known *schema.State) map[schema.StorePath]bool {
	verified := map[schema.StorePath]bool{}
	if known.Applied != nil {
		for _, path := range known.Applied.Verified {
			verified[path] = true
		}
	}
	for path := range s.imported {
		verified[path] = true
	}
	for path := range s.checked {
		verified[path] = true
	}
	return verified
}

func with(set map[schema.StorePath]bool, path schema.StorePath) map[schema.StorePath]bool {
	if set == nil {
		set = map[schema.StorePath]bool{}
	}
	set[path] = true
	return set
}

// checkSpace refuses where a directory's file system lacks room for size bytes.
func (s *session) checkSpace(directory string, size int64) ([]kind.Refusal, error) {
	if size == 0 {
		return nil, nil
	}
	free, err := s.deps.Free(directory)
	if err != nil || free >= size {
		return nil, err
	}
	return []kind.Refusal{{
		Message: fmt.Sprintf("not enough space on %s: expected %d free bytes, found %d", directory, size, free),
		Hint:    "free some space on the host (nix-collect-garbage, apt clean)",
	}}, nil
}

func (s *session) missingPayloads(part *prepared) []schema.Digest {
	missing := []schema.Digest{}
	for _, digest := range part.Manifest.PayloadDigests() {
		if !s.state.HasBlob(digest) {
			missing = append(missing, digest)
		}
	}
	return missing
}

// keepPayloads keeps payloads, each under the hash that it really has.
func (s *session) keepPayloads(_ context.Context, _ *protocol.Request, ask *protocol.PayloadsRequest) (*protocol.PayloadsReply, error) {
	contents := map[schema.Digest][]byte{}
	var size int64
	for digest, payload := range ask.Payloads {
		content, err := payload.Bytes()
		if err != nil {
			return nil, fmt.Errorf("cannot read the payload %s: %w", digest.Short(), err)
		}
		if found := schema.DigestOf(content); found != digest {
			return nil, fmt.Errorf("wrong digest of a payload: expected %s, found %s", digest, found)
		}
		contents[digest] = content
		size += int64(len(content)) + 4096
	}
	refusals, err := s.checkSpace("/var", size)
	if err != nil {
		return nil, err
	}
	if len(refusals) > 0 {
		return nil, refuse(refusals...)
	}
	for _, content := range contents {
		if err := s.state.PutPayload(content); err != nil {
			return nil, err
		}
	}
	return &protocol.PayloadsReply{}, nil
}
