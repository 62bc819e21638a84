package compiler

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/freeze"
	"github.com/nixfleet/nixfleet/compiler/internal/nixeval"
	"github.com/nixfleet/nixfleet/schema"
)

// Build completes a preview: it builds its closures and returns the plan that
// [Compile] would have made at once. The preview itself stays as it is; a plan that
// is complete is returned unchanged, its closures kept as deps say. Errors are as
// those of Compile.
func Build(ctx context.Context, preview *schema.Plan, deps Deps) (*schema.Plan, []Diagnostic, error) {
	if !preview.Index.Preview && deps.RootDir == "" && deps.CopyTo == "" {
		return preview, nil, nil
	}
	nix, err := openNix(deps)
	if err != nil {
		return conclude(nil, nil, err)
	}
	plan, err := complete(ctx, nix, preview, deps)
	return conclude(plan, nil, errors.Join(err, nix.Close()))
}

// complete builds a preview and keeps its closures where they are wanted.
func complete(ctx context.Context, nix *nixeval.Nix, preview *schema.Plan, deps Deps) (plan *schema.Plan, err error) {
	plan = preview
	if preview.Index.Preview {
		if plan, err = built(ctx, nix, preview); err != nil {
			return nil, err
		}
	}
	closures := freeze.Closures(plan)
	if deps.RootDir != "" {
		if err := nix.AddRoots(ctx, deps.RootDir, closures); err != nil {
			return nil, err
		}
	}
	if deps.CopyTo != "" {
		if err := nix.Copy(ctx, deps.CopyTo, closures); err != nil {
			return nil, err
		}
	}
	return plan, nil
}

func built(ctx context.Context, nix *nixeval.Nix, preview *schema.Plan) (*schema.Plan, error) {
	if err := nix.Realise(ctx, freeze.Derivations(preview)); err != nil {
		var failed *nixeval.BuildError
		if errors.As(err, &failed) {
			return nil, explainFailures(failed, preview)
		}
		return nil, err
	}
	infos, err := nix.PathInfos(ctx, freeze.Closures(preview))
	if err != nil {
		return nil, err
	}
	return freeze.Complete(preview, infos)
}

// explainFailures says of each derivation that failed whose it was.
func explainFailures(failed *nixeval.BuildError, preview *schema.Plan) diagnostic.List {
	var found diagnostic.List
	for _, failure := range failed.Failures {
		d := Diagnostic{
			Code: diagnostic.BuildFailed, Severity: Error,
			Summary: "cannot build " + strings.TrimSuffix(failure.Derivation.Name(), ".drv") + ": " + failure.Reason,
			Detail:  strings.Join(failure.Log, "\n"),
			Hint:    "the whole log: nix-store --read-log " + string(failure.Derivation),
		}
		for _, name := range slices.Sorted(maps.Keys(preview.Index.Hosts)) {
			closure := preview.Manifests[preview.Index.Hosts[name].Manifest].Closure
			if closure == nil || !slices.Contains(failure.Closures, closure.Derivation) {
				continue
			}
			if d.Host == "" {
				d.Host = name
			} else {
				d.Others = append(d.Others, name)
			}
		}
		found = append(found, d)
	}
	return found
}
