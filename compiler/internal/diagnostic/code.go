package diagnostic

// Code names a kind of finding. Codes are stable: tools and documents refer to them.
type Code string

// Problems with an inventory file.
const (
	InventoryMissing      Code = "inventory-missing"       // the inventory that was asked for is not there
	InventoryAmbiguous    Code = "inventory-ambiguous"     // there are several inventories; pass --inventory
	InventorySyntax       Code = "inventory-syntax"        // it is not valid YAML, JSON or Jsonnet, or its Jsonnet fails
	InventoryEmpty        Code = "inventory-empty"         // it is empty
	InventoryDocuments    Code = "inventory-documents"     // it has several YAML documents
	InventoryDuplicateKey Code = "inventory-duplicate-key" // a key appears twice, for example two hosts with one name
	InventoryUnknownField Code = "inventory-unknown-field" // unknown field
	InventoryValue        Code = "inventory-value"         // a field has an invalid value
	InventoryImport       Code = "inventory-import"        // an import leads out of the fleet
)

// Problems with the machine that compiles.
const (
	NixMissing    Code = "nix-missing"     // Nix is not installed
	NixTooOld     Code = "nix-too-old"     // Nix is older than 2.8
	NixNoFlakes   Code = "nix-no-flakes"   // this Nix has flakes disabled
	NixDaemon     Code = "nix-daemon"      // the daemon does not answer, or refuses you
	NixStore      Code = "nix-store"       // the store cannot be written, or its disk is full
	NixBuildUsers Code = "nix-build-users" // Nix has no build users
	NixSandbox    Code = "nix-sandbox"     // Nix cannot create its sandbox here
)

// Problems with a fleet's source, its evaluation and its builds.
const (
	SourceMissing   Code = "source-missing"    // the directory does not exist
	SourceNoFlake   Code = "source-no-flake"   // the directory has no flake.nix
	SourceNotInGit  Code = "source-not-in-git" // files of the fleet are not tracked by git: git add
	SourceLock      Code = "source-lock"       // flake.lock does not lock all inputs
	SourceFetch     Code = "source-fetch"      // the fleet could not be fetched
	SourceNoOutput  Code = "source-no-output"  // the flake has no output nixfleet
	InputInvalid    Code = "input-invalid"     // an --input cannot be read, or changed during the compilation
	EvalFailed      Code = "eval-failed"       // Nix or a module reported an error
	AssertionFailed Code = "assertion-failed"  // an assertion of a module or of the library failed
	EvalMemory      Code = "eval-memory"       // an evaluation ran out of memory
	BuildFailed     Code = "build-failed"      // a derivation could not be built
	BuildMissing    Code = "build-missing"     // the preview was made on another machine, or its derivations are gone
	CopyFailed      Code = "copy-failed"       // --to could not write the binary cache
	FleetWarning    Code = "warning"           // a module's own warning
)

// Problems with hosts and their desired state.
const (
	NoHosts        Code = "no-hosts"          // the fleet has no hosts
	NoHostMatches  Code = "no-host-matches"   // --host or --group selects nothing
	UnknownGroup   Code = "unknown-group"     // unknown group
	UnknownRole    Code = "unknown-role"      // unknown role
	HostTwice      Code = "host-twice"        // two hosts with one name
	HostName       Code = "host-name"         // invalid host name
	HostAddress    Code = "host-address"      // invalid address
	HostNoAddress  Code = "host-no-address"   // a host without an address
	HostNoBase     Code = "host-no-base"      // a host without a base
	UnknownHost    Code = "unknown-host"      // a module or a canary names an unknown host
	UnknownRollout Code = "unknown-rollout"   // unknown rollout policy
	HostSamePlace  Code = "host-same-address" // two hosts with one address
	HostConnection Code = "host-connection"   // invalid port, user, host key or jump host
	FleetTimeZone  Code = "time-zone"         // invalid time zone
	RolloutValue   Code = "rollout-value"     // a rollout policy that cannot work
	RolloutOrder   Code = "rollout-order"     // groups that wait for each other
	RolloutOverlap Code = "rollout-conflict"  // two groups of a host disagree
	RolloutBudget  Code = "rollout-budget"    // a failure budget that would never halt anything
	RolloutTag     Code = "rollout-tag"       // a tag that no host has
	PathInvalid    Code = "path-invalid"      // a path that cannot be managed
	PathConflict   Code = "path-conflict"     // two things with the same path, or one inside another
	FileContent    Code = "file-content"      // a file with no content, with two, or with too much
	FileSource     Code = "file-source"       // a source that is not in the store, or not in the closure
	FileValidate   Code = "file-validate"     // invalid validate command
	UnitText       Code = "unit-text"         // a unit file that systemd would reject
	UnitInstall    Code = "unit-install"      // an enabled unit that nothing would start
	UnitUnknown    Code = "unit-unknown"      // a unit that neither the fleet nor a known package provides (warning)
	UnitTriggers   Code = "unit-triggers"     // a timer, path or socket without its unit
	AccountNumber  Code = "account-number"    // invalid or duplicate uid or gid
	AccountField   Code = "account-field"     // a value that /etc/passwd cannot hold
	Window         Code = "window"            // invalid window
	PolicyValue    Code = "policy-value"      // invalid value in a check, hook or task
)

// Violations of policies, and problems with the policies themselves.
const (
	PolicyViolation Code = "policy-violation" // the plan violates a rule of a policy
	PolicyFailed    Code = "policy-failed"    // a policy is not valid Jsonnet, or throws
	PolicyImport    Code = "policy-import"    // a policy imports a file that is missing or outside the fleet
	PolicyBounds    Code = "policy-bounds"    // a policy exceeds its limit of time, memory, output or recursion depth
	PolicyResult    Code = "policy-result"    // a policy is not an object of rules, or a rule does not return a list of violations
	PolicyMissing   Code = "policy-missing"   // no policies, or no tests, where some were requested
)
