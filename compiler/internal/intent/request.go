package intent

import (
	"encoding/json"
	"fmt"

	"github.com/nixfleet/nixfleet/schema"
)

// Version is the version of request and result.
const Version = 1

// Request is what the library is asked to evaluate.
type Request struct {
	Version   int              `json:"version"`
	Inventory *Inventory       `json:"inventory"`
	Inputs    map[string]Input `json:"inputs"`
	Select    *Select          `json:"select"`
}

// Inventory is an inventory file's value.
type Inventory struct {
	// File is the file's name relative to the fleet, for messages.
	File string `json:"file"`
	// Value is the file's content, as JSON.
	Value json.RawMessage `json:"value"`
}

// Input is a file or directory from outside the fleet.
type Input struct {
	Path    string         `json:"path"`
	NarHash schema.NarHash `json:"narHash"`
	// Executable tells of a plain file whether it is a program; nil for a directory.
	Executable *bool `json:"executable,omitempty"`
}

// Select restricts the evaluation to some hosts: those that either field matches.
type Select struct {
	// Hosts are POSIX extended regular expressions over whole names.
	Hosts []string `json:"hosts"`
	// Groups are names of groups.
	Groups []string `json:"groups"`
}

// Part says which of the selected hosts one evaluation is for: those from one
// place of the list up to another; where To is 0, all of them, or one of so many
// equal slices, unless they are more than Light and Heavy allow, and then none. Of
// a list shorter than Least, the first slice is all.
type Part struct {
	From, To         int
	Slice, Of, Least int
	Light, Heavy     int
	// Explain makes errors say which option of which host they are about.
	Explain bool
	// Survey asks only which hosts fail.
	Survey bool
	// Alone says that no other part is evaluated at the same time: that is for
	// whoever runs the process, the library is not told.
	Alone bool
}

// Nix returns the part as the library takes it.
func (p Part) Nix() string {
	switch {
	case p.Of > 0:
		return fmt.Sprintf("{ slice = %d; of = %d; least = %d; light = %d; heavy = %d; }", p.Slice, p.Of, p.Least, p.Light, p.Heavy)
	case p.To == 0:
		return fmt.Sprintf("{ light = %d; heavy = %d; explain = %t; }", p.Light, p.Heavy, p.Explain)
	}
	return fmt.Sprintf("{ from = %d; to = %d; explain = %t; survey = %t; }", p.From, p.To, p.Explain, p.Survey)
}
