package lab

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

var (
	//go:embed private.sh
	privateScript string
	//go:embed holder.sh
	holderScript string
)

// isolate prepares a script as PID 1 of namespaces of its own, with arguments after the first, which is its own text.
// It runs in a session of its own: Ctrl-C is for the owner, which then says what is to happen.
func isolate(flags uintptr, name, script string, args ...string) *exec.Cmd {
	script = privateScript + script
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, name, script}, args...)...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | flags}
	return cmd
}

// holder is the init process of a lab's namespaces. When it ends, everything in them ends.
type holder struct {
	pid int
	// started tells this process from a later one with the same number.
	started string
	// pipe is its standard input, where this process owns the lab.
	pipe io.Closer
	// keep asks it to live on without the pipe.
	keep func() error
}

// startHolder makes the lab's namespaces.
func (l *Lab) startHolder(ctx context.Context) error {
	logPath := filepath.Join(l.Dir, "holder.log")
	logFile, err := os.Create(logPath)
	if err != nil {
		return fmt.Errorf("cannot make the lab's namespaces: %w", err)
	}
	defer func() { _ = logFile.Close() }()
	hierarchy := "v1"
	if _, second, _ := cgroupRoot(); second {
		hierarchy = "v2"
	}
	cmd := isolate(unix.CLONE_NEWNET, "nixfleet-lab-"+l.ID, holderScript, hierarchy)
	cmd.Env = adminEnv()
	cmd.Stderr = logFile
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("cannot make the lab's namespaces: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("cannot make the lab's namespaces: %w", err)
	}
	// If we crash here, the pipe closes and the holder ends.
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot make the lab's namespaces: %w", err)
	}
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	l.holder = &holder{
		pid: cmd.Process.Pid, started: startTime(cmd.Process.Pid), pipe: stdin,
		keep: func() error { _, err := io.WriteString(stdin, "keep\n"); return err },
	}
	go func() { _ = cmd.Wait() }()
	if strings.TrimSpace(line) != "ready" {
		text, _ := os.ReadFile(logPath)
		return fmt.Errorf("cannot make the lab's namespaces: %s", strings.TrimSpace(string(text)))
	}
	return ctx.Err()
}

// alive says whether the holder still is the process that it was.
func (h *holder) alive() bool {
	return h.pid > 0 && h.started != "" && startTime(h.pid) == h.started
}

// kill ends the holder, and with it all processes of the lab; they are gone when it returns.
func (h *holder) kill() error {
	if h.pipe != nil {
		_ = h.pipe.Close()
	}
	for range 1000 {
		if !h.alive() {
			return nil
		}
		_ = syscall.Kill(h.pid, syscall.SIGKILL)
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("its first process, %d, does not end", h.pid)
}

// root is the path at which this process sees the lab's mounts.
func (h *holder) root(path string) string { return fmt.Sprintf("/proc/%d/root%s", h.pid, path) }

// command runs one of the lab's own scripts in all its namespaces, below the root that this process has: it may be in a chroot.
func (h *holder) command(ctx context.Context, script string, args ...string) *exec.Cmd {
	nsenter := []string{"--target", strconv.Itoa(h.pid), "--mount", "--net", "--pid", "--root", "--wd", "--", "/bin/sh", "-c", script, "lab"}
	cmd := exec.CommandContext(ctx, program("nsenter"), append(nsenter, args...)...)
	cmd.Env = adminEnv()
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// run runs a script to its end; what it wrote is part of the error.
func (h *holder) run(ctx context.Context, script string, args ...string) error {
	cmd := h.command(ctx, script, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w: %s", err, tail(out.String(), 10))
	}
	return nil
}

// startTime is when a process started, in the kernel's ticks; "" if there is none or only a zombie.
func startTime(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The second field is the program's name in parentheses and may contain anything.
	_, rest, ok := strings.Cut(string(text[bytes.LastIndexByte(text, ')')+1:]), " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	return fields[19]
}

// Detach lets the lab outlive this process, from now on. Close still ends it.
func (l *Lab) Detach() error {
	if l.state.Keep {
		return nil
	}
	if l.holder == nil || l.holder.keep == nil {
		return errors.New("cannot detach from a lab that another process owns")
	}
	l.state.Keep = true
	if err := l.saveState(); err != nil {
		return err
	}
	// If we crash here, the lab ends with us, and the next Start removes its directory.
	if err := l.holder.keep(); err != nil {
		return fmt.Errorf("cannot detach from lab %q: %w", l.ID, err)
	}
	return nil
}
