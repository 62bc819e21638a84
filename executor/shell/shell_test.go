package shell

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	output, err := Run(context.Background(), `echo "$NIXFLEET_WAVE $OURS"; pwd; echo oh >&2; exit 3`, dir, []string{"NIXFLEET_WAVE=canary"})
	if string(output) != "canary \n"+dir+"\noh\n" || err == nil || err.Error() != "exit status 3" {
		t.Errorf("%q, %v", output, err)
	}
	output, err = Run(context.Background(), `i=0; while [ $i -lt 9000 ]; do echo 0123456789; i=$((i+1)); done; echo end`, "", nil)
	if err != nil || len(output) > 2*tailSize || !strings.HasSuffix(string(output), "end\n") {
		t.Errorf("%d bytes, %v", len(output), err)
	}
}

// What a line leaves running, and may hold its output open, is no failure.
func TestRunLeavesSomethingRunning(t *testing.T) {
	output, err := Run(context.Background(), `sleep 60 & echo $!`, "", nil)
	if err != nil {
		t.Error(err)
	}
	if left, _ := strconv.Atoi(strings.TrimSpace(string(output))); left > 1 {
		_ = syscall.Kill(left, syscall.SIGKILL)
	} else {
		t.Errorf("%q", output)
	}
}

func TestRunIsKilledWithAllItStarted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	child := filepath.Join(t.TempDir(), "child")
	go func() {
		defer cancel()
		for range 6000 {
			if _, err := os.Stat(child); err == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	_, err := Run(ctx, `sleep 600 & echo $! >`+child+`.new; mv `+child+`.new `+child+`; sleep 600`, "", nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("found %v", err)
	}
	number, err := os.ReadFile(child)
	if err != nil {
		t.Fatal(err)
	}
	var stat []byte
	for range 3000 {
		stat, err = os.ReadFile("/proc/" + strings.TrimSpace(string(number)) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("it lives on: %s", stat)
}
