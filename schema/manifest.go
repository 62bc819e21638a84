package schema

// ManifestVersion is the version of the manifest's format.
const ManifestVersion = 1

// Manifest is what one host shall be: the host's part of a plan. It does not
// name the host, so hosts that are alike share one. All lists are sorted.
type Manifest struct {
	// Version is the format's version, 1.
	Version int `json:"version"`
	// Base is the kind of operating system the manifest is for.
	Base Base `json:"base"`
	// System is the CPU and kernel the manifest is for.
	System System `json:"system"`
	// Closure is what the host's Nix profile becomes; absent for base nixos,
	// whose system closure is not part of this version's plans.
	Closure *Closure `json:"closure,omitempty"`
	// Packages are the packages that the profile holds. For display: the closure decides.
	Packages []StorePath `json:"packages"`
	// Groups are the managed groups, by name.
	Groups []Group `json:"groups"`
	// Users are the managed users, by name.
	Users []User `json:"users"`
	// Directories are the managed directories, by path: parents come first.
	Directories []Directory `json:"directories"`
	// Files are the managed files and symbolic links, by path.
	Files []File `json:"files"`
	// Units are the managed systemd units, by name.
	Units []Unit `json:"units"`
	// Restarts is the restart map: which unit restarts or reloads when what changes.
	Restarts []RestartRule `json:"restarts"`
	// Settle is how long after the last job a started unit is watched before it
	// counts as running: a Go duration.
	Settle string `json:"settle"`
	// Activation says how a change takes hold and how it is taken back.
	Activation Activation `json:"activation"`
	// Masks are units of the operating system's own that shall not start, by name.
	Masks []UnitName `json:"masks,omitempty"`
	// Holds are packages of the operating system that stay at their version, by name.
	Holds []PackageName `json:"holds,omitempty"`
	// OSUpdates is the policy for the operating system's own packages.
	OSUpdates *OSUpdates `json:"osUpdates,omitempty"`
	// Reboot is the policy for reboots.
	Reboot *RebootPolicy `json:"reboot,omitempty"`
	// HealthChecks are what tells whether the host is well, by name.
	HealthChecks []HealthCheck `json:"healthChecks,omitempty"`
	// Hooks are commands around activation and reboot, by name.
	Hooks []Hook `json:"hooks,omitempty"`
	// Tasks are commands that an operator runs by name.
	Tasks []Task `json:"tasks,omitempty"`
	// Secrets are what is decrypted for the host, by name.
	Secrets []Secret `json:"secrets,omitempty"`
}

// Closure is a store path with all it needs.
type Closure struct {
	// Path is the top of the closure: the next generation of the host's profile.
	Path StorePath `json:"path"`
	// Hash binds every path of the closure with its info (see [ClosureHash]).
	// Absent from a preview.
	Hash Digest `json:"hash,omitempty"`
	// Derivation builds Path. Only in a preview.
	Derivation StorePath `json:"derivation,omitempty"`
}

// PackageName is the name of a package of Debian's or Ubuntu's, without an
// architecture: "nginx".
type PackageName string

const packageNamePattern = `^[a-z0-9][a-z0-9+.-]{1,127}$`

var packageNameRE = lazily(packageNamePattern)

// UnmarshalText accepts only a name that dpkg would.
func (n *PackageName) UnmarshalText(text []byte) error {
	return parseInto(n, text, packageNameRE, "a package name, without an architecture or a pattern")
}

// Group is a managed group.
type Group struct {
	// Name is the group's name.
	Name AccountName `json:"name"`
	// GID is the group's number; absent where the host chooses one.
	GID *int `json:"gid,omitempty"`
	// System says that a number the host chooses is a system number.
	System bool `json:"system"`
	// Adopt allows to take over a group that NixFleet did not create.
	Adopt bool `json:"adopt,omitempty"`
}

