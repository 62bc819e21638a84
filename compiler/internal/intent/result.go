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
	// Texts are those that manifests name by their hash.
	Texts []string `json:"texts"`
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
	// Manifest is what the host becomes, but for what the texts of its units decide.
	Manifest   schema.Manifest   `json:"manifest"`
	Connection schema.Connection `json:"connection"`
	Groups     []string          `json:"groups"`
	Roles      []string          `json:"roles"`
	Tags       map[string]string `json:"tags"`
	// RebootWindows are when the host may reboot where its policy for reboots does not say.
	RebootWindows []string `json:"rebootWindows"`
	// ByInstall are the units whose [Install] section says whether they are enabled. Units
	// without OnChange leave that to their type.
	ByInstall []schema.UnitName `json:"byInstall"`
	// At says where entries were written, by option ("systemd.units") and name.
	At map[string]map[string]string `json:"at"`
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
