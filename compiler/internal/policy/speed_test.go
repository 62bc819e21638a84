package policy

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/compiler/internal/bounded"
	"github.com/nixfleet/nixfleet/schema"
)

// allRules is a policy with every ready rule, and one that looks at every file of
// every host by itself.
const allRules = `local guardrails = import 'nixfleet/guardrails.libsonnet';
{
  reboots: guardrails.oneRebootPerGroup(), canary: guardrails.canaryRequired(), modes: guardrails.noWorldWritable(),
  setuid: guardrails.noSetuid(), users: guardrails.noUserRemoved(), few: guardrails.maxHostsChanged(5000),
  forward: guardrails.noDowngrade(), freeze: guardrails.freeze('2026-12-20', '2027-01-02'), replaces: guardrails.replacesRequired(),
  own: function(plan) [
    { host: host.name, message: file.path }
    for host in std.objectValues(plan.hosts)
    for file in host.manifest.files
    if std.length(file.text) == 0
  ],
}
`

// largePlan has so many hosts with 20 files, 3 units and 40 packages each; where they
// differ, everybody has a manifest of its own.
func largePlan(hosts int, differ bool, text string) *schema.Plan {
	payload := schema.NewPayload([]byte(text))
	digest := schema.DigestOf([]byte(text))
	plan := &schema.Plan{Manifests: map[schema.Digest]schema.Manifest{}, Payloads: map[schema.Digest]schema.Payload{digest: payload}}
	plan.Index.Hosts = schema.Hosts{}
	wave := schema.Wave{Name: "all"}
	for i := range hosts {
		kind := 0
		if differ {
			kind = i
		}
		manifest := schema.Manifest{Base: schema.Ubuntu, System: schema.X8664Linux}
		for n := range 20 {
			manifest.Files = append(manifest.Files, schema.File{Path: fmt.Sprintf("/etc/app/%d-%d", kind, n), Mode: "0644", Owner: "root", Group: "root", Payload: digest})
		}
		for n := range 3 {
			manifest.Units = append(manifest.Units, schema.Unit{Name: schema.UnitName(fmt.Sprintf("u%d.service", n)), Payload: digest})
		}
		for n := range 40 {
			manifest.Packages = append(manifest.Packages, schema.StorePath(fmt.Sprintf("/nix/store/00000000000000000000000000000000-p%d-1.%d", n, n)))
		}
		key := schema.DigestOf(fmt.Append(nil, kind))
		plan.Manifests[key] = manifest
		name := schema.HostName(fmt.Sprintf("h%d", i))
		plan.Index.Hosts[name] = schema.Host{Manifest: key, Groups: []string{"web"}}
		wave.Hosts = append(wave.Hosts, name)
	}
	plan.Index.Rollout.Waves = schema.Waves{wave}
	return plan
}

func BenchmarkCheck(b *testing.B) {
	source := Source{write(b, map[string]string{"policy/all.jsonnet": allRules}), Directory}
	for _, hosts := range []int{1, 100, 1000} {
		for _, differ := range []bool{false, true} {
			b.Run(fmt.Sprintf("hosts=%d/differ=%t", hosts, differ), func(b *testing.B) {
				subject := Subject{Plan: largePlan(hosts, differ, "a"), Previous: largePlan(hosts, differ, "b"), Date: "2026-11-11"}
				for b.Loop() {
					answer, err := Check(context.Background(), bounded.Here(Serve), source, subject, true)
					if err != nil || len(answer.Faults) > 0 {
						b.Fatal(err, answer.Faults)
					}
				}
			})
		}
	}
}

// Ten times the hosts take about ten times as long, not a hundred times, alike or not.
func TestGrowsWithHosts(t *testing.T) {
	source := Source{write(t, map[string]string{"policy/all.jsonnet": allRules}), Directory}
	for _, differ := range []bool{false, true} {
		cost := func(hosts int) time.Duration {
			subject := Subject{Plan: largePlan(hosts, differ, "a"), Previous: largePlan(hosts, differ, "b"), Date: "2026-11-11"}
			before := processorTime(t)
			answer, err := Check(context.Background(), bounded.Here(Serve), source, subject, true)
			if err != nil || len(answer.Faults) > 0 || len(answer.Violations) != 1 { // there is no canary
				t.Fatal(err, report(answer))
			}
			return processorTime(t) - before
		}
		cost(10) // what is done once
		few, many := cost(100), cost(1000)
		t.Logf("differ=%t: 100 hosts %v, 1000 hosts %v of the processor, %.1f times as much", differ, few, many, float64(many)/float64(few))
		if many > 40*few {
			t.Errorf("differ=%t: 1000 hosts take %.0f times as long as 100", differ, float64(many)/float64(few))
		}
	}
}

// processorTime is what this process took of the processors: other work on the machine
// does not count.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
