package inspect

import (
	"slices"

	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// rules are the goal's restart rules, and of the manifest before those whose
// files are gone now.
func (c *comparison) rules() []schema.RestartRule {
	rules := c.Manifest.Restarts
	if c.Previous == nil || len(c.work.Removals) == 0 {
		return rules
	}
	removed := map[string]bool{}
	for _, step := range c.work.Removals {
		removed[step.Do.Path] = true
	}
	only := func(paths []string) []string {
		return slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return !removed[p] })
	}
	for _, rule := range c.Previous.Restarts {
		rules = append(rules[:len(rules):len(rules)], schema.RestartRule{Unit: rule.Unit, Restart: only(rule.Restart), Reload: only(rule.Reload)})
	}
	return rules
}

// restartRules carries out the restart map for the files that change.
func (d *decisions) restartRules() error {
	for _, rule := range d.rules() {
		verb, because := unit.Restart, d.firstChanged(rule.Restart)
		if because == "" {
			verb, because = unit.Reload, d.firstChanged(rule.Reload)
		}
		if because == "" {
			continue
		}
		names, err := d.running(rule.Unit)
		if err != nil {
			return err
		}
		if len(names) == 0 && !rule.Unit.IsTemplate() {
			if names, err = d.idleButEnabled(rule.Unit); err != nil {
				return err
			}
			verb = unit.Start
		}
		for _, name := range names {
			d.decide(name, verb, because+" changed")
		}
	}
	return nil
}

func (d *decisions) firstChanged(paths []string) string {
	for _, p := range paths {
		if d.changed[p] {
			return p
		}
	}
	return ""
}

// idleButEnabled returns a unit that does not run although it is enabled: one of
// the goal's, or one of the host's own.
func (d *decisions) idleButEnabled(name schema.UnitName) ([]schema.UnitName, error) {
	for _, u := range d.Manifest.Units {
		if u.Name == name {
			if u.Enabled && slices.Contains(u.Starts, name) && d.wantedNow(u) {
				return []schema.UnitName{name}, nil
			}
			return nil, nil
		}
	}
	if load := d.status[name].Load; load != "loaded" {
		d.note("%s is not restarted: it is %s", name, load)
		return nil, nil
	}
	details, err := d.Units.Details(d.ctx, name)
	if err != nil || details.Enablement != "enabled" {
		return nil, err
	}
	return []schema.UnitName{name}, nil
}
