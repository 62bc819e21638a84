package resolve

import (
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

func (r *resolver) units() []schema.Unit {
	units := []schema.Unit{}
	for _, name := range slices.Sorted(maps.Keys(r.intent.Units)) {
		u := r.intent.Units[name]
		refuse := func(code diagnostic.Code, summary, hint string) {
			r.report(diagnostic.Diagnostic{
				Code: code, Summary: summary, Hint: hint, Option: option("systemd.units", name), Position: diagnostic.ParsePosition(u.At),
			})
		}
		resolved := schema.Unit{
			Name: schema.UnitName(name), Payload: r.payloads.add(u.Text), Enabled: or(u.Enabled, false),
			OnChange: schema.Keep, Adopt: u.Adopt,
		}
		units = append(units, resolved)
		if err := new(schema.UnitName).UnmarshalText([]byte(name)); err != nil {
			refuse(diagnostic.UnitName, err.Error(), "")
			continue
		}
		settings, err := parseUnit(u.Text)
		switch {
		case strings.TrimSpace(u.Text) == "":
			refuse(diagnostic.UnitText, "the unit "+name+" has no text, which systemd takes for masked", "")
			continue
		case err != nil:
			refuse(diagnostic.UnitText, "cannot read the text of "+name+": "+err.Error(), "")
			continue
		}
		to := &units[len(units)-1]
		to.OnChange = onChange(to.Name, settings)
		if u.OnChange != nil {
			to.OnChange = checkWord(r, place{"systemd.units", name, u.At}, "onChange", *u.OnChange,
				schema.StopStart, schema.Restart, schema.Reload, schema.Keep)
		}
		r.checkTrigger(to.Name, settings)
		to.Enabled = or(u.Enabled, hasInstall(settings))
		if !to.Enabled {
			continue
		}
		install, err := parseInstall(to.Name, settings)
		if err != nil {
			refuse(diagnostic.UnitInstall, err.Error(), install.hint)
			continue
		}
		to.Links, to.Starts, to.StartWith = install.links, install.starts, install.startWith
	}
	return units
}

// masks returns the masked units. That one is declared and masked is a conflict
// of places (see checkPlaces).
func (r *resolver) masks() []schema.UnitName {
	var masks []schema.UnitName
	for _, name := range slices.Sorted(maps.Keys(r.intent.Masks)) {
		if err := new(schema.UnitName).UnmarshalText([]byte(name)); err != nil {
			r.refuse(place{"systemd.masks", name, r.intent.Masks[name].At}, "", diagnostic.UnitName, "%v", err)
		}
		masks = append(masks, schema.UnitName(name))
	}
	return masks
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
