package compiler

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/compiler/internal/inventory"
)

// read locks everything that decides what the plan says.
func (c *compilation) read(ctx context.Context) (err error) {
	if c.inputs, err = c.readInputs(ctx); err != nil {
		return err
	}
	if c.library, err = c.nix.WriteLibrary(ctx, c.in.Library); err != nil {
		return err
	}
	if c.source, err = c.nix.LockSource(ctx, c.in.Fleet); err != nil {
		return err
	}
	c.inventory, err = c.readInventory(ctx)
	return err
}

// untracked warns of files that look like a part of the fleet, but are none; not
// where an error tells of one of them.
func (c *compilation) untracked(err error) diagnostic.List {
	told, _ := diagnostic.Of(err)
	isTold := func(d Diagnostic) bool { return d.Code == diagnostic.SourceNotInGit }
	if c.source == nil || len(c.source.Untracked) == 0 || slices.ContainsFunc(append(told, c.found...), isTold) {
		return nil
	}
	files := c.source.Untracked
	const shown = 5
	d := Diagnostic{
		Code: diagnostic.SourceNotInGit, Severity: Warning, Position: Position{File: files[0]},
		Summary: fmt.Sprintf("git does not know %q, so it is no part of the fleet", files[0]),
		Hint:    "git add " + strings.Join(files[:min(shown, len(files))], " ") + " (no commit needed), or name it in .gitignore",
	}
	if len(files) > 1 {
		d.Summary = fmt.Sprintf("git does not know %d files of the fleet, so they are no part of the fleet", len(files))
		d.Hint = strings.Replace(d.Hint, "name it", "name them", 1)
	}
	if len(files) > shown {
		d.Hint = "git status lists them; git add those that belong to the fleet (no commit needed)"
	}
	return diagnostic.List{d}
}

func (c *compilation) readInputs(ctx context.Context) (map[string]intent.Input, error) {
	inputs := map[string]intent.Input{}
	var found diagnostic.List
	for _, name := range slices.Sorted(maps.Keys(c.in.Inputs)) {
		input, err := c.nix.ReadInput(ctx, c.in.Inputs[name])
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
	return c.deps.loadInventory(ctx, inventory.Source{Root: c.source.Fleet(), Name: name, Shown: name})
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
	return c.deps.loadInventory(ctx, inventory.Source{Name: filepath.Base(given.Path), Shown: c.in.Inputs[inventoryInput], Data: data})
}
