package compiler

import (
	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/compiler/internal/resolve"
	"github.com/nixfleet/nixfleet/compiler/internal/rollout"
	"github.com/nixfleet/nixfleet/schema"
)

// planRollout decides in which order the hosts are taken.
func (c *compilation) planRollout(result *intent.Result, fleet resolve.Fleet) (schema.Rollout, diagnostic.List) {
	in := rollout.Input{Members: result.Groups, Fleet: result.Fleet, Name: c.in.Rollout, Locate: c.inventory.LocateNear}
	for _, host := range fleet.Hosts {
		in.Hosts = append(in.Hosts, rollout.Host{Name: host.Name, Groups: host.Groups, Tags: host.Tags, Reboot: rebootOf(host)})
	}
	return rollout.Plan(in)
}

// The defaults of a host that says nothing of reboots but that updates may ask for
// one: how long it may take to come back, and how long it is watched then.
const (
	defaultDeadline  = "10m"
	defaultStability = "10s"
)

// rebootOf returns what a host says of its reboots; nil where it may not reboot.
func rebootOf(host resolve.Host) *rollout.Reboot {
	policy := host.Manifest.Reboot
	var apt schema.UbuntuUpdates
	if updates := host.Manifest.OSUpdates; updates != nil && updates.Ubuntu != nil {
		apt = *updates.Ubuntu
	}
	if !apt.AutoReboot && (policy == nil || !policy.Auto) {
		return nil
	}
	reboot := &rollout.Reboot{Deadline: defaultDeadline, Stability: defaultStability, MaxConcurrent: apt.MaxConcurrentReboots}
	if policy != nil {
		reboot.Windows, reboot.Deadline, reboot.Stability = policy.Windows, policy.Deadline, policy.Stability
	}
	if len(reboot.Windows) == 0 {
		reboot.Windows = apt.RebootWindows
	}
	if len(reboot.Windows) == 0 {
		reboot.Windows = host.RebootWindow
	}
	return reboot
}
