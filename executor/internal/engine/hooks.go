package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/session"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// hooks runs the host's hooks of a moment in their order; over is a session that has
// what they are of, or nil. Where the step before failed, for the reason given, or a
// required one among them does, only those run that always do. The error is why it was
// the first required one that failed.
func (t *task) hooks(ctx context.Context, moment schema.HookMoment, failed string, over *session.Session) error {
	set := slices.DeleteFunc(slices.Clone(t.part.manifest.Hooks), func(h schema.Hook) bool {
		return h.When != moment || failed != "" && !h.Always || t.gone && h.On == schema.OnHost
	})
	if len(set) == 0 {
		return nil
	}
	// If we crash after this, who resumes the run knows that they may have run.
	if err := t.write(schema.Entry{Kind: schema.HostHooks, Hook: moment}); err != nil {
		return err
	}
	h := &hooking{task: t, session: over}
	defer h.close()
	var first error
	for i := range set {
		hook := &set[i]
		if failed != "" && !hook.Always {
			continue
		}
		t.emit(schema.Event{Kind: schema.HostStage, Stage: schema.StageHook, Note: hook.Name})
		err := h.run(ctx, hook, failed)
		if err == nil {
			continue
		}
		// Without its kind: whatever it was, the step is not tried again for it.
		which := ""
		if !hook.Required {
			which = ", which is not required,"
		}
		err = fault.New(fault.Failed, "hook %q%s failed %s: %s", hook.Name, which, inWords[moment], err).WithHint("%s", strings.Join(schema.Hints(err), "\n"))
		if !hook.Required || first != nil {
			t.note(err.Error())
			continue
		}
		first, failed = err, fault.Brief(err)
	}
	return first
}

var inWords = map[schema.HookMoment]string{
	schema.BeforeActivation: "before the change", schema.AfterActivation: "after the change",
	schema.BeforeReboot: "before the reboot", schema.AfterReboot: "after the reboot",
}

// hooking runs a set of hooks, those on the host over one session.
type hooking struct {
	*task
	session *session.Session
	// conn is that of the session, where it was opened for the hooks.
	conn *transport.Conn
}

func (h *hooking) close() {
	if h.conn != nil {
		h.session.Close()
		h.conn.Close()
	}
}

func (h *hooking) run(ctx context.Context, hook *schema.Hook, failed string) error {
	timeout, _ := time.ParseDuration(hook.Timeout) // the compiler has read it too
	variables := h.variables(hook, failed)
	if hook.On == schema.OnHost {
		return h.onHost(ctx, hook, timeout, variables)
	}
	if h.session != nil && h.session.Epoch() != 0 {
		defer h.keepLease(ctx, h.session)()
	}
	var environment []string
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		environment = append(environment, name+"="+strings.Map(withoutNull, variables[name]))
	}
	return h.shell(ctx, hook.Command, environment, timeout)
}

// withoutNull replaces what lets no process begin with it in its environment.
func withoutNull(letter rune) rune {
	if letter == 0 {
		return '?'
	}
	return letter
}

// longestFailure is how much a hook is told of a failure: an environment has its limits.
const longestFailure = 2000

// variables are what a hook is told.
func (t *task) variables(hook *schema.Hook, failed string) map[string]string {
	if len(failed) > longestFailure {
		failed = strings.ToValidUTF8(failed[:longestFailure], "")
	}
	v := map[string]string{
		"NIXFLEET_RUN": t.ID, "NIXFLEET_FLEET": t.Plan.Index.Fleet, "NIXFLEET_DIGEST": string(t.Plan.Digest), "NIXFLEET_OPERATOR": t.Operator,
		"NIXFLEET_HOST": string(t.name), "NIXFLEET_ADDRESS": t.address(),
		"NIXFLEET_MOMENT": string(hook.When), "NIXFLEET_HOOK": hook.Name, "NIXFLEET_FAILED": failed,
	}
	if facts := t.facts; facts != nil {
		v["NIXFLEET_SYSTEM"], v["NIXFLEET_BASE"], v["NIXFLEET_OS"] = facts.System, facts.Base, facts.OS
		v["NIXFLEET_GENERATION"], v["NIXFLEET_BOOT"] = strconv.Itoa(facts.Generation), facts.Boot
	}
	return v
}

func (h *hooking) onHost(ctx context.Context, hook *schema.Hook, timeout time.Duration, variables map[string]string) error {
	if err := h.open(ctx); err != nil {
		return err
	}
	ask := protocol.HookRequest{Manifest: h.host.Manifest, Name: hook.Name, Environment: variables}
	// If we crash here, the end of the session ends the hook.
	reply, err := session.Call(ctx, h.session, protocol.Hook, ask, session.Options{Deadline: timeout + h.Patience.Begin, OnEvent: func(event *protocol.Event) {
		if event.Output != nil {
			h.emit(schema.Event{Kind: schema.HostOutput, Output: event.Output})
		}
	}})
	switch {
	case err != nil:
		return err
	case reply.Lost != "":
		return fmt.Errorf("%s; on the host: journalctl -u %s", reply.Lost, reply.Unit)
	}
	if ended := resultOf(&reply.Exit); ended.Outcome != schema.HostRan {
		return withEnd(errors.New(ended.Error), reply.Output)
	}
	return nil
}

// open opens a session on a host that knows the hooks: because the plan's manifest was
// applied, or else because it is prepared now.
func (h *hooking) open(ctx context.Context) error {
	if h.session != nil {
		return nil
	}
	return h.tries(ctx, func(ctx context.Context) error {
		conn, err := h.Dialer.Dial(ctx, h.target())
		if err != nil {
			return err
		}
		s, hello, err := session.Open(ctx, conn, h.identity(), h.helper, h.note, true)
		if err == nil && hello.Applied != h.host.Manifest {
			_, err = h.prepare(ctx, s)
		}
		if err != nil {
			conn.Close()
			return err
		}
		h.conn, h.session, h.facts = conn, s, hello
		return nil
	})
}

// shell runs a command on the controller. The error says how it ended, and with what.
func (r *Run) shell(ctx context.Context, command string, environment []string, timeout time.Duration) error {
	if r.Shell == nil {
		return errors.New("commands cannot be run here")
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	output, err := r.Shell(limited, command, environment)
	if err == nil {
		return nil
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("it has not answered after %s", timeout)
	}
	return withEnd(err, string(output))
}

// withEnd adds to an error the last line of what a command wrote.
func withEnd(err error, output string) error {
	if end := lastLine(output); end != "" {
		return fmt.Errorf("%w: %s", err, end)
	}
	return err
}

// beforeChange runs the hooks before the change. Where one fails, nothing was changed.
func (t *task) beforeChange(ctx context.Context, s *session.Session) error {
	t.activating = true
	return t.hooks(ctx, schema.BeforeActivation, "", s)
}

// afterChange runs the hooks after the change, also where it has failed, and where an
// earlier process of the run has begun it or the hooks before it.
func (t *task) afterChange(ctx context.Context) {
	before := !t.past.done && !t.past.down() && (t.past.changing || t.past.hooks[schema.BeforeActivation])
	if t.DryRun || !t.activating && !before || ctx.Err() != nil {
		return
	}
	failed := ""
	if !reached(t.result.Outcome) {
		failed = firstLine(t.result.Error)
	}
	switch err := t.hooks(ctx, schema.AfterActivation, failed, nil); {
	case err != nil && failed != "":
		t.note(err.Error())
	case err != nil:
		t.unhealthy(err)
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