// User is a managed user.
type User struct {
	// Name is the user's name.
	Name AccountName `json:"name"`
	// UID is the user's number; absent where the host chooses one.
	UID *int `json:"uid,omitempty"`
	// System says that a number the host chooses is a system number.
	System bool `json:"system"`
	// Group is the primary group.
	Group AccountName `json:"group"`
	// ExtraGroups are further groups the user is in, sorted.
	ExtraGroups []AccountName `json:"extraGroups"`
	// Home is the home directory's path.
	Home string `json:"home"`
	// CreateHome says that the home directory is made with the user.
	CreateHome bool `json:"createHome"`
	// Shell is the login shell's path.
	Shell string `json:"shell"`
	// Description is the comment field (GECOS).
	Description string `json:"description"`
	// Adopt allows to take over a user that NixFleet did not create.
	Adopt bool `json:"adopt,omitempty"`
}

// Directory is a managed directory; what is in it is not managed.
type Directory struct {
	// Path is absolute and clean.
	Path string `json:"path"`
	// Mode is the directory's mode.
	Mode Mode `json:"mode"`
	// Owner is the owning user's name.
	Owner AccountName `json:"owner"`
	// Group is the owning group's name.
	Group AccountName `json:"group"`
	// Adopt allows to change a directory that NixFleet did not create.
	Adopt bool `json:"adopt,omitempty"`
}

// File is a managed file or symbolic link. Exactly one of Payload, Source and
// Symlink is set.
type File struct {
	// Path is absolute and clean.
	Path string `json:"path"`
	// Payload is the hash of the content.
	Payload Digest `json:"payload,omitempty"`
	// Source is a file in the closure whose content is copied.
	Source string `json:"source,omitempty"`
	// Symlink is the target of a symbolic link; mode, owner and group then say nothing.
	Symlink string `json:"symlink,omitempty"`
	// Mode is the file's mode.
	Mode Mode `json:"mode"`
	// Owner is the owning user's name.
	Owner AccountName `json:"owner"`
	// Group is the owning group's name.
	Group AccountName `json:"group"`
	// Validate is a command for sh that must accept the file before anything changes;
	// "%s" in it stands for the staged file's path: "visudo -cf %s". It is asked by an
	// execution, for a file that would change, and not by a dry run: what it needs
	// may not be on the host yet.
	Validate string `json:"validate,omitempty"`
	// Adopt allows to replace a file that NixFleet did not create; the original is
	// kept and comes back when the intent lets go.
	Adopt bool `json:"adopt,omitempty"`
}

// Unit is a managed systemd unit, a file in /etc/systemd/system.
type Unit struct {
	// Name is the unit's name.
	Name UnitName `json:"name"`
	// Payload is the hash of the unit file's text.
	Payload Digest `json:"payload"`
	// Enabled says that the links exist and that the unit runs.
	Enabled bool `json:"enabled"`
	// Links are the symbolic links to the unit that its [Install] section asks for,
	// relative to /etc/systemd/system ("multi-user.target.wants/nginx.service"). Empty where
	// the unit is not enabled.
	Links []string `json:"links,omitempty"`
	// Starts are the units that run because of the links: the unit itself, or a
	// template's default instance.
	Starts []UnitName `json:"starts,omitempty"`
	// StartWith are the units whose being active makes Starts run ("multi-user.target").
	StartWith []UnitName `json:"startWith,omitempty"`
	// OnChange says what a change of the unit's text does to a running unit.
	OnChange OnChange `json:"onChange"`
	// Adopt allows to replace a unit file that NixFleet did not create.
	Adopt bool `json:"adopt,omitempty"`
}

// OnChange is what a change of a unit's text does to it while it runs.
type OnChange string

// What a changed unit does.
const (
	// StopStart stops it under its old text, before anything else changes, and
	// starts it under the new one. NixOS's stopIfChanged; the default of services.
	StopStart OnChange = "stop-start"
	// Restart restarts it after everything else has changed.
	Restart OnChange = "restart"
	// Reload reloads it after everything else has changed.
	Reload OnChange = "reload"
	// Keep leaves it alone until something else restarts it.
	Keep OnChange = "keep"
)

// RestartRule says on which changes a unit restarts or reloads. A unit that is
// neither active nor enabled is left alone.
type RestartRule struct {
	// Unit is a unit of this manifest, or one of the host's own.
	Unit UnitName `json:"unit"`
	// Restart are the paths of files whose change restarts the unit.
	Restart []string `json:"restart,omitempty"`
	// Reload are the paths of files whose change reloads the unit.
	Reload []string `json:"reload,omitempty"`
}
