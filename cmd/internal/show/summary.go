// Package show turns a plan into what an approver reads: hosts that are alike
// together, what will be on them, and what restarts when what changes. It reads
// plans only, never a host or a fleet.
package show

import (
	"cmp"
	"slices"

	"github.com/nixfleet/nixfleet/schema"
)

// Summary is a plan as an approver reads it, and what `show --json` prints.
type Summary struct {
	Digest   schema.Digest `json:"digest"`
	Fleet    string        `json:"fleet"`
	Preview  bool          `json:"preview"`
	TimeZone string        `json:"timeZone"`
	Source   schema.Source `json:"source"`
	Rollout  Rollout       `json:"rollout"`
	// Kinds are the hosts, those with one manifest together, in the order of their first host.
	Kinds []Kind `json:"kinds"`
	// Unsupported is what this version cannot carry out yet.
	Unsupported []schema.Unsupported `json:"unsupported,omitempty"`

	// only are the hosts that were selected; nil where all are shown.
	only map[schema.HostName]bool
}

// Kind is a set of hosts that shall be exactly alike.
type Kind struct {
	Hosts    []HostLine    `json:"hosts"`
	Manifest schema.Digest `json:"manifest"`
	Base     schema.Base   `json:"base"`
	System   schema.System `json:"system"`
	Closure  *ClosureLine  `json:"closure,omitempty"`
	// Packages are the names of the packages, with versions where their names have them.
	Packages     []string             `json:"packages"`
	Groups       []schema.Group       `json:"groups"`
	Users        []schema.User        `json:"users"`
	Directories  []schema.Directory   `json:"directories"`
	Files        []FileLine           `json:"files"`
	Units        []UnitLine           `json:"units"`
	Masks        []schema.UnitName    `json:"masks,omitempty"`
	Holds        []schema.PackageName `json:"holds,omitempty"`
	OSUpdates    *schema.OSUpdates    `json:"osUpdates,omitempty"`
	Reboot       *schema.RebootPolicy `json:"reboot,omitempty"`
	HealthChecks []schema.HealthCheck `json:"healthChecks,omitempty"`
	Hooks        []schema.Hook        `json:"hooks,omitempty"`
	Tasks        []schema.Task        `json:"tasks,omitempty"`
	Secrets      []schema.Secret      `json:"secrets,omitempty"`
}

// HostLine is a host with how it is reached.
type HostLine struct {
	Name       schema.HostName   `json:"name"`
	Connection schema.Connection `json:"connection"`
	Groups     []string          `json:"groups,omitempty"`
	Roles      []string          `json:"roles,omitempty"`
}

// ClosureLine is a closure in figures. Paths and Size (bytes of NAR) are 0 in a preview.
type ClosureLine struct {
	Path  schema.StorePath `json:"path"`
	Paths int              `json:"paths"`
	Size  int64            `json:"size"`
}

// FileLine is a file with what its change does.
type FileLine struct {
	schema.File
	// Size is the content's size in bytes; -1 where the content is in the closure or there is none.
	Size int `json:"size"`
	// Text is the content where it is text.
	Text     string            `json:"text,omitempty"`
	Restarts []schema.UnitName `json:"restarts,omitempty"`
	Reloads  []schema.UnitName `json:"reloads,omitempty"`
}

// UnitLine is a unit with what makes it restart.
type UnitLine struct {
	schema.Unit
	// Managed is false for a unit of the host's own that the restart map names.
	Managed bool `json:"managed"`
	// Text is the unit file.
	Text string `json:"text,omitempty"`
	// RestartsOn and ReloadsOn are the files whose change restarts or reloads it.
	RestartsOn []string `json:"restartsOn,omitempty"`
	ReloadsOn  []string `json:"reloadsOn,omitempty"`
}

// Summarize returns the plan's summary. The plan has been verified.
func Summarize(plan *schema.Plan) (*Summary, error) {
	s := &Summary{
		Digest: plan.Digest, Fleet: plan.Index.Fleet, Preview: plan.Index.Preview, TimeZone: plan.Index.TimeZone,
		Source: plan.Index.Source, Unsupported: plan.Unsupported(plan.Index.Hosts.Names()),
		Rollout: summarizeRollout(plan.Index.Rollout),
	}
	byManifest := map[schema.Digest]int{}
	for _, name := range plan.Index.Hosts.Names() {
		host := plan.Index.Hosts[name]
		at, seen := byManifest[host.Manifest]
		if !seen {
			kind, err := summarizeManifest(plan, host.Manifest)
			if err != nil {
				return nil, err
			}
			at = len(s.Kinds)
			byManifest[host.Manifest] = at
			s.Kinds = append(s.Kinds, kind)
		}
		s.Kinds[at].Hosts = append(s.Kinds[at].Hosts, HostLine{name, host.Connection, host.Groups, host.Roles})
	}
	return s, nil
}

