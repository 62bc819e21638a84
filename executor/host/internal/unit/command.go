package unit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"github.com/nixfleet/nixfleet/schema"
)

// Command is a command that runs in a unit of its own, which exists no longer than
// it does.
type Command struct {
	Name        schema.UnitName
	Description string
	// Argv is the program, with its path, and the arguments; nothing expands them.
	Argv []string
	// User is whom it runs as, with that account's own group and groups.
	User string
	// Environment are its variables, "NAME=value", beyond those that systemd sets.
	Environment []string
	// Timeout is how long it may take.
	Timeout time.Duration
}

const (
	// stopTimeout is how long a command may take to end when it is told to.
	stopTimeout = 10 * time.Second
	// drainTimeout is how long its last words may take to arrive.
	drainTimeout = 2 * time.Second
)

func (c Command) properties(stdout, stderr string) []transientProperty {
	property := func(name string, value any) transientProperty {
		return transientProperty{name, dbus.MakeVariant(value)}
	}
	type execCommand struct { // systemd's (sasas)
		Path        string
		Argv, Flags []string
	}
	return []transientProperty{
		property("Description", c.Description),
		property("Type", "exec"),
		// Without the flag systemd would put variables in the place of $NAME.
		property("ExecStartEx", []execCommand{{c.Argv[0], c.Argv, []string{"no-env-expand"}}}),
		// It stays after its end, so that one can ask how that was.
		property("RemainAfterExit", true),
		property("User", c.User),
		property("Environment", c.Environment),
		property("StandardInput", "null"),
		property("StandardOutputFile", stdout),
		property("StandardErrorFile", stderr),
		property("RuntimeMaxUSec", uint64(c.Timeout.Microseconds())),
		property("TimeoutStopUSec", uint64(stopTimeout.Microseconds())),
		property("UMask", uint32(0o022)),
	}
}

// RunCommand carries out a command and returns how it ended, in the fields of the
// details that say so. Output is told what it writes, one piece at a time. When ctx
// is done it is stopped, with all that it has started; so is what it leaves behind.
// After any error but a [LostError] it has not run.
//
// If we crash here, it goes on up to its timeout, or until it writes something: its
// output is a pipe that nobody reads. The unit then stays until the host boots, or
// until somebody carries out a command under the same name.
func (s *Systemd) RunCommand(ctx context.Context, c Command, output func(stderr bool, data []byte)) (Details, error) {
	pipes, err := openPipes(output)
	if err != nil {
		return Details{}, fmt.Errorf("cannot start %s: %w", c.Name, err)
	}
	defer pipes.close()
	defer s.clearUp(context.WithoutCancel(ctx), c.Name, pipes)
	if err := s.endLeftover(ctx, c.Name); err != nil {
		return Details{}, fmt.Errorf("cannot start %s: %w", c.Name, err)
	}
	err = s.Fault.Do("start "+string(c.Name), func() error {
		return s.startTransient(ctx, c.Name, c.properties(pipes.paths[0], pipes.paths[1]))
	})
	pipes.begun()
	if err != nil {
		return s.endedAtOnce(context.WithoutCancel(ctx), c, err)
	}
	if err := s.awaitEnd(ctx, c.Name, pipes.ended); err != nil {
		return Details{}, &LostError{err}
	}
	details, err := s.Details(ctx, c.Name)
	if err != nil {
		return Details{}, &LostError{err}
	}
	return details, nil
}

// LostError says that a command was started, and that nobody knows how it ended.
type LostError struct{ Err error }

