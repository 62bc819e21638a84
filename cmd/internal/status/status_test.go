package status

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hexops/autogold/v2"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/validate"
	"github.com/nixfleet/nixfleet/schema/validate/validatetest"
)

var (
	now    = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	wanted = schema.DigestOf([]byte("wanted"))
)

// observed is a host with which nothing is the matter.
func observed() *schema.Observation {
	return &schema.Observation{
		At: now, OS: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1.0", UptimeSeconds: 86400 * 12, Helper: schema.DigestOf(nil), Name: "web-1",
		Applied: &schema.Applied{Generation: 7, Manifest: wanted, Plan: schema.DigestOf([]byte("plan")), Run: "r7", Operator: "ann@desk", At: now.Add(-2 * time.Hour)},
		Drift:   []schema.Drift{}, Units: []schema.ObservedUnit{{Name: "web.service", Active: "active", Sub: "running"}},
		Disks:        []schema.Disk{{Paths: []string{"/etc", "/var"}, Free: 40 << 30, Size: 100 << 30}, {Paths: []string{"/nix"}, Free: 8 << 30, Size: 50 << 30}},
		LastOSUpdate: &schema.OSUpdateState{At: now.Add(-9 * 24 * time.Hour), Summary: "12 packages, by apt"},
	}
}

func changed(change func(*schema.Observation)) executor.Seen {
	o := observed()
	change(o)
	return executor.Seen{Host: "web-1", Observation: o, Seconds: 0.3}
}

func contentDrift() schema.Drift {
	return schema.Drift{Kind: "file", Object: "/etc/app.conf", Differences: []schema.Difference{{Property: "content", Was: "a", Is: "b"}}}
}

func TestJudgement(t *testing.T) {
	for name, c := range map[string]struct {
		seen      executor.Seen
		condition schema.Condition
		because   string
	}{
		"well":          {changed(func(*schema.Observation) {}), schema.Well, ""},
		"never applied": {changed(func(o *schema.Observation) { o.Applied = nil }), schema.Attention, "nothing was applied yet"},
		"another host":  {changed(func(o *schema.Observation) { o.Name = "db-1" }), schema.Failing, "it was applied as db-1: is this the right host?"},
		"drift":         {changed(func(o *schema.Observation) { o.Drift = []schema.Drift{contentDrift()} }), schema.Attention, "drift: file /etc/app.conf: content was edited"},
		"another plan": {changed(func(o *schema.Observation) { o.Applied.Manifest = schema.DigestOf(nil) }), schema.Attention,
			"the plan has another manifest for it: wanted " + wanted.Short() + ", applied e3b0c44298fc"},
		"a failed unit, said once": {changed(func(o *schema.Observation) {
			o.Units[0] = schema.ObservedUnit{Name: "web.service", Active: "failed", Sub: "failed", Unwell: "failed"}
			o.Drift = []schema.Drift{{Kind: "unit", Object: "web.service", Differences: []schema.Difference{{Property: "active", Was: "active", Is: "failed (failed)"}}}}
		}), schema.Failing, "unit web.service: failed"},
		"reboot":      {changed(func(o *schema.Observation) { o.Reboot = schema.RebootState{Needed: true, Because: []string{"libc6"}} }), schema.Attention, "a reboot is needed: libc6"},
		"full disk":   {changed(func(o *schema.Observation) { o.Disks[1].Free = 5 << 20 }), schema.Failing, "/nix has 5.2 MB free of 54 GB"},
		"little room": {changed(func(o *schema.Observation) { o.Disks[1].Free = 3 << 30 }), schema.Attention, "/nix has 3.2 GB free of 54 GB"},
		"interrupted": {changed(func(o *schema.Observation) {
			o.Unfinished = &schema.Unfinished{Run: "r8", Operator: "bob@desk", State: "interrupted", Phase: schema.StageFiles}
		}), schema.Failing, "a change of run r8, by bob@desk, was interrupted (files)"},
		"at work": {changed(func(o *schema.Observation) {
			o.Unfinished = &schema.Unfinished{Run: "r8", Operator: "bob@desk", State: "live"}
		}), schema.Well, ""},
		"between two states": {changed(func(o *schema.Observation) {
			o.Unfinished = &schema.Unfinished{Run: "r8", Operator: "bob@desk", State: "interrupted"}
			o.Drift = []schema.Drift{contentDrift()}
		}), schema.Failing, "a change of run r8, by bob@desk, was interrupted; 1 managed object not as applied, since the change is not finished"},
		"changing": {changed(func(o *schema.Observation) {
			o.Unfinished = &schema.Unfinished{Run: "r8", Operator: "bob@desk", State: "live"}
			o.Drift = []schema.Drift{contentDrift()}
		}), schema.Well, ""},
		"to confirm": {changed(func(o *schema.Observation) {
			o.Unfinished = &schema.Unfinished{Run: "r8", Operator: "bob@desk", State: "waits for confirmation"}
		}), schema.Attention, "a change of run r8, by bob@desk, waits for confirmation"},
		"rolled back": {changed(func(o *schema.Observation) {
			o.LastChange = &schema.LastChange{Run: "r8", Operator: "bob@desk", Outcome: "rolled-back", At: now.Add(-time.Hour), Message: "unit web.service failed\nmore"}
		}), schema.Attention, "the last change was rolled back, of run r8, by bob@desk, 1h ago: unit web.service failed"},
		"old rollback": {changed(func(o *schema.Observation) {
			o.LastChange = &schema.LastChange{Run: "r6", Outcome: "rolled-back", At: now.Add(-5 * time.Hour)}
		}), schema.Well, ""},
		"half seen":   {changed(func(o *schema.Observation) { o.Problems = []string{"cannot reach systemd"} }), schema.Attention, "could not be seen: cannot reach systemd"},
		"clock":       {executor.Seen{Host: "web-1", Observation: observed(), Skew: -time.Hour}, schema.Attention, "its clock is 1h behind"},
		"unreachable": {executor.Seen{Host: "web-1", Err: schema.WithHint(errors.New("cannot connect"), "is it up?"), Unreachable: true}, schema.Unreachable, "cannot connect"},
		"unseen":      {executor.Seen{Host: "web-1", Err: errors.New("sudo wants a password")}, schema.Unseen, "sudo wants a password"},
	} {
		t.Run(name, func(t *testing.T) {
			h := Host(c.seen, wanted)
			if h.Condition != c.condition || strings.Join(h.Because, "; ") != c.because {
				t.Errorf("found %s: %q", h.Condition, h.Because)
			}
		})
	}
}

