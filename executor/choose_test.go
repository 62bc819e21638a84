package executor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

// zoned is a plan of six hosts in two waves and two zones.
func zoned() *schema.Plan {
	plan := &schema.Plan{Index: schema.Index{Hosts: schema.Hosts{}}}
	for i, wave := range [][]schema.HostName{{"web-5", "web-2"}, {"db-1", "web-1", "web-3", "web-4"}} {
		plan.Index.Rollout.Waves = append(plan.Index.Rollout.Waves, schema.Wave{Name: fmt.Sprint(i + 1), Hosts: wave})
		for n, name := range wave {
			group, _, _ := strings.Cut(string(name), "-")
			host := schema.Host{Groups: []string{group}, Tags: map[string]string{"zone": []string{"a", "b"}[n%2]}}
			if name == "web-4" {
				host.Tags["rack"] = "r7"
			}
			plan.Index.Hosts[name] = host
		}
	}
	return plan
}

func names(hosts []schema.HostName) string {
	texts := make([]string, len(hosts))
	for i, name := range hosts {
		texts[i] = string(name)
	}
	return strings.Join(texts, " ")
}

func TestSelectionsFilter(t *testing.T) {
	failed := &Among{Hosts: []schema.HostName{"web-3", "gone-1", "web-1"}, What: "the hosts that are not done in run r"}
	for _, c := range []struct {
		selection Selection
		want      string
	}{
		{Selection{Tags: []string{"zone=b"}}, "web-1 web-2 web-4"},
		{Selection{Tags: []string{"zone=b", "zone=a"}}, "db-1 web-1 web-2 web-3 web-4 web-5"},
		{Selection{Tags: []string{"zone=b", "rack=r7"}}, "web-4"},
		{Selection{Groups: []string{"web"}, Exclude: []string{"*-[34]", "web-5"}}, "web-1 web-2"},
		{Selection{Among: failed}, "web-1 web-3"},
		{Selection{Among: failed, Hosts: []string{"web-[12]"}}, "web-1"},
		// The first are those of the first wave, in its order.
		{Selection{Limit: 1}, "web-5"},
		{Selection{Limit: 3}, "db-1 web-2 web-5"},
		{Selection{Limit: 2, Exclude: []string{"web-5"}}, "db-1 web-2"},
		{Selection{Limit: 99, Groups: []string{"db"}}, "db-1"},
	} {
		hosts, err := Select(zoned(), c.selection)
		if got := names(hosts); err != nil || got != c.want {
			t.Errorf("%+v chose %q, %v instead of %q", c.selection, got, err, c.want)
		}
	}
	// An inventory has no waves.
	if hosts, err := SelectFrom(zoned().Index.Hosts, Selection{Limit: 2}); err != nil || names(hosts) != "db-1 web-1" {
		t.Errorf("found %v, %v", hosts, err)
	}
}

// What leaves nobody, or is of no use, was probably meant otherwise.
func TestSelectionsOfNothingAreRefused(t *testing.T) {
	for want, selection := range map[string]Selection{
		"no host of the plan has the tag zone=c\nhint: did you mean zone=a or zone=b?":                                             {Tags: []string{"zone=c"}},
		`cannot read the tag "zone": expected key=value, as zone=a`:                                                                {Tags: []string{"zone"}},
		`no host of the plan matches "wbe-1"`:                                                                                      {Exclude: []string{"wbe-1"}},
		"no host of the plan is left: without \"db-*\"\nhint: every filter leaves hosts out of those that --host and --group name": {Groups: []string{"db"}, Exclude: []string{"db-*"}},
		"no host of the plan is left: with the tag rack=r7":                                                                        {Groups: []string{"db"}, Tags: []string{"rack=r7"}},
		"no host of the plan is left: among the hosts that are not done in run r":                                                  {Among: &Among{What: "the hosts that are not done in run r"}},
	} {
		hosts, err := Select(zoned(), selection)
		if err == nil || !strings.Contains(schema.InFull(err), want) {
			t.Errorf("%+v chose %v: expected %q, found %v", selection, hosts, want, err)
		}
	}
}

// A selection leaves hosts out of waves, and no host changes its wave.
func TestASelectionNeverReshapesWaves(t *testing.T) {
	f := newFleet(t, 4)
	f.waves([]schema.HostName{"web-1"}, []schema.HostName{"web-2", "web-3"}, []schema.HostName{"web-4"})
	f.options.Select = Selection{Exclude: []string{"web-1"}, Limit: 2}
	record := f.execute()
	if record.Verdict != schema.Done || len(record.Hosts) != 2 {
		t.Errorf("found %+v", record)
	}
	var story []string
	for _, e := range f.events {
		switch e.Kind {
		case schema.WaveStarted:
			story = append(story, "wave "+e.Wave)
		case schema.HostFinished:
			story = append(story, "a host")
		}
	}
	if got := strings.Join(story, ", "); got != "wave 2, a host, a host" {
		t.Error(got)
	}
}
