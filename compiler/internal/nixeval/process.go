package nixeval

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// How long a program may take to end after a cancel: nix-store has builders to
// stop, while an evaluation hears nothing until it is done and leaves nothing behind.
const (
	storeGrace = 10 * time.Second
	evalGrace  = time.Second
)

// failure is a Nix process that ended badly, with what it said.
type failure struct {
	program string
	args    []string
	err     error
	journal *journal
}

func (f *failure) Error() string {
	text := fmt.Sprintf("%s failed: %v", f.program, f.err)
	if last := f.journal.lastError(); last.Text != "" {
		text += ": " + last.Text
	}
	return text
}

func (f *failure) Unwrap() error { return f.err }

// killed reports whether the process ended by SIGKILL, as the kernel does when
// memory runs out.
func (f *failure) killed() bool {
	var exit *exec.ExitError
	if !errors.As(f.err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL || exit.ExitCode() == 137
}

// outOfMemory reports whether the process ended for want of memory: killed, or by
// its own limit.
func (f *failure) outOfMemory() bool {
	text := f.journal.text()
	return f.killed() || strings.Contains(text, "out of memory") || strings.Contains(text, "Out of Memory") || strings.Contains(text, "bad_alloc")
}

// run runs a Nix program in a process group of its own and returns its standard
// output. On cancel the whole group ends, and the error is the context's.
func (n *Nix) run(ctx context.Context, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(n.bin, program), args...)
	cmd.Env = n.env
	cmd.Dir = n.dir
	// Where we are killed ourselves, Nix does not live on. An evaluation does not hear
	// SIGTERM until it is done.
	grace, orphan := evalGrace, syscall.SIGKILL
	if program == "nix-store" {
		grace, orphan = storeGrace, syscall.SIGTERM
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: orphan}
	var stdout bytes.Buffer
	log := &journal{progress: n.options.Progress}
	cmd.Stdout, cmd.Stderr = &stdout, log
	var killer *time.Timer
	cmd.Cancel = func() error {
		group := -cmd.Process.Pid
		killer = time.AfterFunc(grace, func() { _ = syscall.Kill(group, syscall.SIGKILL) })
		return syscall.Kill(group, syscall.SIGTERM)
	}
	cmd.WaitDelay = grace + time.Second
	err := cmd.Run()
	if killer != nil {
		killer.Stop()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // whoever is left of the group
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	log.close()
	if err != nil {
		return nil, &failure{program: program, args: args, err: err, journal: log}
	}
	return stdout.Bytes(), nil
}

// unescape drops the colours that Nix prints even where nobody sees them.
func unescape(s string) string {
	if !strings.Contains(s, "\x1b") {
		return s
	}
	var out strings.Builder
	for {
		before, after, found := strings.Cut(s, "\x1b[")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		end := strings.IndexFunc(after, func(r rune) bool { return r >= '@' && r <= '~' })
		s = after[end+1:]
	}
}
