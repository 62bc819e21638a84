// Package status judges the condition of hosts from what they report, and shows it: as a
// table, for Prometheus, or as a page for a wall screen. It contacts no host.
package status

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// When something wants a look, and when it is broken.
const (
	skewToTell = 5 * time.Second
	// A disk wants a look with less than a tenth free, unless that is plenty; with
	// next to nothing free the next change fails.
	diskPlenty  = 10e9
	diskTenth   = 10
	diskNothing = 100e6
)

// New returns a status without hosts yet.
func New(fleet string, plan schema.Digest, at time.Time) *schema.Status {
	return &schema.Status{
		Kind: schema.StatusKind, Version: schema.StatusVersion, At: at.UTC().Truncate(time.Second), Fleet: fleet, Plan: plan,
		Hosts: map[schema.HostName]schema.HostStatus{},
	}
}

// Host judges one host. Wanted is the manifest that a plan has for it; empty
// where there is no plan.
func Host(seen executor.Seen, wanted schema.Digest) schema.HostStatus {
	j := &judge{HostStatus: schema.HostStatus{Condition: schema.Well, Because: []string{}, Wanted: wanted, Seconds: seen.Seconds}}
	if seen.Err != nil {
		j.Error, j.Hint = splitHint(seen.Err)
		j.Condition = schema.Unseen
		if seen.Unreachable {
			j.Condition = schema.Unreachable
		}
		j.Because = append(j.Because, human.FirstLine(j.Error))
		return j.HostStatus
	}
	o := seen.Observation
	j.Observation, j.ClockSkewSeconds = o, math.Round(seen.Skew.Seconds()*10)/10+0 // no -0
	j.identity(seen.Host, o)
	j.units(o)
	j.work(o)
	j.disks(o)
	j.plan(o, wanted)
	j.drift(o)
	if o.Reboot.Needed {
		j.attend("a reboot is needed: %s", strings.Join(o.Reboot.Because, ", "))
	}
	if seen.Skew.Abs() > skewToTell {
		j.attend("its clock is %s", skewText(seen.Skew))
	}
	for _, problem := range o.Problems {
		j.attend("could not be seen: %s", problem)
	}
	return j.HostStatus
}

// judge collects reasons; what is broken comes before what wants a look.
type judge struct {
	schema.HostStatus
	broken int // that many of the reasons
}

func (j *judge) fail(format string, args ...any) {
	j.Condition = schema.Failing
	j.Because = slices.Insert(j.Because, j.broken, fmt.Sprintf(format, args...))
	j.broken++
}

func (j *judge) attend(format string, args ...any) {
	if j.Condition == schema.Well {
		j.Condition = schema.Attention
	}
	j.Because = append(j.Because, fmt.Sprintf(format, args...))
}

func (j *judge) note(format string, args ...any) {
	j.Notes = append(j.Notes, fmt.Sprintf(format, args...))
}

func (j *judge) identity(name schema.HostName, o *schema.Observation) {
	switch {
	case o.Applied == nil:
		j.attend("nothing was applied yet")
	case o.Name != "" && o.Name != name:
		j.fail("it was applied as %s: is this the right host?", o.Name)
	}
}

func (j *judge) units(o *schema.Observation) {
	for _, u := range o.Units {
		if u.Unwell != "" {
			j.fail("unit %s: %s", u.Name, u.Unwell)
		}
	}
}