func (e *LostError) Error() string {
	return "it was started, and how it ended is not known: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *LostError) Unwrap() error { return e.Err }

// endedAtOnce tells a command that ended badly before systemd said that it had
// begun from one that could not be started: its exit statuses for that are none
// that programs have.
func (s *Systemd) endedAtOnce(ctx context.Context, c Command, cause error) (Details, error) {
	details, err := s.Details(ctx, c.Name)
	switch {
	case err != nil || details.ExitCode == 0:
	case details.ExitStatus == 203:
		cause = fmt.Errorf("%s could not be executed", c.Argv[0])
	case details.ExitStatus == 216 || details.ExitStatus == 217:
		cause = fmt.Errorf("the host has no account %q", c.User)
	default:
		return details, nil
	}
	return Details{}, fmt.Errorf("cannot start %s: %w", c.Name, cause)
}

// awaitEnd waits until the command has ended. That its output has an end says that
// this is near.
func (s *Systemd) awaitEnd(ctx context.Context, name schema.UnitName, quiet <-chan struct{}) error {
	pause := 250 * time.Millisecond
	for {
		found, err := s.List(ctx, []schema.UnitName{name})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		if status := found[name]; status.Active == "failed" || status.Active == "inactive" || status.Sub == "exited" {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
			pause = min(2*pause, 250*time.Millisecond)
		case <-quiet:
			quiet, pause = nil, time.Millisecond
		}
	}
}

// endLeftover ends a command of that name that a helper which was killed has left.
func (s *Systemd) endLeftover(ctx context.Context, name schema.UnitName) error {
	found, err := s.List(ctx, []schema.UnitName{name})
	if err != nil || found[name].Load != "loaded" {
		return err
	}
	return s.end(ctx, name)
}

// end ends a command, with all that it has started, and lets systemd forget it.
func (s *Systemd) end(ctx context.Context, name schema.UnitName) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout+30*time.Second)
	defer cancel()
	_, err := s.Run(ctx, []Job{{Unit: name, Verb: Stop}})
	return errors.Join(err, s.ResetFailed(ctx, name))
}

// clearUp ends what is left of a command.
func (s *Systemd) clearUp(ctx context.Context, name schema.UnitName, p *pipes) {
	// Where this fails, its timeout ends it.
	_ = s.end(ctx, name)
	select {
	case <-p.ended:
	case <-time.After(drainTimeout):
	}
}

// pipes are what a command writes to: two named pipes, which systemd opens.
type pipes struct {
	dir   string
	paths [2]string
	// ends are our own, and writers keep the pipes from ending before it begins.
	ends, writers [2]*os.File
	ended         chan struct{} // closed when both have
}

func openPipes(output func(stderr bool, data []byte)) (*pipes, error) {
	dir, err := os.MkdirTemp("/run", "nixfleet-command-")
	if err != nil {
		return nil, err
	}
	p := &pipes{dir: dir, ended: make(chan struct{})}
	for i, name := range []string{"stdout", "stderr"} {
		if err := p.open(i, filepath.Join(dir, name)); err != nil {
			p.close()
			return nil, err
		}
	}
	var reading sync.WaitGroup
	var one sync.Mutex
	for i, end := range p.ends {
		reading.Go(func() {
			read(end, func(data []byte) {
				one.Lock()
				defer one.Unlock()
				output(i == 1, data)
			})
		})
	}
	go func() {
		reading.Wait()
		close(p.ended)
	}()
	return p, nil
}

func (p *pipes) open(i int, path string) (err error) {
	if err := unix.Mkfifo(path, 0o600); err != nil {
		return err
	}
	// A command of another account may open /dev/stdout; only root comes to the pipe
	// by its name.
	if err := os.Chmod(path, 0o622); err != nil {
		return err
	}
	p.paths[i] = path
	if p.ends[i], err = os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0); err != nil {
		return err
	}
	p.writers[i], err = os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0)
	return err
}

// read reads to the end. What was read is the reader's until it returns.
func read(from io.Reader, output func([]byte)) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			output(buffer[:n])
		}
		if err != nil {
			return
		}
	}
}

// begun leaves the pipes to the command: they end with it.
func (p *pipes) begun() {
	for _, writer := range p.writers {
		if writer != nil {
			writer.Close()
		}
	}
	p.writers = [2]*os.File{}
}

// close ends reading, also where somebody still writes.
func (p *pipes) close() {
	p.begun()
	for _, end := range p.ends {
		if end != nil {
			end.Close()
		}
	}
	// Where this fails, two empty names stay in /run until the host boots.
	_ = os.RemoveAll(p.dir)
}
