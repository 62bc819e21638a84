package compiler

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/inventory"
	"github.com/nixfleet/nixfleet/schema"
)

// Roster is the hosts of an inventory file, with the ways to them.
type Roster struct {
	// Fleet is the fleet's name; empty when the file gives it none.
	Fleet string
	// Hosts have no manifests: nothing was evaluated.
	Hosts schema.Hosts
}

// ReadRoster reads the hosts of a fleet's inventory, or of one that is an input,
// without evaluating anything: no Nix is needed. Of the input it takes the fleet's
// directory and which inventory. Hosts, and settings of hosts, that are written in
// Nix are not seen. The roster is nil where the error is not; with [ErrRefused] the
// diagnostics say why.
func ReadRoster(ctx context.Context, in Input, deps Deps) (*Roster, []Diagnostic, error) {
	roster, err := readRoster(ctx, in, deps)
	if list, ok := diagnostic.Of(err); ok {
		return nil, list.Sorted(), ErrRefused
	}
	return roster, nil, err
}

func readRoster(ctx context.Context, in Input, deps Deps) (*Roster, error) {
	file, err := openRoster(ctx, in, deps)
	if err != nil {
		return nil, err
	}
	fleet, hosts, err := file.Hosts()
	if err != nil {
		return nil, err
	}
	if len(hosts) == 0 {
		return nil, diagnostic.List{{
			Code: diagnostic.NoHosts, Severity: Error, Position: Position{File: file.File}, Summary: "the inventory has no hosts",
			Hint: byPlan,
		}}
	}
	return &Roster{fleet, hosts}, nil
}

// byPlan is how hosts are known that no inventory file has.
const byPlan = "hosts that are declared in Nix are known from a plan: nixfleet compile -o plan.json, then --plan plan.json"

func openRoster(ctx context.Context, in Input, deps Deps) (*inventory.Inventory, error) {
	if given := in.Inputs[inventoryInput]; given != "" {
		data, err := os.ReadFile(given)
		if err != nil {
			return nil, diagnostic.List{{
				Code: diagnostic.InputInvalid, Severity: Error, Summary: "cannot read the input \"inventory\": " + err.Error(),
				Hint: "it is one file, as: --input inventory=./hosts.yaml",
			}}
		}
		return deps.loadInventory(ctx, inventory.Source{Name: filepath.Base(given), Shown: given, Data: data})
	}
	dir := strings.TrimPrefix(in.Fleet, "path:")
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return nil, missingFleet(in.Fleet, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open the fleet: %w", err)
	}
	defer root.Close()
	name, err := inventory.Choose(root.FS(), in.Inventory)
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, diagnostic.List{{
			Code: diagnostic.InventoryMissing, Severity: Error, Summary: fmt.Sprintf("the fleet %q has no file in inventory/ that tells of hosts", in.Fleet), Hint: byPlan,
		}}
	}
	return deps.loadInventory(ctx, inventory.Source{Root: dir, Name: name, Shown: name})
}

func missingFleet(fleet string, err error) error {
	found := Diagnostic{Code: diagnostic.SourceMissing, Severity: Error, Hint: byPlan}
	switch {
	case err == nil:
		found.Summary = fmt.Sprintf("%q is a file, and a fleet is a directory with an inventory/", fleet)
		found.Hint = "a plan is given as --plan " + fleet + ", an inventory as --input inventory=" + fleet
	case errors.Is(err, os.ErrNotExist) && strings.Contains(fleet, ":"):
		found.Summary = fmt.Sprintf("the inventory of %q cannot be read without Nix: it is no directory of this machine", fleet)
	case errors.Is(err, os.ErrNotExist):
		found.Summary = fmt.Sprintf("there is no fleet at %q", fleet)
	default:
		found.Summary = fmt.Sprintf("cannot read the fleet: %v", err)
	}
	return diagnostic.List{found}
}
