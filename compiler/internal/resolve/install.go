package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// install is what the [Install] section of an enabled unit asks for.
type install struct {
	links     []string
	starts    []schema.UnitName
	startWith []schema.UnitName
	hint      string
}

// parseInstall reads the [Install] section as "systemctl enable" does, without
// what would depend on the host.
func parseInstall(name schema.UnitName, settings []setting) (install, error) {
	section := map[string][]string{}
	for _, s := range settings {
		if s.section != "Install" {
			continue
		}
		if strings.Contains(s.value, "%") {
			return install{hint: "write the name out"}, fmt.Errorf("the setting %s=%s in [Install] of %s has a specifier", s.name, s.value, name)
		}
		if s.value == "" {
			delete(section, s.name) // an empty value takes back what stood before
			continue
		}
		section[s.name] = append(section[s.name], strings.Fields(s.value)...)
	}
	if also := section["Also"]; len(also) > 0 {
		return install{hint: "declare each of them with enabled = true instead"},
			fmt.Errorf("the setting Also=%s in [Install] of %s is not carried out", strings.Join(also, " "), name)
	}
	linked, err := instance(name, section["DefaultInstance"])
	if err != nil {
		return install{hint: "add DefaultInstance= to [Install], or enable an instance by declaring it as a unit of its own"}, err
	}
	return links(name, linked, section)
}

// instance returns the unit that runs when the unit is enabled: itself, or the
// default instance of a template.
func instance(name schema.UnitName, defaults []string) (schema.UnitName, error) {
	if !name.IsTemplate() {
		return name, nil
	}
	if len(defaults) == 0 {
		return "", fmt.Errorf("the template %s is enabled but names no instance", name)
	}
	linked := schema.UnitName(strings.Replace(string(name), "@.", "@"+defaults[len(defaults)-1]+".", 1))
	return linked, new(schema.UnitName).UnmarshalText([]byte(linked))
}

func links(name, linked schema.UnitName, section map[string][]string) (install, error) {
	var in install
	for _, kind := range []struct{ setting, suffix string }{
		{"WantedBy", ".wants/"}, {"RequiredBy", ".requires/"}, {"UpheldBy", ".upholds/"},
	} {
		for _, by := range section[kind.setting] {
			if err := new(schema.UnitName).UnmarshalText([]byte(by)); err != nil {
				return install{}, fmt.Errorf("the setting %s= in [Install] of %s: %w", kind.setting, name, err)
			}
			in.links = append(in.links, by+kind.suffix+string(linked))
			in.startWith = append(in.startWith, schema.UnitName(by))
		}
	}
	if len(in.startWith) > 0 {
		in.starts = []schema.UnitName{linked}
	}
	for _, alias := range section["Alias"] {
		var a schema.UnitName
		if err := a.UnmarshalText([]byte(alias)); err != nil {
			return install{}, fmt.Errorf("the setting Alias= in [Install] of %s: %w", name, err)
		}
		if a.Type() != name.Type() || a == name {
			return install{}, fmt.Errorf("the setting Alias=%s in [Install] of %s: expected another name of the same type", alias, name)
		}
		in.links = append(in.links, alias)
	}
	if len(in.links) == 0 {
		return install{hint: "add to its text:\n[Install]\nWantedBy=multi-user.target\nor say enabled = false where something else starts it"},
			fmt.Errorf("%s is enabled but has no [Install] section that says when it starts", name)
	}
	slices.Sort(in.links)
	slices.Sort(in.startWith)
	in.links, in.startWith = slices.Compact(in.links), slices.Compact(in.startWith)
	return in, nil
}
