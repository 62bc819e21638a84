package schema

// Change is one change of a host, done or proposed.
type Change struct {
	// Action is what happens to the object.
	Action Action `json:"action"`
	// Kind is the object's kind: "file", "directory", "user", "group", "unit", "profile".
	Kind string `json:"kind"`
	// Object is the object's path or name.
	Object string `json:"object"`
	// Detail says more, for people: "mode 0644 -> 0600", "/etc/x changed". Of a link that
	// enables or disables a unit it is the path below the unit directory.
	Detail string `json:"detail,omitempty"`
}

// Action is what a change does to its object.
type Action string

// The actions.
const (
	Create   Action = "create"
	Update   Action = "update"
	Remove   Action = "remove"
	Adopt    Action = "adopt"
	GiveUp   Action = "give back"
	Start    Action = "start"
	Stop     Action = "stop"
	Restarts Action = "restart"
	Reloads  Action = "reload"
	Enable   Action = "enable"
	Disable  Action = "disable"
	Mask     Action = "mask"
	Unmask   Action = "unmask"
)
