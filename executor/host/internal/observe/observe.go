// Package observe looks at a host for people: what was applied and by whom,
// whether that is still so, how its units are, and what an execution would do. It
// changes nothing on the host and takes no lock; what it cannot see it names,
// and tells the rest.
package observe

import (
	"context"
	"path/filepath"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/base"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/schema"
)

// Host is the host to look at.
type Host struct {
	// Root is the root directory: "/" on a host.
	Root string
	// Live is what is there.
	Live kind.World
	// Base is the host's.
	Base *base.Base
	// State is what NixFleet knows of the host.
	State *schema.State
	// Applied is the manifest that was applied last; nil where there is none, or
	// where it is not kept any more.
	Applied *schema.Manifest
	// Location is the host's time zone, in which its logs are written.
	Location *time.Location
}

// Look returns what there is to tell of the host's state, apart from what the
// helper knows of itself: who it is and who is at work.
func Look(ctx context.Context, host Host) schema.Observation {
	o := schema.Observation{
		BootID: line(host.at("/proc/sys/kernel/random/boot_id")), UptimeSeconds: uptime(host.at("/proc/uptime")),
		Kernel: Kernel(host.Root),
		Name:   host.State.Host, Reboot: host.Base.RebootNeeded(host.Root), LastOSUpdate: LastUpdate(host), Disks: disks(host.Root),
		Drift: []schema.Drift{}, Units: []schema.ObservedUnit{},
	}
	if applied := host.State.Applied; applied != nil {
		told := *applied
		told.Verified = nil
		o.Applied = &told
		d := &differ{Host: host, ctx: ctx, observation: &o}
		d.look()
	}
	return o
}

func (h *Host) at(name string) string { return filepath.Join(h.Root, name) }

// closure are the store paths that files of the applied manifest come from.
func (h *Host) closure() map[schema.StorePath]bool {
	closure := make(map[schema.StorePath]bool, len(h.State.Applied.Verified))
	for _, path := range h.State.Applied.Verified {
		closure[path] = true
	}
	return closure
}

// lost are the store paths that were applied and are gone.
func (h *Host) lost() (map[schema.StorePath]bool, error) {
	return nixstore.Lost(h.Root, h.State.Applied.Verified)
}

// LastUpdate returns the last update of packages: NixFleet's own, or the one in the
// operating system's log where that is younger.
func LastUpdate(host Host) *schema.OSUpdateState {
	last := host.State.LastOSUpdate
	logged := host.Base.LastUpdate(host.Root, host.Location)
	if last == nil || logged != nil && logged.At.After(last.At) {
		return logged
	}
	return last
}
