// Package rollout decides in which order the hosts of a plan are taken, how many at
// once, and what must hold on the way: it turns the policies of a fleet and its
// groups into waves, limits and budgets of so many hosts each.
//
// It is pure, and the same hosts and policies give the same rollout in any order. A
// stage is the hosts that share a policy: those of a group that has one for waves, or
// the others. Hosts of one stage stand in the order of their names, stages in the
// order that groups ask for. What contradicts itself is a diagnostic.
//
// Percentages are of the plan's hosts in the stage or group, or of the wave for its
// budget. Waves and canaries are rounded up, limits and budgets down; a limit is never
// less than one host.
package rollout

import (
	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// defaultParallel is how many hosts are at work at once where the fleet does not say.
const defaultParallel = 20

// Input is what a rollout is made of.
type Input struct {
	// Hosts are the hosts of the plan.
	Hosts []Host
	// Members are the hosts of every group, those outside of the plan too; "all" has all.
	Members map[string][]string
	// Fleet holds the policies.
	Fleet intent.Fleet
	// Name is the policy that stands in for the fleet's own; empty for none.
	Name string
	// Locate returns where a field of the inventory was written, or the nearest around it.
	Locate func(field ...string) diagnostic.Position
}

// Host is what counts of a host.
type Host struct {
	Name schema.HostName
	// Groups are without "all".
	Groups []string
	Tags   map[string]string
	// Reboot is nil for a host that may not reboot.
	Reboot *Reboot
}

// Reboot is what a host says of its reboots.
type Reboot struct {
	// Windows are the host's own; those of its groups or the fleet where there are none.
	Windows []string
	// Deadline is how long it may take to come back, and Stability how long it is watched then.
	Deadline, Stability string
	// MaxConcurrent is how many hosts of its groups may be down at once; 0 for no limit.
	MaxConcurrent int
}

// Plan returns the rollout. It is of no use where the findings hold an error.
func Plan(in Input) (schema.Rollout, diagnostic.List) {
	p := newPlanner(in)
	p.check()
	stages := p.stages()
	frozen := schema.Rollout{Name: in.Name, MaxParallel: defaultParallel, Waves: schema.Waves{}}
	if p.fleet.MaxParallel != "" {
		frozen.MaxParallel = limit(p.fleet.MaxParallel, len(p.hosts))
	}
	if p.found.Failed() {
		return frozen, p.found
	}
	frozen.Limits = p.limits(frozen.MaxParallel)
	frozen.Budgets = p.budgets()
	frozen.Gate = gate(p.fleet.Gate)
	for _, level := range levels(stages) {
		frozen.Waves = append(frozen.Waves, p.waves(level, len(stages) > 1)...)
	}
	frozen.Reboots = p.reboots(frozen)
	return frozen, p.found
}

func gate(declared *intent.Gate) *schema.Gate {
	if declared == nil {
		return nil
	}
	return &schema.Gate{Command: declared.Command, Interval: declared.Interval, Timeout: declared.Timeout, Retries: declared.Retries}
}
