package schema_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/validate"
)

const (
	storeTop = schema.StorePath("/nix/store/0123456789abcdfghijklmnpqrsvwxyz-system")
	storeDep = schema.StorePath("/nix/store/1123456789abcdfghijklmnpqrsvwxyz-hello-1.0")
	narHash  = schema.NarHash("sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
)

// samplePlan returns a sealed plan of two hosts that share one manifest.
func samplePlan(t testing.TB) *schema.Plan {
	t.Helper()
	content := []byte("port = 80\n")
	paths := map[schema.StorePath]schema.PathInfo{
		storeTop: {NarHash: narHash, NarSize: 120, References: []schema.StorePath{storeDep, storeTop}},
		storeDep: {NarHash: narHash, NarSize: 64, References: []schema.StorePath{}},
	}
	entries, err := schema.ClosureOf(storeTop, paths)
	if err != nil {
		t.Fatal(err)
	}
	closureHash, err := schema.ClosureHash(entries)
	if err != nil {
		t.Fatal(err)
	}
	manifest := schema.Manifest{
		Version: schema.ManifestVersion, Base: schema.Ubuntu, System: schema.X8664Linux,
		Closure:     &schema.Closure{Path: storeTop, Hash: closureHash},
		Packages:    []schema.StorePath{storeDep},
		Groups:      []schema.Group{},
		Users:       []schema.User{},
		Directories: []schema.Directory{},
		Files:       []schema.File{{Path: "/etc/app.conf", Payload: schema.DigestOf(content), Mode: "0644", Owner: "root", Group: "root"}},
		Units:       []schema.Unit{},
		Restarts:    []schema.RestartRule{{Unit: "app.service", Restart: []string{"/etc/app.conf"}}},
		Settle:      "500ms",
		Activation:  schema.Activation{ConfirmWindow: "60s", KeepGenerations: 10},
	}
	digest, err := schema.DigestOfValue(manifest)
	if err != nil {
		t.Fatal(err)
	}
	host := schema.Host{Manifest: digest, Connection: schema.Connection{Address: "10.0.0.1", Port: 22, User: "deploy"}}
	plan := &schema.Plan{
		Index: schema.Index{
			Kind: schema.PlanKind, Version: schema.PlanVersion, TimeZone: "UTC",
			Source:  schema.Source{NarHash: narHash, Library: narHash},
			Helpers: map[schema.System]schema.Digest{schema.X8664Linux: schema.DigestOf([]byte("helper"))},
			Rollout: schema.Rollout{MaxParallel: 20, Waves: []schema.Wave{{Name: "all", Hosts: []schema.HostName{"web-1", "web-2"}}}},
			Hosts:   schema.Hosts{"web-1": host, "web-2": host},
		},
		Manifests:  map[schema.Digest]schema.Manifest{digest: manifest},
		Payloads:   map[schema.Digest]schema.Payload{schema.DigestOf(content): schema.NewPayload(content)},
		StorePaths: paths,
	}
	if err := plan.Seal(); err != nil {
		t.Fatal(err)
	}
	return plan
}

func encode(t testing.TB, plan *schema.Plan) []byte {
	t.Helper()
	data, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPlanRoundTrip(t *testing.T) {
	data := encode(t, samplePlan(t))
	plan, err := validate.Plan(data)
	if err != nil {
		t.Fatal(err)
	}
	if again := encode(t, plan); !bytes.Equal(again, data) {
		t.Errorf("expected %s\nfound    %s", data, again)
	}
}

// TestPlanRefusals edits a good plan in every way a plan can be bad.
func TestPlanRefusals(t *testing.T) {
	good := string(encode(t, samplePlan(t)))
	replace := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the sample has no %q", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	content := schema.DigestOf([]byte("port = 80\n"))
	for _, c := range []struct{ name, plan, want string }{
		{"empty", "", "the document is cut short: it ends after 0 bytes"},
		{"truncated", good[:len(good)/2], "the document is cut short"},
		{"broken", replace(`"kind":`, `"kind" 1`), "line "},
		{"not a plan", `{"kind": "nixfleet.record"}`, `expected "kind": "nixfleet.plan" in its index, found "nixfleet.record"`},
		{"newer", replace(`"version": 1`, `"version": 2`), "the plan has format version 2, and this nixfleet reads version 1\nhint: use the nixfleet that compiled it, or a newer one"},
		{"older", replace(`"version": 1`, `"version": 0`), "hint: compile the fleet again"},
		{"edited index", replace(`"user": "deploy"`, `"user": "root"`), "wrong digest of the index: expected sha256:"},
		{"wrong digest", strings.Replace(good, string(samplePlan(t).Digest), string(content), 1), "wrong digest of the index: expected " + string(content)},
		{"edited manifest", replace(`"mode": "0644"`, `"mode": "0666"`), "wrong digest of the manifest"},
		{"edited payload", replace(`port = 80`, `port = 81`), "wrong digest of a payload: expected " + string(content)},
		{"edited closure", replace(`"narSize": 64`, `"narSize": 65`), "wrong digest of the closure system"},
		{"unknown field", replace(`"preview": false`, `"preview": false, "x": 1`), "at /index: additionalProperties 'x' not allowed"},
		{"key in another case", replace(`"fleet": ""`, `"Fleet": ""`), "at /index: "},
		{"key twice", replace(`"fleet": ""`, `"fleet": "", "fleet": ""`), `/index has the key "fleet" twice`},
		{"null", replace(`"fleet": ""`, `"fleet": null`), "at /index/fleet: expected string, but got null"},
		{"mode", replace(`"mode": "0644"`, `"mode": "9999"`), "at /manifests/"},
		{"trailing", good + "{}", "after the end of the document"},
		{"nested without end", strings.Repeat(`{"index":`, 1_000_000), "the document is nested more than 200 levels deep"},
		{"a wall of brackets", strings.Repeat(`[`, 1_000_000), "the document is nested more than 200 levels deep"},
		{"missing payload", cutTable(good, `"payloads": {`), "the payload " + string(content) + " is missing"},
		{"foreign payload", replace(`"payloads": {`, fmt.Sprintf(`"payloads": {%q: {"text": ""},`, schema.DigestOf(nil))), "belongs to no manifest"},
		{"foreign store path", replace(`"storePaths": {`, `"storePaths": {"/nix/store/2123456789abcdfghijklmnpqrsvwxyz-x": {"narHash": "`+string(narHash)+`", "narSize": 1, "references": []},`), "belongs to no closure"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := validate.Plan([]byte(c.plan)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("expected %q\nfound    %v", c.want, err)
			}
		})
	}
}

// cutTable empties a table of an encoded plan.
func cutTable(plan, head string) string {
	start := strings.Index(plan, head) + len(head)
	end := start + strings.Index(plan[start:], "\n  }")
	return plan[:start] + plan[end:]
}

// TestPartVerifies is what a host does with what it is sent.
func TestPartVerifies(t *testing.T) {
	part, err := samplePlan(t).Subset("web-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := part.Verify(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(p *schema.Part){
		"index":    func(p *schema.Part) { p.Index.TimeZone = "Europe/Berlin" },
		"manifest": func(p *schema.Part) { p.Manifest.Settle = "1s" },
		"closure":  func(p *schema.Part) { p.Closure = p.Closure[1:] },
		"host":     func(p *schema.Part) { p.Host = "web-3" },
	} {
		spoilt := part
		spoil(&spoilt)
		if err := spoilt.Verify(); err == nil {
			t.Errorf("a part with another %s was accepted", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(f, samplePlan(f)))
	f.Add([]byte(`{"index": {"kind": "nixfleet.plan", "version": 1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		plan, err := validate.Plan(data)
		if err != nil {
			return
		}
		again, err := plan.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := validate.Plan(again); err != nil {
			t.Fatalf("a plan that was accepted is refused after encoding: %v", err)
		}
	})
}

func TestCheckPath(t *testing.T) {
	for path, want := range map[string]string{
		"/etc/app/app.conf":                "",
		"/usr/local/bin/x":                 "",
		"/srv/www":                         "",
		"/etc/systemd/system/a.d/x.conf":   "",
		"/etc/passwd":                      "declare the account in nixfleet.users",
		"/":                                "the root directory cannot be managed",
		"etc/x":                            `the path is relative; write it from the root, as "/etc/x"`,
		"/etc/../etc/x":                    `the path is not clean; write "/etc/x"`,
		"/etc/x/":                          `the path is not clean; write "/etc/x"`,
		"/nix/store/x":                     "belong to Nix",
		"/proc/sys":                        "belongs to the kernel",
		"/usr/bin/x":                       "/usr/local is yours",
		"/etc/" + strings.Repeat("n", 256): `a name of 256 bytes, "nnnnnnnnnnnnnnnnnnnn"…`,
		"/etc/" + strings.Repeat("n", 255): "",
		"/etc/a\x00b":                      "NUL byte",
		"":                                 "the path is empty",
		"/var/lib/nixfleet/x":              "its own state",
	} {
		err := schema.CheckPath(path)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("CheckPath(%q) = %v, expected %q", path, err, want)
		}
	}
	if err := schema.CheckFilePath("/etc/systemd/system/a.service"); err == nil || !strings.Contains(err.Error(), "nixfleet.systemd.units") {
		t.Errorf("a unit passed as a file: %v", err)
	}
}

func TestUnsupported(t *testing.T) {
	plan := samplePlan(t)
	all := plan.Index.Hosts.Names()
	if found := plan.Unsupported(all); len(found) != 0 {
		t.Errorf("a plain plan has %v", found)
	}
	for digest, manifest := range plan.Manifests {
		manifest.OSUpdates = &schema.OSUpdates{Ubuntu: &schema.UbuntuUpdates{Mode: "full-weekly", Holds: []string{"nvidia-*"}}}
		manifest.Secrets = []schema.Secret{{Name: "tls"}}
		plan.Manifests[digest] = manifest
	}
	nixos := plan.Manifests[plan.Index.Hosts["web-2"].Manifest]
	nixos.Base, nixos.OSUpdates, nixos.Secrets = schema.NixOS, nil, nil
	other := plan.Index.Hosts["web-2"]
	other.Manifest = schema.DigestOf([]byte("nixos"))
	plan.Manifests[other.Manifest] = nixos
	plan.Index.Hosts["web-3"] = other
	var found strings.Builder
	for _, u := range plan.Unsupported(append(all, "web-3")) {
		fmt.Fprintln(&found, u)
	}
	want := `web-1, web-2: osUpdates.ubuntu.mode = "full-weekly"; set it to "manual", and update these hosts by other means
web-1, web-2: osUpdates.ubuntu.holds = ["nvidia-*"]; list the packages by name in nixfleet.apt.holds
web-1, web-2: secrets.tls; bring the secret to these hosts by other means
web-3: base = "nixos"; leave these hosts out with --host or --group
`
	if found.String() != want {
		t.Errorf("found\n%s\nexpected\n%s", found.String(), want)
	}
	if found := plan.Unsupported([]schema.HostName{"web-3"}); len(found) != 1 {
		t.Errorf("web-3 alone has %v", found)
	}
}
