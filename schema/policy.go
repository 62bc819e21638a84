package schema

// Activation says how a change of a host takes hold and how it is taken back.
type Activation struct {
	// ConfirmWindow is how long the host waits after a change for a new connection
	// of the executor before it undoes the change: a Go duration. "0s": it does not wait.
	ConfirmWindow string `json:"confirmWindow"`
	// KeepGenerations is how many generations the host keeps, the current one
	// included, with their manifests, payloads and closures.
	KeepGenerations int `json:"keepGenerations"`
}

// OSUpdates is the policy for the operating system's own packages.
type OSUpdates struct {
	// Ubuntu is the policy for base ubuntu and debian.
	Ubuntu *UbuntuUpdates `json:"ubuntu,omitempty"`
	// NixOS is the policy for base nixos.
	NixOS *NixOSUpdates `json:"nixos,omitempty"`
}

// UbuntuUpdates is the apt policy of a host.
type UbuntuUpdates struct {
	// Mode is "manual" (apt is never touched), "security-daily" or "full-weekly".
	Mode string `json:"mode"`
	// AutoReboot allows a reboot that an update asks for, in the window.
	AutoReboot bool `json:"autoReboot"`
	// RebootWindows are when, in the plan's zone: "Sun 02:00-04:00". As declared: what
	// decides is the [RebootWave] of the host.
	RebootWindows []string `json:"rebootWindows,omitempty"`
	// Holds are patterns of packages that stay as they are.
	Holds []string `json:"holds,omitempty"`
	// MaxConcurrentReboots bounds reboots in the host's groups; 0 where not declared. As
	// declared: what decides are the limits of [Reboots].
	MaxConcurrentReboots int `json:"maxConcurrentReboots,omitempty"`
}

// NixOSUpdates is the activation policy of a NixOS host.
type NixOSUpdates struct {
	// AutoSwitch switches at apply; otherwise the system is staged for the next boot.
	AutoSwitch bool `json:"autoSwitch"`
}

// RebootPolicy says when a host may reboot.
type RebootPolicy struct {
	// Auto allows a reboot that something asks for, in a window.
	Auto bool `json:"auto"`
	// Windows are when, in the plan's zone: "Sun 02:00-04:00". As declared: what decides
	// is the [RebootWave] of the host, where those of its groups and the fleet count too.
	Windows []string `json:"windows,omitempty"`
	// Deadline is how long a host may take to come back: a Go duration.
	Deadline string `json:"deadline"`
	// Stability is how long it is watched then: a Go duration.
	Stability string `json:"stability"`
}

// HealthCheck is a question whose answer tells whether a host is well. The
// fields of its kind are set.
type HealthCheck struct {
	// Name is the check's name.
	Name string `json:"name"`
	// Kind is what is asked.
	Kind CheckKind `json:"kind"`
	// From is where the question is asked.
	From Place `json:"from"`
	// Unit is the unit that must be active. For kind unit.
	Unit UnitName `json:"unit,omitempty"`
	// URL is what is fetched. For kind http.
	URL string `json:"url,omitempty"`
	// Status is the HTTP status that must come. For kind http.
	Status int `json:"status,omitempty"`
	// Body is a regular expression (RE2) that the answer must match. For kind http.
	Body string `json:"body,omitempty"`
	// Port is the TCP port that must accept a connection. For kind tcp.
	Port int `json:"port,omitempty"`
	// Command is a command for sh that must exit with 0. For kind command.
	Command string `json:"command,omitempty"`
	// StartDelay, Interval and Timeout are Go durations: before the first question,
	// between two, and for one.
	StartDelay string `json:"startDelay"`
	Interval   string `json:"interval"`
	Timeout    string `json:"timeout"`
	// Retries is how often a failed question is asked again.
	Retries int `json:"retries"`
}

// CheckKind is what a health check asks.
type CheckKind string

// The kinds of health checks.
const (
	CheckUnit    CheckKind = "unit"
	CheckHTTP    CheckKind = "http"
	CheckTCP     CheckKind = "tcp"
	CheckCommand CheckKind = "command"
)

// Place is where something runs.
type Place string

// The places.
const (
	OnHost       Place = "host"
	OnController Place = "controller"
)

// Hook is a command around activation or reboot.
type Hook struct {
	// Name is the hook's name.
	Name string `json:"name"`
	// When is the moment it runs.
	When HookMoment `json:"when"`
	// On is where it runs.
	On Place `json:"on"`
	// Command is a command for sh.
	Command string `json:"command"`
	// Timeout is how long it may take: a Go duration.
	Timeout string `json:"timeout"`
	// Required says that its failure is the host's failure.
	Required bool `json:"required"`
	// Always lets it run also where the step before it failed.
	Always bool `json:"always,omitempty"`
}

// HookMoment is when a hook runs.
type HookMoment string

// The moments of hooks.
const (
	BeforeActivation HookMoment = "before-activation"
	AfterActivation  HookMoment = "after-activation"
	BeforeReboot     HookMoment = "before-reboot"
	AfterReboot      HookMoment = "after-reboot"
)

// Task is a command that an operator runs on a host by name.
type Task struct {
	// Name is the task's name.
	Name string `json:"name"`
	// Description is one line for people.
	Description string `json:"description,omitempty"`
	// Command is a command for sh.
	Command string `json:"command"`
	// User is whom it runs as.
	User AccountName `json:"user"`
	// Environment are its variables.
	Environment map[string]string `json:"environment,omitempty"`
	// Timeout is how long it may take: a Go duration.
	Timeout string `json:"timeout"`
}

// Secret is a text that is decrypted for a host and never stands in clear in a
// plan, a store or on a disk.
type Secret struct {
	// Name is the secret's name.
	Name string `json:"name"`
	// Ciphertext is the payload with the age file.
	Ciphertext Digest `json:"ciphertext"`
	// Path is where the host finds it, below /run/nixfleet-secrets.
	Path string `json:"path"`
	// Mode, Owner and Group are the file's.
	Mode  Mode        `json:"mode"`
	Owner AccountName `json:"owner"`
	Group AccountName `json:"group"`
	// Restart and Reload are units that restart or reload when it changes.
	Restart []UnitName `json:"restart,omitempty"`
	Reload  []UnitName `json:"reload,omitempty"`
}
