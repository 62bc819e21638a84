package validate

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

// examples are values of types that do not take every text.
var examples = map[reflect.Type]any{
	reflect.TypeFor[schema.Digest]():      schema.DigestOf(nil),
	reflect.TypeFor[schema.NarHash]():     schema.NarHash("sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
	reflect.TypeFor[schema.StorePath]():   schema.StorePath("/nix/store/0123456789abcdfghijklmnpqrsvwxyz-x"),
	reflect.TypeFor[schema.HostName]():    schema.HostName("web-1"),
	reflect.TypeFor[schema.UnitName]():    schema.UnitName("a.service"),
	reflect.TypeFor[schema.PackageName](): schema.PackageName("nginx"),
	reflect.TypeFor[schema.AccountName](): schema.AccountName("root"),
	reflect.TypeFor[schema.Mode]():        schema.Mode("0644"),
	reflect.TypeFor[schema.System]():      schema.X8664Linux,
	reflect.TypeFor[schema.Base]():        schema.Ubuntu,
	reflect.TypeFor[schema.OnChange]():    schema.Restart,
	reflect.TypeFor[schema.CheckKind]():   schema.CheckHTTP,
	reflect.TypeFor[schema.Place]():       schema.OnHost,
	reflect.TypeFor[schema.HookMoment]():  schema.AfterReboot,
	reflect.TypeFor[schema.OnFailure]():   schema.RollbackWave,
	reflect.TypeFor[schema.Offline]():     schema.OfflineHold,
}

// fill sets all there is in a value.
func fill(t *testing.T, v reflect.Value) {
	if example, ok := examples[v.Type()]; ok {
		v.Set(reflect.ValueOf(example))
		return
	}
	switch v.Kind() {
	case reflect.String:
		if v.Type().PkgPath() != "" {
			t.Fatalf("there is no example of %s", v.Type())
		}
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key)
		fill(t, value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	default:
		t.Fatalf("there is no example of %s", v.Type())
	}
}

// TestStrictReadingFollowsTheSchema spoils a plan that has everything, one value at
// a time. What is still read without a fault must follow the schema, too, since
// [Plan] then does not ask it.
func TestStrictReadingFollowsTheSchema(t *testing.T) {
	compiled, err := compilePlan()
	if err != nil {
		t.Fatal(err)
	}
	var plan schema.Plan
	fill(t, reflect.ValueOf(&plan).Elem())
	data, err := schema.Canonical(&plan)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := schema.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.DecodeStrict(data, new(schema.Plan)); err != nil {
		t.Fatal(err)
	}
	accepted, refused := 0, 0
	check := func(place string) {
		spoilt, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		if schema.DecodeStrict(spoilt, new(schema.Plan)) != nil {
			refused++
			return
		}
		accepted++
		if err := checkShape(compiled, tree); err != nil {
			t.Errorf("%s: read, though %v", place, err)
		}
	}
	values := []any{nil, true, 1, 1.5, "", "bogus", []any{}, []any{nil}, map[string]any{}, map[string]any{"x": nil}}
	var spoil func(place string, value any, set func(any))
	spoil = func(place string, value any, set func(any)) {
		for _, other := range values {
			set(other)
			check(place)
		}
		set(value)
		switch value := value.(type) {
		case []any:
			for i := range value {
				spoil(place+"/…", value[i], func(v any) { value[i] = v })
			}
		case map[string]any:
			value["zzz"] = nil
			check(place + "/zzz")
			delete(value, "zzz")
			for _, key := range slices.Sorted(maps.Keys(value)) {
				old := value[key]
				delete(value, key)
				check(place + "/" + key + " missing")
				value[key] = old
				spoil(place+"/"+key, old, func(v any) { value[key] = v })
			}
		}
	}
	spoil("", tree, func(v any) { tree = v })
	if accepted < 100 || refused < 1000 {
		t.Errorf("%d were accepted and %d refused: nothing was tried", accepted, refused)
	}
}

// TestPlacesAreAsWritten wants the names of a plan in a fault as they stand there.
func TestPlacesAreAsWritten(t *testing.T) {
	compiled, err := compilePlan()
	if err != nil {
		t.Fatal(err)
	}
	tree := map[string]any{"index": map[string]any{"hostSets": []any{
		map[string]any{"addresses": map[string]any{"web-[1-3]": 7}},
	}}}
	err = checkShape(compiled, tree)
	if want := "at /index/hostSets/0/addresses/web-[1-3]: "; err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("expected %q, found %v", want, err)
	}
}
