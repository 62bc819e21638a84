// Package schema holds the frozen formats that NixFleet's parts exchange: the
// plan and its manifests, the record of a run and the state file of a host.
//
// A [Plan] is an [Index] over tables: manifests and payloads by SHA-256, store
// paths by name. The plan's digest is the SHA-256 of the index in canonical
// form (RFC 8785); the index names each host's manifest by hash, and a manifest
// names its payloads and its closure by hash. So a host that is sent the index,
// its manifest, its payloads and its closure's path infos can check for itself
// that they belong to a digest, without the rest of the plan.
//
// The package never reads a clock, a host or a Nix store, and imports nothing
// but the standard library. Validation against the published JSON schemas is in
// the package validate below it.
package schema
