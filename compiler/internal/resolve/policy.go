package resolve

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// place is an attribute of an option and where it was written.
type place struct{ set, name, at string }

func (r *resolver) refuse(p place, field string, code diagnostic.Code, format string, args ...any) {
	d := diagnostic.Diagnostic{Code: code, Summary: fmt.Sprintf(format, args...), Option: option(p.set, p.name), Position: diagnostic.ParsePosition(p.at)}
	if field != "" {
		d.Option += "." + field
	}
	r.report(d)
}

var (
	policyNameRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	variableRE   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// checkPolicyName refuses names that could not be typed or shown as they are.
func (r *resolver) checkPolicyName(p place) {
	if !policyNameRE.MatchString(p.name) {
		r.refuse(p, "", diagnostic.PolicyName, "%q is not a name of letters, digits, '.', '_' and '-' of at most 100 characters", p.name)
	}
}

// checkDuration refuses what is no Go duration, is negative, or is zero where
// zero would mean never or at once.
func (r *resolver) checkDuration(p place, field, text string, zero bool) {
	switch d, err := time.ParseDuration(text); {
	case err != nil || d < 0:
		r.refuse(p, field, diagnostic.Duration, `%q is not a duration: expected it as in "90s", "5m" or "1h30m"`, text)
	case d == 0 && !zero:
		r.refuse(p, field, diagnostic.Duration, "the %s is %s: expected more than nothing", field, text)
	}
}

// checkCommand refuses commands that do nothing or cannot be handed to sh.
func (r *resolver) checkCommand(p place, command string) {
	switch {
	case strings.TrimSpace(command) == "":
		r.refuse(p, "command", diagnostic.PolicyValue, "the command is empty")
	case strings.ContainsRune(command, 0):
		r.refuse(p, "command", diagnostic.PolicyValue, "the command has a NUL byte")
	}
}

func checkWord[T ~string](r *resolver, p place, field, word string, words ...T) T {
	if !slices.Contains(words, T(word)) {
		r.refuse(p, field, diagnostic.PolicyValue, "%q is none of %s", word, quoted(words))
	}
	return T(word)
}

func quoted[T ~string](words []T) string {
	var all []string
	for _, word := range words {
		all = append(all, fmt.Sprintf("%q", string(word)))
	}
	return strings.Join(all, ", ")
}

func (r *resolver) hooks() []schema.Hook {
	var hooks []schema.Hook
	for _, name := range slices.Sorted(maps.Keys(r.intent.Hooks)) {
		h := r.intent.Hooks[name]
		p := place{"hooks", name, h.At}
		r.checkPolicyName(p)
		r.checkCommand(p, h.Command)
		r.checkDuration(p, "timeout", h.Timeout, false)
		hooks = append(hooks, schema.Hook{
			Name:    name,
			When:    checkWord(r, p, "when", h.When, schema.BeforeActivation, schema.AfterActivation, schema.BeforeReboot, schema.AfterReboot),
			On:      checkWord(r, p, "on", h.On, schema.OnHost, schema.OnController),
			Command: h.Command, Timeout: h.Timeout, Required: h.Required, Always: h.Always,
		})
	}
	return hooks
}

func (r *resolver) tasks() []schema.Task {
	var tasks []schema.Task
	for _, name := range slices.Sorted(maps.Keys(r.intent.Tasks)) {
		t := r.intent.Tasks[name]
		p := place{"tasks", name, t.At}
		r.checkPolicyName(p)
		r.checkCommand(p, t.Command)
		r.checkDuration(p, "timeout", t.Timeout, false)
		r.checkAccountName("tasks", name, "user", t.User, t.At)
		if strings.ContainsAny(t.Description, "\n\r\x00") {
			r.refuse(p, "description", diagnostic.PolicyValue, "the description has more than one line")
		}
		r.checkEnvironment(p, t.Environment)
		tasks = append(tasks, schema.Task{
			Name: name, Description: t.Description, Command: t.Command, User: schema.AccountName(t.User),
			Environment: t.Environment, Timeout: t.Timeout,
		})
	}
	return tasks
}

func (r *resolver) checkEnvironment(p place, environment map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		switch {
		case !variableRE.MatchString(name):
			r.refuse(p, "environment", diagnostic.PolicyValue, "%q is not the name of a variable", name)
		case strings.ContainsRune(environment[name], 0):
			r.refuse(p, "environment", diagnostic.PolicyValue, "the variable %s has a NUL byte", name)
		}
	}
}

