package host

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// runs has commands run by this test's own process, and keeps what was asked for.
func (w *world) runs() *[]unit.Command {
	asked := &[]unit.Command{}
	w.deps.Command = func(ctx context.Context, c unit.Command, output func(bool, []byte)) (unit.Details, error) {
		*asked = append(*asked, c)
		cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
		cmd.Env = c.Environment
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		if ctx.Err() != nil {
			return unit.Details{}, &unit.LostError{Err: context.Cause(ctx)}
		}
		output(false, stdout.Bytes())
		output(true, stderr.Bytes())
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return unit.Details{ExitCode: 1, ExitStatus: int32(exit.ExitCode()), Result: "exit-code"}, nil
		}
		return unit.Details{ExitCode: 1, Result: "success"}, err
	}
	return asked
}

// run asks for a command in a session of its own and returns what it wrote.
func (w *world) run(run string, command protocol.RunRequest) (reply *protocol.RunReply, stdout, stderr string, err error) {
	w.t.Helper()
	client := w.connect()
	client.Head.Run = run
	client.OnEvent = func(event *protocol.Event) {
		switch {
		case event.Output != nil && event.Output.Stderr:
			stderr += string(event.Output.Data)
		case event.Output != nil:
			stdout += string(event.Output.Data)
		}
	}
	reply, err = call(client.caller, protocol.Run, command)
	return reply, stdout, stderr, err
}

func TestACommandReachesItsProgramAsItIs(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.write("/usr/bin/printf", "", 0o755)
	asked := w.runs()
	argv := []string{"printf", `%s|`, "$HOME", "two words", "", "%n", "-l"}
	reply, stdout, _, err := w.run("r1", protocol.RunRequest{Argv: argv, Timeout: "1m", MaxOutput: 1000})
	if err != nil || stdout != "$HOME|two words||%n|-l|" || reply.Exit != (schema.Exit{}) {
		t.Fatalf("found %+v, %q, %v", reply, stdout, err)
	}
	got := (*asked)[0]
	if !slices.Equal(got.Argv, append([]string{"/usr/bin/printf"}, argv[1:]...)) || got.User != "root" || got.Timeout != time.Minute || got.Name != "nixfleet-command-r1.service" {
		t.Errorf("found %+v", got)
	}
	if strings.Contains(got.Description, "words") {
		t.Error("the journal has the arguments")
	}
}

func TestATaskIsTheAppliedOne(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	asked := w.runs()
	if _, _, _, err := w.run("r0", protocol.RunRequest{Task: "rotate"}); err == nil || !strings.Contains(err.Error(), `there is no task "rotate" on this host: nothing was applied`) {
		t.Error(err)
	}
	w.mustExecute(intent{change: func(m *schema.Manifest) {
		m.Tasks = []schema.Task{
			{Name: "fail", Command: "echo bad >&2; exit 7", User: "root", Timeout: "5s"},
			{Name: "rotate", Command: `echo "$MODE $PATH"`, User: "daemon", Environment: map[string]string{"MODE": "gentle"}, Timeout: "1h"},
		}
	}})
	_, stdout, _, err := w.run("r2", protocol.RunRequest{Task: "rotate", Timeout: "2h", MaxOutput: 1000})
	if err != nil || !strings.HasPrefix(stdout, "gentle /nix/var/nix/profiles/nixfleet/system/bin:") {
		t.Errorf("found %q, %v", stdout, err)
	}
	if got := (*asked)[0]; got.User != "daemon" || got.Timeout != time.Hour || got.Name != "nixfleet-task-r2.service" {
		t.Errorf("found %+v", got)
	}
	reply, _, stderr, err := w.run("r3", protocol.RunRequest{Task: "fail", Timeout: "1s", MaxOutput: 1000})
	if err != nil || stderr != "bad\n" || reply.Exit.Status != 7 || (*asked)[1].Timeout != time.Second {
		t.Errorf("found %+v, %q, %v", reply, stderr, err)
	}
}

func TestOutputHasABound(t *testing.T) {
	w := newWorld(t)
	w.runs()
	reply, stdout, stderr, err := w.run("r1", protocol.RunRequest{Argv: []string{"/bin/sh", "-c", "echo 123456; echo ab >&2"}, Timeout: "1m", MaxOutput: 5})
	if err != nil || stdout != "12345" || stderr != "" || reply.Exit.Dropped != 5 {
		t.Errorf("found %+v, %q, %q, %v", reply, stdout, stderr, err)
	}
}

