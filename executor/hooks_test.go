package executor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/executor/shell"
	"github.com/nixfleet/nixfleet/schema"
)

// hooks gives every host these hooks.
func (f *fleet) hooks(hooks ...schema.Hook) {
	_, manifest := f.manifest()
	manifest.Hooks = hooks
	f.setManifest(f.plan, manifest)
	f.seal()
}

func hookOf(name string, when schema.HookMoment, on schema.Place) schema.Hook {
	return schema.Hook{Name: name, When: when, On: on, Command: "do " + name, Timeout: "1m", Required: true}
}

func always(hook schema.Hook) schema.Hook { hook.Always = true; return hook }

func optional(hook schema.Hook) schema.Hook { hook.Required = false; return hook }

// ran has hooks answer, and returns the names of those that ran.
func (f *fleet) ran(fails ...string) func() string {
	var mu sync.Mutex
	var names []string
	run := func(name string) bool {
		mu.Lock()
		defer mu.Unlock()
		names = append(names, name)
		return !slices.Contains(fails, name)
	}
	f.deps.Shell = func(_ context.Context, line string, _ []string) ([]byte, error) {
		if run(strings.TrimPrefix(line, "do ")) {
			return nil, nil
		}
		return []byte("so\nthe pool is full\n"), errors.New("exit status 1")
	}
	for _, host := range f.hosts {
		host.Set(func(s *simhost.State) {
			s.OnHook = func(s *simhost.Session) (schema.Exit, error) {
				if run(s.Hook.Name) {
					return schema.Exit{}, nil
				}
				return schema.Exit{Status: 3}, nil
			}
		})
	}
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		told := strings.Join(names, " ")
		names = nil
		return told
	}
}

func TestHooksAroundTheChange(t *testing.T) {
	set := []schema.Hook{
		hookOf("drain", schema.BeforeActivation, schema.OnController), hookOf("flush", schema.BeforeActivation, schema.OnHost),
		always(hookOf("join", schema.AfterActivation, schema.OnHost)), hookOf("tell", schema.AfterActivation, schema.OnController),
	}
	rolledBack := func(s *simhost.State) {
		s.OnApply = func(*simhost.Transaction) error { return errors.New("web.service failed") }
	}
	for name, c := range map[string]struct {
		hooks   []schema.Hook
		trouble func(*simhost.State)
		fails   []string
		outcome schema.Outcome
		says    []string
		ran     string
		note    string
	}{
		"all":                    {hooks: set, outcome: schema.HostChanged, ran: "drain flush join tell"},
		"drain fails":            {hooks: set, fails: []string{"drain"}, outcome: schema.HostFailed, says: []string{`hook "drain" failed before the change: exit status 1: the pool is full`}, ran: "drain join"},
		"flush fails":            {hooks: set, fails: []string{"flush"}, outcome: schema.HostFailed, says: []string{`hook "flush" failed before the change: exit status 3`}, ran: "drain flush join"},
		"change fails":           {hooks: set, trouble: rolledBack, outcome: schema.HostRolledBack, says: []string{"web.service failed"}, ran: "drain flush join"},
		"change and join fail":   {hooks: set, trouble: rolledBack, fails: []string{"join"}, outcome: schema.HostRolledBack, says: []string{"web.service failed"}, ran: "drain flush join", note: `hook "join" failed after the change: exit status 3`},
		"join fails":             {hooks: set, fails: []string{"join"}, outcome: schema.HostUnhealthy, says: []string{`hook "join" failed after the change`}, ran: "drain flush join"},
		"nobody cares for drain": {hooks: []schema.Hook{optional(set[0]), set[2]}, fails: []string{"drain"}, outcome: schema.HostChanged, ran: "drain join", note: `hook "drain", which is not required, failed before the change`},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, 1)
			f.hooks(c.hooks...)
			ran := f.ran(c.fails...)
			if c.trouble != nil {
				f.only().Set(c.trouble)
			}
			record := f.execute()
			wantHost(t, record, "web-1", c.outcome, c.says...)
			if got := ran(); got != c.ran {
				t.Errorf("ran %q instead of %q", got, c.ran)
			}
			if !strings.Contains(f.notes(), c.note) {
				t.Errorf("notes: %s", f.notes())
			}
			changed := f.only().Look().Applied != ""
			if want := c.outcome == schema.HostChanged || c.outcome == schema.HostUnhealthy; changed != want {
				t.Errorf("changed: %v", changed)
			}
			if c.outcome == schema.HostChanged { // then nothing is to do, and no hook runs
				wantHost(t, f.execute(), "web-1", schema.HostUnchanged)
				if got := ran(); got != "" {
					t.Errorf("of an unchanged host ran %q", got)
				}
			}
		})
	}
}

