package summary

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema"
)

var way = Way{Again: "nixfleet execute plan.json", Roster: " --plan plan.json", Zone: time.UTC}

// recordOf is a run of half a minute with these hosts.
func recordOf(verdict schema.Verdict, halted string, hosts map[schema.HostName]schema.HostRecord) *schema.Record {
	began := time.Date(2026, 3, 1, 10, 15, 0, 0, time.UTC)
	ended := began.Add(31250 * time.Millisecond)
	return &schema.Record{Run: "20260301-101500-k3v9qd", Started: began, Finished: &ended, Verdict: verdict, Halted: halted, Hosts: hosts}
}

func written(record *schema.Record, way Way) string {
	var out strings.Builder
	if err := document.WriteText(&out, Document(record, "/state/runs/20260301-101500-k3v9qd.json", way), ui.Style{}); err != nil {
		panic(err)
	}
	return out.String()
}

func TestAClosingOfAllThatCanBe(t *testing.T) {
	until := time.Date(2026, 3, 8, 2, 0, 0, 0, time.UTC)
	halted := `4 hosts of wave "rest" failed, and its budget is 3`
	hosts := map[schema.HostName]schema.HostRecord{
		"db-1":    {Outcome: schema.HostUnknown, Error: "the link was lost and did not come back within 2m0s"},
		"db-2":    {Outcome: schema.HostFailed, Error: "unit pg.service failed: exit status 1\nand /etc/pg.conf could not be put back: disk full"},
		"lb-1":    {Outcome: schema.HostRefused, Error: "locked by run 20260301-101400-aaaaaa, started 2026-03-01T10:14:00Z, by bob@desk"},
		"lb-2":    {Outcome: schema.HostRefused, Error: "/etc/motd exists and NixFleet did not create it\nhint: adopt = true takes it over"},
		"mail-1":  {Outcome: schema.HostUnhealthy, Error: `health check "smtp" failed, asked 3 times from the controller: connection refused`},
		"cache-1": {Outcome: schema.HostChanged, Reboot: &schema.RebootRecord{State: schema.RebootHeld, Until: &until, Error: "no window is open until Sun 02:00"}},
		"cache-2": {Outcome: schema.HostUnchanged, Reboot: &schema.RebootRecord{State: schema.RebootHeld, Until: &until, Error: "no window is open until Sun 02:00"}},
		"cache-3": {Outcome: schema.HostUnknown, Error: "it did not come back within 10m0s", Reboot: &schema.RebootRecord{State: schema.RebootFailed, Error: "it did not come back within 10m0s"}},
		"cache-4": {Outcome: schema.HostChanged, Reboot: &schema.RebootRecord{State: schema.RebootDone}},
		"cache-5": {Outcome: schema.HostChanged, Reboot: &schema.RebootRecord{State: schema.RebootHeld, Error: "another controller has as many hosts down as may be"}},
		"cache-6": {Outcome: schema.HostChanged, Reboot: &schema.RebootRecord{State: schema.RebootNotNeeded}},
	}
	for i := range 18 {
		name := schema.HostName(fmt.Sprintf("web-%d", i+1))
		hosts[name] = schema.HostRecord{Outcome: schema.HostRolledBack, Error: fmt.Sprintf("unit nginx.service failed: its start ended with \"failed\" after %d.5s\nbind() failed", i)}
		hosts[schema.HostName(fmt.Sprintf("far-%d", i+1))] = schema.HostRecord{
			Outcome: schema.HostUnreachable, Error: fmt.Sprintf("cannot connect to far-%d (10.0.0.%d:22): connection refused", i+1, i+1),
		}
		hosts[schema.HostName(fmt.Sprintf("left-%d", i+1))] = schema.HostRecord{Outcome: schema.HostHeld, Error: halted}
		hosts[schema.HostName(fmt.Sprintf("back-%d", i+1))] = schema.HostRecord{
			Outcome: schema.HostRolledBack, Error: fmt.Sprintf("the rollout halted: %s\nit went back to what it was before, generation %d", halted, i+3),
		}
	}
	autogold.ExpectFile(t, autogold.Raw(written(recordOf(schema.Halted, halted, hosts), way)))
}

