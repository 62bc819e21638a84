package rollout

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// sample are hosts in the groups of their names, in two zones, all of which may reboot.
func sample(web, db, other int) Input {
	in := Input{Members: map[string][]string{"all": nil, "web": nil, "db": nil}}
	add := func(kind string, n int, groups ...string) {
		for i := range n {
			name := fmt.Sprintf("%s-%d", kind, i+1)
			in.Hosts = append(in.Hosts, Host{
				Name: schema.HostName(name), Groups: groups, Tags: map[string]string{"zone": string(rune('a' + i%2))},
				Reboot: &Reboot{Deadline: "10m", Stability: "10s"},
			})
			for _, group := range append([]string{"all"}, groups...) {
				in.Members[group] = append(in.Members[group], name)
			}
		}
	}
	add("web", web, "web")
	add("db", db, "db")
	add("other", other)
	return in
}

// policy reads a policy as the library gives it.
func policy(t *testing.T, text string) (r intent.Rollout) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return r
}

func (in Input) with(t *testing.T, fleet string, groups map[string]string) Input {
	in.Fleet.Rollout = policy(t, fleet)
	in.Fleet.GroupRollouts = map[string]intent.Rollout{}
	for group, text := range groups {
		in.Fleet.GroupRollouts[group] = policy(t, text)
	}
	return in
}

