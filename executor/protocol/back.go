package protocol

import (
	"regexp"

	"github.com/nixfleet/nixfleet/schema"
)

// BackRequest says what a host goes back to. One field is set.
type BackRequest struct {
	// To is "previous", a generation's number, or the beginning of the digest of a
	// manifest or plan: at least eight digits.
	To string `json:"to,omitempty"`
	// Release takes the host back to before its first apply.
	Release bool `json:"release,omitempty"`
}

// BackReply says what that means on the host.
type BackReply struct {
	// Generation is the one to restore; absent for a release.
	Generation *schema.KeptGeneration `json:"generation,omitempty"`
	// Nothing says that there is nothing to change; for a release, that nothing is
	// managed any more and the helper can leave.
	Nothing bool `json:"nothing,omitempty"`
	// Changes are what the transaction would change, in order.
	Changes []schema.Change `json:"changes"`
	// ConfirmWindow is how long it would wait to be confirmed: a Go duration.
	ConfirmWindow string `json:"confirmWindow,omitempty"`
	// Closure are the store paths of what would be restored, in an observation.
	Closure []schema.PathEntry `json:"closure,omitempty"`
}

// LeaveRequest removes NixFleet from the host.
type LeaveRequest struct{}

// LeaveReply says what was removed.
type LeaveReply struct {
	Changes []schema.Change `json:"changes"`
}

func (*LeaveReply) endsSession() bool { return true }

// HistoryRequest asks what was done to the host.
type HistoryRequest struct {
	// Limit is how many changes to list, the newest; 0 asks for all.
	Limit int `json:"limit,omitempty"`
}

// HistoryReply lists it.
type HistoryReply struct {
	// Entries are changes that have ended, the newest first.
	Entries []schema.HistoryEntry `json:"entries"`
	// Generations are those that are kept, the newest first.
	Generations []schema.KeptGeneration `json:"generations"`
}

// toRE is what [BackRequest.To] looks like.
var toRE = regexp.MustCompile(`^(previous|[1-9][0-9]{0,6}|(sha256:)?[0-9a-f]{8,64})$`)

// IsTo reports whether text can be a [BackRequest.To].
func IsTo(text string) bool { return toRE.MatchString(text) }
