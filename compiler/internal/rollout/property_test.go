package rollout

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// anyFleet is a fleet of some hosts in some groups with some policies. Policies for
// waves are often of groups that do not overlap, so that many fleets are accepted.
func anyFleet(t *rapid.T) Input {
	in := Input{Members: map[string][]string{"all": {}}, Fleet: intent.Fleet{GroupRollouts: map[string]intent.Rollout{}}}
	for _, group := range groupNames {
		in.Members[group] = []string{}
	}
	for i := range rapid.IntRange(1, 40).Draw(t, "hosts") {
		host := Host{Name: schema.HostName(fmt.Sprintf("h%d", i)), Tags: map[string]string{}}
		host.Groups = anyGroups(t)
		if rapid.Bool().Draw(t, "tagged") {
			host.Tags["rack"] = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "rack")
		}
		if rapid.Bool().Draw(t, "reboots") {
			host.Reboot = &Reboot{Deadline: "10m", Stability: "10s", MaxConcurrent: rapid.IntRange(0, 3).Draw(t, "asks for")}
			if rapid.Bool().Draw(t, "own window") {
				host.Reboot.Windows = []string{"Sun 02:00-04:00"}
			}
		}
		in.Hosts = append(in.Hosts, host)
		for _, group := range append([]string{"all"}, host.Groups...) {
			in.Members[group] = append(in.Members[group], string(host.Name))
		}
	}
	in.Fleet.Rollout = anyPolicy(t, true)
	for _, group := range groupNames {
		if rapid.Bool().Draw(t, "has a policy") {
			in.Fleet.GroupRollouts[group] = anyPolicy(t, group != "cross")
		}
	}
	for _, order := range [][2]string{{"web", "db"}, {"cache", "db"}, {"inner", "web"}} {
		if rapid.Bool().Draw(t, "ordered") {
			policy := in.Fleet.GroupRollouts[order[0]]
			policy.After = []string{order[1]}
			in.Fleet.GroupRollouts[order[0]] = policy
		}
	}
	return in
}

// groupNames: web, db and cache lie beside each other, inner in web, cross across all.
var groupNames = []string{"cache", "cross", "db", "inner", "web"}

func anyGroups(t *rapid.T) []string {
	groups := []string{}
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 1:
		groups = append(groups, "web")
	case 2:
		groups = append(groups, "inner", "web")
	case 3:
		groups = append(groups, "db")
	case 4:
		groups = append(groups, "cache")
	}
	if rapid.Bool().Draw(t, "cross") {
		groups = append(groups, "cross")
		slices.Sort(groups)
	}
	return groups
}

func anyAmount(t *rapid.T, name string, least int) intent.Amount {
	switch rapid.IntRange(0, 3).Draw(t, name+" is") {
	case 0:
		return intent.Amount(strconv.Itoa(rapid.IntRange(least, 12).Draw(t, name)))
	case 1:
		return intent.Amount(strconv.Itoa(rapid.IntRange(max(least, 1), 100).Draw(t, name)) + "%")
	}
	return ""
}

func anyPolicy(t *rapid.T, shape bool) (p intent.Rollout) {
	p.MaxParallel = anyAmount(t, "maxParallel", 1)
	p.MaxConcurrentReboots = anyAmount(t, "maxConcurrentReboots", 1)
	if rapid.Bool().Draw(t, "spread") {
		p.Spread = []string{"rack"}
	}
	if !shape {
		return p
	}
	switch rapid.IntRange(0, 4).Draw(t, "canary is") {
	case 0:
		p.Canary.Amount = anyAmount(t, "canary", 1)
	case 1:
		p.Canary.PerGroup = true
	case 2:
		p.Canary.PerTag = "rack"
	}
	waves := rapid.SliceOfNDistinct(rapid.IntRange(1, 100), 0, 4, rapid.ID).Draw(t, "waves")
	percent := rapid.Bool().Draw(t, "in percent")
	for _, n := range slices.Sorted(slices.Values(waves)) {
		amount := strconv.Itoa(n)
		if percent {
			amount += "%"
		}
		p.Waves = append(p.Waves, intent.Amount(amount))
	}
	p.FailureBudget, p.WaveFailureBudget = anyAmount(t, "budget", 0), anyAmount(t, "wave budget", 0)
	return p
}

// planned is an accepted fleet with its rollout.
func planned(t *rapid.T) (Input, schema.Rollout) {
	in := anyFleet(t)
	rollout, found := Plan(in)
	if found.Failed() {
		for _, d := range found {
			if d.Severity != diagnostic.Error || d.Summary == "" || d.Option == "" || !strings.HasPrefix(string(d.Code), "rollout-") {
				t.Fatalf("%+v", d)
			}
		}
		t.Skip("refused")
	}
	return in, rollout
}

