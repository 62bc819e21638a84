package schema

// ForecastKind and ForecastVersion head what `nixfleet plan --json` prints.
const (
	ForecastKind    = "nixfleet.forecast"
	ForecastVersion = 1
)

// Forecast is what an execution of a plan would do to hosts, as they were seen.
type Forecast struct {
	// Kind is always "nixfleet.forecast".
	Kind string `json:"kind"`
	// Version is the format's version, 1.
	Version int `json:"version"`
	// Fleet is the plan's fleet; empty when it has no name.
	Fleet string `json:"fleet,omitempty"`
	// Task is what would be done instead of the execution of a plan: "rollback to
	// previous", "release"; absent where there is a plan.
	Task string `json:"task,omitempty"`
	// Plan is the plan's digest; absent where there is none.
	Plan Digest `json:"plan,omitempty"`
	// Unsupported are settings of the plan that this version cannot carry out, for
	// which an execution would refuse.
	Unsupported []string `json:"unsupported,omitempty"`
	// Hosts are the hosts that were asked for.
	Hosts map[HostName]HostForecast `json:"hosts"`
}

// HostForecast is what an execution would do to one host.
type HostForecast struct {
	// Verdict sums it up.
	Verdict ForecastVerdict `json:"verdict"`
	// Error says why the host could not be asked; absent where it was.
	Error string `json:"error,omitempty"`
	// Hint is what to type or do about the error; may be absent.
	Hint string `json:"hint,omitempty"`
	// Refusals are the reasons for which an execution would refuse. Then the rest
	// may be incomplete.
	Refusals []ForecastRefusal `json:"refusals,omitempty"`
	// Changes are what would be changed, in order, with the reason: accounts, files,
	// directories, units that stop, start, restart or reload, the profile.
	Changes []Change `json:"changes"`
	// Files tell more of those changes that are of files, links, directories and units' texts.
	Files []FileForecast `json:"files,omitempty"`
	// Packages are what is different between the closures, by package.
	Packages []PackageChange `json:"packages,omitempty"`
	// Copy is what would be brought to the host; absent where nothing would.
	Copy *CopyForecast `json:"copy,omitempty"`
	// Drift is what is not as it was applied last: an execution puts it as the plan says.
	Drift []Drift `json:"drift,omitempty"`
	// Notes are lines for people: what would be left alone, and why.
	Notes []string `json:"notes,omitempty"`
}

// ForecastVerdict sums up what an execution would do to a host.
type ForecastVerdict string

// The verdicts.
const (
	// WouldNothing: the host is as the plan says.
	WouldNothing ForecastVerdict = "unchanged"
	// WouldChange: the host would be changed.
	WouldChange ForecastVerdict = "changes"
	// WouldRefuse: something is in the way.
	WouldRefuse ForecastVerdict = "refused"
	// NotAsked: the host could not be asked.
	NotAsked ForecastVerdict = "unknown"
)

// ForecastRefusal is a reason not to touch a host.
type ForecastRefusal struct {
	// Message says what is in the way, with expected and found.
	Message string `json:"message"`
	// Hint is what to type or do; may be absent.
	Hint string `json:"hint,omitempty"`
}

// FileForecast is what would become of one path.
type FileForecast struct {
	// Path is the file's, link's or directory's.
	Path string `json:"path"`
	// Action is what would happen to it.
	Action Action `json:"action"`
	// Unit is the unit whose text the file is; absent for other files.
	Unit UnitName `json:"unit,omitempty"`
	// Live is what is there, and Wanted what the plan has; absent where there is nothing.
	Live   *FileSide `json:"live,omitempty"`
	Wanted *FileSide `json:"wanted,omitempty"`
	// Edited says that the content there is not the one that was applied: somebody
	// changed it on the host.
	Edited bool `json:"edited,omitempty"`
	// EditDiff is what somebody changed, as a unified difference from what was applied.
	EditDiff string `json:"editDiff,omitempty"`
	// Diff is the unified difference from what is there to what the plan has.
	Diff string `json:"diff,omitempty"`
	// Withheld says why there is no difference of contents that are different:
	// "sensitive", "binary", "large" or "not at hand"; absent otherwise.
	Withheld string `json:"withheld,omitempty"`
}

// FileSide is what stands at a path, or shall.
type FileSide struct {
	// Type is "file", "directory", "symbolic link" or "special file".
	Type string `json:"type"`
	// Mode, Owner and Group are the file's or directory's.
	Mode  Mode   `json:"mode,omitempty"`
	Owner string `json:"owner,omitempty"`
	Group string `json:"group,omitempty"`
	// Target is where a symbolic link points.
	Target string `json:"target,omitempty"`
	// Digest is of a file's content; absent where it is not known.
	Digest Digest `json:"digest,omitempty"`
	// Size is the content's in bytes; 0 where it is not known.
	Size int64 `json:"size,omitempty"`
}

// PackageChange is one package whose paths are different between two closures.
type PackageChange struct {
	// Name is the package's, as the names of its store paths begin.
	Name string `json:"name"`
	// Old and New are its versions, without those that are in both; "" stands for a
	// path that has none.
	Old []string `json:"old"`
	New []string `json:"new"`
	// OldSize and NewSize are the bytes of the paths that go and that come.
	OldSize int64 `json:"oldSize"`
	NewSize int64 `json:"newSize"`
}

// CopyForecast is what would be brought to a host.
type CopyForecast struct {
	// Paths are the store paths that the host lacks, and PathBytes their size.
	Paths     []StorePath `json:"paths"`
	PathBytes int64       `json:"pathBytes"`
	// Payloads is the number of texts that the host lacks, and PayloadBytes their size.
	Payloads     int   `json:"payloads"`
	PayloadBytes int64 `json:"payloadBytes"`
}
