package protocol

import (
	"regexp"

	"github.com/nixfleet/nixfleet/schema"
)

const (
	// OpBack prepares, in the place of [OpPrepare], a transaction that needs nothing
	// but the host: a rollback to one of its generations, or its release. [OpBegin]
	// begins it. It may be repeated, and changes nothing.
	OpBack Op = "back"
	// OpLeave ends NixFleet's presence on a host that has nothing managed any more:
	// state, profile, recovery unit and, last, the helper itself. It may be repeated as
	// long as the helper is there, and the session ends with the reply.
	OpLeave Op = "leave"
	// OpHistory tells what was done to the host and which generations it keeps. Like
	// [OpObserve] it needs no hello, takes no lock and changes nothing.
	OpHistory Op = "history"
)

// Back says where a host shall go back to. One field is set.
type Back struct {
	// To is "previous", a generation's number, or the beginning of the digest of a
	// manifest or plan: eight digits at least.
	To string `json:"to,omitempty"`
	// Release takes the host back to before its first apply.
	Release bool `json:"release,omitempty"`
}

// BackReply says what that is here.
type BackReply struct {
	// Generation is the one that comes back; absent for a release.
	Generation *schema.KeptGeneration `json:"generation,omitempty"`
	// Nothing says that the host is that already; of a release, that nothing is
	// managed any more and the host can be left.
	Nothing bool `json:"nothing,omitempty"`
	// Changes are what the transaction would change, in order.
	Changes []schema.Change `json:"changes"`
	// ConfirmWindow is how long it would wait to be confirmed: a Go duration.
	ConfirmWindow string `json:"confirmWindow,omitempty"`
	// Closure are the store paths of what comes back, where the host was only looked at.
	Closure []schema.PathEntry `json:"closure,omitempty"`
}

// Leave asks for the end.
type Leave struct{}

// LeaveReply says what was removed.
type LeaveReply struct {
	Changes []schema.Change `json:"changes"`
}

// History asks what was done to the host.
type History struct {
	Version int `json:"version"`
	// Limit is how many changes are told of, the last ones; 0 asks for all.
	Limit int `json:"limit,omitempty"`
}

// HistoryReply tells it.
type HistoryReply struct {
	// Entries are changes that have ended, the newest first.
	Entries []schema.HistoryEntry `json:"entries"`
	// Generations are those that are kept, the newest first.
	Generations []schema.KeptGeneration `json:"generations"`
}

// toRE is what [Back.To] looks like.
var toRE = regexp.MustCompile(`^(previous|[1-9][0-9]{0,6}|(sha256:)?[0-9a-f]{8,64})$`)

// IsTo reports whether a text can be a [Back.To].
func IsTo(text string) bool { return toRE.MatchString(text) }
