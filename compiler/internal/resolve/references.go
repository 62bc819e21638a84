package resolve

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xrash/smetrics"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

// checkReference warns of a unit that is none of the host's, as far as one can tell
// from here: it looks like one that is, or nobody is known to bring it.
func (r *resolver) checkReference(p place, field string, unit schema.UnitName) {
	meant := r.meantBy(unit)
	if meant == "" && (r.declares(unit) || isKnown(string(unit)) || r.isBrought(string(unit))) {
		return
	}
	finding := diagnostic.Diagnostic{
		Code: diagnostic.UnitUnknown, Severity: diagnostic.Warning, Option: option(p.set, p.name, field), Position: diagnostic.ParsePosition(p.at),
		Summary: fmt.Sprintf("this fleet has no unit %s for the host, which %s names", unit, field),
		Hint:    fmt.Sprintf("if the operating system of the host has %s, all is well; else declare it in nixfleet.systemd", unit),
	}
	if meant == "" {
		meant = likeKnown(string(unit))
	}
	if meant != "" {
		finding.Hint = fmt.Sprintf("did you mean %q? If %s is the operating system's own, all is well", meant, unit)
	}
	r.report(finding)
}

// likeKnown returns a unit that operating systems have and that a misspelt name means.
func likeKnown(unit string) string {
	_, kind := splitUnit(unit)
	for _, name := range known {
		if full := name + "." + kind; !strings.Contains(name, "*") && alike(unit, full) {
			return full
		}
	}
	return ""
}

// meantBy returns the declared unit that a misspelt name means; empty where the
// name is declared itself, or like no other.
func (r *resolver) meantBy(unit schema.UnitName) string {
	if r.declares(unit) {
		return ""
	}
	if r.meant == nil {
		r.meant = map[schema.UnitName]string{}
	}
	meant, known := r.meant[unit]
	if !known {
		for _, name := range slices.Sorted(maps.Keys(r.intent.Units)) {
			if meant == "" && alike(string(unit), name) {
				meant = name
			}
		}
		r.meant[unit] = meant
	}
	return meant
}

// declares reports whether the host has the unit, or the template it is made of.
func (r *resolver) declares(unit schema.UnitName) bool {
	if _, ok := r.intent.Units[string(unit)]; ok {
		return true
	}
	if template, _, ok := strings.Cut(string(unit), "@"); ok {
		_, ok := r.intent.Units[template+"@."+unit.Type()]
		return ok
	}
	return false
}

// alike tells misspelt names from others: two letters swapped, one wrong, more or
// less, or the wrong type of a service. Names that differ in digits are meant to differ.
func alike(name, declared string) bool {
	stem, kind := splitUnit(name)
	other, otherKind := splitUnit(declared)
	if kind != otherKind {
		return stem == other && otherKind == "service"
	}
	const short = 4 // every other word is like a word of three letters
	if len(stem) < short || withoutDigits(stem) == withoutDigits(other) {
		return false
	}
	distance := smetrics.WagnerFischer(stem, other, 1, 1, 1)
	return distance == 1 && len(stem) > short || distance == 2 && sortedLetters(stem) == sortedLetters(other)
}

func splitUnit(name string) (stem, kind string) {
	i := strings.LastIndexByte(name, '.')
	return name[:max(i, 0)], name[i+1:]
}

func withoutDigits(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return -1
		}
		return c
	}, s)
}

func sortedLetters(s string) string {
	letters := []byte(s)
	slices.Sort(letters)
	return string(letters)
}

// triggers are the units that start another one, with the setting that names it.
var triggers = map[string]struct{ section, setting string }{
	"timer": {"Timer", "Unit"}, "path": {"Path", "Unit"}, "socket": {"Socket", "Service"},
}

// checkTrigger refuses a timer, path or socket without what it starts. One that
// names its unit may mean one of the operating system's.
func (r *resolver) checkTrigger(unit schema.UnitName, settings []setting) {
	p := place{"systemd.units", string(unit), r.intent.Units[string(unit)].At}
	trigger, ok := triggers[unit.Type()]
	if !ok {
		return
	}
	stem := strings.TrimSuffix(string(unit), "."+unit.Type())
	started, named := stem+".service", ""
	for _, s := range settings {
		switch {
		case s.section == trigger.section && s.name == trigger.setting:
			named = s.value
		case s.section == "Socket" && s.name == "Accept" && boolean(s.value) == "yes":
			started = stem + "@.service"
		}
	}
	switch {
	case named != "" && !strings.Contains(named, "%"):
		if new(schema.UnitName).UnmarshalText([]byte(named)) == nil {
			r.checkReference(p, "text", schema.UnitName(named))
		}
	case named == "" && !r.declares(schema.UnitName(started)):
		r.report(diagnostic.Diagnostic{
			Code: diagnostic.UnitTriggers, Option: option(p.set, p.name), Position: diagnostic.ParsePosition(p.at),
			Summary: fmt.Sprintf("the %s %s starts %s, which the host does not have", unit.Type(), unit, started),
			Hint: fmt.Sprintf("declare %s, or name the operating system's unit that it starts:\n[%s]\n%s=%s",
				started, trigger.section, trigger.setting, started),
		})
	}
}
