// Package resolve turns evaluated intent into manifests: it sorts, fills in what
// the intent leaves to NixFleet, derives the restart map and the links of enabled
// units, and refuses what no host could be.
//
// It is pure: it reads no file, no store and no clock. It collects all findings
// instead of stopping at the first.
package resolve

import (
	"maps"
	"slices"
	"sync"

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
	payloads := newPayloadTable()
	names := slices.Sorted(maps.Keys(result.Hosts))
	fleet := Fleet{Hosts: make([]Host, len(names))}
	findings := make([]diagnostic.List, len(names))
	parallel.Each(len(names), func(i int) {
		r := resolver{host: names[i], intent: result.Hosts[names[i]], payloads: payloads, locate: locate}
		fleet.Hosts[i] = r.resolve()
		findings[i] = r.found
	})
	found := slices.Concat(findings...)
	fleet.Payloads = payloads.texts
	return fleet, append(found, sameAddress(fleet.Hosts, locate)...)
}

// resolver resolves one host.
type resolver struct {
	host     string
	intent   intent.Host
	payloads *payloadTable
	locate   Locate
	found    diagnostic.List
	// linked are the units with the links that they ask for.
	linked []schema.Unit
	// meant keeps what misspelt units mean; many files may name one.
	meant map[schema.UnitName]string
}

// settle is how long started units are watched: long enough for a program that
// exits at once, short enough not to be felt.
const settle = "500ms"

func (r *resolver) resolve() Host {
	name := r.checkName()
	h := Host{
		Name:       name,
		Connection: r.connection(),
		Groups:     r.intent.Groups,
		Roles:      r.intent.Roles,
		Tags:       r.intent.Tags,

		RebootWindow: r.rebootWindow(),
	}
	h.Groups = slices.DeleteFunc(slices.Sorted(slices.Values(h.Groups)), func(g string) bool { return g == "all" })
	h.Manifest = schema.Manifest{
		Version:      schema.ManifestVersion,
		Base:         schema.Base(r.intent.Base),
		System:       schema.System(r.intent.System),
		Closure:      r.closure(),
		Packages:     r.packages(),
		Groups:       r.groups(),
		Users:        r.users(),
		Directories:  r.directories(),
		Files:        r.files(),
		Units:        r.units(),
		Restarts:     r.restarts(),
		Settle:       settle,
		Activation:   r.activation(),
		Masks:        r.masks(),
		OSUpdates:    r.osUpdates(),
		Reboot:       r.reboot(),
		HealthChecks: r.healthChecks(),
		Hooks:        r.hooks(),
		Tasks:        r.tasks(),
		Secrets:      r.secrets(),
	}
	r.linked = h.Manifest.Units
	r.checkPlaces()
	return h
}

func (r *resolver) checkName() schema.HostName {
	var name schema.HostName
	if err := name.UnmarshalText([]byte(r.host)); err != nil {
		r.report(diagnostic.Diagnostic{
			Code: diagnostic.HostName, Summary: "a host cannot have the name " + err.Error(), Position: r.locate(r.host),
		})
	}
	return schema.HostName(r.host)
}

func (r *resolver) closure() *schema.Closure {
	if r.intent.Closure == nil {
		return nil
	}
	return &schema.Closure{Path: r.storePath(r.intent.Closure.Path), Derivation: r.storePath(r.intent.Closure.Derivation)}
}

func (r *resolver) packages() []schema.StorePath {
	packages := []schema.StorePath{}
	for _, p := range r.intent.Packages {
		packages = append(packages, r.storePath(p))
	}
	slices.Sort(packages)
	return slices.Compact(packages)
}

func (r *resolver) storePath(s string) schema.StorePath {
	path, err := schema.ParseStorePath(s)
	if err != nil {
		r.report(diagnostic.Diagnostic{Code: diagnostic.EvalContract, Summary: "internal error: the library names a store path that is none: " + err.Error()})
	}
	return path
}

// report adds a finding about the host; an error where it says nothing else.
func (r *resolver) report(d diagnostic.Diagnostic) {
	if d.Severity == "" {
		d.Severity = diagnostic.Error
	}
	d.Host = schema.HostName(r.host)
	r.found = append(r.found, d)
}

func or[T any](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}
	return *value
}

// payloadTable hashes each text once, however many hosts have it.
type payloadTable struct {
	mu      sync.Mutex
	digests map[string]schema.Digest
	texts   map[schema.Digest]string
}

func newPayloadTable() *payloadTable {
	return &payloadTable{digests: map[string]schema.Digest{}, texts: map[schema.Digest]string{}}
}

func (p *payloadTable) add(text string) schema.Digest {
	p.mu.Lock()
	digest, ok := p.digests[text]
	p.mu.Unlock()
	if ok {
		return digest
	}
	digest = schema.DigestOf([]byte(text))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.digests[text], p.texts[digest] = digest, text
	return digest
}
