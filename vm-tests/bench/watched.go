package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// watched is one run of a process, looked at from outside.
type watched struct {
	seconds float64
	cpu     float64 // seconds, of all cores
	peakKiB int64
	files   int // open at once
}

// watch runs a command to its end and looks at its memory and open files meanwhile.
func watch(cmd *exec.Cmd) (watched, error) {
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return watched{}, err
	}
	var seen watched
	ended, looked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(looked)
		for {
			seen.look(cmd.Process.Pid)
			select {
			case <-ended:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	err := cmd.Wait()
	seen.seconds = time.Since(began).Seconds()
	close(ended)
	<-looked
	seen.cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	if err != nil {
		return seen, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, lastLines(output.String(), 30))
	}
	return seen, nil
}

// look keeps the most of what the process has; one that has ended has nothing. Memory
// is asked here and not of the rusage, which begins with that of whoever started it.
func (w *watched) look(pid int) {
	if files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid)); err == nil {
		w.files = max(w.files, len(files))
	}
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if _, rest, found := strings.Cut(string(status), "VmHWM:"); found {
		var kib int64
		if _, err := fmt.Sscan(rest, &kib); err == nil {
			w.peakKiB = max(w.peakKiB, kib)
		}
	}
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(len(lines)-n, 0):], "\n")
}
