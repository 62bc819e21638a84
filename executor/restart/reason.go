package restart

// Reason is why a unit stops, starts, restarts or reloads.
type Reason struct {
	Cause Cause
	// Object is the path that changed, or the state in which the unit was found.
	Object string
}

// Cause is the kind of a reason.
type Cause int

// The causes.
const (
	Masked Cause = iota + 1
	Undeclared
	Disabled
	Enabled
	Found           // enabled, but in another state than running
	FileChanged     // the unit's own file
	FileUnread      // the unit's own file, which systemd has not read
	OriginalReturns // the operating system's unit that ours hid
	SocketStarts
	PathChanged
	PathRemoved
)

func (r Reason) String() string {
	switch r.Cause {
	case Masked:
		return "masked"
	case Undeclared:
		return "no longer declared"
	case Disabled:
		return "no longer enabled"
	case Enabled:
		return "enabled"
	case Found:
		return "found " + r.Object
	case FileChanged:
		return "its unit changed"
	case FileUnread:
		return "systemd has not read its unit"
	case OriginalReturns:
		return "its original is back"
	case SocketStarts:
		return "its socket starts again"
	case PathChanged:
		return r.Object + " changed"
	case PathRemoved:
		return r.Object + " was removed"
	}
	return ""
}

// Clause returns the reason as it follows "because".
func (r Reason) Clause() string {
	switch r.Cause {
	case Masked, Undeclared, Disabled, Enabled:
		return "it is " + r.String()
	case Found:
		return "it was " + r.String()
	default:
		return r.String()
	}
}