// What was not seen whole is not called as planned, nor the contrary.
func TestHalfSeenIsNotAsPlanned(t *testing.T) {
	h := Host(changed(func(o *schema.Observation) { o.Problems = []string{"x"} }), wanted)
	if h.AsPlanned != nil || planned(h, h.Observation.Applied) != "not seen" {
		t.Errorf("found %v, %q", h.AsPlanned, planned(h, h.Observation.Applied))
	}
}

func TestWhatIsBrokenIsSaidFirst(t *testing.T) {
	h := Host(changed(func(o *schema.Observation) {
		o.Applied.Manifest = schema.DigestOf(nil)
		o.Drift = []schema.Drift{contentDrift()}
		o.Units[0].Unwell = "failed"
		o.Disks[0].Free = 0
	}), wanted)
	autogold.Expect([]string{
		"unit web.service: failed", "/etc, /var has 0 bytes free of 107 GB",
		"the plan has another manifest for it: wanted ca9066873bf3, applied e3b0c44298fc",
		"drift: file /etc/app.conf: content was edited",
	}).Equal(t, h.Because)
	if h.AsPlanned == nil || *h.AsPlanned {
		t.Error("it is not as planned")
	}
}

func fleet() *schema.Status {
	s := New("shop", schema.DigestOf([]byte("plan")), now)
	s.Seconds = 1.5
	s.Hosts["web-1"] = Host(changed(func(*schema.Observation) {}), wanted)
	s.Hosts["web-2"] = Host(changed(func(o *schema.Observation) {
		o.Name = "web-1"
		o.Drift = []schema.Drift{contentDrift(), {Kind: "user", Object: "app", Differences: []schema.Difference{{Property: "shell", Was: "/bin/sh", Is: "/bin/\x1b[2Jbash"}}}}
	}), wanted)
	s.Hosts["db-1"] = Host(changed(func(o *schema.Observation) { o.Units[0].Unwell = "failed"; o.Units[0].Active = "failed" }), wanted)
	s.Hosts["a-host-with-quite-a-long-name.example.org"] = Host(executor.Seen{Err: schema.WithHint(errors.New("cannot connect to it (10.0.0.9:22): no answer within 10s"), "is it up?"), Unreachable: true}, wanted)
	s.Hosts["asks"] = Host(executor.Seen{Err: schema.WithHint(errors.New("sudo on asks wants a password of \"deploy\""), "as root: <visudo> & \"more\"")}, wanted)
	return s
}

