package diagnostic

// Code names a kind of finding. Codes are stable: tools and documents refer to them.
type Code string

// What can be wrong with an inventory file.
const (
	InventoryMissing      Code = "inventory-missing"       // the inventory that was asked for is not there
	InventoryAmbiguous    Code = "inventory-ambiguous"     // there are several inventories and nobody said which
	InventorySyntax       Code = "inventory-syntax"        // it is no YAML, JSON or Jsonnet, or its Jsonnet fails
	InventoryEmpty        Code = "inventory-empty"         // it holds nothing
	InventoryDocuments    Code = "inventory-documents"     // it holds several YAML documents
	InventoryDuplicateKey Code = "inventory-duplicate-key" // a key stands twice: two hosts with one name, for one
	InventoryUnknownField Code = "inventory-unknown-field" // there is no field of that name
	InventoryValue        Code = "inventory-value"         // a field's value is not what the field takes
	InventoryImport       Code = "inventory-import"        // an import leads out of the fleet
)

// What can be wrong with the machine.
const (
	NixMissing    Code = "nix-missing"     // there is no Nix
	NixTooOld     Code = "nix-too-old"     // Nix is older than 2.8
	NixNoFlakes   Code = "nix-no-flakes"   // this Nix does not allow flakes
	NixDaemon     Code = "nix-daemon"      // the daemon does not answer, or not to you
	NixStore      Code = "nix-store"       // the store cannot be written, or its disk is full
	NixBuildUsers Code = "nix-build-users" // Nix has no users to build with
	NixSandbox    Code = "nix-sandbox"     // Nix cannot make its sandbox here
)

// What can be wrong with a fleet's source, its evaluation and its builds.
const (
	SourceMissing   Code = "source-missing"    // there is no such directory
	SourceNoFlake   Code = "source-no-flake"   // the directory has no flake.nix
	SourceNotInGit  Code = "source-not-in-git" // git does not know files of the fleet: git add
	SourceLock      Code = "source-lock"       // flake.lock does not lock all inputs
	SourceFetch     Code = "source-fetch"      // the fleet could not be fetched
	SourceNoOutput  Code = "source-no-output"  // the flake has no output nixfleet
	InputInvalid    Code = "input-invalid"     // an --input cannot be read, or changed meanwhile
	EvalFailed      Code = "eval-failed"       // Nix or a module says that something is wrong
	AssertionFailed Code = "assertion-failed"  // an assertion of a module or of the library does not hold
	EvalMemory      Code = "eval-memory"       // an evaluation took more memory than there is
	EvalContract    Code = "eval-contract"     // a fault of NixFleet itself: its library and compiler disagree
	BuildFailed     Code = "build-failed"      // a derivation could not be built
	BuildMissing    Code = "build-missing"     // a preview of another machine, or its derivations are gone
	CopyFailed      Code = "copy-failed"       // --to could not write the binary cache
	FleetWarning    Code = "warning"           // a module's own warning
)

// What can be wrong with hosts and what they shall be.
const (
	NoHosts        Code = "no-hosts"          // the fleet has no hosts
	NoHostMatches  Code = "no-host-matches"   // --host or --group selects nothing
	UnknownGroup   Code = "unknown-group"     // there is no group of that name
	UnknownRole    Code = "unknown-role"      // there is no role of that name
	HostTwice      Code = "host-twice"        // two hosts with one name
	HostName       Code = "host-name"         // a host cannot be called that
	HostAddress    Code = "host-address"      // an address that is none
	HostNoAddress  Code = "host-no-address"   // a host without an address
	HostNoBase     Code = "host-no-base"      // a host of which nobody says what its operating system is
	UnknownHost    Code = "unknown-host"      // a module or a canary for a host that is not there
	UnknownRollout Code = "unknown-rollout"   // there is no rollout policy of that name
	HostSamePlace  Code = "host-same-address" // two hosts with one address
	HostConnection Code = "host-connection"   // a port, user, key or jump host that is none
	FleetTimeZone  Code = "time-zone"         // a time zone that is none
	RolloutValue   Code = "rollout-value"     // a rollout policy that nobody could carry out
	RolloutOrder   Code = "rollout-order"     // groups that wait for each other
	RolloutOverlap Code = "rollout-conflict"  // a host of which two groups say different things
	RolloutBudget  Code = "rollout-budget"    // a failure budget that would never halt anything
	RolloutTag     Code = "rollout-tag"       // a tag that no host has
	PathInvalid    Code = "path-invalid"      // a path that cannot be managed
	PathConflict   Code = "path-conflict"     // one path for two things, or one inside another
	FileContent    Code = "file-content"      // a file with no content, with two, or with too much
	FileSource     Code = "file-source"       // a source that is not in the store, or not in the closure
	FileValidate   Code = "file-validate"     // a command that cannot validate the file
	ModeInvalid    Code = "mode-invalid"      // a file mode that is none
	OwnerInvalid   Code = "owner-invalid"     // an owner or group that cannot be
	UnitName       Code = "unit-name"         // a unit name that is none
	UnitText       Code = "unit-text"         // a unit file that systemd would not read
	UnitInstall    Code = "unit-install"      // an enabled unit that nothing would start
	UnitUnknown    Code = "unit-unknown"      // a unit that nobody is known to bring to the host (warning)
	UnitTriggers   Code = "unit-triggers"     // a timer, path or socket without its unit
	AccountName    Code = "account-name"      // a user or group that cannot be called that
	AccountNumber  Code = "account-number"    // a uid or gid that is none, or is used twice
	AccountField   Code = "account-field"     // what a line of /etc/passwd cannot hold
	Duration       Code = "duration"          // a duration that is none
	Window         Code = "window"            // a window that is none
	PolicyName     Code = "policy-name"       // a check, hook, task or secret that cannot be called that
	PolicyValue    Code = "policy-value"      // a check, hook or task with a value that is none
	SecretContent  Code = "secret-content"    // a secret that age did not encrypt
)

// What policies say, and what can be wrong with them.
const (
	PolicyViolation Code = "policy-violation" // a rule of a policy has something against the plan
	PolicyFailed    Code = "policy-failed"    // a policy is no Jsonnet, or throws
	PolicyImport    Code = "policy-import"    // a policy imports what is not there, or lies outside the fleet
	PolicyBounds    Code = "policy-bounds"    // a policy takes too much time, memory or output, or calls itself too deep
	PolicyResult    Code = "policy-result"    // a policy is no object of rules, or a rule returns no violations
	PolicyMissing   Code = "policy-missing"   // there are no policies, or no tests, where some were asked for
)