func summarizeManifest(plan *schema.Plan, digest schema.Digest) (Kind, error) {
	m := plan.Manifests[digest]
	kind := Kind{
		Manifest: digest, Base: m.Base, System: m.System, Packages: []string{},
		Groups: m.Groups, Users: m.Users, Directories: m.Directories, Masks: m.Masks, Holds: m.Holds,
		OSUpdates: m.OSUpdates, Reboot: m.Reboot, HealthChecks: m.HealthChecks, Hooks: m.Hooks, Tasks: m.Tasks, Secrets: m.Secrets,
	}
	for _, p := range m.Packages {
		kind.Packages = append(kind.Packages, p.Name())
	}
	slices.Sort(kind.Packages)
	var err error
	if kind.Closure, err = summarizeClosure(plan, m.Closure); err != nil {
		return Kind{}, err
	}
	if kind.Files, err = summarizeFiles(plan, &m); err != nil {
		return Kind{}, err
	}
	kind.Units, err = summarizeUnits(plan, &m)
	return kind, err
}

func summarizeClosure(plan *schema.Plan, closure *schema.Closure) (*ClosureLine, error) {
	if closure == nil {
		return nil, nil
	}
	line := &ClosureLine{Path: closure.Path}
	if plan.Index.Preview {
		return line, nil
	}
	entries, err := schema.ClosureOf(closure.Path, plan.StorePaths)
	for _, entry := range entries {
		line.Paths++
		line.Size += entry.NarSize
	}
	return line, err
}

func summarizeFiles(plan *schema.Plan, m *schema.Manifest) ([]FileLine, error) {
	lines := make([]FileLine, 0, len(m.Files))
	for _, file := range m.Files {
		line := FileLine{File: file, Size: -1}
		if file.Payload != "" {
			content, err := plan.Payloads[file.Payload].Bytes()
			if err != nil {
				return nil, err
			}
			line.Size = len(content)
			if text := plan.Payloads[file.Payload].Text; text != nil {
				line.Text = *text
			}
		}
		for _, rule := range m.Restarts {
			if slices.Contains(rule.Restart, file.Path) {
				line.Restarts = append(line.Restarts, rule.Unit)
			}
			if slices.Contains(rule.Reload, file.Path) {
				line.Reloads = append(line.Reloads, rule.Unit)
			}
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func summarizeUnits(plan *schema.Plan, m *schema.Manifest) ([]UnitLine, error) {
	lines := make([]UnitLine, 0, len(m.Units))
	at := map[schema.UnitName]int{}
	for _, unit := range m.Units {
		content, err := plan.Payloads[unit.Payload].Bytes()
		if err != nil {
			return nil, err
		}
		at[unit.Name] = len(lines)
		lines = append(lines, UnitLine{Unit: unit, Managed: true, Text: string(content)})
	}
	for _, rule := range m.Restarts {
		i, managed := at[rule.Unit]
		if !managed {
			i = len(lines)
			lines = append(lines, UnitLine{Unit: schema.Unit{Name: rule.Unit}})
		}
		lines[i].RestartsOn, lines[i].ReloadsOn = rule.Restart, rule.Reload
	}
	slices.SortFunc(lines, func(a, b UnitLine) int { return cmp.Compare(a.Name, b.Name) })
	return lines, nil
}

// Select keeps only these hosts.
func (s *Summary) Select(hosts []schema.HostName) {
	chosen := make(map[schema.HostName]bool, len(hosts))
	for _, name := range hosts {
		chosen[name] = true
	}
	s.only = chosen
	for i := range s.Unsupported {
		s.Unsupported[i].Hosts = slices.DeleteFunc(s.Unsupported[i].Hosts, func(host schema.HostName) bool { return !chosen[host] })
	}
	s.Unsupported = slices.DeleteFunc(s.Unsupported, func(u schema.Unsupported) bool { return len(u.Hosts) == 0 })
	for i := range s.Kinds {
		s.Kinds[i].Hosts = slices.DeleteFunc(s.Kinds[i].Hosts, func(h HostLine) bool { return !chosen[h.Name] })
	}
	s.Kinds = slices.DeleteFunc(s.Kinds, func(k Kind) bool { return len(k.Hosts) == 0 })
}
