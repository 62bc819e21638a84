package transaction

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// commit cleans up and then says, last of all, that the host is what the
// manifest says.
func (a *applying) commit(ctx context.Context) error {
	a.stage.close()
	for _, name := range a.pending.Pending.Staging {
		if err := a.Files.RemovePlace(name); err != nil {
			return err
		}
	}
	if err := a.Profile.Unroot(); err != nil {
		return err
	}
	if err := a.State.SaveGeneration(a.result.Generation, a.Manifest, a.Entries); err != nil {
		return err
	}
	final, err := a.finalState(ctx)
	if err != nil {
		return err
	}
	// If we crash here, the apply is still pending; the next one finds little to do.
	return a.save(final)
}

// settleUnchanged records a manifest under which the host is as it was.
func (a *applying) settleUnchanged(ctx context.Context) error {
	if applied := a.before.Applied; applied != nil && applied.Manifest == a.Digest {
		return nil
	}
	a.pending = a.before
	if err := a.State.SaveGeneration(a.result.Generation, a.Manifest, a.Entries); err != nil {
		return err
	}
	final, err := a.finalState(ctx)
	if err != nil {
		return err
	}
	// If we crash here, the state file names the manifest before, which the host is as well.
	return a.save(final)
}

// save says that the host is what the manifest says, and lets go of what only
// earlier manifests needed. That this fails is no reason for another verdict.
func (a *applying) save(final *schema.State) error {
	if err := a.State.Save(final); err != nil {
		return err
	}
	if err := a.State.Collect(final); err != nil {
		a.tell(protocol.Event{Note: fmt.Sprintf("cannot clean up: %v", err)})
	}
	return nil
}

func (a *applying) finalState(ctx context.Context) (*schema.State, error) {
	final := *a.before
	final.Host = a.Name
	final.Owned = a.work.Owned
	final.Pending = nil
	final.Applied = &schema.Applied{
		Generation: a.result.Generation, Manifest: a.Digest, Plan: a.Plan,
		Run: a.Run, Operator: a.Operator, At: a.date(),
	}
	for _, entry := range a.Entries {
		final.Applied.Verified = append(final.Applied.Verified, entry.Path)
	}
	var err error
	if final.Reboot, err = a.rebootNeeded(); err != nil {
		return nil, err
	}
	final.Units, err = a.health(ctx)
	return &final, err
}

// health tells how the managed units are.
func (a *applying) health(ctx context.Context) (map[schema.UnitName]schema.UnitState, error) {
	var names []schema.UnitName
	for _, u := range a.Manifest.Units {
		names = append(append(names, u.Name), u.Starts...)
	}
	names = slices.DeleteFunc(names, schema.UnitName.IsTemplate)
	slices.Sort(names)
	health := map[schema.UnitName]schema.UnitState{}
	names = slices.Compact(names)
	if len(names) == 0 {
		return health, nil
	}
	status, err := a.Units.List(ctx, names)
	for name, s := range status {
		health[name] = schema.UnitState{Active: s.Active, Sub: s.Sub}
	}
	return health, err
}

// rebootNeeded reads what Debian's and Ubuntu's packages leave when they want a reboot.
func (a *applying) rebootNeeded() (schema.RebootState, error) {
	const marker = "/run/reboot-required"
	entry, err := a.Files.Lookup(marker)
	if err != nil || entry.Kind == rooted.Absent {
		return schema.RebootState{}, err
	}
	needed := schema.RebootState{Needed: true}
	if entry, err := a.Files.Lookup(marker + ".pkgs"); err != nil || entry.Kind != rooted.File {
		return needed, err
	}
	packages, err := a.Files.Read(marker + ".pkgs")
	needed.Because = strings.Fields(string(packages))
	slices.Sort(needed.Because)
	needed.Because = slices.Compact(needed.Because)
	return needed, err
}
