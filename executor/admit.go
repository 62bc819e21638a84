package executor

import (
	"maps"
	"slices"
	"strings"
	_ "time/tzdata" // the plan's zone may not depend on the machine

	"github.com/nixfleet/nixfleet/executor/internal/engine"
	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/schema"
)

// admit refuses, before any connection, a plan that cannot be carried out, and
// returns the hosts to take.
func admit(plan *schema.Plan, options Options) (map[schema.HostName]bool, error) {
	if plan.Index.Preview {
		return nil, fault.New(fault.Refused, "cannot execute the plan: it is a preview, whose closures are not built").
			WithHint("nixfleet build completes it; or compile without --no-build")
	}
	if len(plan.Index.Hosts) == 0 {
		return nil, fault.New(fault.Refused, "cannot execute the plan: it has no hosts").
			WithHint("compile it again, for all hosts or with a --host or --group that matches some")
	}
	if options.Parallel < 0 {
		return nil, fault.New(fault.Refused, "cannot take %d hosts at once: expected 1 or more", options.Parallel)
	}
	if err := plan.Verify(); err != nil {
		return nil, fault.New(fault.Refused, "cannot execute the plan: %w", err)
	}
	hosts, err := choose(plan, options.Select)
	if err != nil {
		return nil, err
	}
	if err := checkSupported(plan, hosts); err != nil {
		return nil, err
	}
	if err := engine.CheckReboots(plan); err != nil {
		return nil, fault.New(fault.Refused, "cannot execute the plan: %w", err)
	}
	if err := checkHelpers(plan, hosts); err != nil {
		return nil, err
	}
	return hosts, checkOpenFiles(min(len(hosts), parallel(plan, options)), openFiles())
}

// checkSupported refuses what this version cannot carry out, each by name.
func checkSupported(plan *schema.Plan, hosts map[schema.HostName]bool) error {
	var lines []string
	for _, unsupported := range plan.Unsupported(slices.Collect(maps.Keys(hosts))) {
		lines = append(lines, unsupported.String())
	}
	if len(lines) == 0 {
		return nil
	}
	return fault.New(fault.Refused, "cannot execute the plan: this version of NixFleet cannot carry out\n  %s", strings.Join(lines, "\n  ")).
		WithHint("change the settings and compile again, or leave the hosts out with --host or --group")
}

// checkHelpers refuses a plan that names no helper for a host's system.
func checkHelpers(plan *schema.Plan, hosts map[schema.HostName]bool) error {
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		system := plan.Manifests[plan.Index.Hosts[host].Manifest].System
		if plan.Index.Helpers[system] == "" {
			return fault.New(fault.Refused, "cannot execute the plan: it names no helper for %s, the system of host %q", system, host).
				WithHint("compile it again with a NixFleet that brings a helper for %s", system)
		}
	}
	return nil
}
