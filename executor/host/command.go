package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// commandPath is where commands are looked for: what the fleet's packages bring
// comes before what the host has by itself.
var commandPath = []string{
	"/nix/var/nix/profiles/nixfleet/system/bin",
	"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/run/current-system/sw/bin",
}

// commandUnits, taskUnits and hookUnits begin the names of the units that commands,
// tasks and hooks run in.
const (
	commandUnits = "nixfleet-command-"
	taskUnits    = "nixfleet-task-"
	hookUnits    = "nixfleet-hook-"
)

// command runs a task or a command to its end. When ctx is done it is stopped.
func (s *session) command(ctx context.Context, request *protocol.Request, ask *protocol.RunRequest) (*protocol.RunReply, error) {
	if ask.MaxOutput < 0 || ask.MaxOutput > protocol.MaxOutput {
		return nil, protocol.Errorf("expected up to %d bytes of output to be wanted, found %d", protocol.MaxOutput, ask.MaxOutput)
	}
	command, err := s.commandOf(request, ask)
	if err != nil {
		return nil, err
	}
	if !ask.NoLock {
		// As long as we have it, neither a change nor another command begins.
		holder := *request
		holder.Operator += " (nixfleet run)"
		if err := s.hold(ctx, &holder); err != nil {
			return nil, err
		}
		defer s.giveBack(context.WithoutCancel(ctx))
	}
	ended, err := s.carryOut(ctx, request, schema.StageRun, command, ask.MaxOutput)
	if err != nil {
		return nil, err
	}
	return &protocol.RunReply{Exit: ended.exit, Lost: ended.lost, Unit: command.Name}, nil
}

// ending is how a command ended: with exit, unless it was lost.
type ending struct {
	exit schema.Exit
	lost string
	// output is the end of what it wrote.
	output string
}

// carryOut runs a command to its end and passes on so much of its output. When ctx is
// done it is stopped. After an error it has not run.
func (s *session) carryOut(ctx context.Context, request *protocol.Request, stage schema.Stage, command unit.Command, maxOutput int64) (*ending, error) {
	sink := &outputs{session: s, request: request, left: maxOutput}
	s.tell(request, protocol.Event{Stage: stage}) // from here on nobody says that nothing was done
	details, err := s.deps.Command(ctx, command, sink.write)
	lost := new(unit.LostError)
	switch {
	case errors.As(err, &lost):
		return &ending{lost: lost.Error(), output: sink.lastWords()}, nil
	case err != nil:
		return nil, err
	}
	return &ending{exit: exitOf(details, sink.droppedSoFar()), output: sink.lastWords()}, nil
}

// commandOf is what to run, as whom and for how long.
func (s *session) commandOf(request *protocol.Request, ask *protocol.RunRequest) (c unit.Command, err error) {
	if (ask.Task == "") == (len(ask.Argv) == 0) {
		return c, protocol.Errorf("expected a task or a command")
	}
	var timeout time.Duration
	if ask.Timeout != "" {
		if timeout, err = time.ParseDuration(ask.Timeout); err != nil || timeout <= 0 {
			return c, protocol.Errorf("%q is no time that a command may take", ask.Timeout)
		}
	}
	if ask.Task != "" {
		return s.taskOf(request, ask, timeout)
	}
	if timeout == 0 {
		return c, protocol.Errorf("nothing says how long the command may take")
	}
	program, err := s.program(ask.Argv[0])
	if err != nil {
		return c, err
	}
	return unit.Command{
		Name: schema.UnitName(commandUnits + request.Run + ".service"), Description: "A command of " + oneLine(request.Operator) + ", by NixFleet",
		Argv: append([]string{program}, ask.Argv[1:]...), User: "root", Environment: environment(nil), Timeout: timeout,
	}, nil
}

