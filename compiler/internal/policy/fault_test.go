package policy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/compiler/internal/bounded"
	"github.com/nixfleet/nixfleet/schema"
)

// TestMain makes the test binary a worker when it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "serve-policies" {
		cpu, err := time.ParseDuration(os.Args[2])
		if err == nil {
			err = bounded.Serve(limits(cpu), Serve, os.Stdin, os.Stdout)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// limits are small, so that what exceeds them does so soon.
func limits(cpu time.Duration) bounded.Limits {
	return bounded.Limits{CPU: cpu, Clock: time.Hour, Memory: 256 << 20, Output: 1 << 20}
}

// enough CPU time for everything that ends.
const enough = 5 * time.Minute

func process(cpu time.Duration) bounded.Runner {
	return bounded.Process([]string{os.Args[0], "serve-policies", cpu.String()}, limits(cpu))
}

func small() Subject { return Subject{Plan: largePlan(2, false, "a")} }

// said is what checking a fleet's policies says.
func said(t *testing.T, dir string, subject Subject) string {
	t.Helper()
	return saidWithin(t, enough, dir, subject)
}

func saidWithin(t *testing.T, cpu time.Duration, dir string, subject Subject) string {
	t.Helper()
	answer, err := Check(context.Background(), process(cpu), Source{dir, Directory}, subject, true)
	if err != nil {
		return err.Error() + "\n"
	}
	return report(answer)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	result := "hint: a rule returns " + shape + "\n"
	for name, c := range map[string]struct{ policy, want string }{
		"throws, and hides no other rule": {
			"local check(plan) =\n  error 'no ' + plan.fleet + '!';\n{\n  a: function(plan) check(plan),\n  b: function(plan) [{ message: 'b says so', hint: 'do this' }],\n}\n",
			"error: b says so [policy-violation]\n  at policy/p.jsonnet, b\nhint: do this\n" +
				"error: cannot evaluate the policy: no ! [policy-failed]\n  at policy/p.jsonnet:2:3, a\n  called from policy/p.jsonnet:4:21\n",
		},
		"no such field": {
			"{ a(plan): [{ message: plan.hostz }] }",
			"error: cannot evaluate the policy: Field does not exist: hostz [policy-failed]\n  at policy/p.jsonnet:1:24, a\n",
		},
		"no Jsonnet": {
			"{\n  a: function(plan) [\n}\n",
			"error: cannot read the policy: Unexpected: \"}\" while parsing terminal [policy-failed]\n  at policy/p.jsonnet:3:1\n",
		},
		"an unknown variable": {
			"{ a(plan): plam }",
			"error: cannot read the policy: Unknown variable: plam [policy-failed]\n  at policy/p.jsonnet:1:12\n",
		},
		"a guardrail that is misused": {
			"local g = import 'nixfleet/guardrails.libsonnet';\n{\n  few: g.maxHostsChanged('many'),\n}\n",
			"error: cannot evaluate the policy: maxHostsChanged: expected a whole number of at least 0, found \"many\" [policy-failed]\n  at policy/p.jsonnet:3:8\n",
		},
		"a freeze that ends before it begins": {
			"(import 'nixfleet/guardrails.libsonnet').freeze('2026-12-24', '2026-12-23')",
			"error: cannot evaluate the policy: freeze: it ends on 2026-12-23, before it begins on 2026-12-24 [policy-failed]\n  at policy/p.jsonnet:1:1\n",
		},
		"a day that is none": {
			"(import 'nixfleet/guardrails.libsonnet').freeze('2026-02-30', '2026-03-01')",
			"error: cannot evaluate the policy: freeze: from: expected a day as \"2026-12-24\", found \"2026-02-30\" [policy-failed]\n  at policy/p.jsonnet:1:1\n",
		},
		"an import from above": {
			"local x = import '../../x.libsonnet';\n{ a(plan): x }",
			"error: cannot evaluate the policy: cannot import \"../../x.libsonnet\": it lies outside the fleet [policy-import]\n  at policy/p.jsonnet:1:11, a\n  called from policy/p.jsonnet:2:12\n" +
				"hint: move what is imported into the fleet: a plan is judged by the fleet's source only\n",
		},
		"an absolute import": {
			"{ a(plan): importstr '/etc/hostname' }",
			"error: cannot evaluate the policy: cannot import \"/etc/hostname\": it lies outside the fleet [policy-import]\n  at policy/p.jsonnet:1:12, a\n" +
				"hint: move what is imported into the fleet: a plan is judged by the fleet's source only\n",
		},
		"an import through a link": {
			"{ a(plan): importstr 'link/secret' }",
			"error: cannot evaluate the policy: cannot import \"link/secret\": it lies outside the fleet: \"policy/link/secret\" is a link that leads there [policy-import]\n  at policy/p.jsonnet:1:12, a\n" +
				"hint: move what is imported into the fleet: a plan is judged by the fleet's source only\n",
		},
		"an import of what is not there": {
			"{ a(plan): import 'x.libsonnet' }",
			"error: cannot evaluate the policy: cannot import \"x.libsonnet\": the fleet has no such file: \"policy/x.libsonnet\" [policy-import]\n  at policy/p.jsonnet:1:12, a\nhint: a name is relative to the importing file; in a git checkout: git add what is new\n",
		},
		"what only we import": {
			"{ a(plan): import 'nixfleet/internal/run.libsonnet' }",
			"error: cannot evaluate the policy: cannot import \"nixfleet/internal/run.libsonnet\": the library has no such file; there is: nixfleet/guardrails.libsonnet [policy-import]\n  at policy/p.jsonnet:1:12, a\n",
		},
		"a number": {"{ a(plan): 7 }", "error: the rule returns a number; expected a list of violations [policy-result]\n  at policy/p.jsonnet, a\n" + result},
		"null":     {"{ a(plan): null }", "error: the rule returns null; expected a list of violations [policy-result]\n  at policy/p.jsonnet, a\n" + result},
		"texts":    {"{ a(plan): ['no'] }", "error: violation 1 is a string; expected an object with a message [policy-result]\n  at policy/p.jsonnet, a\n" + result},
		"no message": {
			"{ a(plan): [{ message: 'x' }, { host: 'h1' }] }",
			"error: violation 2: it has no message [policy-result]\n  at policy/p.jsonnet, a\n" + result,
		},
		"a misspelt field": {
			"{ a(plan): [{ message: 'x', serverity: 'warning' }] }",
			"error: violation 1: there is no field \"serverity\"; there are: host, hint, message, severity [policy-result]\n  at policy/p.jsonnet, a\n" + result,
		},
		"an unknown severity": {
			"{ a(plan): [{ message: 'x', severity: 'info' }] }",
			"error: violation 1: the severity is \"info\"; expected \"error\" or \"warning\" [policy-result]\n  at policy/p.jsonnet, a\n" + result,
		},
		"a message that is none": {
			"{ a(plan): [{ message: ['x'] }] }",
			"error: violation 1: the field \"message\" is a list; expected a string [policy-result]\n  at policy/p.jsonnet, a\n" + result,
		},
		"an unknown host": {
			"{ a(plan): [{ message: 'x', host: 'h9' }] }",
			"error: the rule speaks of a host \"h9\" that no plan has [policy-result]\n  at policy/p.jsonnet, a\n",
		},
		"a list": {
			"[function(plan) []]",
			"error: the policy is a list; expected an object of rules [policy-result]\n  at policy/p.jsonnet\n" +
				"hint: a policy is an object of rules, as { noRoot: function(plan, previous, given) […] }; helpers are local, or hidden with ::\n",
		},
		"a rule that is none": {
			"{ helper: 3, a(plan): [] }",
			"error: the rule is a number; expected a function [policy-result]\n  at policy/p.jsonnet, helper\n" +
				"hint: a policy is an object of rules, as { noRoot: function(plan, previous, given) […] }; helpers are local, or hidden with ::\n",
		},
		"no rules": {
			"{ helper:: 3 }",
			"error: the policy has no rules [policy-result]\n  at policy/p.jsonnet\n" +
				"hint: a policy is an object of rules, as { noRoot: function(plan, previous, given) […] }; helpers are local, or hidden with ::\n",
		},
		"endless depth": {
			"local f(n) = 1 + f(n + 1);\n{ a(plan): f(0) }",
			"error: cannot evaluate the policy: more than 500 calls are in each other [policy-bounds]\n  at policy/p.jsonnet:1:18, a\n  called from policy/p.jsonnet:2:12\nhint: look for a function that calls itself without end\n",
		},
		"endless calls from the end": {
			"local f(n) = if n < 0 then n else f(n + 1) tailstrict;\n{ a(plan): [], b(plan): f(0) }",
			"error: cannot evaluate the policy: a function calls itself too often, or a value is nested too deep [policy-bounds]\n  at policy/p.jsonnet\n  it was at the rule b\n" + growing,
		},
		"all memory at once": {
			"{ a(plan): std.makeArray(2000000000, function(i) {}) }",
			"error: cannot evaluate the policy: it takes more than 256 MiB of memory [policy-bounds]\n  at policy/p.jsonnet\n  it was at the rule a\n" + growing,
		},
		"all memory bit by bit": {
			"{ a(plan): std.foldl(function(list, n) list + list, std.range(1, 60), [1]) }",
			"error: cannot evaluate the policy: it takes more than 256 MiB of memory [policy-bounds]\n  at policy/p.jsonnet\n  it was at the rule a\n" + growing,
		},
		"a huge result": {
			"{ a(plan): [{ message: std.foldl(function(s, n) s + s, std.range(1, 21), 'x') }] }",
			"error: cannot evaluate the policy: its result is larger than 1 MiB [policy-bounds]\n  at policy/p.jsonnet\n  it was at the rule a\n" + growing,
		},
		"an unknown native function": {
			"{ a(plan): std.native('exec')('id') }",
			"error: cannot evaluate the policy: Unexpected type null, expected function [policy-failed]\n  at policy/p.jsonnet:1:12, a\n",
		},
		"too many violations": {
			"{ a(plan): [{ message: 'x' } for i in std.range(0, 10000)] }",
			"error: the rule has 10001 violations; expected at most 10000 [policy-bounds]\n  at policy/p.jsonnet, a\n",
		},
		"a variable from outside": {
			"{ a(plan): std.extVar('HOME') }",
			"error: cannot evaluate the policy: Undefined external variable: HOME [policy-failed]\n  at policy/p.jsonnet:1:12, a\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, map[string]string{"fleet/policy/p.jsonnet": c.policy, "secret/secret": "s", "x.libsonnet": "[]"})
			if err := os.Symlink(filepath.Join(dir, "secret"), filepath.Join(dir, "fleet/policy/link")); err != nil {
				t.Fatal(err)
			}
			if found := said(t, filepath.Join(dir, "fleet"), small()); found != c.want {
				t.Errorf("found\n%s\nwant\n%s", found, c.want)
			}
		})
	}
}

