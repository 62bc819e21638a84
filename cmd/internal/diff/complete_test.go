package diff

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/validate"
)

// TestNothingIsLeftOut changes every value of every golden plan, one at a time: each
// time something must be told. So a field that is added to the plan is told of too.
func TestNothingIsLeftOut(t *testing.T) {
	files, err := filepath.Glob("../../../goldens/*/plan.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d golden plans: %v", len(files), err)
	}
	n := 0
	for _, file := range files {
		before := readPlan(t, file)
		for digest := range before.Manifests {
			manifest := before.Manifests[digest]
			eachLeaf(reflect.ValueOf(&manifest).Elem(), "", func(path string, change func(root reflect.Value)) {
				if path == ".Closure.Derivation" { // of previews only
					return
				}
				n++
				other := clone(t, manifest)
				change(reflect.ValueOf(&other).Elem())
				d := Compare(before, withManifest(t, before, digest, other))
				if len(d.Groups) == 0 {
					t.Errorf("%s: %s of a manifest changes, and nothing is told", file, path)
				}
				if err := document.WriteText(io.Discard, Document(d), ui.Style{}); err != nil {
					t.Error(err)
				}
			})
		}
		eachLeaf(reflect.ValueOf(&before.Index.Rollout).Elem(), "", func(path string, change func(root reflect.Value)) {
			n++
			after := *before
			after.Index.Rollout = clone(t, before.Index.Rollout)
			change(reflect.ValueOf(&after.Index.Rollout).Elem())
			seal(t, &after)
			if d := Compare(before, &after); len(d.Rollout)+len(d.Moves)+len(d.Reboots) == 0 {
				t.Errorf("%s: %s of the rollout changes, and nothing is told", file, path)
			}
		})
		for name := range before.Index.Hosts {
			host := before.Index.Hosts[name]
			eachLeaf(reflect.ValueOf(&host).Elem(), "", func(path string, change func(root reflect.Value)) {
				if path == ".Manifest" {
					return
				}
				n++
				other := clone(t, host)
				change(reflect.ValueOf(&other).Elem())
				after := clone(t, *before)
				after.Index.Hosts[name] = other
				seal(t, &after)
				if d := Compare(before, &after); len(d.Groups) == 0 {
					t.Errorf("%s: %s of a host changes, and nothing is told", file, path)
				}
			})
		}
		eachLeaf(reflect.ValueOf(&before.Index.Source).Elem(), "", func(path string, change func(root reflect.Value)) {
			n++
			after := clone(t, *before)
			change(reflect.ValueOf(&after.Index.Source).Elem())
			seal(t, &after)
			if d := Compare(before, &after); len(d.Fleet) == 0 {
				t.Errorf("%s: %s of the source changes, and nothing is told", file, path)
			}
		})
	}
	if n < 500 {
		t.Errorf("changed only %d values", n)
	}
}

func readPlan(t *testing.T, file string) *schema.Plan {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := validate.Plan(data)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func clone[T any](t *testing.T, value T) (other T) {
	t.Helper()
	data, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(data, &other)
	}
	if err != nil {
		t.Fatal(err)
	}
	return other
}

func seal(t *testing.T, plan *schema.Plan) {
	t.Helper()
	if err := plan.Seal(); err != nil {
		t.Fatal(err)
	}
}

// withManifest returns a plan with another manifest in the place of one.
func withManifest(t *testing.T, plan *schema.Plan, old schema.Digest, manifest schema.Manifest) *schema.Plan {
	t.Helper()
	digest, err := schema.DigestOfValue(manifest)
	if err != nil {
		t.Fatal(err)
	}
	after := *plan
	after.Manifests = map[schema.Digest]schema.Manifest{digest: manifest}
	for key, value := range plan.Manifests {
		if key != old {
			after.Manifests[key] = value
		}
	}
	after.Index.Hosts = schema.Hosts{}
	for name, host := range plan.Index.Hosts {
		if host.Manifest == old {
			host.Manifest = digest
		}
		after.Index.Hosts[name] = host
	}
	seal(t, &after)
	return &after
}

// eachLeaf calls with each value in a tree, and with what changes the value at that
// place in a tree of the same shape.
func eachLeaf(v reflect.Value, path string, visit func(path string, change func(root reflect.Value))) {
	walk(v, path, func(r reflect.Value) reflect.Value { return r }, visit)
}

func walk(v reflect.Value, path string, at func(reflect.Value) reflect.Value, visit func(string, func(reflect.Value))) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "Version" && name != "Name" || strings.Count(path, ".") > 9 {
				walk(v.Field(i), path+"."+name, func(r reflect.Value) reflect.Value { return at(r).Field(i) }, visit)
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), path, func(r reflect.Value) reflect.Value { return at(r).Elem() }, visit)
			visit(path+" (none)", func(r reflect.Value) { at(r).SetZero() })
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i), func(r reflect.Value) reflect.Value { return at(r).Index(i) }, visit)
		}
		if v.Len() > 0 {
			visit(path+" (shorter)", func(r reflect.Value) { at(r).SetLen(v.Len() - 1) })
		}
	case reflect.Map:
		if v.Len() > 0 {
			visit(path+" (empty)", func(r reflect.Value) { at(r).Set(reflect.MakeMap(v.Type())) })
		}
	case reflect.String:
		visit(path, func(r reflect.Value) { at(r).SetString(at(r).String() + "0") })
	case reflect.Bool:
		visit(path, func(r reflect.Value) { at(r).SetBool(!at(r).Bool()) })
	case reflect.Int, reflect.Int64:
		visit(path, func(r reflect.Value) { at(r).SetInt(at(r).Int() + 1) })
	}
}
