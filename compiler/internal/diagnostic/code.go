package diagnostic

// Code names a kind of finding. Codes are stable: tools and documents refer to them.
type Code string

// What can be wrong with an inventory file.
const (
	InventoryMissing      Code = "inventory-missing"
	InventoryAmbiguous    Code = "inventory-ambiguous"
	InventorySyntax       Code = "inventory-syntax"
	InventoryEmpty        Code = "inventory-empty"
	InventoryDocuments    Code = "inventory-documents"
	InventoryDuplicateKey Code = "inventory-duplicate-key"
	InventoryUnknownField Code = "inventory-unknown-field"
	InventoryValue        Code = "inventory-value"
	InventoryImport       Code = "inventory-import"
)

// What can be wrong with the machine, the source or the evaluation.
const (
	NixMissing     Code = "nix-missing"
	NixTooOld      Code = "nix-too-old"
	NixNoFlakes    Code = "nix-no-flakes"
	NixDaemon      Code = "nix-daemon"
	NixStore       Code = "nix-store"
	NixBuildUsers  Code = "nix-build-users"
	NixSandbox     Code = "nix-sandbox"
	SourceMissing  Code = "source-missing"
	SourceNoFlake  Code = "source-no-flake"
	SourceNotInGit Code = "source-not-in-git"
	SourceShallow  Code = "source-shallow"
	SourceLock     Code = "source-lock"
	SourceFetch    Code = "source-fetch"
	SourceNoOutput Code = "source-no-output"
	InputInvalid   Code = "input-invalid"
	EvalFailed     Code = "eval-failed"
	EvalMemory     Code = "eval-memory"
	EvalContract   Code = "eval-contract"
	BuildFailed    Code = "build-failed"
	BuildMissing   Code = "build-missing"
	CopyFailed     Code = "copy-failed"
	FleetWarning   Code = "warning"
)

// What can be wrong with hosts and what they shall be.
const (
	AssertionFailed Code = "assertion-failed"
	NoHosts         Code = "no-hosts"
	NoHostMatches   Code = "no-host-matches"
	UnknownGroup    Code = "unknown-group"
	UnknownRole     Code = "unknown-role"
	HostTwice       Code = "host-twice"
	HostName        Code = "host-name"
	HostAddress     Code = "host-address"
	HostNoAddress   Code = "host-no-address"
	HostSamePlace   Code = "host-same-address"
	HostConnection  Code = "host-connection"
	FleetTimeZone   Code = "time-zone"
	RolloutValue    Code = "rollout-value"
	PathInvalid     Code = "path-invalid"
	PathConflict    Code = "path-conflict"
	FileContent     Code = "file-content"
	FileSource      Code = "file-source"
	ModeInvalid     Code = "mode-invalid"
	OwnerInvalid    Code = "owner-invalid"
	UnitName        Code = "unit-name"
	UnitText        Code = "unit-text"
	UnitInstall     Code = "unit-install"
	AccountName     Code = "account-name"
	AccountNumber   Code = "account-number"
	AccountField    Code = "account-field"
	FileValidate    Code = "file-validate"
	UnitUnknown     Code = "unit-unknown"
	UnitTriggers    Code = "unit-triggers"
	Duration        Code = "duration"
	Window          Code = "window"
	PolicyName      Code = "policy-name"
	PolicyValue     Code = "policy-value"
	SecretContent   Code = "secret-content"
)
