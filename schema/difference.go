package schema

// DifferenceKind and DifferenceVersion head what `nixfleet diff --json` prints.
const (
	DifferenceKind    = "nixfleet.difference"
	DifferenceVersion = 2
)

// PlanDifference is what is different between two plans, and what an execution of the
// new one does to hosts that are as the old one says.
type PlanDifference struct {
	// Kind is always "nixfleet.difference".
	Kind string `json:"kind"`
	// Version is the format's version, 2.
	Version int `json:"version"`
	// Same says that nothing is different. Plans with one digest are the same.
	Same bool `json:"same"`
	// Old and New are the two plans.
	Old PlanSide `json:"old"`
	New PlanSide `json:"new"`
	// Notices are what nobody should overlook, the gravest first.
	Notices []Notice `json:"notices,omitempty"`
	// Groups are the hosts that are different, those to which the same happens
	// together; first those that change, then those that come, then those that leave.
	Groups []HostDifference `json:"groups"`
	// Unchanged are the hosts to which nothing happens and of which nothing is different.
	Unchanged HostList `json:"unchanged"`
	// Waves are those of the new plan, with what they have to do.
	Waves []WaveDifference `json:"waves"`
	// Moves are hosts that come in another wave than before.
	Moves []WaveMove `json:"moves,omitempty"`
	// Reboots are hosts that may reboot otherwise than before.
	Reboots []RebootMove `json:"reboots,omitempty"`
	// Rollout are the other differences of the order of the execution: waves' terms,
	// limits, budgets, gates.
	Rollout []PlannedChange `json:"rollout,omitempty"`
	// Fleet are the differences of what is of no host by itself: the fleet's name and
	// time zone, its source, the library, the helpers.
	Fleet []PlannedChange `json:"fleet,omitempty"`
	// Unknown are what cannot be told of these two plans, and why.
	Unknown []string `json:"unknown,omitempty"`
}

// PlanSide is one of two plans that are compared.
type PlanSide struct {
	// Digest is the plan's.
	Digest Digest `json:"digest"`
	// Fleet is the fleet's name; empty when it has none.
	Fleet string `json:"fleet,omitempty"`
	// Preview says that the plan's closures were not built.
	Preview bool `json:"preview,omitempty"`
	// Revision is the git commit that was compiled, when the tree was clean.
	Revision string `json:"revision,omitempty"`
	// Hosts is the number of its hosts.
	Hosts int `json:"hosts"`
	// MaxParallel is how many of them are at work at the same time.
	MaxParallel int `json:"maxParallel"`
}

// Notice is something that nobody should overlook.
type Notice struct {
	// Level is how grave it is.
	Level NoticeLevel `json:"level"`
	// Text says what it is.
	Text string `json:"text"`
	// Hosts are the hosts that it concerns; absent where it is of the whole plan.
	Hosts HostList `json:"hosts,omitempty"`
}

// NoticeLevel is how grave a notice is.
type NoticeLevel string

// The levels.
const (
	// NoticeViolation: a policy of the fleet forbids it.
	NoticeViolation NoticeLevel = "violation"
	// NoticeRefusal: an execution will refuse because of it.
	NoticeRefusal NoticeLevel = "refusal"
	// NoticeCaution: it takes something away, opens something, or is easily got wrong.
	NoticeCaution NoticeLevel = "caution"
	// NoticeRemark: it is good to know.
	NoticeRemark NoticeLevel = "remark"
)

// HostDifference is what is different of hosts that are told of together.
type HostDifference struct {
	// Hosts are the hosts, by their names in the new plan; of hosts that leave, in the old.
	Hosts HostList `json:"hosts"`
	// What becomes of them as members of the plan.
	What Membership `json:"what"`
	// OldNames are the names that renamed hosts had, in the order of Hosts.
	OldNames HostList `json:"oldNames,omitempty"`
	// Like is a host that hosts which come are like, but for their own names and
	// addresses; absent where there is none.
	Like HostName `json:"like,omitempty"`
	// Changes are what happens to each of the hosts, in the order of an execution, and
	// what is declared otherwise for it.
	Changes []PlannedChange `json:"changes"`
	// Packages are what is different between the closures, by package.
	Packages []PackageChange `json:"packages,omitempty"`
}

// Membership is what became of a host as a member of a plan.
type Membership string

// What becomes of hosts.
const (
	// HostDiffers: it is in both plans, and something of it is different.
	HostDiffers Membership = "changes"
	// HostRenamed: it is in both, under another name: the address is the same.
	HostRenamed Membership = "renamed"
	// HostComes: it is in the new plan only.
	HostComes Membership = "comes"
	// HostLeaves: it is in the old plan only. An execution leaves it as it is.
	HostLeaves Membership = "leaves"
)

// PlannedChange is one change of hosts that are as the old plan says.
type PlannedChange struct {
	Change
	// Fields are the properties that differ. They have no values where these are long or
	// not the same on all hosts.
	Fields []Difference `json:"fields,omitempty"`
	// Condition says when it happens: "if it runs"; absent where it surely does.
	Condition string `json:"condition,omitempty"`
	// Note says more of it.
	Note string `json:"note,omitempty"`
	// Refused says that a host in that state refuses the plan because of it.
	Refused bool `json:"refused,omitempty"`
	// Inert says that nothing happens on the host now: it is declared otherwise.
	Inert bool `json:"inert,omitempty"`
	// Texts are the contents; more than one where they are not the same on all hosts.
	Texts []TextDifference `json:"texts,omitempty"`
}

// TextDifference is a difference of contents.
type TextDifference struct {
	// Hosts are the hosts that have it; absent where all hosts of the group do.
	Hosts HostList `json:"hosts,omitempty"`
	// Own says that it is shown as it is on the first of the hosts; on the others it is
	// the same but for the host's own name and address.
	Own bool `json:"own,omitempty"`
	// Detail is the change's detail on these hosts, where it is not the same on all.
	Detail string `json:"detail,omitempty"`
	// Diff is the unified difference.
	Diff string `json:"diff,omitempty"`
	// Withheld says why there is none: "binary", "large", "in the closure" or "secret".
	Withheld string `json:"withheld,omitempty"`
}

// WaveDifference is a wave of the new plan.
type WaveDifference struct {
	// Name is the wave's.
	Name string `json:"name"`
	// Hosts are its hosts, in the order in which they are taken.
	Hosts HostList `json:"hosts"`
	// Terms say in words what holds for it: "soak 5m, no host may fail".
	Terms string `json:"terms,omitempty"`
	// Changing are those of them to which something happens.
	Changing HostList `json:"changing,omitempty"`
}

// WaveMove is hosts that come in another wave than before.
type WaveMove struct {
	// Hosts are the hosts.
	Hosts HostList `json:"hosts"`
	// From and To are the names of the waves.
	From string `json:"from"`
	To   string `json:"to"`
}

// RebootMove is hosts that may reboot otherwise than before. A host that may not
// has an empty text.
type RebootMove struct {
	// Hosts are the hosts.
	Hosts HostList `json:"hosts"`
	// From and To say in words when they may reboot.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}
