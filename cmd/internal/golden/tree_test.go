package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/validate"
)

// goldenPlans are the golden plans of this repository.
func goldenPlans(t *testing.T) map[string]*schema.Plan {
	t.Helper()
	files, err := filepath.Glob("../../../goldens/*/plan.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d golden plans: %v", len(files), err)
	}
	found := map[string]*schema.Plan{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := validate.Plan(data)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		found[filepath.Base(filepath.Dir(file))] = plan
	}
	return found
}

func treeOf(t *testing.T, plan *schema.Plan) Tree {
	t.Helper()
	tree, err := Of(plan, plan)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// TestEveryTextIsThere puts the texts of each host together again.
func TestEveryTextIsThere(t *testing.T) {
	for name, plan := range goldenPlans(t) {
		l := newLayout(plan)
		if err := l.addTexts(); err != nil {
			t.Fatal(err)
		}
		for _, host := range l.names {
			manifest := plan.Manifests[plan.Index.Hosts[host].Manifest]
			for place, payload := range texts(&manifest) {
				content := ""
				for _, v := range l.texts[place] {
					if slices.Contains(v.hosts, host) {
						content = string(l.tree[v.file])
					}
				}
				content = strings.ReplaceAll(strings.ReplaceAll(content, ownHost, string(host)), ownAddress, plan.Index.Hosts[host].Connection.Address)
				if schema.DigestOf([]byte(content)) != payload {
					t.Errorf("%s: %s of %s is not what the plan says:\n%s", name, place, host, content)
				}
			}
		}
	}
}

// TestNothingIsInvisible changes each value of a plan in turn: a file that is read in a
// pull request must change with it.
func TestNothingIsInvisible(t *testing.T) {
	t.Parallel()
	plan := goldenPlans(t)["everything"]
	of := func(plan *schema.Plan) (Tree, error) { // what manifests are shown in
		l := newLayout(plan)
		err := l.addTexts()
		if err == nil {
			_, err = l.addManifests()
		}
		return l.tree, err
	}
	before, err := of(plan)
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for digest, manifest := range plan.Manifests {
		data, err := json.Marshal(manifest)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; ; n++ {
			var tree map[string]any
			if err := parse(data, &tree); err != nil {
				t.Fatal(err)
			}
			at := n
			where := change(tree, "", &at)
			if where == "" {
				break
			}
			written, err := json.Marshal(tree)
			if err != nil {
				t.Fatal(err)
			}
			var changed schema.Manifest
			if json.Unmarshal(written, &changed) != nil {
				continue // a word that is none of those there are
			}
			other := *plan
			other.Manifests = maps.Clone(plan.Manifests)
			other.Manifests[digest] = changed
			now, err := of(&other)
			if err != nil {
				continue // a payload that is not there
			}
			tried++
			if maps.EqualFunc(before, now, bytes.Equal) {
				t.Errorf("a change of %s is in plan.json alone", where)
			}
		}
	}
	if tried < 200 {
		t.Errorf("only %d changes were tried", tried)
	}
}

// change changes the n-th value of a tree, and says which that is; "" where there is none.
func change(value any, where string, n *int) string {
	replaced := func(item any) (any, bool) {
		switch item := item.(type) {
		case string:
			return item + "x", true
		case json.Number:
			return json.Number(item.String() + "1"), true
		case bool:
			return !item, true
		}
		return nil, false
	}
	visit := func(at string, item any, set func(any)) string {
		if other, leaf := replaced(item); leaf {
			if *n == 0 {
				set(other)
				return at
			}
			*n--
			return ""
		}
		return change(item, at, n)
	}
	switch value := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(value) {
			if key == "closure" || key == "version" && where == "" {
				continue // what it refers to is told of; there is one version
			}
			if found := visit(where+"/"+key, value[key], func(v any) { value[key] = v }); found != "" {
				return found
			}
		}
	case []any:
		for i := range value {
			if found := visit(fmt.Sprintf("%s/%d", where, i), value[i], func(v any) { value[i] = v }); found != "" {
				return found
			}
		}
	}
	return ""
}

