package compiler

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/freeze"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/compiler/internal/inventory"
	"github.com/nixfleet/nixfleet/compiler/internal/nixeval"
	"github.com/nixfleet/nixfleet/compiler/internal/resolve"
	"github.com/nixfleet/nixfleet/compiler/internal/rollout"
	"github.com/nixfleet/nixfleet/schema"
)

// inventoryInput is the input that is the inventory.
const inventoryInput = "inventory"

// Compile makes a plan. The plan is nil where the error is not; with [ErrRefused]
// the diagnostics say why, otherwise they hold warnings at most.
func Compile(ctx context.Context, in Input, deps Deps) (*schema.Plan, []Diagnostic, error) {
	c := compilation{in: in, deps: deps}
	plan, err := c.run(ctx)
	return conclude(plan, c.found, err)
}

// conclude sorts what was found and says so where it prevents a plan.
func conclude(plan *schema.Plan, found diagnostic.List, err error) (*schema.Plan, []Diagnostic, error) {
	if list, ok := diagnostic.Of(err); ok {
		found, err = append(found, list...), nil
	}
	found = found.Sorted()
	switch {
	case err != nil:
		return nil, found, err
	case found.Failed():
		return nil, found, ErrRefused
	}
	return plan, found, nil
}

// compilation is one run of Compile.
type compilation struct {
	in        Input
	deps      Deps
	nix       *nixeval.Nix
	source    *nixeval.Source
	library   nixeval.Tree
	inputs    map[string]intent.Input
	inventory *inventory.Inventory
	found     diagnostic.List
}

func (c *compilation) run(ctx context.Context) (plan *schema.Plan, err error) {
	if c.nix, err = openNix(c.deps); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.nix.Close()) }()
	if err := c.read(ctx); err != nil {
		return nil, err
	}
	result, err := c.evaluate(ctx)
	if err != nil {
		return nil, err
	}
	preview, err := c.freeze(result)
	if err != nil || c.in.NoBuild || preview == nil {
		return preview, err
	}
	return complete(ctx, c.nix, preview)
}

func openNix(deps Deps) (*nixeval.Nix, error) {
	return nixeval.Open(nixeval.Options{
		Environ: deps.Environ, TempDir: deps.TempDir, Progress: deps.Progress, Trace: deps.Trace,
	})
}

// read locks everything that decides what the plan says.
func (c *compilation) read(ctx context.Context) (err error) {
	if c.inputs, err = c.readInputs(); err != nil {
		return err
	}
	if c.library, err = c.nix.WriteLibrary(c.in.Library); err != nil {
		return err
	}
	if c.source, err = c.nix.LockSource(ctx, c.in.Fleet); err != nil {
		return err
	}
	c.inventory, err = c.readInventory(ctx)
	return err
}

func (c *compilation) readInputs() (map[string]intent.Input, error) {
	inputs := map[string]intent.Input{}
	var found diagnostic.List
	for _, name := range slices.Sorted(maps.Keys(c.in.Inputs)) {
		input, err := c.nix.ReadInput(c.in.Inputs[name])
		if err != nil {
			found = append(found, Diagnostic{
				Code: diagnostic.InputInvalid, Severity: Error,
				Summary: fmt.Sprintf("cannot read the input %q: %v", name, err),
				Hint:    "an input is a file or directory, as: --input myapp=./build/myapp",
			})
		}
		inputs[name] = input
	}
	return inputs, found.Err()
}

// readInventory reads the inventory from the locked source, so that what is
// read is what the plan names. It is nil where the hosts are all in Nix.
func (c *compilation) readInventory(ctx context.Context) (*inventory.Inventory, error) {
	if given, ok := c.inputs[inventoryInput]; ok {
		if c.in.Inventory != "" {
			return nil, diagnostic.List{{
				Code: diagnostic.InventoryAmbiguous, Severity: Error,
				Summary: "there are two inventories: --input inventory and --inventory " + c.in.Inventory,
			}}
		}
		return c.givenInventory(ctx, given)
	}
	root, err := os.OpenRoot(c.source.Fleet())
	if err != nil {
		return nil, fmt.Errorf("cannot open the fleet's locked source: %w", err)
	}
	defer root.Close()
	name, err := inventory.Choose(root.FS(), c.in.Inventory)
	if err != nil || name == "" {
		return nil, err
	}
	return inventory.Load(ctx, root.FS(), name, name)
}

