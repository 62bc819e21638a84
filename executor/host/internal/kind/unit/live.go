package unit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	systemd "github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/restart"
	"github.com/nixfleet/nixfleet/schema"
)

// liveUnits is the host as systemd describes it. After an error it asks no more, and
// what it returns has no meaning.
type liveUnits struct {
	systemd.Manager
	ctx    context.Context
	status map[schema.UnitName]systemd.Status
	err    error
}

func (l *liveUnits) list(names []schema.UnitName) {
	if len(names) == 0 || l.err != nil {
		return
	}
	var found map[schema.UnitName]systemd.Status
	found, l.err = l.List(l.ctx, names)
	maps.Copy(l.status, found)
}

func (l *liveUnits) unread(names []schema.UnitName) (unread []schema.UnitName) {
	if l.err == nil {
		unread, l.err = l.Unread(l.ctx, names)
	}
	return unread
}

func (l *liveUnits) details(name schema.UnitName) (details systemd.Details) {
	if l.err == nil {
		details, l.err = l.Details(l.ctx, name)
	}
	return details
}

func (l *liveUnits) instances(template schema.UnitName) (names []schema.UnitName) {
	if l.err == nil {
		names, l.err = l.Instances(l.ctx, template)
	}
	return names
}

// Running implements [restart.Host], as do the methods below.
func (l *liveUnits) Running(name schema.UnitName) []restart.Target {
	names := []schema.UnitName{name}
	if name.IsTemplate() {
		names = l.instances(name)
	} else if s := l.status[name]; !s.Runs() && !s.Restarting() {
		return nil
	}
	targets := make([]restart.Target, len(names))
	for i, name := range names {
		targets[i].Unit = name
	}
	return targets
}

func (l *liveUnits) Up(name schema.UnitName) bool { return l.status[name].Runs() }

func (l *liveUnits) Failing(name schema.UnitName) string {
	status := l.status[name]
	if status.Load != "loaded" {
		return status.Load
	}
	if details := l.details(name); !details.LongRunning() || details.Skipped {
		return ""
	}
	return fmt.Sprintf("%s (%s)", status.Active, status.Sub)
}

func (l *liveUnits) Foreign(name schema.UnitName) (enabled bool, state string) {
	if load := l.status[name].Load; load != "loaded" {
		return false, load
	}
	return l.details(name).Enablement == "enabled", ""
}

// Triggered returns the running services of a socket. One that systemd does not know
// yet has the service of its name.
func (l *liveUnits) Triggered(socket schema.UnitName) (targets []restart.Target) {
	services := []schema.UnitName{schema.UnitName(strings.TrimSuffix(string(socket), "socket") + "service")}
	if l.status[socket].Load == "loaded" {
		services = l.details(socket).Triggers
	}
	services = slices.DeleteFunc(slices.Clone(services), schema.UnitName.IsTemplate)
	l.list(services)
	for _, service := range services {
		targets = append(targets, l.Running(service)...)
	}
	return targets
}
