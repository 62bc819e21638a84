package observe

import (
	"context"
	"fmt"
	"slices"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Ask is what an execution would bring to the host.
type Ask struct {
	// Part is the host's part of a plan, verified.
	Part *schema.Part
	// Closure are the paths of the closure in effect; nil where they are not known.
	Closure []schema.PathEntry
	// Blob returns a content that the helper keeps.
	Blob func(schema.Digest) ([]byte, error)
	// Sensitive allows contents that not everybody on the host may read.
	Sensitive bool
}

// Propose returns what an execution of the part would do.
func Propose(ctx context.Context, host Host, ask Ask) (*protocol.Proposal, error) {
	p := &protocol.Proposal{Refusals: []protocol.Refusal{}, MissingPayloads: []schema.Digest{}}
	closure := map[schema.StorePath]bool{}
	for _, entry := range ask.Part.Closure {
		closure[entry.Path] = true
	}
	if err := compareStore(ctx, host, ask, p); err != nil {
		return nil, err
	}
	work, err := kind.Compare(ctx, host.Base.Kinds, host.Live, kind.Goal{
		Manifest: &ask.Part.Manifest, Closure: closure, State: host.State, Previous: host.Applied,
	})
	if err != nil {
		return nil, err
	}
	for _, refusal := range work.Refusals {
		p.Refusals = append(p.Refusals, protocol.Refusal{Message: refusal.Message, Hint: refusal.Hint})
	}
	p.Notes, p.Changes = work.Notes, work.Changes()
	accounts, err := account.Load(host.Live.Files)
	if err != nil {
		return nil, err
	}
	t := &teller{Host: host, Ask: ask, closure: closure, accounts: accounts, left: totalContent}
	p.Files = t.files(work)
	return p, nil
}

// compareStore compares the part's closure with what is on the disk. It starts no
// Nix, which would write to the store's database. So a path that is there whole
// and that the database does not know counts as there.
func compareStore(ctx context.Context, host Host, ask Ask, p *protocol.Proposal) error {
	paths := make([]schema.StorePath, len(ask.Part.Closure))
	for i, entry := range ask.Part.Closure {
		paths[i] = entry.Path
	}
	lost, err := nixstore.Lost(host.Root, paths)
	if err != nil {
		return err
	}
	verified := map[schema.StorePath]bool{}
	if host.State.Applied != nil {
		for _, path := range host.State.Applied.Verified {
			verified[path] = true
		}
	}
	before := map[schema.StorePath]bool{}
	for _, entry := range ask.Closure {
		before[entry.Path] = true
	}
	wanted := map[schema.StorePath]bool{}
	for _, entry := range ask.Part.Closure {
		wanted[entry.Path] = true
		if !before[entry.Path] {
			p.NewPaths = append(p.NewPaths, entry.Path)
		}
		switch {
		case lost[entry.Path] && verified[entry.Path]:
			p.Refusals = append(p.Refusals, protocol.Refusal{
				Message: fmt.Sprintf("the host's store has lost %s: it was there when the host was applied last", entry.Path),
				Hint:    "on the host: nix-store --verify, which makes the store forget it; then execute again",
			})
		case lost[entry.Path]:
			p.MissingPaths = append(p.MissingPaths, entry.Path)
		case !verified[entry.Path]:
			found, err := nixstore.ContentHash(ctx, host.Root, entry.Path)
			if err != nil {
				return err
			}
			if found != entry.NarHash {
				p.Refusals = append(p.Refusals, protocol.Refusal{
					Message: fmt.Sprintf("the store path %s has another content than the plan's: expected %s, found %s", entry.Path, entry.NarHash, found),
					Hint:    "find out how it came there; nix-store --delete removes it where nothing uses it",
				})
			}
		}
	}
	for _, entry := range ask.Closure {
		if !wanted[entry.Path] {
			p.OldPaths = append(p.OldPaths, protocol.PathSize{Path: entry.Path, Size: entry.NarSize})
		}
	}
	slices.SortFunc(p.OldPaths, func(a, b protocol.PathSize) int { return compare(a.Path, b.Path) })
	return nil
}