// A policy that loops is stopped by the CPU time that it takes, however long that lasts.
func TestEndlessLoop(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"policy/p.jsonnet": endless + "{ a(plan): [], b(plan): loop }"})
	want := "error: cannot evaluate the policy: it takes more than 1s of CPU time [policy-bounds]\n  at policy/p.jsonnet\n  it was at the rule b\n" + growing
	if found := saidWithin(t, time.Second, dir, small()); found != want {
		t.Errorf("found\n%s\nwant\n%s", found, want)
	}
}

// endless takes hours, and little memory.
const endless = "local n = std.range(1, 2000);\nlocal sum(f) = std.foldl(function(a, b) a + f(b), n, 0);\n" +
	"local loop = sum(function(x) sum(function(y) sum(function(z) x + y + z)));\n"

const growing = "hint: look for a function that calls itself without end, or a list or a string that grows\n"

func TestPoliciesSeeThePlan(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"policy/a.jsonnet":      "function(plan, previous, given) [{ message: '%s %s %s' % [std.length(plan.hosts), previous == null, given.date], severity: 'warning' }]",
		"policy/b.jsonnet":      "local lib = import '../lib/words.libsonnet';\n{ text(plan): [{ host: h.name, message: lib.say + h.manifest.files[0].text } for h in std.objectValues(plan.hosts) if h.changed] }",
		"policy/b_test.jsonnet": "error 'a test is no policy'",
		"policy/c.libsonnet":    "error 'a library is no policy'",
		"policy/.d.jsonnet":     "error 'hidden'",
		"policy/sub/e.jsonnet":  "error 'below'",
		"lib/words.libsonnet":   "{ say: 'it says ' }",
	})
	subject := Subject{Plan: largePlan(2, true, "new"), Previous: largePlan(1, true, "new"), Date: "2026-12-24"}
	want := "warning: 2 false 2026-12-24 [policy-violation]\n  at policy/a.jsonnet, a\n" +
		"error: it says new [policy-violation]\n  at policy/b.jsonnet, text, host h1\n"
	if found := said(t, dir, subject); found != want {
		t.Errorf("found\n%s\nwant\n%s", found, want)
	}
	for range 3 { // the same question, the same answer
		if found := said(t, dir, subject); found != want {
			t.Errorf("found\n%s\nwant\n%s", found, want)
		}
	}
}

