package compiler

import (
	"context"
	"fmt"
	"io"

	"github.com/nixfleet/nixfleet/compiler/internal/bounded"
	"github.com/nixfleet/nixfleet/compiler/internal/inventory"
	"github.com/nixfleet/nixfleet/compiler/internal/policy"
)

const (
	policyWork    = "policy"
	inventoryWork = "inventory"
)

// work is what evaluates programs of a fleet that may loop or take all memory.
var work = map[string]func(io.Reader, io.Writer) error{policyWork: policy.Serve, inventoryWork: inventory.Serve}

// Work is the body of the command that [Deps.Worker] names, with the name of the work as
// its last argument: it limits this process and does the work.
func Work(name string, in io.Reader, out io.Writer) error {
	if work[name] == nil {
		return fmt.Errorf("unknown work %q", name)
	}
	return bounded.Serve(bounded.Default, work[name], in, out)
}

func (d Deps) runner(name string) bounded.Runner {
	if len(d.Worker) == 0 {
		return bounded.Here(work[name])
	}
	return bounded.Process(append(append([]string{}, d.Worker...), name), bounded.Default)
}

func (d Deps) loadInventory(ctx context.Context, source inventory.Source) (*inventory.Inventory, error) {
	return inventory.Load(ctx, d.runner(inventoryWork), source)
}
