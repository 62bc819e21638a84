// Package executor carries out a frozen plan: it connects to the plan's hosts
// over SSH, brings them what they lack, lets the helper on each make it what its
// manifest says, and tells what happened. It never evaluates Nix, starts no
// process of its own, and decides nothing that the plan has decided.
package executor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/engine"
	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/narsource"
	"github.com/nixfleet/nixfleet/executor/internal/record"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/schema"
)

// Options is what the operator asks for.
type Options struct {
	// Select leaves hosts of the plan out; the zero value takes all.
	Select Selection
	// Parallel lowers how many hosts are taken at once; 0 leaves it to the plan.
	Parallel int
	// Closures says where the content of store paths comes from: empty for this
	// machine's Nix store, a binary cache's directory, file://, http:// or https://
	// URL, or "substituters" to let hosts fetch by themselves.
	Closures string
	// DryRun reports what would change, and changes nothing on any host.
	DryRun bool
	// Operator is who executes, "user@machine", for the records.
	Operator string
	// Program is the version of the program. A run is resumed by the version that began it.
	Program string
	// Wait lets hosts wait for the windows of their reboots.
	Wait bool
	// Resume is the run to go on with, see [Resumable]; empty begins one. Such a run has
	// its hosts: nothing may be selected.
	Resume string
	// Stop, once closed, lets the hosts in flight finish and no other start: what
	// the first Ctrl-C shall do. The second shall cancel the context.
	Stop <-chan struct{}
}

// Deps is what an execution takes from its surroundings.
type Deps struct {
	// Observe is told of every event as it happens, one at a time; it should be quick.
	Observe func(schema.Event)
	// Wire is told every message to and from a host's helper, in parts, by several
	// goroutines; nil in daily use. Messages hold files' texts.
	Wire func(host schema.HostName, sent bool, parts ...[]byte)
	// Helpers returns the nixfleet-host binary for a system, for hosts that have another.
	Helpers func(schema.System) ([]byte, error)
	// Home is the home directory, for ~/.ssh.
	Home string
	// User is the local account's name.
	User string
	// Getenv reads the environment, as os.Getenv.
	Getenv func(string) string
	// Passphrase asks for the passphrase of an SSH key file; nil where there is no terminal.
	Passphrase func(file string) ([]byte, error)
	// Dial opens TCP connections; nil stands for the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Shell runs a line for sh on this machine, with variables beside its own, and returns
	// the end of what it wrote: the gate's command, and those of health checks that the
	// plan has asked from here. When the context is done it is ended, with all it started.
	Shell func(ctx context.Context, line string, environment []string) (output []byte, err error)
	// Clock tells the time, as time.Now.
	Clock func() time.Time
	// Random is a source of randomness, as crypto/rand.Reader.
	Random io.Reader
	// StateDir is where records of runs are kept, in runs/; see [StateDir].
	StateDir string

	patience engine.Patience // tests wait less
	// dies lets a test die at an entry of the journal; nil elsewhere.
	dies func(engine.Journal) engine.Journal
}

// Execute carries out the plan on the selected hosts and returns the record of
// the run, which is also kept in the state directory.
//
// An error without a record means that the run was refused before any
// connection. An error with a record means that the record could not be kept.
// Whatever happened on hosts is in the record, not in the error.
//
// A dry run keeps no record; in the one that it returns, "changed" stands for
// hosts that would be, with the changes.
func Execute(ctx context.Context, plan *schema.Plan, options Options, deps Deps) (*schema.Record, error) {
	records, err := openRecords(options, deps)
	if err != nil {
		return nil, err
	}
	var l *log
	if options.Resume != "" {
		if l, err = resumes(plan, options, deps); err != nil {
			return nil, err
		}
		defer l.close()
		if options, err = l.again(options); err != nil {
			return nil, err
		}
	}
	hosts, err := admit(plan, options)
	if err != nil {
		return nil, err
	}
	source, err := narsource.Open(options.Closures)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	if l == nil {
		if l, err = begins(plan, hosts, options, deps); err != nil {
			return nil, err
		}
		defer l.close()
	}
	dialer := transport.NewDialer(deps.env())
	defer dialer.Close()
	x := &execution{
		deps: deps, records: records,
		record: begin(plan, hosts, options.Operator, l.run, l.started),
		engine: engine.Run{
			ID: l.run, Journal: l.append(deps.dies), Story: l.story, Plan: plan, Hosts: hosts, Parallel: parallel(plan, options),
			Operator: options.Operator, DryRun: options.DryRun, Wait: options.Wait, Stop: options.Stop,
			Source: source, Dialer: dialer, Binary: deps.Helpers, Network: deps.dial(), Shell: deps.Shell,
			Observe: deps.Observe, Wire: deps.Wire, Now: deps.Clock, Patience: deps.patience,
		},
	}
	return x.run(ctx, x.engine.Execute)
}

