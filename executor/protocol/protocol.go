// Package protocol is what the executor and the helper on a host say to each
// other over the helper's standard input and output.
//
// The executor asks, one request at a time; the helper answers each request with
// any number of events and then exactly one reply or error, which echo the
// request's sequence number. What can be asked is an [Op]: one value with the types
// of request and reply and the rules that both ends follow. [Server] is the
// helper's end.
//
// Every request carries who asks, the run, the epoch of the run's lease of the
// host, where it has one yet, and the plan's digest, so that a helper can refuse
// what belongs to another.
//
// What changes the host is a transaction: a request begins it, and then it
// continues by itself. Its events are numbered and kept, so that an executor that
// lost the link attaches again after the last one seen, and anybody may watch.
//
// Every request states its [Version], and a helper refuses any other, except for
// its own replacement. So the heads of messages, errors and [ReplaceHelper] stay
// alike in all versions.
package protocol

import (
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

// Version is the protocol's version. The executor replaces a helper that speaks
// another, where the plan names the new one.
const Version = 3

// HelperPath is where the helper lives on every host.
const HelperPath = "/var/lib/nixfleet/bin/nixfleet-host"

// Request is the head of what the executor sends; the body is the operation's.
type Request struct {
	Seq     int    `json:"seq"`
	Op      string `json:"op"`
	Version int    `json:"version"`
	Run     string `json:"run"`
	// Host is what the plan or the inventory calls the host.
	Host     schema.HostName `json:"host"`
	Operator string          `json:"operator"`
	// Epoch is that of the run's lease; 0 where it has none.
	Epoch  int64         `json:"epoch"`
	Digest schema.Digest `json:"digest"`
}

// Response is the head of what the helper sends: an event, or the reply or error that
// ends a request.
type Response struct {
	Seq int `json:"seq"`
	// Epoch is that of the lease that the session holds; 0 where it holds none. The
	// next requests carry it.
	Epoch int64 `json:"epoch,omitempty"`
	// Kind says what the body is.
	Kind ResponseKind `json:"kind"`
}

// ResponseKind is what the body of a response is.
type ResponseKind string

// The kinds of responses: an [Event], an [Error], or the operation's reply.
const (
	EventBody ResponseKind = "event"
	ErrorBody ResponseKind = "error"
	ReplyBody ResponseKind = "reply"
)

// HelloRequest opens a session.
type HelloRequest struct {
	// Manifest is the manifest the executor is about to apply.
	Manifest schema.Digest `json:"manifest"`
}

// HelloReply describes the helper and the host.
type HelloReply struct {
	// Helper is the hash of the running helper's own binary.
	Helper schema.Digest `json:"helper"`
	// System is the host's CPU and kernel, which may be none that we know.
	System string `json:"system"`
	// Base is the ID in /etc/os-release, which may be none that we know.
	Base string `json:"base"`
	// OS is for people: "Debian GNU/Linux 12 (bookworm)".
	OS string `json:"os"`
	// Nix is the version of the host's Nix; empty where there is none.
	Nix string `json:"nix"`
	// Free are the free bytes of the file systems that hold /nix, /var and /etc.
	Free map[string]int64 `json:"free"`
	// Applied is the manifest of the last successful apply; empty before the first.
	Applied schema.Digest `json:"applied,omitempty"`
	// Unchanged says that the host is, by inspection, exactly as the asked manifest
	// says, and no run is about to change it: there is nothing to do.
	Unchanged bool `json:"unchanged"`
	// Generation is the generation in effect; 0 where there is none.
	Generation int `json:"generation"`
	// Boot identifies the boot that the host is in, and Now is its clock.
	Boot string    `json:"boot"`
	Now  time.Time `json:"now"`
	// Lease is who may work on the host; absent while the lease is free.
	Lease *LeaseHolder `json:"lease,omitempty"`
	// Transaction is the one that has not ended; absent where there is none.
	Transaction *Transaction `json:"transaction,omitempty"`
	// Last is how the asking run's last transaction ended; absent where it has none.
	Last *Verdict `json:"last,omitempty"`
}

// ReplaceRequest hands over a new helper.
type ReplaceRequest struct {
	// Index is the canonical index of the plan whose digest the request carries.
	Index schema.Index `json:"index"`
	// Binary is the new helper, whose hash the index names.
	Binary []byte `json:"binary"`
}

// ReplaceReply says that the successor is in place.
type ReplaceReply struct {
	Helper schema.Digest `json:"helper"`
}

func (*ReplaceReply) endsSession() bool { return true }

// PrepareRequest hands over the host's part of the plan. It holds nothing of the host's
// own, so that alike hosts share its encoding.
type PrepareRequest struct {
	Index    schema.Index       `json:"index"`
	Manifest schema.Manifest    `json:"manifest"`
	Closure  []schema.PathEntry `json:"closure"`
}

// Part returns the part as that of the request's host and plan, not yet verified.
func (p *PrepareRequest) Part(request *Request) *schema.Part {
	return &schema.Part{Host: request.Host, Digest: request.Digest, Index: p.Index, Manifest: p.Manifest, Closure: p.Closure}
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

// PayloadsRequest hands over payloads by hash.
type PayloadsRequest struct {
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
	// Watching is the transaction whose events follow, where it was asked for without a name.
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
	// Hint is what to type or do next, one hint a line; may be empty.
	Hint string `json:"hint,omitempty"`
	// LockedBy is the run that has the host, if that is why.
	LockedBy string `json:"lockedBy,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// Advice is the hint, for [schema.Hints].
func (e *Error) Advice() string { return e.Hint }

// ErrorKind is the decision that an error drives.
type ErrorKind string

// The kinds of errors.
const (
	// KindRefused: nothing was touched.
	KindRefused ErrorKind = "refused"
	// KindVersion: the two ends speak different versions of the protocol; nothing was touched.
	KindVersion ErrorKind = "version"
	// KindProtocol: the two ends do not understand each other; nothing was touched.
	KindProtocol ErrorKind = "protocol"
	// KindEnded: the helper had to end while it watched a transaction, which
	// continues; ask over another connection.
	KindEnded ErrorKind = "ended"
)
