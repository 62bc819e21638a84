package host

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/nixfleet/nixfleet/executor/host/internal/base"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/observe"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

const (
	// maxHookOutput is how much of a hook's output is passed on.
	maxHookOutput = 1 << 20
	// maxVariables bounds what the executor adds to a hook's environment.
	maxVariables = 64 << 10
)

// variableRE is what the executor may call the variables that it adds.
var variableRE = regexp.MustCompile(`^NIXFLEET_[A-Z0-9_]{1,100}$`)

// hook runs a hook to its end. When ctx is done it is stopped.
func (s *session) hook(ctx context.Context, request *protocol.Request, ask *protocol.HookRequest) (*protocol.HookReply, error) {
	if err := checkVariables(ask.Environment); err != nil {
		return nil, err
	}
	if err := s.awaitIdle(ctx); err != nil {
		return nil, err
	}
	if err := s.hold(ctx, request); err != nil {
		return nil, err
	}
	manifest, err := s.manifestOf(ask.Manifest)
	if err != nil {
		return nil, err
	}
	hook, err := hookOf(manifest, ask.Name)
	if err != nil {
		return nil, err
	}
	timeout, err := time.ParseDuration(hook.Timeout)
	if err != nil {
		return nil, fmt.Errorf("cannot read the timeout of hook %q: %w", hook.Name, err)
	}
	command := unit.Command{
		// A helper that was killed may have left one of that name, which then ends first.
		Name:        schema.UnitName(hookUnits + request.Run + "-" + hook.Name + ".service"),
		Description: "Hook " + hook.Name + " for " + oneLine(request.Operator) + ", by NixFleet",
		Argv:        []string{"/bin/sh", "-c", hook.Command}, User: "root",
		Environment: environment(s.variables(request, ask, hook)), Timeout: timeout,
	}
	ended, err := s.carryOut(ctx, request, schema.StageHook, command, maxHookOutput)
	if err != nil {
		return nil, err
	}
	return &protocol.HookReply{Exit: ended.exit, Lost: ended.lost, Output: ended.output, Unit: command.Name}, nil
}

// manifestOf returns the manifest that was prepared in this session, or the one that
// was applied, if it is the one that is meant.
func (s *session) manifestOf(digest schema.Digest) (*schema.Manifest, error) {
	if s.part != nil && s.part.digest == digest {
		return &s.part.Manifest, nil
	}
	known, err := s.state.Load()
	if err != nil {
		return nil, err
	}
	if known.Applied != nil && known.Applied.Manifest == digest {
		if manifest := s.state.Manifest(known.Applied); manifest != nil {
			return manifest, nil
		}
		return nil, fmt.Errorf("cannot read the manifest of generation %d", known.Applied.Generation)
	}
	prepared, applied := "nothing", "nothing"
	if s.part != nil {
		prepared = s.part.digest.Short()
	}
	if known.Applied != nil {
		applied = known.Applied.Manifest.Short()
	}
	return nil, refuse(kind.Refusal{
		Message: fmt.Sprintf("the hooks of %s are not this host's: %s was prepared, and %s is applied", digest.Short(), prepared, applied),
		Hint:    "something else was applied meanwhile; look what became of the host, then execute again",
	})
}

// hookOf returns a manifest's hook of that name, which must be one for hosts.
func hookOf(manifest *schema.Manifest, name string) (schema.Hook, error) {
	i := slices.IndexFunc(manifest.Hooks, func(h schema.Hook) bool { return h.Name == name })
	if i < 0 {
		return schema.Hook{}, refuse(kind.Refusal{Message: fmt.Sprintf("there is no hook %q in the manifest: %s", name,
			hasNames(manifest.Hooks, func(h schema.Hook) string { return h.Name }))})
	}
	hook := manifest.Hooks[i]
	if hook.On != schema.OnHost {
		return hook, refuse(kind.Refusal{Message: fmt.Sprintf("the hook %q is not run on hosts: expected one with on = %q, found %q", name, schema.OnHost, hook.On)})
	}
	return hook, nil
}

// variables are what a hook can know of the run and of the host. What the host knows
// is the host's to say.
func (s *session) variables(request *protocol.Request, ask *protocol.HookRequest, hook schema.Hook) map[string]string {
	release := base.Release(s.deps.Root)
	generation, _ := s.profile().Current() // none is 0
	all := map[string]string{}
	for name, value := range ask.Environment {
		all[name] = strings.Map(withoutControl, value)
	}
	maps.Copy(all, map[string]string{
		"NIXFLEET_HOST":       string(request.Host),
		"NIXFLEET_RUN":        request.Run,
		"NIXFLEET_OPERATOR":   oneLine(request.Operator),
		"NIXFLEET_SYSTEM":     string(systemOf(s.deps.Machine)),
		"NIXFLEET_BASE":       release["ID"],
		"NIXFLEET_OS":         release["PRETTY_NAME"],
		"NIXFLEET_KERNEL":     observe.Kernel(s.deps.Root),
		"NIXFLEET_BOOT":       s.deps.Clock.Boot,
		"NIXFLEET_GENERATION": strconv.Itoa(generation),
		"NIXFLEET_HOOK":       hook.Name,
		"NIXFLEET_MOMENT":     string(hook.When),
	})
	return all
}

// withoutControl replaces what systemd lets into no environment.
func withoutControl(letter rune) rune {
	if unicode.IsControl(letter) && letter != '\n' && letter != '\t' {
		return '?'
	}
	return letter
}

// checkVariables refuses what would be more than a variable of ours.
func checkVariables(variables map[string]string) error {
	size := 0
	for name, value := range variables {
		if !variableRE.MatchString(name) {
			return protocol.Errorf("%q is no variable of a hook: expected NIXFLEET_ and then capital letters, digits and '_'", name)
		}
		if size += len(name) + len(value); size > maxVariables {
			return protocol.Errorf("the variables of a hook are too much: expected at most %d bytes", maxVariables)
		}
	}
	return nil
}
