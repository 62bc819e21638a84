package show

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/schema"
)

// policy is what surrounds a change: updates, reboots, checks, hooks, and what an
// operator or a service gets.
func (k Kind) policy() []document.Item {
	var items []document.Item
	line := func(name, text string) {
		items = append(items, document.Item{Text: document.Line(name+": ", text)})
	}
	if u := k.OSUpdates; u != nil && u.Ubuntu != nil {
		line("apt", describeApt(*u.Ubuntu))
	}
	if u := k.OSUpdates; u != nil && u.NixOS != nil {
		line("NixOS", describeNixOS(*u.NixOS))
	}
	if k.Reboot != nil {
		line("reboots", describeReboot(*k.Reboot))
	}
	return slices.Concat(items,
		table("health checks", []string{"check", "asks", "how"}, rows(k.HealthChecks, checkRow)),
		table("hooks", []string{"hook", "when", "command", "how"}, rows(k.Hooks, hookRow)),
		table("tasks", []string{"task", "command", "how", "what for"}, rows(k.Tasks, taskRow)),
		table("secrets", []string{"secret", "path", "mode", "owner", "effect"}, rows(k.Secrets, secretRow)))
}

func describeApt(u schema.UbuntuUpdates) string {
	text := u.Mode
	if u.Mode == "manual" {
		text = "manual: never touched"
	}
	return words(text, when(u.AutoReboot, "reboots by itself"), when(len(u.RebootWindows) > 0, "in "+strings.Join(u.RebootWindows, ", ")),
		when(len(u.Holds) > 0, "holds "+strings.Join(u.Holds, ", ")), number("reboots at once:", positive(u.MaxConcurrentReboots)))
}

func describeNixOS(u schema.NixOSUpdates) string {
	if u.AutoSwitch {
		return "switches at apply"
	}
	return "stages the new system for the next boot"
}

func describeReboot(r schema.RebootPolicy) string {
	text := "never by itself"
	if r.Auto {
		text = "when something asks for one"
	}
	return words(text, when(len(r.Windows) > 0, "in "+strings.Join(r.Windows, " or ")), "back within "+r.Deadline+", watched for "+r.Stability)
}

func checkRow(c schema.HealthCheck) []string {
	var asks string
	switch c.Kind {
	case schema.CheckUnit:
		asks = fmt.Sprintf("%s is active", c.Unit)
	case schema.CheckHTTP:
		asks = fmt.Sprintf("%s answers %d", c.URL, c.Status) + when(c.Body != "", " and matches "+c.Body)
	case schema.CheckTCP:
		asks = fmt.Sprintf("port %d accepts", c.Port)
	case schema.CheckCommand:
		asks = oneLine(c.Command) + " succeeds"
	}
	return []string{c.Name, asks, fmt.Sprintf("from the %s, after %s, every %s, within %s, %d retries", c.From, c.StartDelay, c.Interval, c.Timeout, c.Retries)}
}

func hookRow(h schema.Hook) []string {
	failure := "its failure is noted"
	if h.Required {
		failure = "its failure is the host's"
	}
	return []string{h.Name, string(h.When), oneLine(h.Command), words("on the "+string(h.On), "within "+h.Timeout, failure, when(h.Always, "also after a failure"))}
}

func taskRow(t schema.Task) []string {
	var environment []string
	for _, name := range slices.Sorted(maps.Keys(t.Environment)) {
		environment = append(environment, name+"="+t.Environment[name])
	}
	return []string{t.Name, oneLine(t.Command), words("as "+string(t.User), "within "+t.Timeout, strings.Join(environment, " ")), t.Description}
}

func secretRow(s schema.Secret) []string {
	return []string{s.Name, s.Path, string(s.Mode), fmt.Sprintf("%s:%s", s.Owner, s.Group),
		words(listed("restarts", s.Restart), listed("reloads", s.Reload))}
}

// oneLine shortens a command to its first line.
func oneLine(command string) string {
	first, rest, _ := strings.Cut(strings.TrimSpace(command), "\n")
	return first + when(rest != "", " …")
}
