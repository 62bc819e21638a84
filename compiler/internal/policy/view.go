package policy

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/version"
)

// tables are what plans have in common. A manifest stands in them once, whoever has
// it: a thousand hosts that are alike are one.
type tables struct {
	// Manifests are the manifests by the digest that hosts have.
	Manifests map[string]any `json:"manifests"`
	// Texts are the texts of files and units by the digest of their payload.
	Texts map[string]any `json:"texts"`
}

func newTables() tables { return tables{Manifests: map[string]any{}, Texts: map[string]any{}} }

// add puts a plan's manifests and texts into the tables, and returns the rest as rules
// see it. That is the same of a preview and of the plan that becomes of it, so that
// policies say the same of both.
func (t *tables) add(plan *schema.Plan) (any, error) {
	for digest, payload := range plan.Payloads {
		t.Texts[string(digest)] = nil
		if payload.Text != nil {
			t.Texts[string(digest)] = *payload.Text
		}
	}
	digests, err := t.addManifests(plan)
	if err != nil {
		return nil, err
	}
	hosts, groups := hostTrees(plan, digests)
	own := slices.Compact(slices.Sorted(maps.Values(digests)))
	return map[string]any{
		"fleet": plan.Index.Fleet, "timeZone": plan.Index.TimeZone, "source": tree(plan.Index.Source),
		"rollout": tree(plan.Index.Rollout), "hosts": hosts, "groups": groups, "manifests": tree(own),
	}, nil
}

// addManifests returns what rules know each of the plan's manifests by.
func (t *tables) addManifests(plan *schema.Plan) (map[schema.Digest]string, error) {
	digests := map[schema.Digest]string{}
	for digest, manifest := range plan.Manifests {
		if manifest.Closure != nil { // what is known only when it is built says nothing new
			manifest.Closure = &schema.Closure{Path: manifest.Closure.Path}
		}
		same, err := schema.DigestOfValue(manifest)
		if err != nil {
			return nil, err
		}
		digests[digest] = string(same)
		if t.Manifests[string(same)] == nil {
			t.Manifests[string(same)] = manifestTree(&manifest)
		}
	}
	return digests, nil
}

// hostTrees are the hosts by name, and their names by group.
func hostTrees(plan *schema.Plan, digests map[schema.Digest]string) (hosts, groups map[string]any) {
	waveOf := map[schema.HostName]string{}
	for _, wave := range plan.Index.Rollout.Waves {
		for _, host := range wave.Hosts {
			waveOf[host] = wave.Name
		}
	}
	hosts, groups = map[string]any{}, map[string]any{"all": []any{}}
	for _, name := range plan.Index.Hosts.Names() {
		host := plan.Index.Hosts[name]
		manifest := plan.Manifests[host.Manifest]
		hosts[string(name)] = map[string]any{
			"name": string(name), "digest": digests[host.Manifest], "wave": waveOf[name],
			"base": string(manifest.Base), "system": string(manifest.System),
			"groups": tree(host.Groups), "roles": tree(host.Roles), "tags": tree(host.Tags),
			"address": host.Connection.Address, "port": float64(host.Connection.Port),
			"user": host.Connection.User, "proxyJump": orNull(host.Connection.ProxyJump),
		}
		for _, group := range append([]string{"all"}, host.Groups...) {
			list, _ := groups[group].([]any)
			groups[group] = append(list, string(name))
		}
	}
	return hosts, groups
}

// manifestTree is a manifest with its packages by name and version.
func manifestTree(manifest *schema.Manifest) any {
	of := tree(*manifest).(map[string]any)
	packages := []any{}
	for _, path := range manifest.Packages {
		name, number := version.Split(path.Name())
		packages = append(packages, map[string]any{"name": name, "version": number, "path": string(path)})
	}
	of["packages"] = packages
	return of
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// tree is a value of the plan's format as Jsonnet takes it. Other than in JSON every
// field is there: null, [] or {} where the format lets it be absent, so that rules
// need not ask.
func tree(value any) any { return treeOf(reflect.ValueOf(value)) }

func treeOf(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return treeOf(v.Elem())
	case reflect.Struct:
		fields := map[string]any{}
		for i := range v.NumField() {
			name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			field := v.Field(i)
			fields[name] = treeOf(field)
			scalar := field.Kind() == reflect.String || field.CanInt()
			if scalar && field.IsZero() && strings.Contains(options, "omitempty") {
				fields[name] = nil
			}
		}
		return fields
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = treeOf(v.Index(i))
		}
		return list
	case reflect.Map:
		table := map[string]any{}
		for _, key := range v.MapKeys() {
			table[key.String()] = treeOf(v.MapIndex(key))
		}
		return table
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int64:
		return float64(v.Int())
	}
	panic("internal error: the plan's format has a " + v.Kind().String())
}
