package inspect

import (
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// stopDropped stops what the goal does not have any more, or not enabled. A unit
// of the operating system that ours hid goes on as that, if it ran before.
func (d *decisions) stopDropped(dropped []schema.UnitName) error {
	for _, name := range dropped {
		if d.ended[name] {
			continue // masked
		}
		original := d.State.Owned.Files[unitPath(string(name))]
		comesBack := original.Adopted && original.Active
		d.ended[name] = !comesBack && !d.startsAnyway(name)
		running, err := d.running(name)
		if err != nil {
			return err
		}
		because := "no longer declared"
		if d.wanted[unitPath(string(name.Template()))] {
			because = "no longer enabled"
		}
		for _, instance := range running {
			if d.startsAnyway(instance) {
				continue
			}
			d.stop(instance, because)
			d.ended[instance] = !comesBack
			if comesBack {
				d.decide(instance, unit.Restart, "its original is back")
			}
		}
	}
	return nil
}

// startsAnyway reports whether the goal has the unit running, by another link.
func (d *decisions) startsAnyway(name schema.UnitName) bool {
	return slices.ContainsFunc(d.Manifest.Units, func(u schema.Unit) bool {
		return u.Enabled && slices.Contains(u.Starts, name)
	})
}

// running returns the unit where it is up, or the running instances of a template.
func (d *decisions) running(name schema.UnitName) ([]schema.UnitName, error) {
	if name.IsTemplate() {
		return d.Units.Instances(d.ctx, name)
	}
	if s := d.status[name]; s.Runs() || s.Restarting() {
		return []schema.UnitName{name}, nil
	}
	return nil, nil
}

// sockets stops the services of sockets that start, since systemd refuses to
// start a socket whose service runs. What is enabled starts again with its
// socket, the rest when somebody connects. The socket stops too, lest somebody
// connects in between.
func (d *decisions) sockets() error {
	for _, name := range sortedKeys(d.jobs) {
		job := d.jobs[name]
		if name.Type() != "socket" || job.verb == unit.Reload || d.ended[name] || job.verb == unit.Start && d.status[name].Runs() {
			continue
		}
		services, err := d.triggered(name)
		if err != nil {
			return err
		}
		for _, service := range services {
			d.stop(service, "its socket starts again")
			if d.enabledByUs(service) || d.jobs[service].verb == unit.Restart {
				d.decide(service, unit.Restart, "its socket starts again")
			}
			if d.status[name].Runs() {
				d.stop(name, job.because)
			}
		}
	}
	return nil
}

// triggered returns the running services of a socket. One that systemd does not
// know yet has the service of its name.
func (d *decisions) triggered(socket schema.UnitName) ([]schema.UnitName, error) {
	services := []schema.UnitName{schema.UnitName(strings.TrimSuffix(string(socket), "socket") + "service")}
	if d.status[socket].Load == "loaded" {
		details, err := d.Units.Details(d.ctx, socket)
		if err != nil {
			return nil, err
		}
		services = details.Triggers
	}
	services = slices.DeleteFunc(services, schema.UnitName.IsTemplate)
	status, err := d.Units.List(d.ctx, services)
	return slices.DeleteFunc(services, func(name schema.UnitName) bool {
		s := status[name]
		return !s.Runs() && !s.Restarting()
	}), err
}

func (d *decisions) enabledByUs(name schema.UnitName) bool {
	return slices.ContainsFunc(d.Manifest.Units, func(u schema.Unit) bool {
		return u.Enabled && slices.Contains(u.Starts, name) && d.wantedNow(u)
	})
}

// keep notes the enabled units that run and are not touched: they may go down
// with what stops, or fail with what changes.
func (d *decisions) keep() error {
	for _, u := range d.Manifest.Units {
		if !u.Enabled {
			continue
		}
		for _, name := range u.Starts {
			if _, has := d.jobs[name]; !has && !d.ended[name] && d.status[name].Runs() {
				d.work.Keep = append(d.work.Keep, name)
			}
		}
	}
	return nil
}

// forget notes the units whose files are gone afterwards or masked now, and their
// instances.
func (d *decisions) forget() error {
	var names []schema.UnitName
	for _, file := range sortedKeys(d.gone) {
		if name, ok := strings.CutPrefix(file, schema.UnitDirectory+"/"); ok && unitName(name) {
			names = append(names, schema.UnitName(name))
		}
	}
	for _, name := range d.Manifest.Masks {
		if d.changed[unitPath(string(name))] {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if !name.IsTemplate() {
			d.work.Forget = append(d.work.Forget, name)
			continue
		}
		instances, err := d.Units.Instances(d.ctx, name)
		if err != nil {
			return err
		}
		d.work.Forget = append(d.work.Forget, instances...)
	}
	return nil
}
