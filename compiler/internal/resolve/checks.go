package resolve

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

// checkHealth refuses what only Go can check of health checks: URLs and expressions.
func (r *resolver) checkHealth() {
	for _, check := range r.intent.Manifest.HealthChecks {
		e := entry{"healthChecks", check.Name}
		switch check.Kind {
		case schema.CheckUnit:
			r.checkReference(e, "unit", check.Unit)
		case schema.CheckHTTP:
			if u, err := url.Parse(check.URL); err != nil || u.Hostname() == "" {
				r.refuse(e, "url", diagnostic.PolicyValue, "%q is not a URL with http or https and a host", check.URL)
			}
			if _, err := regexp.Compile(check.Body); err != nil {
				r.refuse(e, "body", diagnostic.PolicyValue, "%q is not a regular expression: %v", check.Body, err)
			}
		case schema.CheckTCP, schema.CheckCommand:
		}
	}
}

// secretDirectory is in memory, so that no secret reaches a disk in clear.
const secretDirectory = "/run/nixfleet-secrets"

func (r *resolver) checkSecrets() {
	for _, secret := range r.intent.Manifest.Secrets {
		e := entry{"secrets", secret.Name}
		if !strings.HasPrefix(secret.Path, secretDirectory+"/") || path.Clean(secret.Path) != secret.Path {
			r.refuse(e, "path", diagnostic.PathInvalid, "%q is not a clean path below %s, where secrets are kept in memory", secret.Path, secretDirectory)
		}
		for _, unit := range secret.Restart {
			r.checkReference(e, "restartUnits", unit)
		}
		for _, unit := range secret.Reload {
			r.checkReference(e, "reloadUnits", unit)
		}
	}
}

// checkWindows refuses windows that no clock has. Where they were written only the
// inventory can tell.
func (r *resolver) checkWindows() {
	if policy := r.intent.Manifest.Reboot; policy != nil {
		r.refuseWindows(policy.Windows, diagnostic.Position{}, "reboot", "windows")
	}
	r.refuseWindows(r.intent.RebootWindows, r.locate(r.host, "rollout", "rebootWindow"), "rollout", "rebootWindow")
	if updates := r.intent.Manifest.OSUpdates; updates != nil && updates.Ubuntu != nil {
		path := []string{"osUpdates", "ubuntu", "rebootWindow"}
		r.refuseWindows(updates.Ubuntu.RebootWindows, r.locate(r.host, path...), path...)
	}
}

func (r *resolver) refuseWindows(windows []string, at diagnostic.Position, path ...string) {
	for _, window := range windows {
		if _, err := schema.ParseWindow(window); err != nil {
			r.report(diagnostic.Diagnostic{
				Code: diagnostic.Window, Summary: err.Error(), Option: "nixfleet." + strings.Join(path, "."), Position: at,
			})
		}
	}
}

// checkRestarts looks at the units that files name, in the order of the files.
func (r *resolver) checkRestarts() {
	type reference struct {
		file, field string
		unit        schema.UnitName
	}
	var all []reference
	for _, rule := range r.intent.Manifest.Restarts {
		for _, file := range rule.Restart {
			all = append(all, reference{file, "restartUnits", rule.Unit})
		}
		for _, file := range rule.Reload {
			all = append(all, reference{file, "reloadUnits", rule.Unit})
		}
	}
	slices.SortStableFunc(all, func(a, b reference) int { return strings.Compare(a.file, b.file) })
	for _, ref := range all {
		r.checkReference(entry{"files", ref.file}, ref.field, ref.unit)
	}
}
