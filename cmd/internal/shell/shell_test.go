package shell

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	t.Setenv("OURS", "kept")
	output, err := Run(context.Background(), `echo "$OURS $NIXFLEET_WAVE"; echo oh >&2; exit 3`, []string{"NIXFLEET_WAVE=canary"})
	if string(output) != "kept canary\noh\n" || err == nil || err.Error() != "exit status 3" {
		t.Errorf("%q, %v", output, err)
	}
	output, err = Run(context.Background(), `i=0; while [ $i -lt 9000 ]; do echo 0123456789; i=$((i+1)); done; echo end`, nil)
	if err != nil || len(output) > 2*tailSize || !strings.HasSuffix(string(output), "end\n") {
		t.Errorf("%d bytes, %v", len(output), err)
	}
}

func TestRunIsKilledWithAllItStarted(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err := Run(ctx, `sleep 60 & sleep 60`, nil)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 900*time.Millisecond {
		t.Errorf("%v after %s", err, time.Since(begun))
	}
}