// taskOf is a task of the manifest that was applied last.
func (s *session) taskOf(request *protocol.Request, ask *protocol.RunRequest, timeout time.Duration) (c unit.Command, err error) {
	if ask.NoLock {
		return c, protocol.Errorf("a task never runs while somebody is at work on the host")
	}
	known, err := s.state.Load()
	if err != nil {
		return c, err
	}
	manifest := s.state.Manifest(known.Applied)
	if manifest == nil {
		return c, refuse(kind.Refusal{Message: fmt.Sprintf("there is no task %q on this host: nothing was applied", ask.Task), Hint: "nixfleet execute applies a plan, which brings its tasks"})
	}
	i := slices.IndexFunc(manifest.Tasks, func(t schema.Task) bool { return t.Name == ask.Task })
	if i < 0 {
		return c, noTask(ask.Task, manifest.Tasks)
	}
	task := manifest.Tasks[i]
	longest, err := time.ParseDuration(task.Timeout)
	if err != nil {
		return c, fmt.Errorf("cannot read the timeout of task %q: %w", task.Name, err)
	}
	if timeout == 0 || timeout > longest {
		timeout = longest
	}
	return unit.Command{
		Name: schema.UnitName(taskUnits + request.Run + ".service"), Description: "Task " + task.Name + " for " + oneLine(request.Operator) + ", by NixFleet",
		Argv: []string{"/bin/sh", "-c", task.Command}, User: string(task.User), Environment: environment(task.Environment), Timeout: timeout,
	}, nil
}

func noTask(name string, tasks []schema.Task) error {
	has := hasNames(tasks, func(t schema.Task) string { return t.Name })
	return refuse(kind.Refusal{Message: fmt.Sprintf("there is no task %q in what was applied to this host: %s", name, has),
		Hint: "a task comes to a host with the plan that has it: nixfleet execute"})
}

// hasNames says what there is in the place of what was asked for.
func hasNames[T any](list []T, name func(T) string) string {
	if len(list) == 0 {
		return "it has none"
	}
	names := make([]string, len(list))
	for i, item := range list {
		names[i] = name(item)
	}
	return "it has " + strings.Join(names, ", ")
}

// program finds a program by its name, as a shell does; a name with a slash is the
// file's own.
func (s *session) program(name string) (string, error) {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			return "", refuse(kind.Refusal{Message: fmt.Sprintf("the program %q is not named from the root: expected a name, or a path that begins with a slash", name)})
		}
		return name, nil
	}
	for _, dir := range commandPath {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(filepath.Join(s.deps.Root, file)); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", refuse(kind.Refusal{Message: fmt.Sprintf("there is no program %q on this host (looked in %s)", name, strings.Join(commandPath, ", ")),
		Hint: "what a shell does by itself, as cd or a pipe, needs one: -- sh -c '…'"})
}

// environment are a command's variables, sorted.
func environment(own map[string]string) []string {
	all := map[string]string{"PATH": strings.Join(commandPath, ":")}
	maps.Copy(all, own)
	lines := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, name+"="+all[name])
	}
	return lines
}

// oneLine keeps what somebody said of themselves on the line that they were asked for.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// outputs passes on what a command writes, up to what is wanted, and keeps the end.
type outputs struct {
	session *session
	request *protocol.Request

	mu            sync.Mutex // a last piece may come when the command was given up
	left, dropped int64
	end           []byte
}

// endKept is how much of the end of an output is kept.
const endKept = 4 << 10

// write does not keep what it is given.
func (o *outputs) write(stderr bool, data []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.end = append(o.end, data...)
	o.end = o.end[max(0, len(o.end)-endKept):]
	wanted := min(int64(len(data)), o.left)
	o.left -= wanted
	o.dropped += int64(len(data)) - wanted
	if wanted > 0 {
		o.session.tell(o.request, protocol.Event{Output: &schema.Output{Stderr: stderr, Data: slices.Clone(data[:wanted])}})
	}
}

func (o *outputs) droppedSoFar() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dropped
}

func (o *outputs) lastWords() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.ToValidUTF8(string(o.end), "?")
}

// exitOf reads systemd's account of an end.
func exitOf(d unit.Details, dropped int64) schema.Exit {
	const exited = 1 // waitid(2)'s CLD_EXITED
	exit := schema.Exit{TimedOut: d.Result == "timeout", Dropped: dropped}
	if d.ExitCode == exited {
		exit.Status = int(d.ExitStatus)
	} else {
		exit.Signal = int(d.ExitStatus)
	}
	return exit
}