// drawn is waves in one line: names, hosts and what holds for them.
func drawn(waves schema.Waves) string {
	var parts []string
	for _, w := range waves {
		text := w.Name + ":"
		for _, r := range schema.RangesOf(w.Hosts) {
			text += " " + string(r)
		}
		if w.Soak != "" {
			text += " soak=" + w.Soak
		}
		if w.FailureBudget != nil {
			text += fmt.Sprintf(" budget=%d", *w.FailureBudget)
		}
		if w.OnFailure != "" {
			text += " " + string(w.OnFailure)
		}
		if w.Offline != "" {
			text += " offline=" + string(w.Offline)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

func TestWaves(t *testing.T) {
	for _, c := range []struct {
		name   string
		in     Input
		fleet  string
		groups map[string]string
		want   string
	}{
		{"no policy", sample(2, 1, 1), `{}`, nil, "all: db-1 other-1 web-1 web-2"},
		{"canary", sample(5, 0, 0), `{"canary": 1}`, nil, "canary: web-1; rest: web-[2-5]"},
		{"canary of all", sample(2, 0, 0), `{"canary": 9}`, nil, "canary: web-1 web-2"},
		{"percentages are rounded up", sample(30, 0, 0), `{"canary": "1%", "waves": ["10%", "50%", "100%"]}`, nil,
			"canary: web-1; 10%: web-2 web-3; 50%: web-[4-15]; 100%: web-[16-30]"},
		{"waves that end early", sample(9, 0, 0), `{"waves": [1, 5]}`, nil, "first 1: web-1; first 5: web-[2-5]; rest: web-[6-9]"},
		{"numbers and percentages", sample(20, 0, 0), `{"waves": [1, "10%", 15]}`, nil, "first 1: web-1; 10%: web-2; first 15: web-[3-15]; rest: web-[16-20]"},
		{"waves without hosts", sample(3, 0, 0), `{"canary": 2, "waves": ["1%", "50%", "100%"]}`, nil, "canary: web-1 web-2; 100%: web-3"},
		{"more than there are", sample(3, 0, 0), `{"waves": [5, 50]}`, nil, "first 5: web-[1-3]"},
		{"named", sample(3, 1, 0), `{"canary": ["web-3", "db-1"]}`, nil, "canary: db-1 web-3; rest: web-1 web-2"},
		{"one per group", sample(3, 2, 1), `{"canary": {"onePer": "group"}}`, nil, "canary: db-1 web-1; rest: db-2 other-1 web-2 web-3"},
		{"one per tag", sample(4, 1, 0), `{"canary": {"onePerTag": "zone"}}`, nil, "canary: db-1 web-2; rest: web-1 web-3 web-4"},
		{"what holds for waves", sample(20, 0, 0), `{"canary": 1, "waves": ["50%", "100%"], "soak": "5m", "failureBudget": "10%", "waveFailureBudget": "12%", "onFailure": "rollback-wave", "offline": "hold"}`, nil,
			"canary: web-1 soak=5m budget=0 rollback-wave offline=hold; 50%: web-[2-10] soak=5m budget=1 rollback-wave offline=hold; 100%: web-[11-20] soak=5m budget=1 rollback-wave offline=hold"},
		{"a budget in all", sample(10, 0, 0), `{"waves": [1, 5], "failureBudget": 2, "onFailure": "halt", "offline": "fail", "soak": "0s"}`, nil,
			"first 1: web-1 budget=1; first 5: web-[2-5] budget=2; rest: web-[6-10] budget=2"},
		{"order", sample(3, 2, 1), `{"canary": 1}`, map[string]string{"web": `{"after": ["db"]}`},
			"db canary: db-1; other hosts canary: other-1; db rest: db-2; web canary: web-1; web rest: web-2 web-3"},
		{"canaries first", sample(2, 2, 1), `{}`, map[string]string{"web": `{"canary": 1, "soak": "1m"}`, "db": `{"waves": [1]}`},
			"web canary: web-1 soak=1m; db first 1: db-1; db rest: db-2; web rest: web-2 soak=1m; other hosts all: other-1"},
		{"a group's own", sample(2, 2, 0), `{"canary": 1, "soak": "1m", "onFailure": "rollback-all", "failureBudget": 3}`,
			map[string]string{"db": `{"canary": ["db-2"], "soak": "9m", "onFailure": "halt", "failureBudget": 1}`},
			"db canary: db-2 soak=9m budget=0; other hosts canary: web-1 soak=1m budget=0 rollback-all; db rest: db-1 soak=9m budget=1; other hosts rest: web-2 soak=1m budget=1 rollback-all"},
		{"limits make no stage", sample(2, 2, 0), `{}`, map[string]string{"db": `{"maxParallel": 1, "spread": ["zone"], "maxConcurrentReboots": 1, "rebootWindow": "02:00-03:00"}`},
			"all: db-1 db-2 web-1 web-2"},
	} {
		rollout, found := Plan(c.in.with(t, c.fleet, c.groups))
		if len(found) > 0 {
			t.Errorf("%s: %v", c.name, found)
		}
		if got := drawn(rollout.Waves); got != c.want {
			t.Errorf("%s:\nexpected %s\nfound    %s", c.name, c.want, got)
		}
	}
}

// TestInnerGroups has a group within a group within another.
func TestInnerGroups(t *testing.T) {
	in := sample(2, 4, 0)
	for i, host := range in.Hosts {
		switch host.Name {
		case "db-1":
			in.Hosts[i].Groups = []string{"db", "leader", "voters"}
		case "db-2":
			in.Hosts[i].Groups = []string{"db", "voters"}
		}
	}
	in.Members["voters"], in.Members["leader"] = []string{"db-1", "db-2"}, []string{"db-1"}
	for _, c := range []struct {
		groups map[string]string
		want   string
	}{
		{map[string]string{"voters": `{"after": ["db"], "soak": "5m"}`, "web": `{"after": ["db"]}`},
			"db all: db-3 db-4; voters all: db-1 db-2 soak=5m; web all: web-1 web-2"},
		{map[string]string{"db": `{"after": ["voters"]}`, "leader": `{"soak": "5m"}`},
			"leader all: db-1 soak=5m; voters all: db-2; other hosts all: web-1 web-2; db all: db-3 db-4"},
		{map[string]string{"leader": `{"after": ["db"]}`, "voters": `{"canary": 1}`},
			"voters canary: db-2; db all: db-3 db-4; other hosts all: web-1 web-2; leader all: db-1"},
		{map[string]string{"web": `{"after": ["leader"]}`, "voters": `{"soak": "1m", "after": ["web"]}`},
			"error: groups wait for each other: leader after web after leader [rollout-order]\n  at groups.web.rollout.after"},
	} {
		rollout, found := Plan(in.with(t, `{}`, c.groups))
		if got := drawn(rollout.Waves) + found.Error(); !strings.HasPrefix(got, c.want) || len(found) > 0 && found[0].Code != diagnostic.RolloutOrder {
			t.Errorf("expected %s\nfound    %s", c.want, got)
		}
	}
}

func TestLimits(t *testing.T) {
	text := func(r schema.Rollout) string {
		r.Waves = nil
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	noReboots := func(in Input) Input {
		for i := range in.Hosts {
			in.Hosts[i].Reboot = nil
		}
		return in
	}
	for _, c := range []struct {
		name   string
		in     Input
		fleet  string
		groups map[string]string
		want   string
	}{
		{"none", noReboots(sample(3, 1, 0)), `{}`, nil, `{"maxParallel":20,"waves":null}`},
		{"rounded down, but to one at least", noReboots(sample(39, 10, 0)), `{"maxParallel": "25%"}`, map[string]string{"web": `{"maxParallel": "10%"}`, "db": `{"maxParallel": "1%"}`},
			`{"maxParallel":12,"limits":[{"group":"db","maxParallel":1},{"group":"web","maxParallel":3}],"waves":null}`},
		{"those that hold nothing back", noReboots(sample(3, 1, 0)), `{"spread": ["rack2"], "maxParallel": 3}`, map[string]string{"web": `{"maxParallel": 3}`, "db": `{"maxParallel": 1, "spread": ["zone"]}`},
			``},
		{"spread", noReboots(sample(3, 2, 0)), `{"spread": ["zone"]}`, map[string]string{"web": `{"spread": ["zone"]}`},
			`{"maxParallel":20,"limits":[{"tag":"zone","maxParallel":1},{"group":"web","tag":"zone","maxParallel":1}],"waves":null}`},
		{"budgets", noReboots(sample(15, 3, 0)), `{"failureBudget": "10%", "gate": {"command": "true", "interval": "1s", "timeout": "2s", "retries": 3}}`, map[string]string{"db": `{"failureBudget": 0}`},
			`{"maxParallel":20,"budgets":[{"hosts":1},{"group":"db","hosts":0}],"gate":{"command":"true","interval":"1s","timeout":"2s","retries":3},"waves":null}`},
	} {
		rollout, found := Plan(c.in.with(t, c.fleet, c.groups))
		if c.want == "" {
			if len(rollout.Limits) > 0 {
				t.Errorf("%s: found %v", c.name, rollout.Limits)
			}
			continue
		}
		if got := text(rollout); got != c.want || len(found) > 0 {
			t.Errorf("%s:\nexpected %s\nfound    %s, %v", c.name, c.want, got, found)
		}
	}
}

func TestReboots(t *testing.T) {
	some := func(r schema.Rollout) string {
		data, err := json.Marshal(r.Reboots)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	// Hosts ask for limits and have windows of their own.
	asking := sample(4, 2, 2)
	for i := range asking.Hosts {
		switch host := &asking.Hosts[i]; host.Name {
		case "web-1":
			host.Reboot.MaxConcurrent, host.Reboot.Windows = 2, []string{"04:00-05:00"}
		case "web-2", "web-3", "other-1", "other-2":
			host.Reboot.MaxConcurrent = 1
		case "web-4":
			host.Reboot = nil
		case "db-1":
			host.Reboot.Deadline = "1h0m"
		}
	}
	// All of the web servers are in one site, which the limit of web implies.
	site := sample(3, 0, 0)
	for i := range site.Hosts {
		site.Hosts[i].Groups = []string{"site", "web"}
		site.Hosts[i].Reboot.MaxConcurrent = 1
	}
	site.Members["site"] = site.Members["web"]
	for _, c := range []struct {
		name   string
		in     Input
		fleet  string
		groups map[string]string
		want   string
	}{
		{"plain", sample(3, 1, 0), `{"canary": 1}`, nil, `{"maxConcurrent":20,"waves":[{"wave":"canary","hosts":["db-1"],"deadline":"10m","stability":"10s"},{"wave":"rest","hosts":["web-[1-3]"],"deadline":"10m","stability":"10s"}]}`},
		{"limits", sample(10, 10, 0), `{"maxParallel": 9, "maxConcurrentReboots": "50%"}`, map[string]string{"web": `{"maxConcurrentReboots": "25%"}`, "db": `{"maxConcurrentReboots": 10}`},
			`{"maxConcurrent":9,"limits":[{"group":"web","hosts":["web-[1-10]"],"maxConcurrent":2}],"waves":[{"wave":"all","hosts":["db-[1-10]","web-[1-10]"],"deadline":"10m","stability":"10s"}]}`},
		{"windows", sample(1, 1, 1), `{"rebootWindow": "Sun 02:00-04:00"}`, map[string]string{"web": `{"rebootWindow": ["Mon 01:00-02:00", "Tue 01:00-02:00"]}`},
			`{"maxConcurrent":20,"waves":[{"wave":"all","hosts":["db-1","other-1"],"windows":["Sun 02:00-04:00"],"deadline":"10m","stability":"10s"},{"wave":"all","hosts":["web-1"],"windows":["Mon 01:00-02:00","Tue 01:00-02:00"],"deadline":"10m","stability":"10s"}]}`},
		{"what hosts ask for", asking, `{}`, nil,
			`{"maxConcurrent":20,"limits":[{"hosts":["other-1","other-2"],"maxConcurrent":1},{"group":"web","hosts":["web-[1-3]"],"maxConcurrent":1}],"waves":[{"wave":"all","hosts":["db-1"],"deadline":"1h0m","stability":"10s"},{"wave":"all","hosts":["db-2","other-1","other-2","web-2","web-3"],"deadline":"10m","stability":"10s"},{"wave":"all","hosts":["web-1"],"windows":["04:00-05:00"],"deadline":"10m","stability":"10s"}]}`},
		{"a limit that another implies", site, `{}`, map[string]string{"web": `{"maxConcurrentReboots": 2}`},
			`{"maxConcurrent":20,"limits":[{"group":"site","hosts":["web-[1-3]"],"maxConcurrent":1}],"waves":[{"wave":"all","hosts":["web-[1-3]"],"deadline":"10m","stability":"10s"}]}`},
		{"groups that agree", site, `{}`, map[string]string{"web": `{"rebootWindow": "02:00-03:00"}`, "site": `{"rebootWindow": ["02:00-03:00"]}`},
			`{"maxConcurrent":20,"limits":[{"group":"site","hosts":["web-[1-3]"],"maxConcurrent":1}],"waves":[{"wave":"all","hosts":["web-[1-3]"],"windows":["02:00-03:00"],"deadline":"10m","stability":"10s"}]}`},
	} {
		rollout, found := Plan(c.in.with(t, c.fleet, c.groups))
		if got := some(rollout); got != c.want || len(found) > 0 {
			t.Errorf("%s:\nexpected %s\nfound    %s, %v", c.name, c.want, got, found)
		}
	}
}

// TestSelection compiles a part of a fleet: amounts are of what is in the plan, and
// what others are is known.
func TestSelection(t *testing.T) {
	in := sample(10, 2, 0)
	in.Hosts = slices.DeleteFunc(in.Hosts, func(h Host) bool { return !strings.HasPrefix(string(h.Name), "web-1") })
	rollout, found := Plan(in.with(t, `{"canary": ["db-1"], "waves": ["50%"], "failureBudget": 12, "spread": ["rack"]}`, map[string]string{"web": `{"after": ["db"]}`}))
	if got, want := drawn(rollout.Waves), "web 50%: web-1 budget=1; web rest: web-10 budget=1"; got != want || len(found) > 0 {
		t.Errorf("expected %s\nfound    %s, %v", want, got, found)
	}
}

func TestNamedPolicies(t *testing.T) {
	in := sample(3, 0, 0).with(t, `{"canary": 1}`, nil)
	in.Fleet.Rollouts = map[string]intent.Rollout{"urgent": policy(t, `{"maxParallel": 50}`)}
	in.Name = "urgent"
	rollout, found := Plan(in)
	if got, want := drawn(rollout.Waves), "all: web-[1-3]"; got != want || rollout.MaxParallel != 50 || rollout.Name != "urgent" || len(found) > 0 {
		t.Errorf("expected %s\nfound    %s, %d, %v", want, got, rollout.MaxParallel, found)
	}
	in.Name = "urgnet"
	if _, found = Plan(in); !strings.Contains(found.Error(), `there is no rollout policy "urgnet" [unknown-rollout]`) || !strings.Contains(found.Error(), `did you mean "urgent"?`) {
		t.Error(found)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		fleet  string
		groups map[string]string
		want   []string
	}{
		{`{"maxParallel": 0}`, nil, []string{"error: maxParallel is 0: expected at least 1 [rollout-value]\n  at rollout.maxParallel"}},
		{`{"canary": "101%"}`, nil, []string{`canary is "101%": expected 100% at most [rollout-value]`}},
		{`{"waves": [5, "x"]}`, nil, []string{`waves is "x": expected a number of hosts, or a percentage as "10%"`}},
		{`{"waves": ["50%", "10%"]}`, nil, []string{`the wave "10%" comes after "50%": expected more hosts than before`, "hint: write them in the order"}},
		{`{"failureBudget": "-1"}`, nil, []string{"rollout.failureBudget"}},
		{`{"failureBudget": 7}`, nil, []string{"the budget of 7 hosts is larger than the 6 hosts that the fleet has: nothing would ever halt the rollout [rollout-budget]"}},
		{`{}`, map[string]string{"db": `{"failureBudget": 3}`}, []string{"the budget of 3 hosts is larger than the 2 hosts that the group has", "groups.db.rollout.failureBudget"}},
		{`{"failureBudget": 1, "waveFailureBudget": 2}`, nil, []string{"a wave may have 2 failures, and the whole rollout 1"}},
		{`{"soak": "5 minutes"}`, nil, []string{`"5 minutes" is not a duration: expected it as in "5m" or "1h30m"`}},
		{`{"onFailure": "rollback"}`, nil, []string{`onFailure is "rollback": expected one of halt, rollback-host, rollback-wave, rollback-all`}},
		{`{"offline": "wait"}`, nil, []string{`offline is "wait": expected one of fail, hold`}},
		{`{"rebootWindow": "Sunday"}`, nil, []string{`"Sunday" is not a window: it has no end`, "[window]"}},
		{`{"rebootWindow": ["Sun 02:00-02:00"]}`, nil, []string{`"Sun 02:00-02:00" is not a window: it ends when it begins`}},
		{`{"canary": ["wbe-1"]}`, nil, []string{`there is no host "wbe-1" [unknown-host]`, `hint: did you mean "web-1"?`}},
		{`{}`, map[string]string{"db": `{"canary": ["web-1"]}`}, []string{`host "web-1" is not in the group "db"`}},
		{`{"canary": {"onePerTag": "zon"}}`, nil, []string{`no host has the tag "zon" [rollout-tag]`, `hint: did you mean "zone"?`}},
		{`{"spread": ["rack"]}`, nil, []string{`no host has the tag "rack" [rollout-tag]`, `hint: the tags are: zone`}},
		{`{}`, map[string]string{"web": `{"after": ["bd"]}`}, []string{`there is no group "bd" [unknown-group]`, `hint: did you mean "db"?`, "groups.web.rollout.after"}},
		{`{}`, map[string]string{"web": `{"after": ["web"]}`}, []string{`the group "web" cannot come after itself [rollout-order]`}},
		{`{}`, map[string]string{"web": `{"after": ["all"]}`}, []string{`the group "web" is in "all" itself [rollout-order]`}},
		{`{}`, map[string]string{"web": `{"after": ["db"]}`, "db": `{"after": ["web"]}`}, []string{"groups wait for each other: db after web after db [rollout-order]"}},
		{`{}`, map[string]string{"all": `{"soak": "5m"}`}, []string{"the group all is the whole fleet [rollout-value]", "hint: write its policy beside groups and hosts"}},
		{`{"gate": {"command": " ", "interval": "1s", "timeout": "1s"}}`, nil, []string{"the command of the gate is empty"}},
		{`{"gate": {"command": "x\u0000", "interval": "1s", "timeout": "1s"}}`, nil, []string{"the command of the gate has a NUL byte"}},
		{`{"gate": {"command": "x", "interval": "1", "timeout": "1s"}}`, nil, []string{`interval and timeout of the gate are "1" and "1s"`}},
		{`{"gate": {"command": "x", "interval": "0s", "timeout": "0s"}}`, nil, []string{`interval and timeout of the gate are "0s" and "0s"`}},
		{`{"gate": {"command": "x", "interval": "1s", "timeout": "1s", "retries": -1}}`, nil, []string{"retries of the gate is -1"}},
	} {
		_, found := Plan(sample(3, 2, 1).with(t, c.fleet, c.groups))
		if len(found) != 1 {
			t.Errorf("%s %v gives %d findings: %v", c.fleet, c.groups, len(found), found)
		}
		for _, want := range c.want {
			if !strings.Contains(found.Error(), want) {
				t.Errorf("%s %v gives\n%v\nwant %s", c.fleet, c.groups, found, want)
			}
		}
	}
}

// TestDisagreement has a host in two groups that lie beside each other.
func TestDisagreement(t *testing.T) {
	in := sample(3, 2, 0)
	in.Hosts[0].Groups = []string{"db", "web"}
	in.Members["db"] = append(in.Members["db"], "web-1")
	for _, c := range []struct{ web, db, want string }{
		{`{"soak": "5m"}`, `{"canary": 1}`, `host "web-1" is in the groups "db" and "web", and both say in which waves their hosts are taken [rollout-conflict]`},
		{`{"after": ["db"]}`, `{}`, `host "web-1" is in the groups "db" and "web", and both say`},
		{`{"rebootWindow": "02:00-03:00"}`, `{"rebootWindow": "03:00-04:00"}`, `host "web-1" is in the groups "db" and "web", whose windows for reboots differ [rollout-conflict]`},
		{`{"maxParallel": 1}`, `{"maxParallel": 2}`, ``},
	} {
		_, found := Plan(in.with(t, `{}`, map[string]string{"web": c.web, "db": c.db}))
		if c.want == "" && len(found) > 0 || c.want != "" && (len(found) != 1 || !strings.Contains(found.Error(), c.want)) {
			t.Errorf("%s and %s give %v", c.web, c.db, found)
		}
	}
}

// TestPositions: a fault stands where its field does.
func TestPositions(t *testing.T) {
	in := sample(1, 0, 0).with(t, `{"soak": "x", "at": {"soak": "flake.nix:7"}, "canary": "x"}`, nil)
	in.Locate = func(field ...string) diagnostic.Position {
		return diagnostic.Position{File: "inventory/" + strings.Join(field, "."), Line: 3}
	}
	_, found := Plan(in)
	for _, want := range []string{"at flake.nix:7, rollout.soak", "at inventory/rollout.canary:3, rollout.canary"} {
		if !strings.Contains(found.Error(), want) {
			t.Errorf("expected %s in %v", want, found)
		}
	}
}