// What to do goes by what the run was and why it left hosts out.
func TestHints(t *testing.T) {
	held := func(why string) schema.HostRecord { return schema.HostRecord{Outcome: schema.HostHeld, Error: why} }
	resumes := way
	resumes.Resume = true
	back := Way{Again: "nixfleet rollback my-fleet --to previous", Roster: " my-fleet"}
	run := Way{Again: "nixfleet run", After: " -- uname -r"}
	for _, c := range []struct {
		task, halted string
		way          Way
		host         schema.HostRecord
		want         string
	}{
		{"", "the run was stopped before its turn", resumes, held("the run was stopped before its turn"), "go on: nixfleet execute plan.json --resume"},
		{"", "the run was stopped before its turn", way, held("the run was stopped before its turn"), "go on: nixfleet execute plan.json --host web-1"},
		{"", "the gate is closed, asked once: exit status 1", resumes, held("the gate is closed, asked once: exit status 1"), "when the gate's command says yes, nixfleet execute plan.json --host web-1"},
		{"", "1 host of wave 1 failed, and its budget is 0", resumes, held("1 host of wave 1 failed, and its budget is 0"), "once the failed hosts are fixed, continue: nixfleet execute plan.json --host web-1"},
		{"", "", way, held("held for a later execution, because it cannot be reached: no route"), "when it can be reached, nixfleet execute plan.json --host web-1"},
		{"", "the run was stopped before its turn", resumes, schema.HostRecord{Outcome: schema.HostUnknown, Error: "cut"}, "see what became of it, and go on: nixfleet execute plan.json --resume"},
		{"", "the gate is closed", resumes, schema.HostRecord{Outcome: schema.HostUnhealthy, Error: "it hums\nit is to go back to generation 1, and the run was stopped before that"}, "let it go back: nixfleet execute plan.json --resume --run r1"},
		{"", "the gate is closed", resumes, schema.HostRecord{Outcome: schema.HostChanged, Error: "the rollout halted: the gate is closed\nit is to go back to generation 1, and the run was stopped before that"}, "let it go back: nixfleet execute plan.json --resume --run r1"},
		{"", "the gate is closed", way, schema.HostRecord{Outcome: schema.HostChanged, Error: "the rollout halted: the gate is closed\nit stays as it is: before this run it was not managed, so"}, "where it shall not stay so: nixfleet release --plan plan.json --host web-1"},
		{"", "the gate is closed", way, schema.HostRecord{Outcome: schema.HostChanged, Error: "the rollout halted: the gate is closed\nit stays as it is: something else was applied to it since"}, "what was done to it: nixfleet history --plan plan.json --host web-1"},
		{"", "", way, schema.HostRecord{Outcome: schema.HostRolledBack, Error: "it hums\nhint: the host is as it was before; fix what failed and execute again"}, "it is as it was before; fix the cause, then nixfleet execute plan.json --host web-1"},
		{"rollback to previous", "", back, schema.HostRecord{Outcome: schema.HostUnreachable, Error: "no route"}, "nothing was touched; when it can be reached, nixfleet rollback my-fleet --to previous --host web-1"},
		{"release", "", Way{Again: "nixfleet release"}, schema.HostRecord{Outcome: schema.HostUnknown, Error: "cut"}, "it finishes or undoes the change by itself; see which: nixfleet status --host web-1|and then nixfleet release --host web-1"},
		{"command uname", "", run, schema.HostRecord{Outcome: schema.HostFailed, Error: "exit status 1"}, "only those again: nixfleet run --failed-of r1 -- uname -r"},
		{"task rotate", "", run, schema.HostRecord{Outcome: schema.HostUnknown, Error: "cut"}, "it may have run; see what it did: nixfleet run --host web-1 -- journalctl --unit nixfleet-task-r1.service|only those again: nixfleet run --failed-of r1 -- uname -r"},
	} {
		record := &schema.Record{Run: "r1", Task: c.task, Halted: c.halted, Hosts: map[schema.HostName]schema.HostRecord{"web-1": c.host}}
		groups := Groups(record)
		if found := strings.Join(Hints(groups[0], record, c.way), "|"); len(groups) != 1 || found != c.want {
			t.Errorf("%s, halted %q, %+v:\nexpected %s\nfound    %s", c.task, c.halted, c.host, c.want, found)
		}
	}
}

// Whatever became of a host that is not well, there is something to do about it.
func TestEveryGroupHasAHint(t *testing.T) {
	for _, outcome := range []schema.Outcome{
		schema.HostUnhealthy, schema.HostFailed, schema.HostRolledBack, schema.HostUnknown, schema.HostRefused, schema.HostUnreachable, schema.HostHeld,
	} {
		for _, task := range []string{"", "release", "rollback to 3", "task x", "command y", "reboot"} {
			record := &schema.Record{Run: "r1", Task: task, Hosts: map[schema.HostName]schema.HostRecord{"a": {Outcome: outcome}, "b": {Outcome: schema.HostChanged}}}
			groups := Groups(record)
			if len(groups) != 1 || len(groups[0].Hosts) != 1 || len(Hints(groups[0], record, way)) == 0 {
				t.Errorf("%s, %s: nothing to do for %+v", task, outcome, groups)
			}
		}
	}
}

// A thousand hosts with a reason each do not flood the screen.
func TestAClosingIsShort(t *testing.T) {
	hosts := map[schema.HostName]schema.HostRecord{}
	for i := range 1000 {
		hosts[schema.HostName(fmt.Sprintf("web-%d", i))] = schema.HostRecord{Outcome: schema.HostRolledBack, Error: fmt.Sprintf("reason number %d", i)}
	}
	text := written(recordOf(schema.Failed, "", hosts), way)
	if n := strings.Count(text, "\n"); n > 3*mostGroups+10 || !strings.Contains(text, "and 970 more reasons") {
		t.Errorf("%d lines:\n%s", n, text)
	}
	for i := range 1000 {
		hosts[schema.HostName(fmt.Sprintf("web-%d", i))] = schema.HostRecord{Outcome: schema.HostRolledBack, Error: fmt.Sprintf("asked web-%d at 10.1.2.%d:22: no", i, i%250)}
	}
	if groups := Groups(recordOf(schema.Failed, "", hosts)); len(groups) != 1 || groups[0].Alike {
		t.Errorf("found %d groups", len(groups))
	}
}

func TestWhatAHostSaysCannotMoveTheCursor(t *testing.T) {
	text := written(recordOf(schema.Failed, "", map[schema.HostName]schema.HostRecord{"a": {Outcome: schema.HostFailed, Error: "\x1b[2J\rnothing\nhint: \x1b[1Acome"}}), way)
	if strings.ContainsAny(text, "\x1b\r") {
		t.Errorf("found %q", text)
	}
}
