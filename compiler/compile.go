package compiler

import (
	"context"
	"errors"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/batch"
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
	if err != nil || result == nil {
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

func (c *compilation) evaluate(ctx context.Context) (*intent.Result, error) {
	request := intent.Request{Version: intent.Version, Inputs: c.inputs}
	if c.inventory != nil {
		request.Inventory = &intent.Inventory{File: c.inventory.File, Value: c.inventory.Value}
	}
	var err error
	if request.Select, err = selection(c.in.Hosts, c.in.Groups); err != nil {
		return nil, err
	}
	evaluation, err := c.nix.Prepare(ctx, c.source, c.library, request)
	if err != nil {
		return nil, err
	}
	result, failed, err := batch.Run(ctx, c.batches(), evaluation.Part)
	c.found = append(c.found, c.placed(failed)...)
	if err != nil || result == nil {
		return nil, err
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

// batches are as large as one process evaluates in a second or two.
func (c *compilation) batches() batch.Options {
	progress := c.deps.Progress
	if progress == nil {
		progress = func(string) {}
	}
	return batch.Options{Light: 1000, Heavy: 8, Workers: batch.Workers(), Explained: 50, Progress: progress}
}

// placed adds the place in the inventory to errors about a host that name no other.
func (c *compilation) placed(list diagnostic.List) diagnostic.List {
	for i := range list {
		d := &list[i]
		if d.Position.File == "" && d.Host != "" {
			field := strings.TrimPrefix(d.Option, "hosts."+string(d.Host)+".")
			d.Position = c.inventory.LocateHost(string(d.Host), strings.Split(field, ".")...)
		}
	}
	return list
}
