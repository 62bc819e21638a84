package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

// gate asks the fleet's gate, before the first wave (which has no name then) or after
// one, as often as the plan says. Where it stays closed the rollout halts.
func (o *rollout) gate(ctx context.Context, after *schema.Wave) {
	gate := o.Plan.Index.Rollout.Gate
	if gate == nil || o.DryRun || o.halted != "" {
		return
	}
	o.emit(schema.Event{Kind: schema.WaveStage, Wave: after.Name, Stage: schema.StageGate})
	interval, _ := time.ParseDuration(gate.Interval) // the compiler has read both too
	timeout, _ := time.ParseDuration(gate.Timeout)
	for asked := 1; ; asked++ {
		err := o.askGate(ctx, gate.Command, after.Name, timeout)
		switch {
		case err == nil:
			return
		case o.stopped(ctx):
			o.halt(after, schema.ReasonOperatorStopped, stoppedByOperator)
			return
		case asked > gate.Retries:
			o.halt(after, schema.ReasonGateClosed, fmt.Sprintf("the gate is closed, asked %s: %v", times(asked), err))
			return
		}
		if !o.pause(ctx, interval) {
			o.halt(after, schema.ReasonOperatorStopped, stoppedByOperator)
			return
		}
	}
}

// askGate asks once. An operator who stops the rollout does not wait for the answer.
func (o *rollout) askGate(ctx context.Context, command, wave string, timeout time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-o.Stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return o.shell(ctx, command, []string{"NIXFLEET_RUN=" + o.ID, "NIXFLEET_FLEET=" + o.Plan.Index.Fleet, "NIXFLEET_WAVE=" + wave}, timeout)
}

// lastLine is the end of what a command wrote, for one line.
func lastLine(output string) string {
	const width = 400
	output = strings.TrimSpace(strings.ToValidUTF8(output, "?"))
	letters := []rune(output[strings.LastIndexByte(output, '\n')+1:])
	return string(letters[:min(len(letters), width)])
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
