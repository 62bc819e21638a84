package intent

import (
	"fmt"

	"github.com/nixfleet/nixfleet/schema"
)

// Result is the evaluated intent of the selected hosts.
type Result struct {
	Version        int                 `json:"version"`
	LibraryVersion string              `json:"libraryVersion"`
	Fleet          Fleet               `json:"fleet"`
	Groups         map[string][]string `json:"groups"`
	HostNames      []string            `json:"hostNames"`
	// Problems are what is wrong with the inventory. Hosts that have any are not in Hosts.
	Problems []Problem       `json:"problems"`
	Warnings []Warning       `json:"warnings"`
	Hosts    map[string]Host `json:"hosts"`
	// Part is about the evaluation, not about the fleet.
	Part PartResult `json:"part"`
}

// PartResult says what part of the selected hosts was evaluated.
type PartResult struct {
	// Selected are the selected hosts, Heavy those of them that take much to
	// evaluate. Complete says that the result holds all that were asked for.
	Selected []string `json:"selected"`
	Heavy    []string `json:"heavy"`
	Complete bool     `json:"complete"`
	// Failing are the hosts that a survey found to fail.
	Failing []string `json:"failing"`
}

// Fleet is what holds for all hosts.
type Fleet struct {
	Name     string `json:"name"`
	TimeZone string `json:"timeZone"`
	// Rollout is the fleet's policy, Rollouts are others by name, one of which may stand
	// in for it. GroupRollouts are those of groups that have any.
	Rollout       Rollout            `json:"rollout"`
	Rollouts      map[string]Rollout `json:"rollouts"`
	GroupRollouts map[string]Rollout `json:"groupRollouts"`
}

// Problem is a fault of what declares hosts, whether in an inventory file or in Nix.
type Problem struct {
	Code string `json:"code"`
	// Host is nil where it is about the fleet.
	Host *string `json:"host"`
	// Path is the place in the inventory, as hosts, web-1, addr.
	Path []string `json:"path"`
	// At is where it stands, where it stands in Nix.
	At      string `json:"at"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// Warning is a remark of a module; Host is nil where it is about the fleet.
type Warning struct {
	Host    *string `json:"host"`
	Message string  `json:"message"`
}

// Host is one host's evaluated intent.
type Host struct {
	Base          string                  `json:"base"`
	System        string                  `json:"system"`
	Connection    Connection              `json:"connection"`
	Roles         []string                `json:"roles"`
	Groups        []string                `json:"groups"`
	Tags          map[string]string       `json:"tags"`
	Rollout       HostRollout             `json:"rollout"`
	OSUpdates     OSUpdates               `json:"osUpdates"`
	Closure       *Closure                `json:"closure"`
	Packages      []string                `json:"packages"`
	Files         map[string]File         `json:"files"`
	Directories   map[string]Directory    `json:"directories"`
	Units         map[string]Unit         `json:"units"`
	Users         map[string]User         `json:"users"`
	AccountGroups map[string]AccountGroup `json:"accountGroups"`
	Masks         map[string]Mask         `json:"masks"`
	HealthChecks  map[string]HealthCheck  `json:"healthChecks"`
	Hooks         map[string]Hook         `json:"hooks"`
	Tasks         map[string]Task         `json:"tasks"`
	Secrets       map[string]Secret       `json:"secrets"`
	Activation    Activation              `json:"activation"`
	Reboot        *Reboot                 `json:"reboot"`
}

// Connection says how the host is reached.
type Connection struct {
	Addr      *string  `json:"addr"`
	Port      int      `json:"port"`
	User      string   `json:"user"`
	HostKeys  []string `json:"hostKeys"`
	ProxyJump *string  `json:"proxyJump"`
}

// Closure is the host's closure, not yet built.
type Closure struct {
	Derivation string `json:"derivation"`
	Path       string `json:"path"`
}

// File is a file or symbolic link: one of Text, Source and Symlink is set.
type File struct {
	Text         *string  `json:"text"`
	Source       *string  `json:"source"`
	Symlink      *string  `json:"symlink"`
	Mode         string   `json:"mode"`
	Owner        string   `json:"owner"`
	Group        string   `json:"group"`
	RestartUnits []string `json:"restartUnits"`
	ReloadUnits  []string `json:"reloadUnits"`
	Validate     *string  `json:"validate"`
	Adopt        bool     `json:"adopt"`
	At           string   `json:"at"`
}

// Directory is a managed directory.
type Directory struct {
	Mode  string `json:"mode"`
	Owner string `json:"owner"`
	Group string `json:"group"`
	Adopt bool   `json:"adopt"`
	At    string `json:"at"`
}

// Unit is a systemd unit. Where Enabled is nil, its [Install] section decides;
// where OnChange is, its type.
type Unit struct {
	Text     string  `json:"text"`
	Enabled  *bool   `json:"enabled"`
	OnChange *string `json:"onChange"`
	Adopt    bool    `json:"adopt"`
	At       string  `json:"at"`
}

// User is a user account.
type User struct {
	UID         *int     `json:"uid"`
	System      bool     `json:"system"`
	Group       string   `json:"group"`
	ExtraGroups []string `json:"extraGroups"`
	Home        *string  `json:"home"`
	CreateHome  bool     `json:"createHome"`
	Shell       *string  `json:"shell"`
	Description string   `json:"description"`
	Adopt       bool     `json:"adopt"`
	At          string   `json:"at"`
}

// AccountGroup is a group account.
type AccountGroup struct {
	GID    *int   `json:"gid"`
	System bool   `json:"system"`
	Adopt  bool   `json:"adopt"`
	At     string `json:"at"`
}

// OSUpdates is the policy for the operating system's packages, with defaults.
type OSUpdates struct {
	Ubuntu *UbuntuUpdates `json:"ubuntu"`
	NixOS  *NixOSUpdates  `json:"nixos"`
}

// UbuntuUpdates is the apt policy.
type UbuntuUpdates struct {
	Mode                 string   `json:"mode"`
	AutoReboot           bool     `json:"autoReboot"`
	RebootWindow         Texts    `json:"rebootWindow"`
	Holds                []string `json:"holds"`
	MaxConcurrentReboots *int     `json:"maxConcurrentReboots"`
}

// NixOSUpdates is the activation policy of a NixOS host.
type NixOSUpdates struct {
	AutoSwitch bool `json:"autoSwitch"`
}

// Decode reads a result. Whatever this version does not know is refused: the
// library may be another than ours where the fleet brings its own.
func Decode(data []byte) (*Result, error) {
	var result Result
	if err := schema.DecodeKnown(data, &result); err != nil {
		return nil, fmt.Errorf("cannot read the evaluation's result: %w", err)
	}
	if result.Version != Version {
		return nil, fmt.Errorf("the fleet's NixFleet library speaks version %d, this compiler version %d", result.Version, Version)
	}
	return &result, nil
}
