package schema

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// PathEntry is one path of a closure with its info, as [ClosureHash] binds it.
type PathEntry struct {
	// Path is the store path.
	Path StorePath `json:"path"`
	PathInfo
}

// ClosureOf returns the closure of top, sorted by path, from a table that must
// hold every path of it.
func ClosureOf(top StorePath, table map[StorePath]PathInfo) ([]PathEntry, error) {
	seen := map[StorePath]bool{top: true}
	queue := []StorePath{top}
	var entries []PathEntry
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		info, ok := table[p]
		if !ok {
			return nil, fmt.Errorf("closure of %s: nothing is said of %s", top, p)
		}
		entries = append(entries, PathEntry{Path: p, PathInfo: info})
		for _, ref := range info.References {
			if !seen[ref] {
				seen[ref] = true
				queue = append(queue, ref)
			}
		}
	}
	slices.SortFunc(entries, func(a, b PathEntry) int { return cmp.Compare(a.Path, b.Path) })
	return entries, nil
}

// ClosureHash returns the digest of a closure's sorted entries.
func ClosureHash(entries []PathEntry) (Digest, error) { return DigestOfValue(entries) }

// Seal fills in the plan's digest from its index.
func (p *Plan) Seal() (err error) {
	p.Digest, err = DigestOfValue(p.Index)
	return err
}

// Verify checks that all parts of the plan belong to its digest: the index to
// the digest, manifests to the index, payloads and closures to the manifests,
// that every table holds just what is referred to, and that what is frozen can be
// carried out as it stands.
func (p *Plan) Verify() error {
	if err := checkHash("index", p.Digest, p.Index); err != nil {
		return fmt.Errorf("%w\nhint: the plan was edited after it was compiled; compile it again", err)
	}
	payloads := make(chan error, 1)
	go func() { payloads <- p.verifyPayloads() }() // it hashes as much as all the rest does
	manifests := p.verifyManifests()
	if err := cmp.Or(manifests, <-payloads); err != nil {
		return err
	}
	if err := p.verifyClosures(); err != nil {
		return err
	}
	return p.verifyFrozen()
}

func checkHash(what string, want Digest, value any) error {
	found, err := DigestOfValue(value)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if found != want {
		return fmt.Errorf("wrong digest of the %s: expected %s, found %s", what, want, found)
	}
	return nil
}

func (p *Plan) verifyManifests() error {
	used := map[Digest]bool{}
	for _, name := range p.Index.Hosts.Names() {
		digest := p.Index.Hosts[name].Manifest
		if _, ok := p.Manifests[digest]; !ok {
			return fmt.Errorf("the manifest %s of host %q is missing", digest, name)
		}
		used[digest] = true
	}
	for _, digest := range slices.Sorted(maps.Keys(p.Manifests)) {
		if !used[digest] {
			return fmt.Errorf("the manifest %s belongs to no host", digest)
		}
		manifest := p.Manifests[digest]
		if err := checkHash("manifest "+digest.Short(), digest, manifest); err != nil {
			return err
		}
		if err := manifest.checkClosure(p.Index.Preview); err != nil {
			return fmt.Errorf("manifest %s: %w", digest.Short(), err)
		}
	}
	return nil
}

func (p *Plan) verifyPayloads() error {
	used := map[Digest]bool{}
	for _, manifest := range p.Manifests {
		for _, digest := range manifest.PayloadDigests() {
			used[digest] = true
		}
	}
	for _, digest := range slices.Sorted(maps.Keys(used)) {
		if _, ok := p.Payloads[digest]; !ok {
			return fmt.Errorf("the payload %s is missing", digest)
		}
	}
	for _, digest := range slices.Sorted(maps.Keys(p.Payloads)) {
		if !used[digest] {
			return fmt.Errorf("the payload %s belongs to no manifest", digest)
		}
		content, err := p.Payloads[digest].Bytes()
		if err != nil {
			return fmt.Errorf("payload %s: %w", digest, err)
		}
		if found := DigestOf(content); found != digest {
			return fmt.Errorf("wrong digest of a payload: expected %s, found %s", digest, found)
		}
	}
	return nil
}

