package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xrash/smetrics"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

// checkReference warns of a unit that is none of the host's, as far as one can tell
// from here: it looks like one that is, or nobody is known to bring it.
func (r *resolver) checkReference(e entry, field string, unit schema.UnitName) {
	meant := r.meantBy(unit)
	if meant == "" && (r.declares(unit) || isKnown(string(unit)) || r.isBrought(string(unit))) {
		return
	}
	finding := r.finding(e, field, diagnostic.UnitUnknown, "this fleet has no unit %s for the host, which %s names", unit, field)
	finding.Severity = diagnostic.Warning
	finding.Hint = fmt.Sprintf("if the operating system of the host has %s, all is well; else declare it in nixfleet.systemd", unit)
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
		for _, declared := range r.intent.Manifest.Units {
			if meant == "" && alike(string(unit), string(declared.Name)) {
				meant = string(declared.Name)
			}
		}
		r.meant[unit] = meant
	}
	return meant
}

// declares reports whether the host has the unit, or the template it is made of.
func (r *resolver) declares(unit schema.UnitName) bool {
	return r.declared[unit] || r.declared[unit.Template()]
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
func (r *resolver) checkTrigger(e entry, unit schema.UnitName, settings []setting) {
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
			r.checkReference(e, "text", schema.UnitName(named))
		}
	case named == "" && !r.declares(schema.UnitName(started)):
		d := r.finding(e, "", diagnostic.UnitTriggers, "the %s %s starts %s, which the host does not have", unit.Type(), unit, started)
		d.Hint = fmt.Sprintf("declare %s, or name the operating system's unit that it starts:\n[%s]\n%s=%s",
			started, trigger.section, trigger.setting, started)
		r.report(d)
	}
}
