package golden

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// byHost stands for a text where hosts of one kind have different ones.
const byHost = "see " + variantsName

// addManifests adds what hosts shall be, once for those that are alike in all but
// texts and their own names. The kinds are called after their first hosts.
func (l *layout) addManifests() ([]variant, error) {
	holders := map[schema.HostName]schema.Digest{}
	for _, name := range l.names {
		holders[name] = l.plan.Index.Hosts[name].Manifest
	}
	kinds, err := l.variants(holders, func(digest schema.Digest) (string, error) {
		manifest := l.plan.Manifests[digest]
		tree, err := shape(&manifest)
		if err != nil {
			return "", err
		}
		data, err := json.Marshal(tree)
		return string(data), err
	})
	if err != nil {
		return nil, err
	}
	for i := range kinds {
		kind := &kinds[i]
		kind.file = hostsDir + "/" + string(kind.hosts[0]) + ".yaml"
		var tree map[string]any
		if err := parse([]byte(kind.content), &tree); err != nil {
			return nil, err
		}
		l.nameTexts(tree, kind.hosts)
		if l.tree[kind.file], err = writeYAML(tree); err != nil {
			return nil, err
		}
	}
	return kinds, nil
}

// shape is a manifest with the places of texts instead of their hashes, and without
// the closure, whose hash changes with anything that is told of here.
func shape(m *schema.Manifest) (map[string]any, error) {
	tree, err := fields(m)
	if err != nil {
		return nil, err
	}
	delete(tree, "closure")
	delete(tree, "version")
	place := func(list, key, dir string) {
		items, _ := tree[list].([]any)
		for _, item := range items {
			item := item.(map[string]any)
			if _, has := item["payload"]; has {
				delete(item, "payload")
				item["text"] = placeOf(dir, item[key].(string))
			}
		}
	}
	place("files", "path", filesDir)
	place("units", "name", unitsDir)
	for key, value := range tree {
		if list, ok := value.([]any); ok && len(list) == 0 {
			delete(tree, key)
		}
	}
	return tree, nil
}

// nameTexts puts the files in which texts are into a manifest's tree.
func (l *layout) nameTexts(tree map[string]any, hosts []schema.HostName) {
	here := map[schema.HostName]bool{}
	for _, name := range hosts {
		here[name] = true
	}
	for _, list := range []string{"files", "units"} {
		items, _ := tree[list].([]any)
		for _, item := range items {
			item := item.(map[string]any)
			place, has := item["text"].(string)
			if !has {
				continue
			}
			item["text"] = textOf(l.texts[place], here)
		}
	}
}

// textOf names the text that all of these hosts have, or where each one's is named.
func textOf(variants []variant, here map[schema.HostName]bool) string {
	name := ""
	for _, v := range variants {
		switch {
		case !slices.ContainsFunc(v.hosts, func(name schema.HostName) bool { return here[name] }):
		case name != "":
			return byHost
		default:
			name = v.file
		}
	}
	return name
}

// addHosts adds the hosts with how they are reached and what they shall be.
func (l *layout) addHosts(kinds []variant) error {
	hosts := schema.Hosts{}
	files := map[string]string{}
	for _, kind := range kinds {
		stand := schema.DigestOf([]byte(kind.file))
		files[string(stand)] = kind.file
		for _, name := range kind.hosts {
			host := l.plan.Index.Hosts[name]
			host.Manifest = stand
			hosts[name] = host
		}
	}
	data, err := hosts.MarshalJSON()
	if err != nil {
		return err
	}
	var sets []any
	if err := parse(data, &sets); err != nil {
		return err
	}
	for _, set := range sets {
		set := set.(map[string]any)
		set["manifest"] = files[set["manifest"].(string)]
	}
	l.tree[hostsName], err = writeYAML(sets)
	return err
}

// addClosures adds the packages of each kind by name: that is what people know of a
// library that comes along.
func (l *layout) addClosures(built *schema.Plan, kinds []variant) error {
	lists := map[schema.Digest]string{}
	for _, kind := range kinds {
		holders := map[schema.HostName]schema.Digest{}
		for _, name := range kind.hosts {
			closure := built.Manifests[built.Index.Hosts[name].Manifest].Closure
			if closure == nil {
				continue
			}
			entries, err := schema.ClosureOf(closure.Path, built.StorePaths)
			if err != nil {
				return err
			}
			list := packageNames(entries)
			digest := schema.DigestOf([]byte(list))
			lists[digest], holders[name] = list, digest
		}
		variants, err := l.variants(holders, func(digest schema.Digest) (string, error) { return lists[digest], nil })
		if err != nil {
			return err
		}
		l.add(closuresDir+"/"+string(kind.hosts[0])+".txt", variants)
	}
	return nil
}

// packageNames lists a closure without hashes, and without what holds it together.
func packageNames(entries []schema.PathEntry) string {
	var names []string
	for _, entry := range entries {
		switch name := entry.Path.Name(); name {
		case "nixfleet-system", "nixfleet-manifest", "manifest.nix":
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "nothing\n"
	}
	return strings.Join(names, "\n") + "\n"
}
