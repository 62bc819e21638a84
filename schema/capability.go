package schema

import (
	"fmt"
	"slices"
	"strings"
)

// debianBases are the bases that keep their own operating system below what Nix brings.
var debianBases = []Base{Ubuntu, Debian}

// closureBases are the bases whose hosts have a closure.
var closureBases = debianBases

// capability is something that a manifest may ask for, and the bases on which this
// version carries it out.
type capability struct {
	// settings returns what asks for it, as the intent writes it.
	settings func(*Manifest) []string
	bases    []Base
	// instead is what to do where it is not carried out.
	instead string
}

// capabilities is what this version does not carry out everywhere. Compiling and
// reviewing need no capability, and tasks need none: an execution does not run them.
var capabilities = []capability{
	{
		settings: func(m *Manifest) []string { return []string{fmt.Sprintf("base = %q", m.Base)} },
		bases:    debianBases,
		instead:  "leave these hosts out with --host or --group",
	},
	{
		settings: func(m *Manifest) []string {
			if u := m.OSUpdates; u != nil && u.Ubuntu != nil && u.Ubuntu.Mode != "manual" {
				return []string{fmt.Sprintf("osUpdates.ubuntu.mode = %q", u.Ubuntu.Mode)}
			}
			return nil
		},
		instead: `set it to "manual", and update these hosts by other means`,
	},
	{
		settings: func(m *Manifest) []string {
			if u := m.OSUpdates; u != nil && u.Ubuntu != nil && len(u.Ubuntu.Holds) > 0 {
				return []string{fmt.Sprintf("osUpdates.ubuntu.holds = %q", u.Ubuntu.Holds)}
			}
			return nil
		},
		instead: "list the packages by name in nixfleet.apt.holds",
	},
	{
		settings: func(m *Manifest) (settings []string) {
			for _, secret := range m.Secrets {
				settings = append(settings, "secrets."+secret.Name)
			}
			return settings
		},
		instead: "bring the secret to these hosts by other means",
	},
}

// Unsupported is a setting that this version does not carry out. Whoever executes a
// manifest with one refuses it.
type Unsupported struct {
	// Hosts are the hosts that have it.
	Hosts HostList `json:"hosts"`
	// Setting is what asks for it, as the intent writes it.
	Setting string `json:"setting"`
	// Instead is what to do.
	Instead string `json:"instead"`
}

// String is the setting with its hosts and what to do.
func (u Unsupported) String() string {
	var hosts []string
	for _, hostRange := range RangesOf(u.Hosts) {
		hosts = append(hosts, string(hostRange))
	}
	return fmt.Sprintf("%s: %s; %s", strings.Join(hosts, ", "), u.Setting, u.Instead)
}

// Unsupported returns what this version does not carry out of the manifest, without hosts.
func (m *Manifest) Unsupported() (found []Unsupported) {
	for _, c := range capabilities {
		if slices.Contains(c.bases, m.Base) {
			continue
		}
		for _, setting := range c.settings(m) {
			found = append(found, Unsupported{Setting: setting, Instead: c.instead})
		}
	}
	return found
}

// Unsupported returns what this version does not carry out of the plan on some hosts,
// in the order of the hosts.
func (p *Plan) Unsupported(hosts []HostName) (found []Unsupported) {
	ofManifest := map[Digest][]Unsupported{}
	for _, name := range slices.SortedFunc(slices.Values(hosts), HostName.Compare) {
		digest := p.Index.Hosts[name].Manifest
		if _, known := ofManifest[digest]; !known {
			manifest := p.Manifests[digest]
			ofManifest[digest] = manifest.Unsupported()
		}
		for _, u := range ofManifest[digest] {
			at := slices.IndexFunc(found, func(f Unsupported) bool { return f.Setting == u.Setting })
			if at < 0 {
				at = len(found)
				found = append(found, u)
			}
			found[at].Hosts = append(found[at].Hosts, name)
		}
	}
	return found
}
