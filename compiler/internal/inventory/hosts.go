package inventory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

// layer are the fields of defaults, of a group or of a host.
type layer map[string]json.RawMessage

// single are the fields by which a host is reached and that have one value.
var single = []string{"addr", "port", "user", "proxyJump"}

// way is what is known of a host when all layers lie on top of each other. Its
// defaults are those of nix/lib/fleet/fields.nix.
type way struct {
	Addr      *string `json:"addr"`
	Port      int     `json:"port"`
	User      string  `json:"user"`
	ProxyJump *string `json:"proxyJump"`
}

// Hosts returns the fleet's name and the hosts of the file, with the ways to them,
// as an evaluation would find them if the flake said nothing of hosts. They have no
// manifests.
func (i *Inventory) Hosts() (fleet string, hosts schema.Hosts, err error) {
	var file struct {
		Name     string           `json:"name"`
		Defaults layer            `json:"defaults"`
		Groups   map[string]layer `json:"groups"`
		Hosts    map[string]layer `json:"hosts"`
	}
	if err := json.Unmarshal(i.Value, &file); err != nil {
		return "", nil, fmt.Errorf("cannot read the inventory %s: %w", i.File, err)
	}
	hosts = schema.Hosts{}
	var found diagnostic.List
	for _, name := range slices.Sorted(maps.Keys(file.Hosts)) {
		host, err := i.host(name, file.Hosts[name], file.Defaults, file.Groups)
		if list, ok := diagnostic.Of(err); ok {
			found = append(found, list...)
		} else if err != nil {
			return "", nil, err
		}
		hosts[schema.HostName(name)] = host
	}
	return file.Name, hosts, found.Err()
}

// host puts defaults, groups and the host's own fields on top of each other.
func (i *Inventory) host(name string, own, defaults layer, groups map[string]layer) (host schema.Host, err error) {
	refuse := func(code diagnostic.Code, field, hint, format string, args ...any) error {
		return diagnostic.List{{
			Code: code, Severity: diagnostic.Error, Host: schema.HostName(name), Position: i.LocateHost(name, field),
			Summary: fmt.Sprintf(format, args...), Hint: hint,
		}}
	}
	names := unique(append(texts(defaults["groups"]), texts(own["groups"])...))
	names = slices.DeleteFunc(names, func(group string) bool { return group == "all" })
	merged, said := maps.Clone(defaults), map[string]string{}
	if merged == nil {
		merged = layer{}
	}
	keys := texts(defaults["hostKeys"])
	for _, group := range append([]string{"all"}, names...) {
		if _, known := groups[group]; !known && group != "all" {
			return host, refuse(diagnostic.UnknownGroup, "groups", "groups are declared under groups, if only by their names",
				"the host %q is in the group %q, which the inventory does not have", name, group)
		}
		for _, field := range single {
			value, says := groups[group][field]
			if before := said[field]; says && before != "" && own[field] == nil && !bytes.Equal(value, merged[field]) {
				return host, refuse(diagnostic.HostConnection, field, "say it in the host",
					"the groups %q and %q say different things about %s of the host %q", before, group, field, name)
			}
			if says {
				merged[field], said[field] = value, group
			}
		}
		keys = append(keys, texts(groups[group]["hostKeys"])...)
	}
	for _, field := range single {
		if value, says := own[field]; says {
			merged[field] = value
		}
	}
	reached := way{Port: 22, User: "deploy"}
	for field, into := range map[string]any{"addr": &reached.Addr, "port": &reached.Port, "user": &reached.User, "proxyJump": &reached.ProxyJump} {
		if value, says := merged[field]; says {
			if err := json.Unmarshal(value, into); err != nil {
				return host, fmt.Errorf("cannot read %s of the host %q in %s: %w", field, name, i.File, err)
			}
		}
	}
	if reached.Addr == nil {
		return host, refuse(diagnostic.HostNoAddress, "addr", "give the host an addr: a DNS name or an IP address", "the host %q has no address", name)
	}
	tags, at, err := i.tags(own, defaults, groups, names)
	if err != nil {
		return host, refuse(diagnostic.HostConnection, at, "say it in the host", "%s of the host %q", err, name)
	}
	slices.Sort(names)
	host = schema.Host{Groups: names, Tags: tags, Connection: schema.Connection{
		Address: strings.TrimSuffix(strings.TrimPrefix(*reached.Addr, "["), "]"), Port: reached.Port, User: reached.User,
	}}
	if reached.ProxyJump != nil {
		host.Connection.ProxyJump = *reached.ProxyJump
	}
	for _, key := range unique(append(keys, texts(own["hostKeys"])...)) {
		words := strings.Fields(key) // type, key and comment
		host.Connection.HostKeys = append(host.Connection.HostKeys, strings.Join(words[:min(len(words), 2)], " "))
	}
	return host, nil
}

// tags puts the tags of all layers together, each by itself: the host's over its
// groups' over the defaults.
func (i *Inventory) tags(own, defaults layer, groups map[string]layer, names []string) (tags map[string]string, at string, err error) {
	read := func(l layer) (tags map[string]string) {
		_ = json.Unmarshal(l["tags"], &tags) // the schema has seen that they are texts
		return tags
	}
	merged, said, mine := maps.Clone(read(defaults)), map[string]string{}, read(own)
	if merged == nil {
		merged = map[string]string{}
	}
	for _, group := range append([]string{"all"}, names...) {
		for key, value := range read(groups[group]) {
			_, decided := mine[key]
			if before := said[key]; before != "" && !decided && merged[key] != value {
				return nil, "tags", fmt.Errorf("the groups %q and %q say different things about the tag %s", before, group, key)
			}
			merged[key], said[key] = value, group
		}
	}
	maps.Copy(merged, mine)
	if len(merged) == 0 {
		return nil, "", nil
	}
	return merged, "", nil
}

// texts reads a list of strings; the schema has seen that it is one.
func texts(value json.RawMessage) (list []string) {
	_ = json.Unmarshal(value, &list) // absent is empty
	return list
}

func unique(names []string) []string {
	var list []string
	for _, name := range names {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}
