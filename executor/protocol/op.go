package protocol

import (
	"encoding/json"
	"time"
)

// Op is an operation: what the executor can ask of a helper, with the types of the
// request and of the reply. Both ends use the same value.
type Op[Q, R any] Rules

// Rules say how both ends treat an operation.
type Rules struct {
	Name string
	// Opens says that a session may begin with it; any other needs a hello first.
	Opens bool
	// AnyVersion says that an executor of any version may ask for it.
	AnyVersion bool
	// Lease says that the helper takes the host's lease for a request that carries no
	// epoch, and checks the lease of any other, before it looks at the request.
	Lease bool
	// Stops says that the end of the session stops it. Anything else runs to its end.
	Stops bool
	// Limit is how many bytes the body of a request may have; 0 stands for [smallBody].
	Limit int
	// Patience is how long the executor waits for the reply where its caller does not say.
	Patience time.Duration
}

const (
	// smallBody is the limit of requests that carry no contents.
	smallBody = 256 << 10
	// maxBody is the limit of requests that carry a plan's index, which describes
	// thousands of hosts, or a helper binary in base64.
	maxBody = 256 << 20
)

// The operations.
var (
	// Hello opens a session: which helper is there, and in which state the host is. It
	// changes nothing.
	Hello = Op[HelloRequest, HelloReply]{Name: "hello", Opens: true, Patience: time.Minute} // a login may ask a directory server
	// ReplaceHelper hands the helper its successor; the session ends with the reply. It
	// takes the lease once it has verified the successor.
	ReplaceHelper = Op[ReplaceRequest, ReplaceReply]{Name: "replace-helper", Opens: true, AnyVersion: true, Limit: maxBody, Patience: 10 * time.Minute}
	// Prepare hands over the host's part of the plan; the helper verifies it and says
	// what the host lacks and what would change. It may be repeated. It changes nothing
	// but the helper's own caches.
	Prepare = Op[PrepareRequest, PrepareReply]{Name: "prepare", Lease: true, Limit: maxBody}
	// Payloads hands over payloads. It changes nothing but the helper's own caches.
	Payloads = Op[PayloadsRequest, PayloadsReply]{Name: "payloads", Lease: true, Limit: maxBody}
	// Lease takes, renews or releases the host's lease. Other requests take it where they
	// need it, so this is for long silences and for the end.
	Lease = Op[LeaseRequest, LeaseReply]{Name: "lease"}
	// Begin starts the transaction that makes the host what the prepared manifest says,
	// in a process of its own that survives the session. It needs the lease.
	Begin = Op[BeginRequest, BeginReply]{Name: "begin"}
	// Attach sends a transaction's events, past ones first and then as they come, and
	// replies with its verdict. It needs no lease: everybody who may log in may watch.
	Attach = Op[AttachRequest, AttachReply]{Name: "attach", Opens: true, Stops: true}
	// Confirm proves to a waiting transaction that the host can still be reached: only a
	// session that began after the waiting did can.
	Confirm = Op[ConfirmRequest, ConfirmReply]{Name: "confirm", Opens: true}
	// Back prepares, in place of [Prepare], a transaction that needs nothing but the
	// host: a rollback to one of its generations, or its release. [Begin] begins it. It
	// may be repeated, and changes nothing.
	Back = Op[BackRequest, BackReply]{Name: "back", Lease: true}
	// Leave removes NixFleet from a host with nothing managed any more: state, profile,
	// recovery unit and, last, the helper itself. It may be repeated as long as the
	// helper is there, and the session ends with the reply.
	Leave = Op[LeaveRequest, LeaveReply]{Name: "leave", Lease: true, Patience: 10 * time.Minute}
	// Observe looks at the host: what was applied, whether that is still so and, with a
	// part of a plan, what an execution would do. It takes no lock and changes nothing,
	// the helper's own caches included. To hash a large closure takes its time.
	Observe = Op[ObserveRequest, ObserveReply]{Name: "observe", Opens: true, Limit: maxBody, Patience: 10 * time.Minute}
	// History lists what was done to the host and which generations it keeps. It takes no
	// lock and changes nothing.
	History = Op[HistoryRequest, HistoryReply]{Name: "history", Opens: true, Patience: 10 * time.Minute}
	// Run runs a task of what was applied to the host, or a command, to its end, in a
	// unit of its own. Its output comes as events. Unless it is asked otherwise it takes
	// the host's lease, so that no change begins before its end.
	Run = Op[RunRequest, RunReply]{Name: "run", Opens: true, Stops: true, Limit: 4 << 20}
	// Health runs the health checks of the applied manifest that belong on the host. It
	// takes no lock. It changes what the checks' commands change.
	Health = Op[HealthRequest, HealthReply]{Name: "health", Opens: true, Stops: true}
	// Hook runs a hook of the manifest that was prepared in this session, or else of the
	// applied one, to its end, in a unit of its own. Its output comes as events. It takes
	// the host's lease once no transaction is at work.
	Hook = Op[HookRequest, HookReply]{Name: "hook", Stops: true}
	// Reboot reports whether the host needs a reboot and, where it is asked to, reboots
	// it: the session ends with the reply, or before it. That takes the host's lease,
	// which stays taken until the boot ends. It is refused while a transaction has not
	// ended, or while a program keeps the host from going down.
	Reboot = Op[RebootRequest, RebootReply]{Name: "reboot", Opens: true}
	// Slot takes, keeps or releases a slot: the right of some host of a group to be down,
	// which this host keeps on behalf of all controllers. It needs no lease, and works
	// while others work on the host.
	Slot = Op[SlotRequest, SlotReply]{Name: "slot", Opens: true}
)

// Body is the encoded body of a request. Requests may share its parts, so that what
// many hosts receive is encoded once.
type Body[Q any] [][]byte

// Encode encodes the body of a request.
func Encode[Q any](ask Q) (Body[Q], error) {
	encoded, err := json.Marshal(ask)
	return Body[Q]{encoded}, err
}