func TestCommandsThatAreRefused(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	asked := w.runs()
	w.mustExecute(intent{change: func(m *schema.Manifest) {
		m.Tasks = []schema.Task{{Name: "rotate", Command: "true", User: "root", Timeout: "1m"}}
	}})
	for _, c := range []struct {
		command protocol.RunRequest
		want    autogold.Value
	}{
		{protocol.RunRequest{}, autogold.Expect("protocol: expected a task or a command")},
		{protocol.RunRequest{Task: "rotate", Argv: []string{"x"}}, autogold.Expect("protocol: expected a task or a command")},
		{protocol.RunRequest{Task: "rotat"}, autogold.Expect(`refused: there is no task "rotat" in what was applied to this host: it has rotate
hint: a task comes to a host with the plan that has it: nixfleet execute`)},
		{protocol.RunRequest{Task: "rotate", NoLock: true}, autogold.Expect("protocol: a task never runs while somebody is at work on the host")},
		{protocol.RunRequest{Argv: []string{"cd"}, Timeout: "1m"}, autogold.Expect(`refused: there is no program "cd" on this host (looked in /nix/var/nix/profiles/nixfleet/system/bin, /usr/local/sbin, /usr/local/bin, /usr/sbin, /usr/bin, /sbin, /bin, /run/current-system/sw/bin)
hint: what a shell does by itself, as cd or a pipe, needs one: -- sh -c '…'`)},
		{protocol.RunRequest{Argv: []string{"./x"}, Timeout: "1m"}, autogold.Expect(`refused: the program "./x" is not named from the root: expected a name, or a path that begins with a slash`)},
		{protocol.RunRequest{Argv: []string{"sh"}}, autogold.Expect("protocol: nothing says how long the command may take")},
		{protocol.RunRequest{Argv: []string{"sh"}, Timeout: "soon"}, autogold.Expect(`protocol: "soon" is no time that a command may take`)},
		{protocol.RunRequest{Argv: []string{"sh"}, Timeout: "1m", MaxOutput: 1 << 40}, autogold.Expect("protocol: expected up to 67108864 bytes of output to be wanted, found 1099511627776")},
	} {
		_, _, _, err := w.run("r9", c.command)
		reported, _ := err.(*protocol.Error)
		if reported == nil {
			t.Fatalf("%+v was not refused: %v", c.command, err)
		}
		c.want.Equal(t, string(reported.Kind)+": "+schema.InFull(reported))
	}
	if len(*asked) > 0 {
		t.Errorf("something ran: %+v", *asked)
	}
}

// A command takes the host as a change does: neither comes into the other.
func TestACommandTakesTheHost(t *testing.T) {
	w := newWorld(t)
	started, finish := make(chan struct{}), make(chan struct{})
	w.deps.Command = func(context.Context, unit.Command, func(bool, []byte)) (unit.Details, error) {
		close(started)
		<-finish
		return unit.Details{ExitCode: 1}, nil
	}
	long := protocol.RunRequest{Argv: []string{"/bin/sleep"}, Timeout: "1m"}
	first := w.connect()
	w.client = nil // it stays
	if err := sendRequest(first.caller, protocol.Run, long); err != nil {
		t.Fatal(err)
	}
	<-started
	w.runs()
	_, _, _, err := w.run("r2", protocol.RunRequest{Argv: []string{"/bin/true"}, Timeout: "1m"})
	if err == nil || !strings.Contains(err.Error(), "locked by run r1") || !strings.Contains(err.Error(), "by ann@desk (nixfleet run)") {
		t.Error(err)
	}
	if _, _, _, err := w.run("r2", protocol.RunRequest{Argv: []string{"/bin/true"}, Timeout: "1m", NoLock: true}); err != nil {
		t.Error(err)
	}
	p := intent{}.plan(t)
	client := w.connect()
	client.Head.Run = "r5"
	if _, err := client.hello(p); err != nil {
		t.Fatal(err)
	}
	if _, err := client.prepare(p); err == nil || !strings.Contains(err.Error(), "locked by run r1") {
		t.Errorf("a change was let in: %v", err)
	}
	close(finish)
	if _, err := awaitReply(first.caller, protocol.Run); err != nil {
		t.Fatal(err)
	}
	// The host is free with the reply.
	if _, _, _, err := w.run("r3", protocol.RunRequest{Argv: []string{"/bin/true"}, Timeout: "1m"}); err != nil {
		t.Error(err)
	}
	first.hangUp()
}

// Where a run prepares or makes a change, no task begins.
func TestATaskDoesNotComeIntoAChange(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	asked := w.runs()
	w.mustExecute(intent{change: func(m *schema.Manifest) {
		m.Tasks = []schema.Task{{Name: "rotate", Command: "true", User: "root", Timeout: "1m"}}
	}})
	p := intent{files: []schema.File{file("/etc/x", "1")}}.plan(t)
	client := w.connect()
	client.Head.Run = "r5"
	if _, err := client.hello(p); err != nil {
		t.Fatal(err)
	}
	if _, err := client.prepare(p); err != nil {
		t.Fatal(err)
	}
	w.client = nil // it stays
	_, _, _, err := w.run("r6", protocol.RunRequest{Task: "rotate"})
	if err == nil || !strings.Contains(err.Error(), "locked by run r5") || len(*asked) > 0 {
		t.Errorf("found %v, after %+v", err, *asked)
	}
	client.hangUp()
	if _, _, _, err := w.run("r6", protocol.RunRequest{Task: "rotate"}); err != nil {
		t.Error(err)
	}
}

// The end of a session ends its command, and the host is free again.
func TestACommandEndsWithItsSession(t *testing.T) {
	w := newWorld(t)
	w.runs()
	client := w.connect()
	long := protocol.RunRequest{Argv: []string{"/bin/sleep", "1000"}, Timeout: "1h"}
	if err := sendRequest(client.caller, protocol.Run, long); err != nil {
		t.Fatal(err)
	}
	if begun, body, err := client.Conn.ReceiveResponse(); err != nil || begun.Kind != protocol.EventBody || string(body) != `{"stage":"run"}` {
		t.Fatalf("found %+v, %s, %v", begun, body, err)
	}
	before := time.Now()
	w.hangUp()
	if took := time.Since(before); took > time.Minute {
		t.Errorf("it went on for %s", took)
	}
	if _, _, _, err := w.run("r2", protocol.RunRequest{Argv: []string{"/bin/true"}, Timeout: "1m"}); err != nil {
		t.Error(err)
	}
}
