// Package command runs the host's own tools (useradd, journalctl, …) without a
// shell, and commands that the intent has written for one; always in the C locale.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/nixfleet/nixfleet/executor/shell"
)

// ErrAbsent says that the host does not have the tool.
var ErrAbsent = errors.New("the host does not have it")

// Runner runs a tool to its end and returns what it wrote to standard output.
// After an error the tool may have done all, some or nothing of its work.
type Runner interface {
	Run(ctx context.Context, name string, args ...string) ([]byte, error)
}

// System runs tools from Directories, or where those are none, from the usual ones.
type System struct {
	Directories []string
}

// usual are where hosts keep their tools. The caller's PATH is not asked: sudo
// and sshd set it as they like.
var usual = []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin", "/run/current-system/sw/bin"}

var environment = []string{"LC_ALL=C", "PATH=" + strings.Join(usual, ":")}

// Run implements [Runner].
func (s System) Run(ctx context.Context, name string, args ...string) ([]byte, error) {
	file, err := s.Find(name)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, file, args...)
	cmd.Env = environment
	cmd.Dir = "/"
	// A signal to the helper's group, as of a terminal that closes, must not kill
	// useradd in the middle of its work.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("cannot run %s: %w%s", name, err, said(stderr.String()))
	}
	return stdout.Bytes(), nil
}

// Shell runs a line for sh; see [shell.Run].
func (System) Shell(ctx context.Context, line string) (output []byte, err error) {
	return shell.Run(ctx, line, "/", environment)
}

// Find returns the file of a tool. An absolute path is one already.
func (s System) Find(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	directories := s.Directories
	if directories == nil {
		directories = usual
	}
	for _, dir := range directories {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("cannot run %s: %w (looked in %s)", name, ErrAbsent, strings.Join(directories, ", "))
}

func said(stderr string) string {
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	if lines[0] == "" {
		return ""
	}
	return ": " + strings.Join(lines[max(0, len(lines)-3):], "; ")
}
