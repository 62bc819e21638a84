// Package rollout decides in which order the hosts of a plan are taken and how
// many at once, and freezes the declared policies beside it.
//
// It is pure. In this version every host is in one wave; canaries, percentages
// and budgets are frozen as declared, and refused by whoever cannot carry them out.
package rollout

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// defaultParallel is how many hosts are at work at once where the fleet does not say.
const defaultParallel = 20

// Order returns the frozen order for hosts, by the fleet's own policy.
func Order(hosts []schema.HostName, fleet intent.Rollout) schema.Rollout {
	order := schema.Rollout{
		MaxParallel: defaultParallel,
		Waves:       []schema.Wave{{Name: "all", Hosts: slices.SortedFunc(slices.Values(hosts), schema.HostName.Compare)}},
		Policy:      Policy(fleet),
	}
	if fleet.MaxParallel != nil {
		order.MaxParallel = *fleet.MaxParallel
	}
	return order
}

// Policy returns a policy as it is frozen; nil where nothing was declared.
func Policy(declared intent.Rollout) *schema.RolloutPolicy {
	var policy schema.RolloutPolicy
	if declared.MaxParallel != nil {
		policy.MaxParallel = *declared.MaxParallel
	}
	policy.Canary, policy.FailureBudget = string(declared.Canary), string(declared.FailureBudget)
	for _, wave := range declared.Waves {
		policy.Waves = append(policy.Waves, string(wave))
	}
	if declared.Soak != nil {
		policy.Soak = *declared.Soak
	}
	if declared.RebootWindow != nil {
		policy.RebootWindow = *declared.RebootWindow
	}
	if policy.MaxParallel == 0 && policy.Canary == "" && policy.Waves == nil && policy.Soak == "" &&
		policy.FailureBudget == "" && policy.RebootWindow == "" {
		return nil
	}
	return &policy
}

// Check refuses values of a policy that no executor could carry out. where is
// the option's path, host empty for the fleet's own.
func Check(declared intent.Rollout, host schema.HostName, where string, position diagnostic.Position) diagnostic.List {
	var found diagnostic.List
	refuse := func(field, format string, args ...any) {
		found = append(found, diagnostic.Diagnostic{
			Code: diagnostic.RolloutValue, Severity: diagnostic.Error, Host: host, Option: where + "." + field,
			Position: position, Summary: fmt.Sprintf(format, args...),
		})
	}
	if n := declared.MaxParallel; n != nil && *n < 1 {
		refuse("maxParallel", "maxParallel is %d: expected at least 1", *n)
	}
	for field, amount := range map[string]intent.Amount{"canary": declared.Canary, "failureBudget": declared.FailureBudget} {
		if !validAmount(amount) {
			refuse(field, "%q is not a number of hosts or a percentage", string(amount))
		}
	}
	for _, amount := range declared.Waves {
		if amount == "" || !validAmount(amount) {
			refuse("waves", "%q is not a number of hosts or a percentage", string(amount))
		}
	}
	if declared.Soak != nil {
		if d, err := time.ParseDuration(*declared.Soak); err != nil || d < 0 {
			refuse("soak", "%q is not a duration: expected it as in \"5m\" or \"1h30m\"", *declared.Soak)
		}
	}
	if declared.RebootWindow != nil {
		if _, err := schema.ParseWindow(*declared.RebootWindow); err != nil {
			refuse("rebootWindow", "%v", err)
		}
	}
	return found
}

func validAmount(amount intent.Amount) bool {
	digits, percent := strings.CutSuffix(string(amount), "%")
	n, err := strconv.Atoi(digits)
	return amount == "" || err == nil && n >= 0 && (!percent || n <= 100)
}