// whereabouts returns the place of each host's wave, and fails where it has no single one.
func whereabouts(t *rapid.T, in Input, rollout schema.Rollout) map[schema.HostName]int {
	at := map[schema.HostName]int{}
	seen := map[string]bool{}
	for i, wave := range rollout.Waves {
		if len(wave.Hosts) == 0 || seen[wave.Name] {
			t.Fatalf("wave %q has %d hosts; seen before: %v", wave.Name, len(wave.Hosts), seen[wave.Name])
		}
		seen[wave.Name] = true
		for _, host := range wave.Hosts {
			if _, twice := at[host]; twice {
				t.Fatalf("%s is in two waves", host)
			}
			at[host] = i
		}
	}
	if len(at) != len(in.Hosts) {
		t.Fatalf("%d of %d hosts are in a wave", len(at), len(in.Hosts))
	}
	return at
}

func TestEveryHostInOneWaveInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, rollout := planned(t)
		at := whereabouts(t, in, rollout)
		for later, policy := range in.Fleet.GroupRollouts {
			for _, earlier := range policy.After {
				for _, a := range in.Hosts {
					for _, b := range in.Hosts {
						isA := slices.Contains(a.Groups, earlier) && !slices.Contains(a.Groups, later)
						isB := slices.Contains(b.Groups, later) && !slices.Contains(b.Groups, earlier)
						if isA && isB && at[a.Name] >= at[b.Name] {
							t.Fatalf("%s of %s comes in wave %d, %s of %s in wave %d", b.Name, later, at[b.Name], a.Name, earlier, at[a.Name])
						}
					}
				}
			}
		}
	})
}

func TestWavesAreAsLargeAsDeclared(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, rollout := planned(t)
		stages, done := map[string]int{}, map[string]int{}
		stageOf := func(name string) string {
			for _, group := range groupNames {
				if strings.HasPrefix(name, group+" ") {
					return group
				}
			}
			return ""
		}
		for _, wave := range rollout.Waves {
			stages[stageOf(wave.Name)] += len(wave.Hosts)
		}
		for _, wave := range rollout.Waves {
			stage := stageOf(wave.Name)
			first := done[stage] == 0
			done[stage] += len(wave.Hosts)
			label := wave.Name[strings.LastIndexByte(wave.Name, ' ')+1:]
			if label == "canary" && !first {
				t.Fatalf("wave %q comes after %d others of its stage", wave.Name, done[stage])
			}
			if percent, ok := strings.CutSuffix(label, "%"); ok {
				n, _ := strconv.Atoi(percent)
				if 100*done[stage] < n*stages[stage] || 100*(done[stage]-1) >= n*stages[stage] {
					t.Fatalf("after wave %q %d of %d are done", wave.Name, done[stage], stages[stage])
				}
			}
			if b := wave.FailureBudget; b != nil && (*b < 0 || *b > len(wave.Hosts) || label == "canary" && *b > 0) {
				t.Fatalf("of the %d hosts of wave %q %d may fail", len(wave.Hosts), wave.Name, *b)
			}
		}
		for _, budget := range rollout.Budgets {
			for _, wave := range rollout.Waves {
				if budget.Group == "" && (wave.FailureBudget == nil || *wave.FailureBudget > budget.Hosts) {
					t.Fatalf("%+v allows more than %+v", wave, budget)
				}
			}
		}
	})
}

func encoded(t *rapid.T, rollout schema.Rollout) string {
	data, err := json.Marshal(rollout)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestOrderOfInputMeansNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, rollout := planned(t)
		other := in
		other.Hosts = rapid.Permutation(in.Hosts).Draw(t, "hosts in another order")
		other.Members = map[string][]string{}
		for group, members := range in.Members {
			other.Members[group] = slices.Clone(members)
			slices.Reverse(other.Members[group])
		}
		again, _ := Plan(other)
		if a, b := encoded(t, rollout), encoded(t, again); a != b {
			t.Fatalf("%s\n%s", a, b)
		}
	})
}

// TestStrangersMoveNobody adds hosts of a group of their own: the others stay where
// they are.
func TestStrangersMoveNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, rollout := planned(t)
		before := whereabouts(t, in, rollout)
		in.Hosts, in.Members = slices.Clone(in.Hosts), maps.Clone(in.Members)
		in.Fleet.GroupRollouts = maps.Clone(in.Fleet.GroupRollouts)
		soak := "1m"
		in.Fleet.GroupRollouts["new"] = intent.Rollout{Soak: &soak}
		for i := range rapid.IntRange(1, 9).Draw(t, "new hosts") {
			name := fmt.Sprintf("h%d-new", i)
			in.Hosts = append(in.Hosts, Host{Name: schema.HostName(name), Groups: []string{"new"}})
			in.Members["new"], in.Members["all"] = append(in.Members["new"], name), append(slices.Clone(in.Members["all"]), name)
		}
		again, found := Plan(in)
		if found.Failed() {
			t.Fatal(found)
		}
		after := whereabouts(t, in, again)
		for a := range before {
			for b := range before {
				if (before[a] < before[b]) != (after[a] < after[b]) {
					t.Fatalf("%s and %s were in waves %d and %d, and are in %d and %d", a, b, before[a], before[b], after[a], after[b])
				}
			}
		}
	})
}
