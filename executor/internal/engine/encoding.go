package engine

import (
	"encoding/json"
	"sync"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/session"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// frozen is a plan with what many hosts share of it, each made once and only
// when a host needs it: an unchanged fleet needs none of it.
type frozen struct {
	plan    *schema.Plan
	index   func() ([]byte, error)
	parts   map[schema.Digest]*part
	helpers map[schema.System]*session.Helper
}

// part is what alike hosts share: a manifest with its closure.
type part struct {
	manifest *schema.Manifest
	closure  func() ([]schema.PathEntry, error)
	encoded  func() ([]byte, error)
}

func freeze(plan *schema.Plan, binary func(schema.System) ([]byte, error)) *frozen {
	f := &frozen{
		plan:    plan,
		index:   sync.OnceValues(func() ([]byte, error) { return json.Marshal(plan.Index) }),
		parts:   map[schema.Digest]*part{},
		helpers: map[schema.System]*session.Helper{},
	}
	for digest := range plan.Manifests {
		f.parts[digest] = newPart(plan, digest)
	}
	for system, hash := range plan.Index.Helpers {
		f.helpers[system] = &session.Helper{
			System: system, Hash: hash, Index: f.index,
			Binary: sync.OnceValues(func() ([]byte, error) { return checkedBinary(system, hash, binary) }),
		}
	}
	return f
}

func newPart(plan *schema.Plan, digest schema.Digest) *part {
	manifest := plan.Manifests[digest]
	p := &part{manifest: &manifest}
	p.closure = sync.OnceValues(func() ([]schema.PathEntry, error) {
		if manifest.Closure == nil {
			return []schema.PathEntry{}, nil
		}
		return schema.ClosureOf(manifest.Closure.Path, plan.StorePaths)
	})
	p.encoded = sync.OnceValues(func() ([]byte, error) {
		closure, err := p.closure()
		if err != nil {
			return nil, err
		}
		encoded, err := json.Marshal(struct {
			Manifest *schema.Manifest   `json:"manifest"`
			Closure  []schema.PathEntry `json:"closure"`
		}{&manifest, closure})
		if err != nil {
			return nil, err
		}
		return encoded[1:], nil // without the bracket: the fields follow the index
	})
	return p
}

// prepareBody encodes what a host is handed of the plan.
func (f *frozen) prepareBody(host schema.HostName) (protocol.Body[protocol.PrepareRequest], error) {
	index, err := f.index()
	if err != nil {
		return nil, err
	}
	shared, err := f.parts[f.plan.Index.Hosts[host].Manifest].encoded()
	if err != nil {
		return nil, err
	}
	return protocol.Body[protocol.PrepareRequest]{[]byte(`{"index":`), index, []byte(","), shared}, nil
}

func checkedBinary(system schema.System, want schema.Digest, binary func(schema.System) ([]byte, error)) ([]byte, error) {
	data, err := binary(system)
	if err != nil {
		return nil, fault.New(fault.Refused, "cannot get the helper for %s: %w", system, err)
	}
	if found := schema.DigestOf(data); found != want {
		return nil, fault.New(fault.Refused, "this program brings another helper for %s than the plan names: expected %s, found %s", system, want, found).
			WithHint("execute with the version of nixfleet that compiled the plan, or compile it again with this one")
	}
	return data, nil
}
