package policy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// Runner has a request carried out, and its answer written, by [Serve].
type Runner func(ctx context.Context, request []byte, answer io.Writer) error

// Limits bound an evaluation. Time of the CPU, not of the clock: a machine that is
// busy with something else makes no policy loop.
type Limits struct {
	Seconds uint64
	Memory  uint64 // bytes of address space, of which Go itself takes one GiB at most
}

// DefaultLimits are thousands of times what the ready rules take.
var DefaultLimits = Limits{Seconds: 30, Memory: 4 << 30}

// deepest is how many bytes of stack an evaluation may take.
const deepest = 256 << 20

// boundError says that a limit ended an evaluation.
type boundError struct{ reason string }

func (e *boundError) Error() string { return e.reason }

// Process returns a runner that starts a command whose process calls [Limit] and then
// [Serve]: whatever a policy does, it ends that process and not this one.
func Process(command []string, limits Limits) Runner {
	return func(ctx context.Context, request []byte, answer io.Writer) error {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		var said head
		cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(request), answer, &said
		cmd.WaitDelay = 10 * time.Second
		return explainEnd(cmd.Run(), said.String(), limits)
	}
}

// explainEnd says why the process ended.
func explainEnd(err error, said string, limits Limits) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &exit):
		return fmt.Errorf("cannot start what evaluates policies: %w", err)
	}
	status, _ := exit.Sys().(syscall.WaitStatus)
	switch {
	case status.Signaled() && (status.Signal() == syscall.SIGKILL || status.Signal() == syscall.SIGXCPU):
		return &boundError{fmt.Sprintf("it takes more than %d seconds", limits.Seconds)}
	case strings.Contains(said, "out of memory") || strings.Contains(said, "cannot allocate memory"):
		return &boundError{fmt.Sprintf("it takes more than %d GiB of memory", limits.Memory>>30)}
	case strings.Contains(said, "stack exceeds"):
		return &boundError{"a function calls itself too often, or a value is nested too deep"}
	}
	said, _, _ = strings.Cut(strings.TrimSpace(said), "\n")
	return fmt.Errorf("%w: %s", errNotDone, said)
}

// Limit bounds this process, which evaluates policies and does nothing else.
func Limit(limits Limits) error {
	debug.SetMaxStack(deepest)
	debug.SetGCPercent(400) // a short life with much memory
	debug.SetMemoryLimit(int64(limits.Memory / 2))
	for resource, most := range map[int]uint64{syscall.RLIMIT_CPU: limits.Seconds, syscall.RLIMIT_AS: limits.Memory} {
		var now syscall.Rlimit
		err := syscall.Getrlimit(resource, &now)
		if most = min(most, now.Max); err == nil { // who has less already may not have more
			err = syscall.Setrlimit(resource, &syscall.Rlimit{Cur: most, Max: most})
		}
		if err != nil {
			return fmt.Errorf("cannot bound the evaluation of policies: %w", err)
		}
	}
	return nil
}

// Here evaluates in this process, for those who have no command to start and trust the
// policies: one that loops is left behind when ctx is done, and one that takes all stack
// or memory takes this process along.
func Here(ctx context.Context, request []byte, answer io.Writer) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if fault := recover(); fault != nil {
				done <- fmt.Errorf("%w: %v", errNotDone, fault)
			}
		}()
		done <- Serve(bytes.NewReader(request), answer)
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err := <-done:
		return err
	}
}

// head keeps the beginning of what a process says, where Go says why it ends.
type head struct{ strings.Builder }

func (h *head) Write(data []byte) (int, error) {
	const kept = 4 << 10
	if room := kept - h.Len(); room > 0 {
		h.Builder.Write(data[:min(room, len(data))])
	}
	return len(data), nil
}
