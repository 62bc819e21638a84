// Package shell runs commands that the intent has written for a shell: on the
// controller the gate's and those of health checks, on a host those that accept a
// file or ask whether it is well.
package shell

import (
	"context"
	"errors"
	"os/exec"
	"syscall"
	"time"
)

// Run runs a line for sh in a directory (empty: that of this process) and with an
// environment; without a terminal and without input. It returns the end of what the
// line wrote to standard output and standard error. When ctx is done it is killed,
// with all it has started.
func Run(ctx context.Context, line, directory string, environment []string) (output []byte, err error) {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	cmd.Dir, cmd.Env = directory, environment
	// Of a session of its own: Ctrl-C on the terminal is for NixFleet to hear.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return nil
		}
		return err
	}
	// Whatever it left running may hold the pipe open.
	cmd.WaitDelay = time.Second
	var end tail
	cmd.Stdout, cmd.Stderr = &end, &end
	// If we crash here, the command goes on to its end; nobody hears its answer.
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case errors.Is(err, exec.ErrWaitDelay): // it said 0, and what it left running is its own
		err = nil
	}
	return end, err
}

// tail keeps the last tailSize bytes that are written.
type tail []byte

const tailSize = 16 << 10

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	if len(*t) > 2*tailSize {
		*t = append((*t)[:0], (*t)[len(*t)-tailSize:]...)
	}
	return len(p), nil
}