// A preview and the plan that becomes of it are one to policies.
func TestPreviewsAreJudgedAsPlans(t *testing.T) {
	closed := func(hash, derivation string) *schema.Plan {
		plan := largePlan(2, true, "a")
		for digest, manifest := range plan.Manifests {
			manifest.Closure = &schema.Closure{Path: "/nix/store/x", Hash: schema.Digest(hash), Derivation: schema.StorePath(derivation)}
			plan.Manifests[digest] = manifest
		}
		plan.Index.Preview = derivation != ""
		return plan
	}
	dir := write(t, map[string]string{"policy/a.jsonnet": "{ a(plan): [{ message: h.name } for h in std.objectValues(plan.hosts) if h.changed] }"})
	if found := said(t, dir, Subject{Plan: closed("", "/nix/store/x.drv"), Previous: closed("sha256:1", "")}); found != "" {
		t.Error(found)
	}
}

func TestNoPolicies(t *testing.T) {
	dir := write(t, map[string]string{"flake.nix": "", "policy/c.libsonnet": "{}"})
	if found := said(t, dir, small()); !strings.HasPrefix(found, "error: there are no policies in ") {
		t.Error(found)
	}
	answer, err := Check(context.Background(), process(enough), Source{write(t, nil), Directory}, small(), false)
	if err != nil || len(answer.Violations)+len(answer.Faults) > 0 {
		t.Error(answer, err)
	}
	if _, err := Test(context.Background(), process(enough), Source{dir, Directory}); err == nil || !strings.Contains(err.Error(), "there are no tests of policies") {
		t.Error(err)
	}
	if _, err := Open(filepath.Join(dir, "nowhere")); err == nil || !strings.Contains(err.Error(), "there is no directory") {
		t.Error(err)
	}
}

