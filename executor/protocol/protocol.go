// Package protocol is what the executor and the helper on a host say to each
// other: frames of JSON over the helper's standard input and output.
//
// The executor asks, one request at a time; the helper answers each request with
// any number of events and then exactly one reply, which echoes the request's
// sequence number. Every request carries the run, the epoch of the run's lease of
// the host, where it has one yet, and the plan's digest, so that a helper can
// refuse what belongs to another.
//
// What changes the host is a transaction: a request begins it, and then it goes
// on by itself. Its events are numbered and kept, so that whoever lost the link
// attaches again after the last one seen, and anybody may watch.
// Both ends state [Version] in their first message and refuse any other.
package protocol

import (
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

// Version is the protocol's version. The executor replaces a helper that speaks
// another, where the plan names the new one.
const Version = 2

// HelperPath is where the helper lives on every host.
const HelperPath = "/var/lib/nixfleet/bin/nixfleet-host"

// Op is what a request asks for.
type Op string

// The requests.
const (
	// OpHello opens a session: who is there, in what state. Changes nothing.
	OpHello Op = "hello"
	// OpReplaceHelper hands the helper its successor; the session ends with the reply.
	OpReplaceHelper Op = "replace-helper"
	// OpPrepare hands over the host's part of the plan; the helper verifies it and
	// says what it lacks and what would change. It may be repeated. Changes nothing
	// but caches of its own.
	OpPrepare Op = "prepare"
	// OpPayloads hands over payloads. Changes nothing but caches of its own.
	OpPayloads Op = "payloads"
	// OpLease takes, renews or gives back the host's lease. Other requests take it
	// where they need it, so it is for long silences and for the end.
	OpLease Op = "lease"
	// OpBegin starts the transaction that makes the host what the prepared manifest
	// says, in a process of its own that no session's end ends.
	OpBegin Op = "begin"
	// OpAttach tells a transaction's events, those of the past and then as they come,
	// and replies with its verdict. It needs no lease: anybody who may log in may watch.
	OpAttach Op = "attach"
	// OpConfirm proves to a transaction that waits for it that the host can still be
	// reached: by a session that began after the waiting did.
	OpConfirm Op = "confirm"
)

// Request is what the executor sends. Exactly the field of its operation is set.
type Request struct {
	Seq    int           `json:"seq"`
	Op     Op            `json:"op"`
	Run    string        `json:"run"`
	Epoch  int64         `json:"epoch"`
	Digest schema.Digest `json:"digest"`

	Hello         *Hello         `json:"hello,omitempty"`
	Observe       *Observe       `json:"observe,omitempty"`
	ReplaceHelper *ReplaceHelper `json:"replaceHelper,omitempty"`
	Prepare       *Prepare       `json:"prepare,omitempty"`
	Payloads      *Payloads      `json:"payloads,omitempty"`
	Lease         *Lease         `json:"lease,omitempty"`
	Begin         *Begin         `json:"begin,omitempty"`
	Attach        *Attach        `json:"attach,omitempty"`
	Confirm       *Confirm       `json:"confirm,omitempty"`
	Back          *Back          `json:"back,omitempty"`
	Leave         *Leave         `json:"leave,omitempty"`
	History       *History       `json:"history,omitempty"`
	Command       *Command       `json:"command,omitempty"`
	Health        *Health        `json:"health,omitempty"`
	Hook          *Hook          `json:"hook,omitempty"`
	Reboot        *Reboot        `json:"reboot,omitempty"`
	Slot          *Slot          `json:"slot,omitempty"`
}

// Response is what the helper sends: an event, or the reply that ends a request.
type Response struct {
	Seq int `json:"seq"`
	// Epoch is that of the lease that the session holds; 0 where it holds none. The
	// next requests carry it.
	Epoch int64 `json:"epoch,omitempty"`

	Event *Event `json:"event,omitempty"`

	Error         *Error         `json:"error,omitempty"`
	HelloReply    *HelloReply    `json:"helloReply,omitempty"`
	ObserveReply  *ObserveReply  `json:"observeReply,omitempty"`
	PrepareReply  *PrepareReply  `json:"prepareReply,omitempty"`
	PayloadsReply *PayloadsReply `json:"payloadsReply,omitempty"`
	ReplaceReply  *ReplaceReply  `json:"replaceReply,omitempty"`
	LeaseReply    *LeaseReply    `json:"leaseReply,omitempty"`
	BeginReply    *BeginReply    `json:"beginReply,omitempty"`
	AttachReply   *AttachReply   `json:"attachReply,omitempty"`
	ConfirmReply  *ConfirmReply  `json:"confirmReply,omitempty"`
	BackReply     *BackReply     `json:"backReply,omitempty"`
	LeaveReply    *LeaveReply    `json:"leaveReply,omitempty"`
	HistoryReply  *HistoryReply  `json:"historyReply,omitempty"`
	CommandReply  *CommandReply  `json:"commandReply,omitempty"`
	HealthReply   *HealthReply   `json:"healthReply,omitempty"`
	HookReply     *HookReply     `json:"hookReply,omitempty"`
	RebootReply   *RebootReply   `json:"rebootReply,omitempty"`
	SlotReply     *SlotReply     `json:"slotReply,omitempty"`
}

// Hello opens a session.
type Hello struct {
	Version  int             `json:"version"`
	Host     schema.HostName `json:"host"`
	Operator string          `json:"operator"`
	// Manifest is the manifest the executor is about to apply.
	Manifest schema.Digest `json:"manifest"`
}

// HelloReply tells who is there.
type HelloReply struct {
	Version int `json:"version"`
	// Helper is the hash of the running helper's own binary.
	Helper schema.Digest `json:"helper"`
	// System is the host's CPU and kernel.
	System schema.System `json:"system"`
	// Base is what /etc/os-release says.
	Base schema.Base `json:"base"`
	// OS is for people: "Debian GNU/Linux 12 (bookworm)".
	OS string `json:"os"`
	// Nix is the version of the host's Nix; empty where there is none.
	Nix string `json:"nix"`
	// Free are the free bytes of the file systems that hold /nix, /var and /etc.
	Free map[string]int64 `json:"free"`
	// Applied is the manifest of the last successful apply; empty before the first.
	Applied schema.Digest `json:"applied,omitempty"`
	// Unchanged says that the host is, by inspection, exactly as the asked manifest
	// says, and nobody is about to change it: there is nothing to do.
	Unchanged bool `json:"unchanged"`
	// Generation is the generation in effect; 0 where there is none.
	Generation int `json:"generation"`
	// Boot identifies the boot that the host is in, and Now is its clock.
	Boot string    `json:"boot"`
	Now  time.Time `json:"now"`
	// Lease is who may work on the host; absent where nobody does.
	Lease *LeaseHolder `json:"lease,omitempty"`
	// Transaction is the one that has not ended; absent where there is none.
	Transaction *Transaction `json:"transaction,omitempty"`
	// Last is how the asking run's last transaction ended; absent where it has none.
	Last *Verdict `json:"last,omitempty"`
}

// ReplaceHelper hands over a new helper.
type ReplaceHelper struct {
	// Index is the canonical index of the plan whose digest the request carries.
	Index schema.Index `json:"index"`
	// Binary is the new helper, whose hash the index names.
	Binary []byte `json:"binary"`
}

// ReplaceReply says that the successor is in place.
type ReplaceReply struct {
	Helper schema.Digest `json:"helper"`
}

// Prepare hands over the host's part of the plan.
type Prepare struct {
	Part schema.Part `json:"part"`
}

// PrepareReply says what the host lacks and what would change.
type PrepareReply struct {
	// MissingPaths are the paths of the closure that the host's store lacks.
	MissingPaths []schema.StorePath `json:"missingPaths"`
	// MissingPayloads are the payloads that the host lacks.
	MissingPayloads []schema.Digest `json:"missingPayloads"`
	// Changes are what an apply would change, in order.
	Changes []schema.Change `json:"changes"`
}

// Payloads hands over payloads by hash.
type Payloads struct {
	Payloads map[schema.Digest]schema.Payload `json:"payloads"`
}

// PayloadsReply says that they are kept.
type PayloadsReply struct{}

// Event is something that happened on the host during a request.
type Event struct {
	// Number counts the events of a transaction from 1; 0 for others.
	Number int `json:"number,omitempty"`
	// Stage is the stage that begins.
	Stage schema.Stage `json:"stage,omitempty"`
	// Change is a change just made.
	Change *schema.Change `json:"change,omitempty"`
	// Note is a line for people.
	Note string `json:"note,omitempty"`
	// Watching is the transaction that is told of, where it was asked for without a name.
	Watching *Transaction `json:"watching,omitempty"`
	// Confirm says that the transaction waits to be confirmed.
	Confirm *Waiting `json:"confirm,omitempty"`
	// Output is a piece of what a command wrote.
	Output *schema.Output `json:"output,omitempty"`
}

// Error ends a request that did not succeed.
type Error struct {
	// Kind says what the executor may conclude.
	Kind ErrorKind `json:"kind"`
	// Message says what happened, for people, with expected and found.
	Message string `json:"message"`
	// Hint is what to type or do next; may be empty.
	Hint string `json:"hint,omitempty"`
}

// Error implements error.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + "\nhint: " + e.Hint
}

// ErrorKind is the decision that an error drives.
type ErrorKind string

// The kinds of errors.
const (
	// KindRefused: nothing was touched.
	KindRefused ErrorKind = "refused"
	// KindProtocol: the two ends do not understand each other; nothing was touched.
	KindProtocol ErrorKind = "protocol"
	// KindEnded: the helper was told to end while it watched a transaction, which
	// goes on; ask over another connection.
	KindEnded ErrorKind = "ended"
)
