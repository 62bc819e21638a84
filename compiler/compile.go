package compiler

import (
	"context"
	"errors"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/compiler/internal/inventory"
	"github.com/nixfleet/nixfleet/compiler/internal/nixeval"
	"github.com/nixfleet/nixfleet/schema"
)

// inventoryInput is the input that is the inventory.
const inventoryInput = "inventory"

// Compile makes a plan. The plan is nil where the error is not; with [ErrRefused]
// the diagnostics say why, otherwise they hold warnings at most.
func Compile(ctx context.Context, in Input, deps Deps) (*schema.Plan, []Diagnostic, error) {
	c := compilation{in: in, deps: deps}
	plan, err := c.run(ctx)
	return conclude(plan, append(c.found, c.untracked(err)...), err)
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
	if err := checkPolicyDate(c.in.PolicyDate); err != nil {
		return nil, err
	}
	if err := c.read(ctx); err != nil {
		return nil, err
	}
	preview, err := c.preview(ctx)
	if err != nil || preview == nil || c.found.Failed() {
		return nil, err
	}
	if err := c.checkPolicies(ctx, preview); err != nil || c.found.Failed() || c.in.NoBuild {
		return preview, err
	}
	return complete(ctx, c.nix, preview, c.deps)
}

func openNix(deps Deps) (*nixeval.Nix, error) {
	return nixeval.Open(nixeval.Options{
		Environ: deps.Environ, TempDir: deps.TempDir, Progress: deps.Progress, Trace: deps.Trace,
	})
}
