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

// defaultDeadline is how long a host may take to come back that says nothing of reboots
// but that updates may ask for one.
const defaultDeadline = "10m"

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
	reboot := &rollout.Reboot{Deadline: defaultDeadline, MaxConcurrent: apt.MaxConcurrentReboots}
	if policy != nil {
		reboot.Windows, reboot.Deadline = policy.Windows, policy.Deadline
	}
	if len(reboot.Windows) == 0 && apt.RebootWindow != "" {
		reboot.Windows = []string{apt.RebootWindow}
	}
	if len(reboot.Windows) == 0 {
		reboot.Windows = host.RebootWindow
	}
	return reboot
}
