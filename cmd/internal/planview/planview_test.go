package planview

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/validate"
	"github.com/nixfleet/nixfleet/schema/validate/validatetest"
)

const (
	nginxOld = schema.StorePath("/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-nginx-1.24.0")
	nginxNew = schema.StorePath("/nix/store/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-nginx-1.26.1")
	nginxDoc = schema.StorePath("/nix/store/cccccccccccccccccccccccccccccccc-nginx-1.26.1-doc")
	hostTop  = schema.StorePath("/nix/store/dddddddddddddddddddddddddddddddd-nixfleet-host")
	hostOld  = schema.StorePath("/nix/store/ffffffffffffffffffffffffffffffff-nixfleet-host")
)

func payload(text string) *schema.Payload {
	p := schema.NewPayload([]byte(text))
	return &p
}

func state(text string) *protocol.FileState {
	return &protocol.FileState{Type: "file", Mode: "0644", Owner: "root", Group: "root", Digest: schema.DigestOf([]byte(text)), Size: int64(len(text))}
}

func withContent(text string) *protocol.FileState {
	s := state(text)
	s.Content = payload(text)
	return s
}

func testPlan(texts ...string) *schema.Plan {
	plan := &schema.Plan{Digest: schema.DigestOf([]byte("the plan")), Payloads: map[schema.Digest]schema.Payload{}, StorePaths: map[schema.StorePath]schema.PathInfo{
		nginxNew: {NarSize: 3 << 20}, nginxDoc: {NarSize: 100 << 10}, hostTop: {NarSize: 2000},
	}}
	plan.Index.Fleet = "shop"
	for _, text := range texts {
		plan.Payloads[schema.DigestOf([]byte(text))] = schema.NewPayload([]byte(text))
	}
	return plan
}

// everything is a host to which all happens at once.
func everything() executor.Seen {
	secret := state("the secret")
	secret.Mode = "0600"
	wantedSecret := state("another secret")
	wantedSecret.Mode = "0600"
	large := state("")
	large.Size, large.Digest = 3<<20, schema.DigestOf([]byte("large"))
	return executor.Seen{
		Observation: &schema.Observation{
			Drift: []schema.Drift{
				{Kind: "file", Object: "/etc/app.conf", Differences: []schema.Difference{{Property: "content", Was: "1", Is: "2"}, {Property: "mode", Was: "0644", Is: "0666"}}},
				{Kind: "unit", Object: "web.service", Differences: []schema.Difference{{Property: "drop-in", Was: "none", Is: "/etc/systemd/system/web.service.d/o.conf"}}, Stays: true},
			},
			Unfinished: &schema.Unfinished{Run: "r0", Operator: "ann@desk", State: "interrupted", Phase: schema.StageFiles},
		},
		Proposal: &protocol.Proposal{
			Changes: []schema.Change{
				{Action: schema.Stop, Kind: "unit", Object: "web.service", Detail: "its unit changed"},
				{Action: schema.Stop, Kind: "unit", Object: "old.service", Detail: "no longer declared"},
				{Action: schema.Create, Kind: "user", Object: "app", Detail: "uid 990"},
				{Action: schema.Remove, Kind: "file", Object: "/etc/old.conf"},
				{Action: schema.Create, Kind: "directory", Object: "/srv/app"},
				{Action: schema.Update, Kind: "file", Object: "/etc/app.conf", Detail: "content, mode 0666 -> 0644"},
				{Action: schema.Create, Kind: "file", Object: "/etc/new.conf"},
				{Action: schema.Update, Kind: "file", Object: "/etc/secret", Detail: "content"},
				{Action: schema.Update, Kind: "file", Object: "/etc/logo", Detail: "content"},
				{Action: schema.Update, Kind: "file", Object: "/etc/large", Detail: "content"},
				{Action: schema.Adopt, Kind: "file", Object: "/etc/theirs"},
				{Action: schema.Update, Kind: "unit", Object: "web.service", Detail: "content"},
				{Action: schema.Update, Kind: "profile", Object: "/nix/var/nix/profiles/nixfleet/system", Detail: "generation 3 -> 4"},
				{Action: schema.Reloads, Kind: "unit", Object: "proxy.service", Detail: "/etc/app.conf changed"},
				{Action: schema.Start, Kind: "unit", Object: "web.service", Detail: "its unit changed"},
			},
			Files: []protocol.FileDetail{
				{Path: "/etc/app.conf", Action: schema.Update, Applied: state("listen 80\nroot /srv\n"), Live: withContent("listen 8080\nroot /srv\n"), Wanted: state("listen 80\nroot /srv/app\n")},
				{Path: "/etc/large", Action: schema.Update, Applied: large, Live: large, Wanted: state("small\n")},
				{Path: "/etc/logo", Action: schema.Update, Applied: state("\x00old"), Live: withContent("\x00old"), Wanted: state("\x00new")},
				{Path: "/etc/new.conf", Action: schema.Create, Wanted: state("new\n")},
				{Path: "/etc/old.conf", Action: schema.Remove, Applied: state("old\n"), Live: withContent("old\n")},
				{Path: "/etc/secret", Action: schema.Update, Applied: secret, Live: secret, Wanted: wantedSecret, Hidden: true},
				{Path: "/etc/systemd/system/web.service", Unit: "web.service", Action: schema.Update, Applied: state("ExecStart=a\n"), Live: withContent("ExecStart=a\n"), Wanted: state("ExecStart=b\n")},
				{Path: "/etc/theirs", Action: schema.Adopt, Live: withContent("theirs \x1b[2J\n"), Wanted: state("ours\n")},
				{Path: "/srv/app", Action: schema.Create, Wanted: &protocol.FileState{Type: "directory", Mode: "0750", Owner: "app", Group: "app"}},
			},
			MissingPaths: []schema.StorePath{nginxNew, nginxDoc, hostTop}, NewPaths: []schema.StorePath{nginxNew, nginxDoc, hostTop},
			OldPaths:        []protocol.PathSize{{Path: nginxOld, Size: 2 << 20}, {Path: hostOld, Size: 2000}},
			MissingPayloads: []schema.Digest{schema.DigestOf([]byte("new\n"))},
			Notes:           []string{"the directory /srv/old stays: it is not empty"},
		},
	}
}

