// Package freeze makes a plan of resolved hosts: it hashes payloads and manifests
// into their tables, binds closures path by path and seals the index.
//
// A plan is made in two steps, so that one that was built later is the very same:
// [Preview] freezes what evaluation alone decides, [Complete] adds what the store
// knows after building. Both end with the check that every reader makes.
package freeze

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/parallel"
	"github.com/nixfleet/nixfleet/compiler/internal/resolve"
	"github.com/nixfleet/nixfleet/schema"
)

// Preview freezes a fleet whose closures are not built. The header is the index
// without hosts.
func Preview(header schema.Index, fleet resolve.Fleet) (*schema.Plan, error) {
	plan := &schema.Plan{
		Index:      header,
		Manifests:  map[schema.Digest]schema.Manifest{},
		Payloads:   map[schema.Digest]schema.Payload{},
		StorePaths: map[schema.StorePath]schema.PathInfo{},
	}
	plan.Index.Preview = true
	plan.Index.Hosts = map[schema.HostName]schema.Host{}
	manifests, err := digests(fleet.Hosts)
	if err != nil {
		return nil, err
	}
	for i, host := range fleet.Hosts {
		digest := manifests[i]
		plan.Manifests[digest] = host.Manifest
		plan.Index.Hosts[host.Name] = schema.Host{
			Manifest: digest, Connection: host.Connection, Groups: host.Groups, Roles: host.Roles,
			Tags: host.Tags,
		}
	}
	for digest, text := range fleet.Payloads {
		plan.Payloads[digest] = schema.NewPayload([]byte(text))
	}
	return sealed(plan)
}

// Derivations returns what must be built to complete a preview, sorted.
func Derivations(preview *schema.Plan) []schema.StorePath {
	return sortedSet(preview, func(c *schema.Closure) schema.StorePath { return c.Derivation })
}

// Closures returns the tops of the plan's closures, sorted.
func Closures(plan *schema.Plan) []schema.StorePath {
	return sortedSet(plan, func(c *schema.Closure) schema.StorePath { return c.Path })
}

func sortedSet(plan *schema.Plan, of func(*schema.Closure) schema.StorePath) []schema.StorePath {
	set := map[schema.StorePath]bool{}
	for _, manifest := range plan.Manifests {
		if manifest.Closure != nil {
			set[of(manifest.Closure)] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// Complete returns the plan of a preview whose closures are built, with infos
// telling of every path of theirs. The preview stays as it is.
func Complete(preview *schema.Plan, infos map[schema.StorePath]schema.PathInfo) (*schema.Plan, error) {
	plan := &schema.Plan{
		Index: preview.Index, Payloads: preview.Payloads,
		Manifests:  map[schema.Digest]schema.Manifest{},
		StorePaths: map[schema.StorePath]schema.PathInfo{},
	}
	plan.Index.Preview = false
	closures := closureTable{infos: infos, used: plan.StorePaths, hashes: map[schema.StorePath]schema.Digest{},
		members: map[schema.StorePath]map[schema.StorePath]bool{}}
	renamed := map[schema.Digest]schema.Digest{}
	var found diagnostic.List
	for _, old := range slices.Sorted(maps.Keys(preview.Manifests)) {
		manifest := preview.Manifests[old]
		if manifest.Closure != nil {
			hash, err := closures.hash(manifest.Closure.Path)
			if err != nil {
				return nil, err
			}
			manifest.Closure = &schema.Closure{Path: manifest.Closure.Path, Hash: hash}
			found = append(found, strangeSources(preview, old, closures.members[manifest.Closure.Path])...)
		}
		digest, err := schema.DigestOfValue(manifest)
		if err != nil {
			return nil, err
		}
		plan.Manifests[digest], renamed[old] = manifest, digest
	}
	if err := found.Err(); err != nil {
		return nil, err
	}
	plan.Index.Hosts = map[schema.HostName]schema.Host{}
	for name, host := range preview.Index.Hosts {
		host.Manifest = renamed[host.Manifest]
		plan.Index.Hosts[name] = host
	}
	return sealed(plan)
}

// strangeSources refuses files that are copied from a store path which does not
// reach the host: one that was written as a plain text, so that Nix knows nothing of it.
func strangeSources(preview *schema.Plan, digest schema.Digest, members map[schema.StorePath]bool) diagnostic.List {
	var found diagnostic.List
	for _, file := range preview.Manifests[digest].Files {
		object, _, _ := strings.Cut(strings.TrimPrefix(file.Source, "/nix/store/"), "/")
		if file.Source == "" || members[schema.StorePath("/nix/store/"+object)] {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(preview.Index.Hosts)) {
			if preview.Index.Hosts[name].Manifest == digest {
				found = append(found, diagnostic.Diagnostic{
					Code: diagnostic.FileSource, Severity: diagnostic.Error, Host: name,
					Option:  fmt.Sprintf("nixfleet.files.%q.source", file.Path),
					Summary: fmt.Sprintf("the source %s of %s does not belong to the host's closure", file.Source, file.Path),
					Hint:    "refer to the package or file itself (\"${pkgs.myapp}/etc/x\", ./x), not to the text of its store path",
				})
			}
		}
	}
	return found
}

func sealed(plan *schema.Plan) (*schema.Plan, error) {
	if err := plan.Seal(); err != nil {
		return nil, fmt.Errorf("cannot seal the plan: %w", err)
	}
	if err := plan.Verify(); err != nil {
		return nil, fmt.Errorf("internal error: the plan does not hold together: %w", err)
	}
	return plan, nil
}

// digests returns the digests of the hosts' manifests.
func digests(hosts []resolve.Host) ([]schema.Digest, error) {
	found := make([]schema.Digest, len(hosts))
	failed := make([]error, len(hosts))
	parallel.Each(len(hosts), func(i int) {
		var err error
		if found[i], err = schema.DigestOfValue(&hosts[i].Manifest); err != nil {
			failed[i] = fmt.Errorf("cannot freeze host %q: %w", hosts[i].Name, err)
		}
	})
	return found, errors.Join(failed...)
}

// closureTable hashes each closure once and notes the paths that are in any.
type closureTable struct {
	infos   map[schema.StorePath]schema.PathInfo
	used    map[schema.StorePath]schema.PathInfo
	hashes  map[schema.StorePath]schema.Digest
	members map[schema.StorePath]map[schema.StorePath]bool
}

func (t *closureTable) hash(top schema.StorePath) (schema.Digest, error) {
	if hash, ok := t.hashes[top]; ok {
		return hash, nil
	}
	entries, err := schema.ClosureOf(top, t.infos)
	if err != nil {
		return "", err
	}
	t.members[top] = map[schema.StorePath]bool{}
	for _, entry := range entries {
		t.used[entry.Path], t.members[top][entry.Path] = entry.PathInfo, true
	}
	hash, err := schema.ClosureHash(entries)
	t.hashes[top] = hash
	return hash, err
}