// A directory of policies that leads out of the fleet is none of its policies.
func TestPolicyDirectoryIsALinkThatLeadsOut(t *testing.T) {
	dir := write(t, map[string]string{"fleet/flake.nix": "", "other/p.jsonnet": "{ a(plan): [] }"})
	if err := os.Symlink("../other", filepath.Join(dir, "fleet/policy")); err != nil {
		t.Fatal(err)
	}
	if found := said(t, filepath.Join(dir, "fleet"), small()); !strings.HasPrefix(found, `error: cannot list the policies in "policy": path escapes from parent`) {
		t.Error(found)
	}
}

func TestOpen(t *testing.T) {
	dir := write(t, map[string]string{"fleet/flake.nix": "", "fleet/policy/p.jsonnet": "", "org/p.jsonnet": "", "all/policy/p.jsonnet": ""})
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Source{
		"fleet":        {filepath.Join(dir, "fleet"), "policy"},
		"fleet/policy": {filepath.Join(dir, "fleet"), "policy"},
		"org":          {filepath.Join(dir, "org"), "."},
		"all":          {filepath.Join(dir, "all"), "policy"},
	} {
		if found, err := Open(filepath.Join(dir, name)); err != nil || found != want {
			t.Errorf("%s: found %v, %v", name, found, err)
		}
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"policy/p.jsonnet": endless + "{ a(plan): loop }"})
	interrupted := errors.New("interrupted")
	ctx, interrupt := context.WithCancelCause(context.Background())
	runner := func(ctx context.Context, request []byte, answer io.Writer) error {
		time.AfterFunc(100*time.Millisecond, func() { interrupt(interrupted) })
		return process(time.Hour)(ctx, request, answer)
	}
	if _, err := Check(ctx, runner, Source{dir, Directory}, small(), true); err != interrupted {
		t.Error(err)
	}
}

func TestTraces(t *testing.T) {
	dir := write(t, map[string]string{"policy/p.jsonnet": "{ a(plan): std.trace('seen', []) }"})
	answer, err := Check(context.Background(), process(enough), Source{dir, Directory}, small(), true)
	if err != nil || len(answer.Traces) != 1 || !strings.Contains(answer.Traces[0], "policy/p.jsonnet:1 seen") {
		t.Error(answer, err)
	}
}

// What evaluates may fail itself, and that is not a policy that loops.
func TestProcessThatFails(t *testing.T) {
	source := Source{write(t, map[string]string{"policy/p.jsonnet": "{ a(plan): [] }"}), Directory}
	for command, want := range map[string]string{
		"exit 0":                   "error: cannot evaluate the policy: it ended unexpectedly [policy-bounds]\n",
		"echo no room >&2; exit 3": "error: cannot evaluate the policy: it ended unexpectedly: no room [policy-bounds]\n",
		"echo '{\"doing\":\"x\",\"file\":\"f\"}'; kill -9 $$": "error: cannot evaluate the policy: it ended unexpectedly: " +
			"the system killed it, perhaps because the machine ran out of memory [policy-bounds]\n  at f\n  it was at x\n",
		"exec cat /dev/zero": "error: cannot evaluate the policy: it ended unexpectedly",
	} {
		answer, err := Check(context.Background(), bounded.Process([]string{"sh", "-c", command}, limits(enough)), source, small(), true)
		if err != nil || !strings.HasPrefix(report(answer), want) {
			t.Errorf("%s: found\n%s%v\nwant\n%s", command, report(answer), err, want)
		}
	}
	answer, err := Check(context.Background(), bounded.Process([]string{"/nonexistent"}, limits(enough)), source, small(), true)
	if err != nil || !strings.Contains(report(answer), "cannot start the evaluation") {
		t.Error(report(answer), err)
	}
}