func build(t *testing.T, options Options) *schema.Forecast {
	t.Helper()
	plan := testPlan("listen 80\nroot /srv/app\n", "new\n", "ExecStart=b\n", "ours\n", "small\n", "\x00new", "another secret", "listen 80\nroot /srv\n")
	f := New(plan, nil)
	for _, name := range []schema.HostName{"web-1", "web-2", "web-3"} {
		f.Hosts[name] = Host(plan, everything(), options)
	}
	f.Hosts["ok-1"] = Host(plan, executor.Seen{Observation: &schema.Observation{}}, options)
	f.Hosts["gone-1"] = Host(plan, executor.Seen{Err: schema.WithHint(errors.New("cannot connect to gone-1 (10.0.0.9:22): no answer within 10s"), "is it up?")}, options)
	f.Hosts["db-1"] = Host(plan, executor.Seen{Observation: &schema.Observation{}, Proposal: &protocol.Proposal{
		Refusals: []protocol.Refusal{{Message: "/etc/theirs exists and NixFleet did not create it", Hint: "set adopt = true"}},
	}}, options)
	return f
}

func golden(t *testing.T, name, found string) {
	t.Helper()
	autogold.ExpectFile(t, autogold.Raw(found), autogold.Name(name))
}

func TestTextAndMarkdown(t *testing.T) {
	f := build(t, Options{})
	var text, markdown strings.Builder
	if err := document.WriteText(&text, Document(f), ui.Style{}); err != nil {
		t.Fatal(err)
	}
	if err := document.WriteMarkdown(&markdown, Document(f), 0, nil); err != nil {
		t.Fatal(err)
	}
	golden(t, "text", text.String())
	golden(t, "markdown", markdown.String())
	for what, written := range map[string]string{"text": text.String(), "markdown": markdown.String()} {
		if strings.Contains(written, "\x1b") {
			t.Errorf("the %s lets control characters of a host through", what)
		}
		if strings.Contains(written, "another secret") {
			t.Errorf("the %s tells a secret that nobody asked for", what)
		}
	}
}

func TestJSONIsAsPublishedAndTellsNoSecrets(t *testing.T) {
	for _, sensitive := range []bool{false, true} {
		told := build(t, Options{Sensitive: sensitive})
		validatetest.MustBeAsPublished(t, validate.ForecastSchema, told)
		data, err := json.Marshal(told)
		if err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(string(data), "another secret"); told && !sensitive {
			t.Errorf("sensitive contents are told: %v, asked for: %v", told, sensitive)
		}
	}
}

func TestSensitiveContentsAreToldWhenAskedFor(t *testing.T) {
	plan := testPlan("another secret\n")
	live := withContent("the secret\n")
	live.Mode = "0600"
	seen := executor.Seen{Observation: &schema.Observation{}, Proposal: &protocol.Proposal{
		Changes: []schema.Change{{Action: schema.Update, Kind: "file", Object: "/etc/secret", Detail: "content"}},
		Files:   []protocol.FileDetail{{Path: "/etc/secret", Action: schema.Update, Applied: live, Live: live, Wanted: state("another secret\n"), Hidden: true}},
	}}
	hidden, told := Host(plan, seen, Options{}), Host(plan, seen, Options{Sensitive: true})
	if hidden.Files[0].Diff != "" || hidden.Files[0].Withheld != "sensitive" {
		t.Errorf("found %+v", hidden.Files[0])
	}
	autogold.Expect(`--- on the host
+++ wanted
@@ -1 +1 @@
-the secret
+another secret
`).Equal(t, told.Files[0].Diff)
}

func TestExitCodesFollowTheWorstHost(t *testing.T) {
	verdict := func(hosts ...schema.ForecastVerdict) (bool, bool) {
		f := &schema.Forecast{Hosts: map[schema.HostName]schema.HostForecast{}}
		for i, v := range hosts {
			f.Hosts[schema.HostName(string(rune('a'+i)))] = schema.HostForecast{Verdict: v}
		}
		changes, err := Verdict(f)
		return changes, err != nil
	}
	for _, c := range []struct {
		hosts           []schema.ForecastVerdict
		changes, failed bool
	}{
		{nil, false, false},
		{[]schema.ForecastVerdict{schema.WouldNothing}, false, false},
		{[]schema.ForecastVerdict{schema.WouldNothing, schema.WouldChange}, true, false},
		{[]schema.ForecastVerdict{schema.WouldRefuse, schema.WouldChange}, true, true},
		{[]schema.ForecastVerdict{schema.NotAsked, schema.WouldNothing}, false, true},
	} {
		if changes, failed := verdict(c.hosts...); changes != c.changes || failed != c.failed {
			t.Errorf("%v: changes %v, failed %v", c.hosts, changes, failed)
		}
	}
}