func parallel(plan *schema.Plan, options Options) int {
	most := max(plan.Index.Rollout.MaxParallel, 1)
	if options.Parallel > 0 {
		return min(options.Parallel, most)
	}
	return most
}

func (d Deps) env() transport.Env {
	return transport.Env{
		Home: d.Home, User: d.User, Getenv: d.Getenv, Passphrase: d.Passphrase, Dial: d.dial(),
		ConfigFiles:      []string{filepath.Join(d.Home, ".ssh/config"), "/etc/ssh/ssh_config"},
		GlobalKnownHosts: []string{"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"},
	}
}

func (d Deps) dial() func(ctx context.Context, network, address string) (net.Conn, error) {
	if d.Dial != nil {
		return d.Dial
	}
	return (&net.Dialer{KeepAlive: -1}).DialContext // SSH has its own
}

// openRecords opens the records; a dry run keeps none.
func openRecords(options Options, deps Deps) (*record.Store, error) {
	if options.DryRun {
		return nil, nil
	}
	return record.Open(deps.StateDir)
}

// begin is the record of a run that has not ended. Should it stay so, nothing is
// known of any host, and the record says that.
func begin(plan *schema.Plan, hosts map[schema.HostName]bool, operator, run string, now time.Time) *schema.Record {
	r := &schema.Record{
		Kind: schema.RecordKind, Version: schema.RecordVersion,
		Run: run, Digest: plan.Digest, Fleet: plan.Index.Fleet, Operator: operator,
		Started: now.UTC(), Hosts: map[schema.HostName]schema.HostRecord{},
	}
	for host := range hosts {
		r.Hosts[host] = schema.HostRecord{Outcome: schema.HostUnknown, Error: "the run has not come to its end"}
	}
	return r
}

type execution struct {
	deps    Deps
	records *record.Store
	record  *schema.Record
	engine  engine.Run
}

func (x *execution) run(ctx context.Context, carryOut func(context.Context) map[schema.HostName]schema.HostRecord) (*schema.Record, error) {
	// If we crash after this, the record says that the run did not come to its end.
	if err := x.keep(); err != nil {
		return nil, err // nothing was touched
	}
	x.emit(schema.Event{Kind: schema.RunStarted, Version: schema.EventVersion, Digest: x.record.Digest, Hosts: len(x.record.Hosts)})
	x.record.Hosts = carryOut(ctx)
	x.record.Verdict = x.engine.Verdict()
	x.record.HaltReason, x.record.Halted = x.engine.Halted()
	finished := x.deps.Clock().UTC()
	x.record.Finished = &finished
	err := x.keep()
	if err != nil && x.engine.Journal != nil {
		err = fault.New(fault.Failed, "%w", err).WithHint("what became of the hosts is in the journal beside it: when records can be written again, --resume completes it")
	}
	if err == nil {
		// If we crash before this, the run can be resumed, recalls everything and ends again.
		err = x.engine.Ended()
	}
	x.emit(schema.Event{Kind: schema.RunFinished, Verdict: x.record.Verdict})
	return x.record, err
}

func (x *execution) keep() error {
	if x.records == nil {
		return nil
	}
	return x.records.Write(x.record)
}

func (x *execution) emit(event schema.Event) {
	if x.deps.Observe != nil {
		event.Time, event.Run = x.deps.Clock(), x.record.Run
		x.deps.Observe(event)
	}
}

// StateDir is where this user's records are kept by default:
// $XDG_STATE_HOME/nixfleet, or ~/.local/state/nixfleet.
func StateDir(home string, getenv func(string) string) (string, error) {
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "nixfleet"), nil
	}
	if home == "" {
		return "", errors.New("cannot tell where records go: neither HOME nor XDG_STATE_HOME is set")
	}
	return filepath.Join(home, ".local/state/nixfleet"), nil
}

// RecordPath is the file in a state directory that keeps the record of a run.
func RecordPath(stateDir, run string) string {
	return filepath.Join(stateDir, "runs", fmt.Sprintf("%s.json", run))
}