// many is a plan of hosts that differ in their own names, in two texts and a check.
func many(t *testing.T, hosts int, line string) *schema.Plan {
	t.Helper()
	plan := *goldenPlans(t)["minimal"]
	var pattern schema.Manifest
	for _, manifest := range plan.Manifests {
		pattern = manifest
	}
	plan.Index.Hosts, plan.Manifests, plan.Payloads = schema.Hosts{}, map[schema.Digest]schema.Manifest{}, map[schema.Digest]schema.Payload{}
	put := func(text string) schema.Digest {
		digest := schema.DigestOf([]byte(text))
		plan.Payloads[digest] = schema.NewPayload([]byte(text))
		return digest
	}
	for i := range hosts {
		name, address := fmt.Sprintf("web-%d", i+1), fmt.Sprintf("10.0.%d.%d", i/250, i%250+1)
		m := pattern
		file := func(path, text string) schema.File {
			return schema.File{Path: path, Payload: put(text), Mode: "0644", Owner: "root", Group: "root"}
		}
		m.Files = []schema.File{
			file("/etc/motd", fmt.Sprintf("This is %s at %s.\n%s\n", name, address, line)),
			file("/etc/same", strings.Repeat("the same everywhere\n", 500)),
			file("/etc/shard", fmt.Sprintf("shard %d\n", i%4)),
		}
		m.HealthChecks = []schema.HealthCheck{{Name: "http", Kind: schema.CheckHTTP, URL: "http://" + address + "/"}}
		digest, err := schema.DigestOfValue(m)
		if err != nil {
			t.Fatal(err)
		}
		plan.Manifests[digest] = m
		plan.Index.Hosts[schema.HostName(name)] = schema.Host{Manifest: digest, Connection: schema.Connection{Address: address, Port: 22, User: "deploy"}}
	}
	return &plan
}

// TestAThousandHosts: what is alike stands once, and a line is a line.
func TestAThousandHosts(t *testing.T) {
	t.Parallel()
	before, after := treeOf(t, many(t, 1000, "quiet")), treeOf(t, many(t, 1000, "loud"))
	size := 0
	for name, content := range before {
		if name != planName {
			size += len(content)
		}
	}
	if len(before) > 20 || size > 100_000 {
		t.Errorf("1,000 hosts take %d files and %d bytes: %q", len(before), size, sortedKeys(before))
	}
	d := &Directory{found: before, list: listOf(sortedKeys(before), false)}
	var told strings.Builder
	if err := Write(&told, d.Compare(after, false)); err != nil {
		t.Fatal(err)
	}
	want := `--- a/files/etc/motd
+++ b/files/etc/motd
@@ -1,2 +1,2 @@
 This is ‹host› at ‹address›.
-quiet
+loud
differs plan.json
`
	if told.String() != want {
		t.Errorf("expected\n%s\nfound\n%s", want, told.String())
	}
}

// TestPlaces has names that git, a list of lines or another host would misread.
func TestPlaces(t *testing.T) {
	for path, want := range map[string]string{
		"/etc/motd":             "files/etc/motd",
		"/etc/.gitignore":       "files/etc/.gitignore@",
		"/srv/.GIT/config":      "files/srv/.GIT@/config",
		"/root/.gitconfig":      "files/root/.gitconfig",
		"/a\nb%":                "files/a%0Ab%25",
		"/" + long(130) + "/b":  "files/" + long(106) + "~3afbb132863c/b",
		"/etc/‹strange› \xff é": "files/etc/‹strange› %FF é",
	} {
		if found := placeOf(filesDir, path); found != want {
			t.Errorf("%q: expected %q, found %q", path, want, found)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

// What is a file on one host may be a directory on another.
func TestFileAndDirectory(t *testing.T) {
	plan := many(t, 2, "x")
	hosts := plan.Index.Hosts
	m := maps.Clone(plan.Manifests)
	changed := m[hosts["web-1"].Manifest]
	changed.Files = slices.Clone(changed.Files)
	changed.Files[0].Path = "/etc/same/inner"
	m[hosts["web-1"].Manifest] = changed
	plan.Manifests = m
	tree := treeOf(t, plan)
	if tree["files/etc/same@"] == nil || tree["files/etc/same/inner"] == nil {
		t.Errorf("found %q", sortedKeys(tree))
	}
}
