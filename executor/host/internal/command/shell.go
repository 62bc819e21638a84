package command

import (
	"context"
	"errors"
	"os/exec"
	"syscall"
	"time"
)

// Shell runs a line for sh, without a terminal and without input, and returns the
// end of what it wrote to standard output and standard error. When ctx is done it
// is killed, with all it has started.
func (System) Shell(ctx context.Context, line string) (output []byte, err error) {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	cmd.Env = environment
	cmd.Dir = "/"
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
	err = cmd.Run()
	if ctx.Err() != nil {
		err = ctx.Err()
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