// givenInventory reads the inventory that came as an input. It may not import:
// the plan names the hash of this one file.
func (c *compilation) givenInventory(ctx context.Context, given intent.Input) (*inventory.Inventory, error) {
	data, err := os.ReadFile(given.Path)
	if err != nil {
		return nil, diagnostic.List{{
			Code: diagnostic.InputInvalid, Severity: Error, Summary: "cannot read the input \"inventory\": " + err.Error(),
			Hint: "it is one file, as: --input inventory=./hosts.yaml",
		}}
	}
	return inventory.Load(ctx, single{filepath.Base(given.Path), data}, filepath.Base(given.Path), c.in.Inputs[inventoryInput])
}

func (c *compilation) evaluate(ctx context.Context) (*intent.Result, error) {
	request := intent.Request{Version: intent.Version, Inputs: c.inputs}
	if c.inventory != nil {
		request.Inventory = &intent.Inventory{File: c.inventory.File, Value: c.inventory.Value}
	}
	var err error
	if request.Select, err = selection(c.in.Hosts, c.in.Groups); err != nil {
		return nil, err
	}
	result, err := c.nix.Evaluate(ctx, c.source, c.library, request)
	if err != nil {
		return nil, c.placed(err)
	}
	for _, warning := range result.Warnings {
		d := Diagnostic{Code: diagnostic.FleetWarning, Severity: Warning, Summary: warning.Message}
		if warning.Host != nil {
			d.Host = schema.HostName(*warning.Host)
		}
		c.found = append(c.found, d)
	}
	return result, checkSelection(c.in.Hosts, c.in.Groups, result)
}

// placed adds the place in the inventory to errors about a host that name no other.
func (c *compilation) placed(err error) error {
	list, ok := diagnostic.Of(err)
	if !ok {
		return err
	}
	for i := range list {
		d := &list[i]
		if d.Position.File == "" && d.Host != "" {
			field := strings.TrimPrefix(d.Option, "hosts."+string(d.Host)+".")
			d.Position = c.inventory.LocateHost(string(d.Host), strings.Split(field, ".")...)
		}
	}
	return list
}

// relative makes the library's positions relative to the fleet, and drops those
// that lie elsewhere: in the library itself, where it names an attribute.
func (c *compilation) relative(found diagnostic.List) diagnostic.List {
	for i := range found {
		d := &found[i]
		if d.Position.File == "" || c.inventory != nil && d.Position.File == c.inventory.File {
			continue
		}
		if _, err := os.Stat(filepath.Join(c.source.Path, d.Position.File)); err != nil {
			d.Position = Position{}
			continue
		}
		if name, err := filepath.Rel(c.source.Fleet(), filepath.Join(c.source.Path, d.Position.File)); err == nil {
			d.Position.File = filepath.ToSlash(name)
		}
	}
	return found
}

// freeze resolves an evaluation and freezes it as a preview; nil where c.found
// tells why not.
func (c *compilation) freeze(result *intent.Result) (*schema.Plan, error) {
	fleet, found := resolve.Resolve(result, c.inventory.LocateHost)
	found = append(found, resolve.CheckTimeZone(result.Fleet.TimeZone, c.inventory.Locate("timeZone"))...)
	found = append(found, rollout.Check(result.Fleet.Rollout, "", "rollout", c.inventory.Locate("rollout"))...)
	names := []schema.HostName{}
	systems := map[schema.System]bool{}
	for _, host := range fleet.Hosts {
		names = append(names, host.Name)
		systems[host.Manifest.System] = true
		found = append(found, rollout.Check(host.Rollout, host.Name, "rollout", c.inventory.LocateHost(string(host.Name), "rollout"))...)
	}
	c.found = append(c.found, c.relative(found)...)
	if found.Failed() {
		return nil, nil
	}
	header := schema.Index{
		Kind: schema.PlanKind, Version: schema.PlanVersion,
		Fleet: result.Fleet.Name, TimeZone: result.Fleet.TimeZone,
		Source: c.frozenSource(), Helpers: map[schema.System]schema.Digest{},
		Rollout: rollout.Order(names, result.Fleet.Rollout),
	}
	for system, digest := range c.in.Helpers {
		if systems[system] {
			header.Helpers[system] = digest
		}
	}
	return freeze.Preview(header, fleet)
}

func (c *compilation) frozenSource() schema.Source {
	source := schema.Source{
		NarHash: c.source.NarHash, Directory: c.source.Directory, Revision: c.source.Revision, Dirty: c.source.Dirty,
		Library: c.library.NarHash,
	}
	for name, input := range c.inputs {
		if source.Inputs == nil {
			source.Inputs = map[string]schema.NarHash{}
		}
		source.Inputs[name] = input.NarHash
	}
	switch {
	case c.inventory == nil:
	case source.Inputs[inventoryInput] != "":
		source.Inventory = "inputs." + inventoryInput
	default:
		source.Inventory = c.inventory.File
	}
	return source
}
