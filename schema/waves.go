package schema

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Waves are the waves of a rollout in order.
type Waves []Wave

// Wave is a set of hosts between two gates. A wave is over when its hosts are as
// the plan says and their health checks passed, soaked, and passed again.
type Wave struct {
	// Name tells waves apart: "all", "canary", "web 50%", ….
	Name string `json:"name"`
	// Hosts are the wave's hosts in the order in which they are taken. Three or more
	// whose numbers follow each other stand as a range; a reader refuses any other form.
	Hosts HostList `json:"hosts"`
	// Soak is how long the wave is watched between its two rounds of health checks: a
	// Go duration. Absent: there is one round and no wait.
	Soak string `json:"soak,omitempty"`
	// FailureBudget is how many of its hosts may fail. With one more nothing more starts,
	// at once. Absent: the wave is finished, and no other starts where any host failed.
	FailureBudget *int `json:"failureBudget,omitempty"`
	// OnFailure is what becomes of hosts that changed when the rollout halts in this wave
	// or at the gate after it. Absent: halt.
	OnFailure OnFailure `json:"onFailure,omitempty"`
	// Offline is what a host is that cannot be reached. Absent: fail.
	Offline Offline `json:"offline,omitempty"`
}

// OnFailure is what becomes of hosts that changed when a rollout fails.
type OnFailure string

// What a failure means. Whatever it is, a host whose own change failed undoes it.
const (
	// Halt: nothing more starts, and hosts stay as they are.
	Halt OnFailure = "halt"
	// RollbackHost: a host that failed, its health checks included, goes back to what it
	// was before the run, whether the rollout halts or not.
	RollbackHost OnFailure = "rollback-host"
	// RollbackWave: where the rollout halts, so do all hosts of the wave.
	RollbackWave OnFailure = "rollback-wave"
	// RollbackAll: where the rollout halts, so do all hosts of the run, the last wave first.
	RollbackAll OnFailure = "rollback-all"
)

// Offline is what a host is that cannot be reached.
type Offline string

// What a host is that cannot be reached.
const (
	// OfflineFail: it failed, and counts against the budgets.
	OfflineFail Offline = "fail"
	// OfflineHold: it is held for a later execution, and counts as no failure.
	OfflineHold Offline = "hold"
)

// HostList is a list of hosts. In JSON it stands as [HostRange]s.
type HostList []HostName

// UnmarshalJSON refuses waves of more hosts than there can be before it reads them.
func (w *Waves) UnmarshalJSON(data []byte) error {
	return w.ReadWire(data, func(target any) error { return Decode(data, target) })
}

// ReadWire reads the waves if they do not have too many hosts.
func (w *Waves) ReadWire(raw []byte, decode func(target any) error) error {
	if err := boundHosts(raw, "waves"); err != nil {
		return err
	}
	return decode((*[]Wave)(w))
}

// boundHosts refuses lists with more hosts than there can be, without reading them.
func boundHosts(raw []byte, what string) error {
	var sets []struct{ Hosts hostCount }
	if err := json.Unmarshal(raw, &sets); err != nil {
		return err
	}
	all := 0
	for _, set := range sets {
		if all += int(set.Hosts); all > maxHosts {
			return fmt.Errorf("the %s have more than %d hosts, and no plan has", what, maxHosts)
		}
	}
	return nil
}

// hostCount counts the hosts of a list without reading it; of a list that stands
// twice, all.
type hostCount int

func (c *hostCount) UnmarshalJSON(data []byte) error {
	var list []HostRange
	err := json.Unmarshal(data, &list)
	for _, r := range list {
		*c += hostCount(r.count())
	}
	return err
}

// MarshalJSON writes the list with ranges.
func (l HostList) MarshalJSON() ([]byte, error) { return Canonical(l) }

// WireValue returns the list as ranges.
func (l HostList) WireValue() any { return RangesOf(l) }

// UnmarshalJSON reads a list and refuses every form but the one that MarshalJSON writes.
func (l *HostList) UnmarshalJSON(data []byte) error {
	return l.ReadWire(data, func(target any) error { return Decode(data, target) })
}

// ReadWire reads ranges and checks that they are in the one form that is written.
func (l *HostList) ReadWire(_ []byte, decode func(target any) error) error {
	var given []HostRange
	if err := decode(&given); err != nil {
		return err
	}
	hosts := HostList{}
	for _, r := range given {
		more, err := r.expand()
		if err != nil {
			return err
		}
		hosts = append(hosts, more...)
	}
	if written := RangesOf(hosts); !slices.Equal(written, given) {
		return fmt.Errorf("hosts are not written as they must be: expected %q, found %q", firstOther(written, given), firstOther(given, written))
	}
	*l = hosts
	return nil
}

// firstOther returns the first range of a list that stands otherwise in the other.
func firstOther(list, other []HostRange) HostRange {
	for i, r := range list {
		if i >= len(other) || other[i] != r {
			return r
		}
	}
	return ""
}
