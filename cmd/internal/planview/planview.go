// Package planview turns what hosts say that an execution would do to them into
// what people read before they let it: differences of files, units with the
// reason, packages by version. It decides nothing and asks nobody.
package planview

import (
	"errors"
	"strings"

	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Options say what is told.
type Options struct {
	// Sensitive tells contents of files that not everybody on the host may read.
	Sensitive bool
}

// New returns the forecast of a plan, without hosts yet.
func New(plan *schema.Plan, unsupported []schema.Unsupported) *schema.Forecast {
	f := &schema.Forecast{
		Kind: schema.ForecastKind, Version: schema.ForecastVersion, Fleet: plan.Index.Fleet, Plan: plan.Digest,
		Hosts: map[schema.HostName]schema.HostForecast{},
	}
	for _, u := range unsupported {
		f.Unsupported = append(f.Unsupported, u.String())
	}
	return f
}

// Host returns the forecast of one host.
func Host(plan *schema.Plan, seen executor.Seen, options Options) schema.HostForecast {
	host := schema.HostForecast{Verdict: schema.WouldNothing, Changes: []schema.Change{}}
	if seen.Err != nil {
		host.Verdict = schema.NotAsked
		host.Error, host.Hint = splitHint(seen.Err)
		return host
	}
	host.Drift = seen.Observation.Drift
	if seen.Observation.Unfinished != nil {
		host.Notes = append(host.Notes, unfinished(seen.Observation.Unfinished))
	}
	for _, problem := range seen.Observation.Problems {
		host.Notes = append(host.Notes, "could not be seen: "+problem)
	}
	manifest := plan.Manifests[plan.Index.Hosts[seen.Host].Manifest]
	if helper := plan.Index.Helpers[manifest.System]; helper != "" && helper != seen.Observation.Helper {
		host.Notes = append(host.Notes, "the helper would be replaced by the plan's: "+seen.Observation.Helper.Short()+" -> "+helper.Short())
	}
	proposal := seen.Proposal
	if proposal == nil {
		return host
	}
	host.Notes = append(host.Notes, proposal.Notes...)
	host.Changes = append(host.Changes, proposal.Changes...)
	for _, refusal := range proposal.Refusals {
		host.Refusals = append(host.Refusals, schema.ForecastRefusal{Message: refusal.Message, Hint: refusal.Hint})
	}
	for _, detail := range proposal.Files {
		host.Files = append(host.Files, file(plan, detail, options))
	}
	host.Packages = packageChanges(plan, proposal)
	host.Copy = copied(plan, proposal)
	switch {
	case len(host.Refusals) > 0:
		host.Verdict = schema.WouldRefuse
	case len(host.Changes) > 0 || host.Copy != nil && len(host.Copy.Paths) > 0:
		host.Verdict = schema.WouldChange
	}
	return host
}

func unfinished(u *schema.Unfinished) string {
	text := "the change of run " + u.Run + ", by " + u.Operator + ", is not finished: " + u.State
	if u.Phase != "" {
		text += " (" + string(u.Phase) + ")"
	}
	return text
}

// splitHint takes the hint off an error.
func splitHint(err error) (message, hint string) {
	var hints, lines []string
	for line := range strings.SplitSeq(strings.TrimRight(err.Error(), "\n"), "\n") {
		if text, isHint := strings.CutPrefix(line, "hint: "); isHint {
			hints = append(hints, text)
		} else {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n"), strings.Join(hints, "\n")
}

func copied(plan *schema.Plan, proposal *protocol.Proposal) *schema.CopyForecast {
	if len(proposal.MissingPaths)+len(proposal.MissingPayloads) == 0 {
		return nil
	}
	c := &schema.CopyForecast{Paths: append([]schema.StorePath{}, proposal.MissingPaths...), Payloads: len(proposal.MissingPayloads)}
	for _, path := range proposal.MissingPaths {
		c.PathBytes += plan.StorePaths[path].NarSize
	}
	for _, digest := range proposal.MissingPayloads {
		if content, err := plan.Payloads[digest].Bytes(); err == nil {
			c.PayloadBytes += int64(len(content))
		}
	}
	return c
}

// Verdict sums up all hosts: an error where a host could not be asked or would
// refuse, otherwise whether any would be changed.
func Verdict(f *schema.Forecast) (changes bool, err error) {
	var unknown, refused bool
	for _, host := range f.Hosts {
		switch host.Verdict {
		case schema.WouldChange:
			changes = true
		case schema.WouldRefuse:
			refused = true
		case schema.NotAsked:
			unknown = true
		}
	}
	switch {
	case unknown:
		return changes, errors.New("not every host could be asked")
	case refused || len(f.Unsupported) > 0:
		return changes, errors.New("an execution would refuse")
	}
	return changes, nil
}
