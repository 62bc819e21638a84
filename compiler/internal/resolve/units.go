package resolve

import (
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

// units derives from the texts of units whether they are enabled, their links, and
// what a change does to them, as far as the intent leaves that open.
func (r *resolver) units() {
	for i := range r.intent.Manifest.Units {
		r.unit(&r.intent.Manifest.Units[i])
	}
}

func (r *resolver) unit(unit *schema.Unit) {
	e := entry{"systemd.units", string(unit.Name)}
	text := r.payloads[unit.Payload]
	settings, err := parseUnit(text)
	switch {
	case strings.TrimSpace(text) == "":
		r.refuse(e, "", diagnostic.UnitText, "the unit %s has no text, which systemd takes for masked", unit.Name)
		return
	case err != nil:
		r.refuse(e, "", diagnostic.UnitText, "cannot read the text of %s: %v", unit.Name, err)
		return
	}
	if unit.OnChange == "" {
		unit.OnChange = onChange(unit.Name, settings)
	}
	if slices.Contains(r.intent.ByInstall, unit.Name) {
		unit.Enabled = hasInstall(settings)
	}
	r.checkTrigger(e, unit.Name, settings)
	if !unit.Enabled {
		return
	}
	install, err := parseInstall(unit.Name, settings)
	if err != nil {
		d := r.finding(e, "", diagnostic.UnitInstall, "%v", err)
		d.Hint = install.hint
		r.report(d)
		return
	}
	unit.Links, unit.Starts, unit.StartWith = install.links, install.starts, install.startWith
}

func hasInstall(settings []setting) bool {
	return slices.ContainsFunc(settings, func(s setting) bool { return s.section == "Install" && s.value != "" })
}

// onChange says what a changed text does to the running unit, by the unit's type
// and by the settings with which NixOS marks exceptions.
func onChange(name schema.UnitName, settings []setting) schema.OnChange {
	is := func(key string, value string) bool {
		last := ""
		for _, s := range settings {
			if s.name == key && (s.section == "Unit" || s.section == "Service") {
				last = s.value
			}
		}
		return boolean(last) == value
	}
	switch {
	case is("X-RestartIfChanged", "no"), is("RefuseManualStop", "yes"):
		return schema.Keep
	case is("X-ReloadIfChanged", "yes"):
		return schema.Reload
	}
	switch name.Type() {
	case "service":
		if is("X-StopIfChanged", "no") {
			return schema.Restart
		}
		return schema.StopStart
	case "target", "slice", "device", "scope":
		// A restart would take down everything below; what a target newly wants is
		// started for itself.
		return schema.Keep
	}
	return schema.Restart
}

// boolean returns a systemd boolean as "yes" or "no"; empty for anything else.
func boolean(value string) string {
	switch strings.ToLower(value) {
	case "1", "yes", "y", "true", "t", "on":
		return "yes"
	case "0", "no", "n", "false", "f", "off":
		return "no"
	}
	return ""
}
