package compiler_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

// TestRolloutPage compiles the example of docs/guide/rollouts.md, with its own policy and
// with one that stands in for it.
func TestRolloutPage(t *testing.T) {
	needNix(t)
	t.Parallel()
	page, err := os.ReadFile("../docs/guide/rollouts.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	example, _, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatal("the page has no example")
	}
	in := input("path:" + write(t, map[string]string{
		"flake.nix": mkFleet(""),
		"inventory/prod.yaml": example + `
defaults: { base: ubuntu }
hosts:
  db-1: { addr: 10.0.0.1, groups: [db], osUpdates: { ubuntu: { autoReboot: true } } }
  db-2: { addr: 10.0.0.2, groups: [db], osUpdates: { ubuntu: { autoReboot: true } } }
  web-1: { addr: 10.0.0.3, groups: [web], tags: { rack: a } }
  web-2: { addr: 10.0.0.4, groups: [web], tags: { rack: a } }
`,
	}))
	in.NoBuild = true
	waves := func(plan *schema.Plan) string {
		var names []string
		for _, wave := range plan.Index.Rollout.Waves {
			names = append(names, wave.Name)
		}
		return strings.Join(names, ", ")
	}
	plan := compile(t, in)
	if got, want := waves(plan), "db canary, db 100%, web canary, web 100%"; got != want {
		t.Errorf("the waves are %s, not %s", got, want)
	}
	limits := []schema.Limit{{Group: "db", MaxParallel: 1}, {Group: "web", Tag: "rack", MaxParallel: 1}}
	if got := plan.Index.Rollout.Limits; !slices.Equal(got, limits) {
		t.Errorf("the limits are %+v, not %+v", got, limits)
	}
	if r := plan.Index.Rollout.Reboots; r == nil || len(r.Waves) != 2 || r.Waves[0].Windows[0] != "Sun 02:00-04:00" || r.Limits[0].MaxConcurrent != 1 {
		t.Errorf("the reboots are %+v", r)
	}

	in.Rollout = "urgent"
	plan = compile(t, in)
	if got, want := waves(plan), "db all, web all"; got != want || plan.Index.Rollout.MaxParallel != 50 || plan.Index.Rollout.Name != "urgent" {
		t.Errorf("the waves are %s, not %s: %+v", got, want, plan.Index.Rollout)
	}
	in.Rollout = "urgnt"
	expect(t, refused(t, in), `there is no rollout policy "urgnt" [unknown-rollout]`+"\n  at rollouts\nhint: did you mean \"urgent\"?")
}

// TestRolloutInNix tells faults of policies that are written in Nix with their lines.
func TestRolloutInNix(t *testing.T) {
	needNix(t)
	t.Parallel()
	in := input("path:" + fleet(t, twoHosts+`rollout = { canary = [ "web-2" ];
  soak = "5m";
};
groups.web = {
  rollout.after = [ "bd" ];
};
groups.db = { };
`))
	said := refused(t, in)
	expect(t, said, "error: there is no host \"web-2\" [unknown-host]\n  at flake.nix:6, rollout.canary\nhint: did you mean \"web-1\"?")
	expect(t, said, "error: there is no group \"bd\" [unknown-group]\n  at flake.nix:10, groups.web.rollout.after\nhint: did you mean \"db\"?")
}