func (r *resolver) activation() schema.Activation {
	a := schema.Activation{ConfirmWindow: r.intent.Activation.ConfirmWindow, KeepGenerations: r.intent.Activation.KeepGenerations}
	refuse := func(field string, code diagnostic.Code, because string) {
		r.report(diagnostic.Diagnostic{Code: code, Summary: because, Option: "nixfleet.activation." + field})
	}
	const longest = time.Hour // a host that waits is locked
	switch d, err := time.ParseDuration(a.ConfirmWindow); {
	case err != nil || d < 0:
		refuse("confirmWindow", diagnostic.Duration, fmt.Sprintf(`%q is not a duration: expected it as in "90s", "5m" or "1h30m"`, a.ConfirmWindow))
	case d > 0 && d < time.Second || d > longest:
		refuse("confirmWindow", diagnostic.Duration, fmt.Sprintf("%q is no time to wait: expected 0s, or between 1s and 1h", a.ConfirmWindow))
	}
	if a.KeepGenerations < 2 {
		refuse("keepGenerations", diagnostic.PolicyValue, fmt.Sprintf("%d generations leave nothing to roll back to: expected 2 or more", a.KeepGenerations))
	}
	return a
}

func (r *resolver) reboot() *schema.RebootPolicy {
	policy := r.intent.Reboot
	if policy == nil {
		return nil
	}
	refuse := func(field string, code diagnostic.Code, because string) {
		r.report(diagnostic.Diagnostic{Code: code, Summary: because, Option: "nixfleet.reboot." + field})
	}
	for _, window := range policy.Windows {
		if _, err := schema.ParseWindow(window); err != nil {
			refuse("windows", diagnostic.Window, err.Error())
		}
	}
	if d, err := time.ParseDuration(policy.Deadline); err != nil || d <= 0 {
		refuse("deadline", diagnostic.Duration, fmt.Sprintf(`%q is not a duration: expected it as in "90s", "5m" or "1h30m"`, policy.Deadline))
	}
	if d, err := time.ParseDuration(policy.Stability); err != nil || d < 0 {
		refuse("stability", diagnostic.Duration, fmt.Sprintf(`%q is not a duration: expected it as in "10s" or "1m"`, policy.Stability))
	}
	return &schema.RebootPolicy{Auto: policy.Auto, Windows: policy.Windows, Deadline: policy.Deadline, Stability: policy.Stability}
}

func (r *resolver) rebootWindow() []string {
	return r.windows(r.intent.Rollout.RebootWindow, "rollout", "rebootWindow")
}

// windows refuses what is no window, at the place in the inventory that an option comes from.
func (r *resolver) windows(windows []string, path ...string) []string {
	for _, window := range windows {
		if _, err := schema.ParseWindow(window); err != nil {
			r.report(diagnostic.Diagnostic{
				Code: diagnostic.Window, Summary: err.Error(), Option: "nixfleet." + strings.Join(path, "."),
				Position: r.locate(r.host, path...),
			})
		}
	}
	return windows
}

func (r *resolver) osUpdates() *schema.OSUpdates {
	updates := r.intent.OSUpdates
	switch {
	case r.intent.Base == string(schema.NixOS) && updates.NixOS != nil:
		return &schema.OSUpdates{NixOS: &schema.NixOSUpdates{AutoSwitch: updates.NixOS.AutoSwitch}}
	case r.intent.Base != string(schema.NixOS) && updates.Ubuntu != nil:
		return &schema.OSUpdates{Ubuntu: r.ubuntuUpdates(updates.Ubuntu)}
	}
	return nil
}

func (r *resolver) ubuntuUpdates(u *intent.UbuntuUpdates) *schema.UbuntuUpdates {
	return &schema.UbuntuUpdates{
		Mode: u.Mode, AutoReboot: u.AutoReboot, Holds: u.Holds,
		RebootWindows:        r.windows(u.RebootWindow, "osUpdates", "ubuntu", "rebootWindow"),
		MaxConcurrentReboots: or(u.MaxConcurrentReboots, 0),
	}
}
