// Package bounded runs work that may loop or take all memory in a child process with
// limits on its CPU time, memory, stack and output.
//
// The child is a command of our own binary that calls [Serve]. CPU time is limited, not
// time by the clock, so that a busy machine refuses nothing that an idle one accepts.
package bounded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Runner has a request carried out and writes the answer.
type Runner func(ctx context.Context, request []byte, answer io.Writer) error

// Limits bound a child.
type Limits struct {
	CPU    time.Duration // of all its threads
	Clock  time.Duration // for a child that waits without using the CPU
	Memory uint64        // bytes that are in use at once
	Output uint64        // bytes of its answer
}

// Default limits are a thousand times what ordinary work takes.
var Default = Limits{CPU: 30 * time.Second, Clock: 10 * time.Minute, Memory: 2 << 30, Output: 64 << 20}

// Exceeded says which limit ended the work.
type Exceeded struct{ reason string }

func (e *Exceeded) Error() string { return e.reason }

// Hint says what people usually have to change.
func (e *Exceeded) Hint() string {
	return "look for a function that calls itself without end, or a list or a string that grows"
}

// ErrEnded says that a child ended without a reason that is known.
var ErrEnded = errors.New("it ended unexpectedly")

var errOutput = errors.New("too much output")

// Process returns a runner that starts a command which calls [Serve] with the same limits.
func Process(command []string, limits Limits) Runner {
	return func(ctx context.Context, request []byte, answer io.Writer) error {
		bounded, cancel := context.WithTimeout(ctx, limits.Clock)
		defer cancel()
		cmd := exec.CommandContext(bounded, command[0], command[1:]...)
		out := &limitedWriter{to: answer, left: int64(limits.Output)}
		var messages head
		cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(request), out, &messages
		cmd.WaitDelay = 10 * time.Second
		err := cmd.Run()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case cmd.ProcessState == nil:
			return fmt.Errorf("cannot start the evaluation: %w", err)
		case out.left < 0:
			return &Exceeded{fmt.Sprintf("its result is larger than %s", size(limits.Output))}
		}
		return limits.explain(cmd.ProcessState, messages.String(), bounded.Err() != nil)
	}
}

// explain says why a child failed.
func (l Limits) explain(state *os.ProcessState, messages string, timedOut bool) error {
	status, _ := state.Sys().(syscall.WaitStatus)
	switch {
	case status.ExitStatus() == exitCPU, status.Signaled() && state.UserTime()+state.SystemTime() >= l.CPU:
		return &Exceeded{fmt.Sprintf("it takes more than %v of CPU time", l.CPU)}
	case status.ExitStatus() == exitMemory, strings.Contains(messages, "out of memory"), strings.Contains(messages, "cannot allocate memory"):
		return &Exceeded{fmt.Sprintf("it takes more than %s of memory", size(l.Memory))}
	case strings.Contains(messages, "stack exceeds"):
		return &Exceeded{"a function calls itself too often, or a value is nested too deep"}
	case timedOut:
		return &Exceeded{fmt.Sprintf("it has not ended after %v", l.Clock)}
	case status.Signaled() && status.Signal() == syscall.SIGKILL:
		return fmt.Errorf("%w: the system killed it, perhaps because the machine ran out of memory", ErrEnded)
	}
	first, _, _ := strings.Cut(strings.TrimSpace(messages), "\n")
	if first == "" {
		return ErrEnded
	}
	return fmt.Errorf("%w: %s", ErrEnded, first)
}

func size(bytes uint64) string {
	if bytes >= 1<<30 {
		return fmt.Sprintf("%d GiB", bytes>>30)
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}

// Here returns a runner that works in this process, for callers without a command to
// start that trust what they evaluate: work that loops is left behind when ctx is done,
// and work that takes all stack or memory takes this process with it.
func Here(serve func(io.Reader, io.Writer) error) Runner {
	return func(ctx context.Context, request []byte, answer io.Writer) error {
		done := make(chan error, 1)
		go func() {
			defer func() {
				if fault := recover(); fault != nil {
					done <- fmt.Errorf("%w: %v", ErrEnded, fault)
				}
			}()
			done <- serve(bytes.NewReader(request), answer)
		}()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-done:
			return err
		}
	}
}

// limitedWriter fails once more than left bytes were written.
type limitedWriter struct {
	to   io.Writer
	left int64
}

func (w *limitedWriter) Write(data []byte) (int, error) {
	if w.left -= int64(len(data)); w.left < 0 {
		return 0, errOutput
	}
	return w.to.Write(data)
}

// head keeps the beginning of what a process writes, where Go says why it ends.
type head struct{ strings.Builder }

func (h *head) Write(data []byte) (int, error) {
	const kept = 4 << 10
	if room := kept - h.Len(); room > 0 {
		h.Builder.Write(data[:min(room, len(data))])
	}
	return len(data), nil
}
