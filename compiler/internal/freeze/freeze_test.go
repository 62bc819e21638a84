package freeze

import (
	"reflect"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/resolve"
	"github.com/nixfleet/nixfleet/schema"
)

const (
	top     = schema.StorePath("/nix/store/00000000000000000000000000000001-top")
	below   = schema.StorePath("/nix/store/00000000000000000000000000000002-below")
	strange = schema.StorePath("/nix/store/00000000000000000000000000000003-strange")
	drv     = schema.StorePath("/nix/store/00000000000000000000000000000004-top.drv")
	hash    = schema.NarHash("sha256-gJR3JwbHE6P+ZI9VeD+YC5GzuoabYyy+1P264BKXWGs=")
)

func infos() map[schema.StorePath]schema.PathInfo {
	return map[schema.StorePath]schema.PathInfo{
		top:     {NarHash: hash, NarSize: 1, References: []schema.StorePath{below}},
		below:   {NarHash: hash, NarSize: 2, References: []schema.StorePath{}},
		strange: {NarHash: hash, NarSize: 3, References: []schema.StorePath{}},
	}
}

func fleet(files ...schema.File) resolve.Fleet {
	text := schema.DigestOf([]byte("x"))
	manifest := schema.Manifest{
		Version: 1, Base: schema.Ubuntu, System: schema.X8664Linux, Settle: "1s", Activation: schema.Activation{ConfirmWindow: "60s"},
		Closure: &schema.Closure{Path: top, Derivation: drv},
		Files:   append([]schema.File{{Path: "/etc/x", Payload: text, Mode: "0644", Owner: "root", Group: "root"}}, files...),
	}
	other := manifest
	other.Base = schema.Debian
	return resolve.Fleet{
		Hosts:    []resolve.Host{{Name: "a", Manifest: manifest}, {Name: "b", Manifest: manifest}, {Name: "c", Manifest: other}},
		Payloads: map[schema.Digest]string{text: "x"},
	}
}

func index() schema.Index {
	return schema.Index{
		Kind: schema.PlanKind, Version: schema.PlanVersion, TimeZone: "UTC",
		Rollout: schema.Rollout{MaxParallel: 1, Waves: schema.Waves{{Name: "all", Hosts: schema.HostList{"a", "b", "c"}}}},
	}
}

func TestPreviewAndComplete(t *testing.T) {
	preview, err := Preview(index(), fleet())
	if err != nil {
		t.Fatal(err)
	}
	if len(preview.Manifests) != 2 || preview.Index.Hosts["a"].Manifest != preview.Index.Hosts["b"].Manifest {
		t.Error("hosts that are alike do not share a manifest")
	}
	if !reflect.DeepEqual(Derivations(preview), []schema.StorePath{drv}) || !reflect.DeepEqual(Closures(preview), []schema.StorePath{top}) {
		t.Errorf("to build: %v, to ask for: %v", Derivations(preview), Closures(preview))
	}
	plan, err := Complete(preview, infos())
	if err != nil {
		t.Fatal(err)
	}
	if plan.Index.Preview || !preview.Index.Preview || plan.Digest == preview.Digest {
		t.Error("the complete plan is still a preview")
	}
	if len(plan.StorePaths) != 2 {
		t.Errorf("the table holds %v, want what the closures use", plan.StorePaths)
	}
	for _, manifest := range plan.Manifests {
		if manifest.Closure.Derivation != "" || manifest.Closure.Hash == "" {
			t.Errorf("the closure is %+v", manifest.Closure)
		}
	}
}

func TestIncompleteInfos(t *testing.T) {
	preview, err := Preview(index(), fleet())
	if err != nil {
		t.Fatal(err)
	}
	lacking := infos()
	delete(lacking, below)
	if _, err := Complete(preview, lacking); err == nil || !strings.Contains(err.Error(), "nothing is said of "+string(below)) {
		t.Errorf("found %v", err)
	}
}

func TestSourceOutsideTheClosure(t *testing.T) {
	preview, err := Preview(index(), fleet(
		schema.File{Path: "/etc/y", Source: string(below) + "/share/y", Mode: "0644", Owner: "root", Group: "root"},
		schema.File{Path: "/etc/z", Source: string(strange) + "/z", Mode: "0644", Owner: "root", Group: "root"},
	))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Complete(preview, infos())
	list, ok := diagnostic.Of(err)
	if !ok || len(list) != 3 {
		t.Fatalf("found %v", err)
	}
	if want := "the source " + string(strange) + "/z of /etc/z does not belong to the host's closure"; list[0].Summary != want || list[0].Host == "" {
		t.Errorf("found %v, want %s", list[0], want)
	}
}

func TestSelfCheck(t *testing.T) {
	broken := fleet()
	broken.Payloads[schema.DigestOf([]byte("y"))] = "y"
	if _, err := Preview(index(), broken); err == nil || !strings.Contains(err.Error(), "internal error") {
		t.Errorf("a payload that nobody uses gives %v", err)
	}
}