func (p *Plan) verifyClosures() error {
	used := map[StorePath]bool{}
	checked := map[Closure]bool{}
	for _, digest := range slices.Sorted(maps.Keys(p.Manifests)) {
		closure := p.Manifests[digest].Closure
		if closure == nil || p.Index.Preview || checked[*closure] {
			continue
		}
		checked[*closure] = true
		entries, err := ClosureOf(closure.Path, p.StorePaths)
		if err != nil {
			return err
		}
		if err := checkHash("closure "+closure.Path.Name(), closure.Hash, entries); err != nil {
			return err
		}
		for _, entry := range entries {
			used[entry.Path] = true
		}
	}
	for _, path := range slices.Sorted(maps.Keys(p.StorePaths)) {
		if !used[path] {
			return fmt.Errorf("the store path %s belongs to no closure", path)
		}
	}
	return nil
}

// checkClosure checks that there is a closure where the base has one, bound by
// a hash or, in a preview, with what builds it.
func (m *Manifest) checkClosure(preview bool) error {
	switch {
	case m.Closure == nil && slices.Contains(closureBases, m.Base):
		return fmt.Errorf("expected a closure for base %s, found none", m.Base)
	case m.Closure == nil:
		return nil
	case preview && m.Closure.Derivation == "":
		return fmt.Errorf("expected a derivation in a preview's closure, found none")
	case !preview && m.Closure.Hash == "":
		return fmt.Errorf("expected a hash of the closure, found none")
	}
	return nil
}

// PayloadDigests returns the payloads that the manifest refers to, sorted, each once.
func (m *Manifest) PayloadDigests() []Digest {
	var digests []Digest
	for _, file := range m.Files {
		if file.Payload != "" {
			digests = append(digests, file.Payload)
		}
	}
	for _, unit := range m.Units {
		digests = append(digests, unit.Payload)
	}
	for _, secret := range m.Secrets {
		digests = append(digests, secret.Ciphertext)
	}
	slices.Sort(digests)
	return slices.Compact(digests)
}

// Subset returns the host's part of the plan: the same digest and index, the one
// manifest, and only what it refers to. It is what a host needs to check for itself.
func (p *Plan) Subset(name HostName) (Part, error) {
	host, ok := p.Index.Hosts[name]
	if !ok {
		return Part{}, fmt.Errorf("the plan has no host %q", name)
	}
	manifest := p.Manifests[host.Manifest]
	part := Part{Host: name, Digest: p.Digest, Index: p.Index, Manifest: manifest}
	if manifest.Closure != nil {
		entries, err := ClosureOf(manifest.Closure.Path, p.StorePaths)
		if err != nil {
			return Part{}, err
		}
		part.Closure = entries
	}
	return part, nil
}

// Part is one host's part of a plan, without the payloads: those travel by hash.
type Part struct {
	// Host is the host's name in the index.
	Host HostName `json:"host"`
	// Digest is the plan's digest.
	Digest Digest `json:"digest"`
	// Index is the plan's whole index.
	Index Index `json:"index"`
	// Manifest is the host's manifest.
	Manifest Manifest `json:"manifest"`
	// Closure are the paths of the manifest's closure, sorted.
	Closure []PathEntry `json:"closure"`
}

// Verify checks that the part belongs to its digest.
func (p *Part) Verify() error {
	if err := checkHash("index", p.Digest, p.Index); err != nil {
		return err
	}
	host, ok := p.Index.Hosts[p.Host]
	if !ok {
		return fmt.Errorf("the plan %s has no host %q", p.Digest.Short(), p.Host)
	}
	if err := checkHash("manifest of "+string(p.Host), host.Manifest, p.Manifest); err != nil {
		return err
	}
	if p.Manifest.Closure == nil {
		return nil
	}
	return checkHash("closure of "+string(p.Host), p.Manifest.Closure.Hash, p.Closure)
}
