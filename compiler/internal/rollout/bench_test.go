package rollout

import (
	"fmt"
	"testing"

	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// BenchmarkPlan plans ten thousand hosts in a hundred groups with a policy each, in
// sites that cross them.
func BenchmarkPlan(b *testing.B) {
	in := Input{Members: map[string][]string{}, Fleet: intent.Fleet{GroupRollouts: map[string]intent.Rollout{}}}
	soak := "5m"
	in.Fleet.Rollout = intent.Rollout{Canary: intent.Canary{Amount: "50%"}, Waves: []intent.Amount{"60%", "80%"}, Soak: &soak, FailureBudget: "1%"}
	for i := range 10_000 {
		name, group, site := fmt.Sprintf("h%d", i), fmt.Sprintf("g%d", i/100), fmt.Sprintf("s%d", i%7)
		in.Hosts = append(in.Hosts, Host{Name: schema.HostName(name), Groups: []string{group, site}, Reboot: &Reboot{Deadline: "10m", Stability: "10s", MaxConcurrent: 1}})
		for _, g := range []string{"all", group, site} {
			in.Members[g] = append(in.Members[g], name)
		}
		policy := intent.Rollout{MaxParallel: "10%", Soak: &soak, FailureBudget: "1%"}
		if i >= 100 {
			policy.After = []string{fmt.Sprintf("g%d", i/100-1)}
		}
		in.Fleet.GroupRollouts[group] = policy
	}
	for b.Loop() {
		if _, found := Plan(in); found.Failed() {
			b.Fatal(found)
		}
	}
}
