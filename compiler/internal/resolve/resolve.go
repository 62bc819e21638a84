// Package resolve completes evaluated intent: it derives what the texts of units
// decide, and refuses what no host could be. What an option's type can tell, the
// library has refused already.
//
// It is pure: it reads no file, no store and no clock. It collects all findings
// instead of stopping at the first.
package resolve

import (
	"fmt"
	"maps"
	"slices"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/compiler/internal/parallel"
	"github.com/nixfleet/nixfleet/schema"
)

// Locate returns where a field of a host was written in the inventory; the zero
// position where it was not written there.
type Locate func(host string, field ...string) diagnostic.Position

// Fleet is what resolving the evaluated intent of a fleet gives.
type Fleet struct {
	// Hosts are the hosts, sorted by name.
	Hosts []Host
	// Payloads are the texts of files and units by hash.
	Payloads map[schema.Digest]string
}

// Host is one resolved host.
type Host struct {
	Name       schema.HostName
	Manifest   schema.Manifest
	Connection schema.Connection
	Groups     []string
	Roles      []string
	Tags       map[string]string
	// RebootWindow is when the host may reboot where its policy for reboots does not say.
	RebootWindow []string
}

// Resolve resolves all hosts of an evaluation.
func Resolve(result *intent.Result, locate Locate) (Fleet, diagnostic.List) {
	names := slices.Sorted(maps.Keys(result.Hosts))
	fleet := Fleet{Hosts: make([]Host, len(names)), Payloads: payloads(result.Texts)}
	findings := make([]diagnostic.List, len(names))
	parallel.Each(len(names), func(i int) {
		r := resolver{host: names[i], intent: result.Hosts[names[i]], payloads: fleet.Payloads, locate: locate}
		fleet.Hosts[i] = r.resolve()
		findings[i] = r.found
	})
	return fleet, append(slices.Concat(findings...), sameAddress(fleet.Hosts, locate)...)
}

// payloads returns texts by their hashes.
func payloads(texts []string) map[schema.Digest]string {
	digests := make([]schema.Digest, len(texts))
	parallel.Each(len(texts), func(i int) { digests[i] = schema.DigestOf([]byte(texts[i])) })
	table := make(map[schema.Digest]string, len(texts))
	for i, digest := range digests {
		table[digest] = texts[i]
	}
	return table
}

// resolver resolves one host.
type resolver struct {
	host     string
	intent   intent.Host
	payloads map[schema.Digest]string
	locate   Locate
	found    diagnostic.List
	// declared are the manifest's units.
	declared map[schema.UnitName]bool
	// meant keeps what misspelt units mean; many files may name one.
	meant map[schema.UnitName]string
}

// settle is how long started units are watched: long enough for a program that
// exits at once, short enough not to be felt.
const settle = "500ms"

func (r *resolver) resolve() Host {
	m := &r.intent.Manifest
	m.Version, m.Settle = schema.ManifestVersion, settle
	r.declared = map[schema.UnitName]bool{}
	for _, unit := range m.Units {
		r.declared[unit.Name] = true
	}
	r.connection()
	r.checkAccounts()
	r.checkFiles()
	r.units()
	r.checkRestarts()
	r.checkHealth()
	r.checkSecrets()
	r.checkWindows()
	r.checkPlaces()
	groups := slices.Sorted(slices.Values(r.intent.Groups))
	return Host{
		Name:       schema.HostName(r.host),
		Manifest:   *m,
		Connection: r.intent.Connection,
		Groups:     slices.DeleteFunc(groups, func(g string) bool { return g == "all" }),
		Roles:      r.intent.Roles,
		Tags:       r.intent.Tags,

		RebootWindow: r.intent.RebootWindows,
	}
}

// entry names an entry of an option: "files" and "/etc/motd".
type entry struct{ set, name string }

// finding is a finding about a field of an entry, or about the whole where the field is empty.
func (r *resolver) finding(e entry, field string, code diagnostic.Code, format string, args ...any) diagnostic.Diagnostic {
	d := diagnostic.Diagnostic{
		Code: code, Summary: fmt.Sprintf(format, args...), Option: e.option(),
		Position: diagnostic.ParsePosition(r.intent.At[e.set][e.name]),
	}
	if field != "" {
		d.Option += "." + field
	}
	return d
}

// refuse reports an error about a field of an entry.
func (r *resolver) refuse(e entry, field string, code diagnostic.Code, format string, args ...any) {
	r.report(r.finding(e, field, code, format, args...))
}

// report adds a finding about the host; an error where it says nothing else.
func (r *resolver) report(d diagnostic.Diagnostic) {
	if d.Severity == "" {
		d.Severity = diagnostic.Error
	}
	d.Host = schema.HostName(r.host)
	r.found = append(r.found, d)
}
