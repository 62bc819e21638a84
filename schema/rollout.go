package schema

// Rollout is the frozen order of an execution: which hosts when, how many at once,
// what must hold between two waves and what a failure means. All amounts are
// numbers of hosts, all durations Go durations.
type Rollout struct {
	// Name is the named policy that was compiled; absent for the fleet's own. For display.
	Name string `json:"name,omitempty"`
	// MaxParallel is the number of hosts at work at the same time, at least 1. A host is
	// at work from its first change to the end of its health checks, a reboot included.
	MaxParallel int `json:"maxParallel"`
	// Limits bound, over the whole rollout, how many hosts of a set are at work at once.
	// A host that a limit does not let begin is passed over until it may.
	Limits []Limit `json:"limits,omitempty"`
	// Budgets bound how many hosts may fail over the whole rollout. With one more
	// failure nothing more starts, at once.
	Budgets []Budget `json:"budgets,omitempty"`
	// Gate is asked before the first wave and after the soak of each, the last one too.
	Gate *Gate `json:"gate,omitempty"`
	// Waves are taken one after the other. Every host is in exactly one.
	Waves Waves `json:"waves"`
	// Reboots are of the hosts that may reboot; absent where none may.
	Reboots *Reboots `json:"reboots,omitempty"`
}

// Limit bounds how many hosts of a set are at work at once. Its set is the hosts of
// the group, or all; with a tag, those of them that have the same value of the tag,
// for each value by itself.
type Limit struct {
	// Group is the group whose hosts are bounded; absent for all hosts of the plan.
	Group string `json:"group,omitempty"`
	// Tag is the tag over whose values work is spread. Hosts without it are free.
	Tag string `json:"tag,omitempty"`
	// MaxParallel is the number of hosts, at least 1.
	MaxParallel int `json:"maxParallel"`
}

// Set returns which of the limit's sets a host is in; hosts of equal sets count
// together. It is false for a host that the limit does not concern.
func (l Limit) Set(host Host) (string, bool) {
	if l.Group != "" && !host.InGroup(l.Group) {
		return "", false
	}
	if l.Tag == "" {
		return "", true
	}
	value, tagged := host.Tags[l.Tag]
	return value, tagged
}

// Budget bounds how many hosts may fail.
type Budget struct {
	// Group is the group whose hosts count; absent for all hosts of the plan.
	Group string `json:"group,omitempty"`
	// Hosts is how many may fail.
	Hosts int `json:"hosts"`
}

// Gate is a command that says whether the rollout may go on. It runs on the controller.
type Gate struct {
	// Command is a command for sh; the gate is open where it exits with 0.
	Command string `json:"command"`
	// Interval and Timeout are Go durations: between two attempts, and for one.
	Interval string `json:"interval"`
	Timeout  string `json:"timeout"`
	// Retries is how often it is asked again before it counts as closed, which halts
	// the rollout as a failure in the wave before it would.
	Retries int `json:"retries"`
}

// Reboots say which hosts may reboot in a rollout, when, and how many at once. The
// limits of the rollout hold beside those here.
type Reboots struct {
	// MaxConcurrent is how many hosts may be down at once in all, at least 1.
	MaxConcurrent int `json:"maxConcurrent"`
	// Limits bound sets of hosts further.
	Limits RebootLimits `json:"limits,omitempty"`
	// Waves are the hosts that may reboot, by wave of the rollout and by window. Every
	// such host is in exactly one.
	Waves RebootWaves `json:"waves"`
}

// RebootLimits are limits of reboots.
type RebootLimits []RebootLimit

// RebootLimit bounds how many hosts of a set may be down at once, over the whole
// rollout and over all controllers.
type RebootLimit struct {
	// Group is the group that the hosts have in common; absent for all hosts of the plan.
	Group string `json:"group,omitempty"`
	// Hosts are the hosts that count: those of the group that may reboot and ask for the limit.
	Hosts HostList `json:"hosts"`
	// MaxConcurrent is the number of hosts, at least 1.
	MaxConcurrent int `json:"maxConcurrent"`
}

// RebootWaves are waves of reboots.
type RebootWaves []RebootWave

// RebootWave is the hosts of a wave that may reboot at the same times. They reboot
// after their change and before the wave's checks, in this order as limits allow.
type RebootWave struct {
	// Wave is the name of the rollout's wave.
	Wave string `json:"wave"`
	// Hosts are the hosts.
	Hosts HostList `json:"hosts"`
	// Windows are when, in the plan's zone; see [ParseWindow]. None: at any time.
	Windows []string `json:"windows,omitempty"`
	// Deadline is how long a host may take to come back: a Go duration.
	Deadline string `json:"deadline"`
	// Stability is how long it is watched then, before anything else is asked of it: no
	// unit may have failed that had not before. A Go duration.
	Stability string `json:"stability"`
}

// UnmarshalJSON refuses limits of more hosts than there can be before it reads them.
func (l *RebootLimits) UnmarshalJSON(data []byte) error {
	return l.ReadWire(data, func(target any) error { return Decode(data, target) })
}

// ReadWire reads the limits if they do not have too many hosts.
func (l *RebootLimits) ReadWire(raw []byte, decode func(target any) error) error {
	if err := boundHosts(raw, "limits of reboots"); err != nil {
		return err
	}
	return decode((*[]RebootLimit)(l))
}

// UnmarshalJSON refuses waves of more hosts than there can be before it reads them.
func (w *RebootWaves) UnmarshalJSON(data []byte) error {
	return w.ReadWire(data, func(target any) error { return Decode(data, target) })
}

// ReadWire reads the waves if they do not have too many hosts.
func (w *RebootWaves) ReadWire(raw []byte, decode func(target any) error) error {
	if err := boundHosts(raw, "waves of reboots"); err != nil {
		return err
	}
	return decode((*[]RebootWave)(w))
}
