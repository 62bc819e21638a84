package resolve

import (
	"maps"
	"net/url"
	"regexp"
	"slices"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// statusOK is the HTTP status that is expected where the intent names none.
const statusOK = 200

func (r *resolver) healthChecks() []schema.HealthCheck {
	var checks []schema.HealthCheck
	for _, name := range slices.Sorted(maps.Keys(r.intent.HealthChecks)) {
		c := r.intent.HealthChecks[name]
		p := place{"healthChecks", name, c.At}
		r.checkPolicyName(p)
		check := schema.HealthCheck{
			Name: name, StartDelay: c.StartDelay, Interval: c.Interval, Timeout: c.Timeout, Retries: c.Retries,
			Kind: checkWord(r, p, "kind", c.Kind, schema.CheckUnit, schema.CheckHTTP, schema.CheckTCP, schema.CheckCommand),
			From: checkWord(r, p, "from", c.From, schema.OnHost, schema.OnController),
		}
		r.checkDuration(p, "startDelay", c.StartDelay, true)
		r.checkDuration(p, "interval", c.Interval, false)
		r.checkDuration(p, "timeout", c.Timeout, false)
		if c.Retries < 0 {
			r.refuse(p, "retries", diagnostic.PolicyValue, "retries is %d: expected 0 or more", c.Retries)
		}
		r.onlyOwnFields(p, c)
		switch check.Kind {
		case schema.CheckUnit:
			r.unitCheck(p, c, &check)
		case schema.CheckHTTP:
			r.httpCheck(p, c, &check)
		case schema.CheckTCP:
			check.Port = or(c.Port, 0)
			if check.Port < 1 || check.Port > 65535 {
				r.refuse(p, "port", diagnostic.PolicyValue, "%d is not a port: expected 1 to 65535", check.Port)
			}
		case schema.CheckCommand:
			check.Command = or(c.Command, "")
			r.checkCommand(p, check.Command)
		}
		checks = append(checks, check)
	}
	return checks
}

// onlyOwnFields refuses what a check of its kind never looks at.
func (r *resolver) onlyOwnFields(p place, c intent.HealthCheck) {
	for _, f := range []struct {
		field string
		kind  schema.CheckKind
		given bool
	}{
		{"unit", schema.CheckUnit, c.Unit != nil},
		{"url", schema.CheckHTTP, c.URL != nil},
		{"body", schema.CheckHTTP, c.Body != nil},
		{"port", schema.CheckTCP, c.Port != nil},
		{"command", schema.CheckCommand, c.Command != nil},
	} {
		if f.given && schema.CheckKind(c.Kind) != f.kind {
			r.refuse(p, f.field, diagnostic.PolicyValue, "%s belongs to checks of kind %q, this one is of kind %q", f.field, f.kind, c.Kind)
		}
	}
}

func (r *resolver) unitCheck(p place, c intent.HealthCheck, check *schema.HealthCheck) {
	check.Unit = schema.UnitName(or(c.Unit, ""))
	if err := new(schema.UnitName).UnmarshalText([]byte(check.Unit)); err != nil {
		r.refuse(p, "unit", diagnostic.UnitName, "%v", err)
	} else {
		r.checkReference(p, "unit", check.Unit)
	}
	if check.From == schema.OnController {
		r.refuse(p, "from", diagnostic.PolicyValue, "a unit can be asked for on its host only")
	}
}

func (r *resolver) httpCheck(p place, c intent.HealthCheck, check *schema.HealthCheck) {
	check.URL, check.Status, check.Body = or(c.URL, ""), or(c.Status, statusOK), or(c.Body, "")
	if u, err := url.Parse(check.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		r.refuse(p, "url", diagnostic.PolicyValue, "%q is not a URL with http or https and a host", check.URL)
	}
	if check.Status < 100 || check.Status > 599 {
		r.refuse(p, "status", diagnostic.PolicyValue, "%d is not an HTTP status: expected 100 to 599", check.Status)
	}
	if _, err := regexp.Compile(check.Body); err != nil {
		r.refuse(p, "body", diagnostic.PolicyValue, "%q is not a regular expression: %v", check.Body, err)
	}
}