// work tells of changes that are under way, interrupted, or ended badly.
func (j *judge) work(o *schema.Observation) {
	switch u := o.Unfinished; {
	case u != nil && u.Failure != "":
		j.fail("a change of run %s, by %s, could not be undone: %s", u.Run, u.Operator, human.FirstLine(u.Failure))
	case u != nil && u.State == "interrupted":
		j.fail("a change of run %s, by %s, was interrupted%s", u.Run, u.Operator, during(u.Phase))
	case u != nil && u.State == "live":
		j.note("it is being changed by run %s, by %s%s", u.Run, u.Operator, during(u.Phase))
	case u != nil:
		j.attend("a change of run %s, by %s, %s", u.Run, u.Operator, u.State)
	case o.Lease != nil:
		j.note("run %s, by %s, is at work on it", o.Lease.Run, o.Lease.Operator)
	}
	last := o.LastChange
	if last == nil || o.Applied != nil && last.At.Before(o.Applied.At) {
		return
	}
	text := fmt.Sprintf("of run %s, by %s, %s ago: %s", last.Run, last.Operator, human.Age(o.At.Sub(last.At)), human.FirstLine(last.Message))
	switch last.Outcome {
	case "rolled-back":
		j.attend("the last change was rolled back, %s", text)
	case "failed":
		j.fail("the last change failed, %s", text)
	}
}

func during(phase schema.Stage) string {
	if phase == "" {
		return ""
	}
	return " (" + string(phase) + ")"
}

func (j *judge) disks(o *schema.Observation) {
	for _, disk := range o.Disks {
		text := fmt.Sprintf("%s has %s free of %s", strings.Join(disk.Paths, ", "), human.Bytes(disk.Free), human.Bytes(disk.Size))
		switch {
		case disk.Free < diskNothing:
			j.fail("%s", text)
		case disk.Free < disk.Size/diskTenth && disk.Free < diskPlenty:
			j.attend("%s", text)
		}
	}
}

func (j *judge) plan(o *schema.Observation, wanted schema.Digest) {
	if wanted == "" {
		return
	}
	planned := o.Applied != nil && o.Applied.Manifest == wanted
	if !planned && o.Applied != nil {
		j.attend("the plan has another manifest for it: wanted %s, applied %s", wanted.Short(), o.Applied.Manifest.Short())
	}
	for _, drift := range o.Drift {
		planned = planned && drift.Stays
	}
	if !planned || len(o.Problems) == 0 { // what was not seen whole may be anything
		j.AsPlanned = &planned
	}
}

func (j *judge) drift(o *schema.Observation) {
	if o.Unfinished != nil && len(o.Drift) > 0 { // nobody did that by hand
		tell := j.attend
		if o.Unfinished.State == "live" {
			tell = j.note
		}
		tell("%s not as applied, since the change is not finished", human.Count(len(o.Drift), "managed object"))
		return
	}
	told := map[string]bool{} // as units
	for _, u := range o.Units {
		told[string(u.Name)] = u.Unwell != ""
	}
	for _, drift := range o.Drift {
		if drift.Kind == "unit" && told[drift.Object] && len(drift.Differences) == 1 && drift.Differences[0].Property == schema.PropertyActive {
			continue
		}
		text := "drift: " + drift.String()
		if drift.Stays {
			text += " (an execution leaves it)"
		}
		j.attend("%s", text)
	}
}

func skewText(skew time.Duration) string {
	if skew < 0 {
		return human.Age(-skew) + " behind"
	}
	return human.Age(skew) + " ahead"
}

// splitHint takes the hint off an error.
func splitHint(err error) (message, hint string) {
	message, hint, _ = strings.Cut(strings.TrimRight(err.Error(), "\n"), "\nhint: ")
	return message, strings.ReplaceAll(hint, "\nhint: ", "\n")
}

// order are the conditions, the worst first.
var order = []schema.Condition{schema.Unreachable, schema.Unseen, schema.Failing, schema.Attention, schema.Well}

// Counts returns how many hosts are in which condition.
func Counts(s *schema.Status) map[schema.Condition]int {
	counts := map[schema.Condition]int{}
	for _, host := range s.Hosts {
		counts[host.Condition]++
	}
	return counts
}

// Fine reports whether every host could be asked and nothing on any is broken.
func Fine(s *schema.Status) bool {
	counts := Counts(s)
	return counts[schema.Unreachable]+counts[schema.Unseen]+counts[schema.Failing] == 0
}