func TestTables(t *testing.T) {
	for name, width := range map[string]int{"80": 80, "110": 110, "160": 160, "pipe": 0} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			if err := document.WriteText(&out, Document(fleet(), width, false), ui.Style{}); err != nil {
				t.Fatal(err)
			}
			autogold.ExpectFile(t, autogold.Raw(out.String()), autogold.Name("table-"+name))
			table, _, _ := strings.Cut(out.String(), "\n\n")
			for line := range strings.SplitSeq(table, "\n") {
				if n := len([]rune(line)); width > 0 && n > width {
					t.Errorf("%d columns of %d: %s", n, width, line)
				}
			}
			if strings.Contains(out.String(), "\x1b") {
				t.Error("control characters of a host come through")
			}
		})
	}
}

func TestOneHostIsToldInFull(t *testing.T) {
	s := fleet()
	for name := range s.Hosts {
		if name != "web-2" {
			delete(s.Hosts, name)
		}
	}
	var out strings.Builder
	if err := document.WriteText(&out, Document(s, 80, false), ui.Style{}); err != nil {
		t.Fatal(err)
	}
	autogold.ExpectFile(t, autogold.Raw(out.String()))
}

func TestProblemsAlone(t *testing.T) {
	var out strings.Builder
	if err := document.WriteText(&out, Document(fleet(), 0, true), ui.Style{}); err != nil || strings.Contains(out.String(), "\nweb-1 ") || !strings.Contains(out.String(), "1 ok") {
		t.Errorf("%v:\n%s", err, out.String())
	}
}

func TestColourIsForTerminals(t *testing.T) {
	var out strings.Builder
	if err := document.WriteText(&out, Document(fleet(), 0, false), ui.Style{}); err != nil || strings.Contains(out.String(), "\x1b[") {
		t.Errorf("%v: coloured without a terminal", err)
	}
}

func TestPrometheusCanReadIt(t *testing.T) {
	var out strings.Builder
	if err := WritePrometheus(&out, fleet()); err != nil {
		t.Fatal(err)
	}
	autogold.ExpectFile(t, autogold.Raw(out.String()))
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(families["nixfleet_host_condition"].Metric); n != 5*len(order) {
		t.Errorf("found %d conditions", n)
	}
	for name, family := range families {
		if family.GetHelp() == "" || !strings.HasPrefix(name, "nixfleet_") {
			t.Errorf("%s has no help or another prefix", name)
		}
	}
}

func TestPageNeedsNothingElse(t *testing.T) {
	var out strings.Builder
	if err := WritePage(&out, fleet(), 30*time.Second); err != nil {
		t.Fatal(err)
	}
	autogold.ExpectFile(t, autogold.Raw(out.String()))
	for _, word := range []string{"http://", "https://", "src=", "<link", "@import", "url("} {
		if strings.Contains(out.String(), word) {
			t.Errorf("the page reaches for something: %q", word)
		}
	}
	for _, word := range []string{`lang="en"`, `<caption>`, `scope="col"`, `prefers-color-scheme: dark`, `&lt;visudo&gt;`, `http-equiv="refresh" content="30"`} {
		if !strings.Contains(out.String(), word) {
			t.Errorf("the page lacks %q", word)
		}
	}
	out.Reset()
	if err := WritePage(&out, fleet(), 0); err != nil || strings.Contains(out.String(), `http-equiv="refresh"`) {
		t.Errorf("a page that is written once asks to be read again (%v)", err)
	}
}

func TestJSONIsAsPublished(t *testing.T) {
	validatetest.MustBeAsPublished(t, validate.StatusSchema, fleet())
}

func TestFine(t *testing.T) {
	s := fleet()
	if Fine(s) {
		t.Error("hosts are failing")
	}
	for name, h := range s.Hosts {
		if h.Condition != schema.Well && h.Condition != schema.Attention {
			delete(s.Hosts, name)
		}
	}
	if !Fine(s) {
		t.Error("nothing is failing")
	}
}