// The drained time is short: what can be done before is done before.
func TestHooksComeLast(t *testing.T) {
	f := newFleet(t, 1)
	f.hooks(hookOf("flush", schema.BeforeActivation, schema.OnHost), hookOf("join", schema.AfterActivation, schema.OnHost))
	f.ran()
	f.execute()
	if got, want := f.only().Calls(), "serve hello prepare store payloads prepare hook begin attach serve hello hook"; got != want {
		t.Errorf("asked\n%q instead of\n%q", got, want)
	}
	f = newFleet(t, 1)
	f.hooks(hookOf("flush", schema.BeforeActivation, schema.OnHost))
	ran := f.ran()
	f.options.DryRun = true
	wantHost(t, f.execute(), "web-1", schema.HostChanged)
	if got := ran(); got != "" {
		t.Errorf("a dry run ran %q", got)
	}
}

// Hooks are told of the run, the host and what has failed, alike in both places.
func TestHooksAreTold(t *testing.T) {
	f := newFleet(t, 1)
	f.hooks(hookOf("drain", schema.BeforeActivation, schema.OnHost), always(hookOf("join", schema.AfterActivation, schema.OnController)))
	var onHost protocol.HookRequest
	var onController []string
	f.only().Set(func(s *simhost.State) {
		s.OnHook = func(s *simhost.Session) (schema.Exit, error) { onHost = s.Hook; return schema.Exit{}, nil }
		s.OnApply = func(*simhost.Transaction) error { return errors.New("web.service failed") }
	})
	f.deps.Shell = func(_ context.Context, _ string, environment []string) ([]byte, error) {
		onController = environment
		return nil, nil
	}
	record := f.execute()
	for name, want := range map[string]string{
		"RUN": record.Run, "FLEET": "test", "HOST": "web-1", "ADDRESS": "127.0.0.1", "DIGEST": string(f.plan.Digest), "OPERATOR": "alice@desk",
		"MOMENT": "before-activation", "HOOK": "drain", "FAILED": "", "SYSTEM": "x86_64-linux", "BASE": "debian", "GENERATION": "0", "BOOT": "b1",
	} {
		if got := onHost.Environment["NIXFLEET_"+name]; got != want {
			t.Errorf("the hook on the host is told NIXFLEET_%s=%s instead of %s", name, got, want)
		}
	}
	for _, want := range []string{"NIXFLEET_MOMENT=after-activation", "NIXFLEET_HOOK=join", "NIXFLEET_FAILED=web.service failed", "NIXFLEET_HOST=web-1"} {
		if !slices.Contains(onController, want) {
			t.Errorf("the hook on the controller is not told %s: %q", want, onController)
		}
	}
}

// Whatever the step before has written, the hooks that always run do.
func TestHooksAfterOddOutput(t *testing.T) {
	f := newFleet(t, 1)
	f.hooks(hookOf("drain", schema.BeforeActivation, schema.OnController), always(hookOf("join", schema.AfterActivation, schema.OnController)))
	odd := "odd\x00" + strings.Repeat("\U0001F980", 390)
	var told string
	f.deps.Shell = func(ctx context.Context, line string, environment []string) ([]byte, error) {
		if line == "do drain" {
			return []byte(odd), errors.New("exit status 1")
		}
		return shell.Run(ctx, `printf %s "$NIXFLEET_FAILED"; exit 3`, "", environment)
	}
	f.deps.Observe = func(e schema.Event) {
		if e.Kind == schema.HostNote {
			told += e.Note
		}
	}
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostFailed, `hook "drain" failed before the change`)
	if !strings.Contains(told, `exit status 3: hook "drain" failed before the change: exit status 1: odd?`) {
		t.Error(told)
	}
}
