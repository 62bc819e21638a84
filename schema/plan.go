package schema

// PlanKind and PlanVersion head every plan; a reader refuses any other.
const (
	PlanKind    = "nixfleet.plan"
	PlanVersion = 1
)

// Plan is one frozen plan, the content of plan.json: everything that decides
// what an execution does, and nothing of the machine that compiled it.
type Plan struct {
	// Digest is the SHA-256 of the canonical index. It is what people approve.
	Digest Digest `json:"digest"`
	// Index heads the plan and names every manifest by hash.
	Index Index `json:"index"`
	// Manifests is the table of the hosts' parts; hosts that are alike share one.
	Manifests map[Digest]Manifest `json:"manifests"`
	// Payloads is the table of texts (files, units) by the SHA-256 of their bytes.
	Payloads map[Digest]Payload `json:"payloads"`
	// StorePaths tells of every path of every closure. Absent from a preview.
	StorePaths map[StorePath]PathInfo `json:"storePaths"`
}

// Index is the part of the plan whose hash is the plan's digest.
type Index struct {
	// Kind is always "nixfleet.plan".
	Kind string `json:"kind"`
	// Version is the format's version, 1.
	Version int `json:"version"`
	// Preview marks a plan whose closures were not built. `execute` refuses it.
	Preview bool `json:"preview"`
	// Fleet is the fleet's name from the inventory or mkFleet; empty when it has none.
	Fleet string `json:"fleet"`
	// TimeZone is the IANA zone in which windows of this plan are meant.
	TimeZone string `json:"timeZone"`
	// Source tells what was compiled.
	Source Source `json:"source"`
	// Helpers names, by system, the nixfleet-host binary that carries the plan
	// out: a host's helper lets itself be replaced only by this one.
	Helpers map[System]Digest `json:"helpers"`
	// Rollout says in which order hosts are taken and how many at once.
	Rollout Rollout `json:"rollout"`
	// Hosts are all hosts of the plan, those that are alike together.
	Hosts Hosts `json:"hostSets"`
}

// Source tells what was compiled, by hash. For display and for comparing two
// plans; an execution does not read it.
type Source struct {
	// NarHash is the hash of the fleet's source tree as Nix evaluated it.
	NarHash NarHash `json:"narHash"`
	// Directory is the fleet's place in that tree; empty when it is the tree itself.
	Directory string `json:"directory,omitempty"`
	// Revision is the git commit, when the tree was clean.
	Revision string `json:"revision,omitempty"`
	// Dirty says that the tree was a git checkout with uncommitted changes.
	Dirty bool `json:"dirty,omitempty"`
	// Inventory is the path, in the source or as an input, of the inventory file.
	Inventory string `json:"inventory,omitempty"`
	// Library is the hash of NixFleet's own Nix library.
	Library NarHash `json:"library"`
	// Inputs are the hashes of what came in with --input, by name.
	Inputs map[string]NarHash `json:"inputs,omitempty"`
}

// Connection says how a host is reached over SSH. What only the operator knows
// (keys, agents, jump hosts' keys) is not here but in the SSH configuration.
type Connection struct {
	// Address is a DNS name or an IP address, without a port.
	Address string `json:"address"`
	// Port is the SSH port, 1 to 65535.
	Port int `json:"port"`
	// User is the account to log in with.
	User string `json:"user"`
	// HostKeys are the host's public keys, as "ssh-ed25519 AAAA…". Where there is
	// none, the operator's known_hosts decides.
	HostKeys []string `json:"hostKeys,omitempty"`
	// ProxyJump is a jump host as in ssh_config(5); absent for a direct connection.
	ProxyJump string `json:"proxyJump,omitempty"`
}

// Payload is a text of a file or unit. Exactly one field is set.
type Payload struct {
	// Text is the content where it is valid UTF-8 without NUL.
	Text *string `json:"text,omitempty"`
	// Base64 is the content of anything else.
	Base64 *string `json:"base64,omitempty"`
}

// PathInfo is what a Nix store knows of one path, apart from its name.
type PathInfo struct {
	// NarHash is the hash of the path's content.
	NarHash NarHash `json:"narHash"`
	// NarSize is the size of the content's NAR in bytes.
	NarSize int64 `json:"narSize"`
	// References are the store paths it needs, sorted, itself included where it
	// refers to itself.
	References []StorePath `json:"references"`
}
