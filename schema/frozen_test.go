package schema_test

import (
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

// What the compiler never freezes is refused, wherever the plan comes from.
func TestFrozenIsVerified(t *testing.T) {
	wave := func(change func(*schema.Wave)) func(*schema.Plan) {
		return func(p *schema.Plan) { change(&p.Index.Rollout.Waves[0]) }
	}
	gate := func(command, interval, timeout string, retries int) func(*schema.Plan) {
		return func(p *schema.Plan) {
			p.Index.Rollout.Gate = &schema.Gate{Command: command, Interval: interval, Timeout: timeout, Retries: retries}
		}
	}
	reboots := func(change func(*schema.Reboots)) func(*schema.Plan) {
		return func(p *schema.Plan) {
			p.Index.Rollout.Reboots = &schema.Reboots{
				MaxConcurrent: 2,
				Waves:         schema.RebootWaves{{Wave: "all", Hosts: schema.HostList{"web-1"}, Windows: []string{"Sun 02:00-04:00"}, Deadline: "10m", Stability: "0s"}},
			}
			change(p.Index.Rollout.Reboots)
		}
	}
	rebootWave := func(change func(*schema.RebootWave)) func(*schema.Plan) {
		return reboots(func(r *schema.Reboots) { change(&r.Waves[0]) })
	}
	check := func(startDelay, interval, timeout string, retries int) func(*schema.Plan) {
		return manifest(t, func(m *schema.Manifest) {
			m.HealthChecks = []schema.HealthCheck{{
				Name: "app", Kind: schema.CheckCommand, From: schema.OnHost, Command: "true",
				StartDelay: startDelay, Interval: interval, Timeout: timeout, Retries: retries,
			}}
		})
	}
	rebootPolicy := func(window, deadline, stability string) func(*schema.Plan) {
		return manifest(t, func(m *schema.Manifest) {
			m.Reboot = &schema.RebootPolicy{Auto: true, Windows: []string{window}, Deadline: deadline, Stability: stability}
		})
	}
	negative := -1
	for _, c := range []struct {
		want   string
		change func(*schema.Plan)
	}{
		{"", func(*schema.Plan) {}},
		{"", gate("true", "0s", "1s", 0)},
		{"", reboots(func(*schema.Reboots) {})},
		{"", check("0s", "1s", "1s", 0)},
		{"", wave(func(w *schema.Wave) { w.Soak = "5m" })},

		{`expected an IANA time zone, as "Europe/Berlin", found "Mars/Utopia"`, func(p *schema.Plan) { p.Index.TimeZone = "Mars/Utopia" }},
		{`expected an IANA time zone, as "Europe/Berlin", found ""`, func(p *schema.Plan) { p.Index.TimeZone = "" }},
		{`expected an IANA time zone, as "Europe/Berlin", found "Local"`, func(p *schema.Plan) { p.Index.TimeZone = "Local" }},
		{"rollout: expected maxParallel of 1 or more, found 0", func(p *schema.Plan) { p.Index.Rollout.MaxParallel = 0 }},
		{`limit of the group "db" over the tag "rack": expected maxParallel of 1 or more, found -2`, func(p *schema.Plan) {
			p.Index.Rollout.Limits = []schema.Limit{{Group: "db", Tag: "rack", MaxParallel: -2}}
		}},
		{"failure budget of all hosts: expected hosts of 0 or more, found -1", func(p *schema.Plan) { p.Index.Rollout.Budgets = []schema.Budget{{Hosts: -1}} }},

		{`gate: expected a command, found " "`, gate(" ", "1s", "1s", 0)},
		{`gate: expected interval to be a duration, as "90s" or "1h30m", found "soon"`, gate("true", "soon", "1s", 0)},
		{`gate: expected timeout to be a duration of more than nothing, as "90s" or "1h30m", found "0s"`, gate("true", "1s", "0s", 0)},
		{"gate: expected retries of 0 or more, found -1", gate("true", "1s", "1s", -1)},

		{`wave "all": expected soak to be a duration, as "90s" or "1h30m", found "-5m"`, wave(func(w *schema.Wave) { w.Soak = "-5m" })},
		{`wave "all": expected failureBudget of 0 or more, found -1`, wave(func(w *schema.Wave) { w.FailureBudget = &negative })},
		{`wave "all": expected hosts of the plan, found "web-3"`, wave(func(w *schema.Wave) { w.Hosts = append(w.Hosts, "web-3") })},
		{`expected host "web-2" in one wave, found it in none`, wave(func(w *schema.Wave) { w.Hosts = w.Hosts[:1] })},
		{`expected host "web-1" in one wave, found it in "all" and "all"`, wave(func(w *schema.Wave) { w.Hosts = append(w.Hosts, "web-1") })},
		{`expected host "web-1" in one wave, found it in "all" and "more"`, func(p *schema.Plan) {
			p.Index.Rollout.Waves = append(p.Index.Rollout.Waves, schema.Wave{Name: "more", Hosts: schema.HostList{"web-1"}})
		}},
		{`expected every wave to have a name of its own, found "all" twice`, func(p *schema.Plan) {
			p.Index.Rollout.Waves = append(p.Index.Rollout.Waves, schema.Wave{Name: "all"})
		}},
		{`expected every wave to have a name, found ""`, wave(func(w *schema.Wave) { w.Name = "" })},

		{"reboots: expected maxConcurrent of 1 or more, found 0", reboots(func(r *schema.Reboots) { r.MaxConcurrent = 0 })},
		{`reboots of wave "al": expected a wave of the rollout, found none of that name`, rebootWave(func(w *schema.RebootWave) { w.Wave = "al" })},
		{`reboots of wave "all": expected hosts of that wave, found "web-9"`, rebootWave(func(w *schema.RebootWave) { w.Hosts = schema.HostList{"web-9"} })},
		{`expected host "web-1" in one wave of reboots, found it in two`, reboots(func(r *schema.Reboots) { r.Waves = append(r.Waves, r.Waves[0]) })},
		{`reboots of wave "all": "Sonntag" is not a window: it has no end`, rebootWave(func(w *schema.RebootWave) { w.Windows = []string{"Sonntag"} })},
		{`reboots of wave "all": expected deadline to be a duration of more than nothing`, rebootWave(func(w *schema.RebootWave) { w.Deadline = "0s" })},
		{`reboots of wave "all": expected stability to be a duration, as "90s" or "1h30m", found ""`, rebootWave(func(w *schema.RebootWave) { w.Stability = "" })},
		{`limit of reboots of the group "web": expected maxConcurrent of 1 or more, found 0`, reboots(func(r *schema.Reboots) { r.Limits = schema.RebootLimits{{Group: "web"}} })},
		{`limit of reboots of all hosts: expected hosts that may reboot, found "web-2"`, reboots(func(r *schema.Reboots) {
			r.Limits = schema.RebootLimits{{MaxConcurrent: 1, Hosts: schema.HostList{"web-1", "web-2"}}}
		})},

		{`host "web-1": units: expected settle to be a duration`, manifest(t, func(m *schema.Manifest) { m.Settle = "" })},
		{`host "web-1": activation: expected confirmWindow to be a duration, as "90s" or "1h30m", found "1 min"`, manifest(t, func(m *schema.Manifest) { m.Activation.ConfirmWindow = "1 min" })},
		{`host "web-1": hook "drain": expected timeout to be a duration of more than nothing, as "90s" or "1h30m", found "0s"`, manifest(t, func(m *schema.Manifest) {
			m.Hooks = []schema.Hook{{Name: "drain", When: schema.BeforeActivation, On: schema.OnHost, Command: "true", Timeout: "0s"}}
		})},
		{`host "web-1": task "rotate": expected timeout to be a duration of more than nothing`, manifest(t, func(m *schema.Manifest) {
			m.Tasks = []schema.Task{{Name: "rotate", Command: "true", User: "root", Timeout: "-1s"}}
		})},
		{`host "web-1": health check "app": expected startDelay to be a duration`, check("-1s", "1s", "1s", 0)},
		{`host "web-1": health check "app": expected interval to be a duration of more than nothing`, check("0s", "0s", "1s", 0)},
		{`host "web-1": health check "app": expected timeout to be a duration of more than nothing`, check("0s", "1s", "long", 0)},
		{`host "web-1": health check "app": expected retries of 0 or more, found -3`, check("0s", "1s", "1s", -3)},
		{`host "web-1": osUpdates.ubuntu: "Sun 2-4" is not a window`, manifest(t, func(m *schema.Manifest) {
			m.OSUpdates = &schema.OSUpdates{Ubuntu: &schema.UbuntuUpdates{Mode: "manual", RebootWindows: []string{"Sun 2-4"}}}
		})},
		{`host "web-1": reboot: "Sun 2-4" is not a window`, rebootPolicy("Sun 2-4", "1m", "1s")},
		{`host "web-1": reboot: expected deadline to be a duration of more than nothing`, rebootPolicy("Sun 02:00-04:00", "", "1s")},
		{`host "web-1": reboot: expected stability to be a duration`, rebootPolicy("Sun 02:00-04:00", "1m", "-1s")},
	} {
		plan := samplePlan(t)
		c.change(plan)
		if err := plan.Seal(); err != nil {
			t.Fatal(err)
		}
		err := plan.Verify()
		switch {
		case c.want == "" && err != nil:
			t.Errorf("refused: %v", err)
		case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want) || !strings.HasSuffix(schema.InFull(err), "\nhint: compile the fleet again")):
			t.Errorf("expected %s\nfound    %v", c.want, err)
		}
	}
}

// manifest changes the one manifest of a sample.
func manifest(t *testing.T, change func(*schema.Manifest)) func(*schema.Plan) {
	return func(p *schema.Plan) {
		for digest, m := range p.Manifests {
			change(&m)
			changed, err := schema.DigestOfValue(m)
			if err != nil {
				t.Fatal(err)
			}
			delete(p.Manifests, digest)
			p.Manifests[changed] = m
			for name, host := range p.Index.Hosts {
				host.Manifest = changed
				p.Index.Hosts[name] = host
			}
			return
		}
	}
}
