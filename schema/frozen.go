package schema

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// verifyFrozen checks that what is frozen can be carried out as it stands: its
// amounts, durations, windows and names. Who carries it out decides nothing of it
// any more, so nobody else would notice.
func (p *Plan) verifyFrozen() error {
	err := p.verifyIndex()
	if err == nil {
		err = p.verifyPolicies()
	}
	if err != nil {
		return WithHint(err, "compile the fleet again")
	}
	return nil
}

func (p *Plan) verifyIndex() error {
	zone := p.Index.TimeZone
	if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		return fmt.Errorf(`expected an IANA time zone, as "Europe/Berlin", found %q`, zone)
	}
	r := &p.Index.Rollout
	if err := checkAmount("rollout", "maxParallel", r.MaxParallel, 1); err != nil {
		return err
	}
	for _, limit := range r.Limits {
		if err := checkAmount("limit of "+limit.name(), "maxParallel", limit.MaxParallel, 1); err != nil {
			return err
		}
	}
	for _, budget := range r.Budgets {
		if err := checkAmount("failure budget of "+groupName(budget.Group), "hosts", budget.Hosts, 0); err != nil {
			return err
		}
	}
	if r.Gate != nil {
		if err := r.Gate.verify(); err != nil {
			return err
		}
	}
	waveOf, err := p.verifyWaves()
	if err != nil || r.Reboots == nil {
		return err
	}
	return r.verifyReboots(waveOf)
}

func (g *Gate) verify() error {
	if strings.TrimSpace(g.Command) == "" {
		return fmt.Errorf("gate: expected a command, found %q", g.Command)
	}
	if err := checkDuration("gate", "interval", g.Interval, 0); err != nil {
		return err
	}
	if err := checkDuration("gate", "timeout", g.Timeout, 1); err != nil {
		return err
	}
	return checkAmount("gate", "retries", g.Retries, 0)
}

// verifyWaves also returns which wave each host is in.
func (p *Plan) verifyWaves() (waveOf map[HostName]string, err error) {
	names := map[string]bool{}
	waveOf = make(map[HostName]string, len(p.Index.Hosts))
	for _, wave := range p.Index.Rollout.Waves {
		at := fmt.Sprintf("wave %q", wave.Name)
		switch {
		case wave.Name == "":
			return nil, fmt.Errorf("expected every wave to have a name, found %q", wave.Name)
		case names[wave.Name]:
			return nil, fmt.Errorf("expected every wave to have a name of its own, found %q twice", wave.Name)
		}
		names[wave.Name] = true
		if wave.Soak != "" {
			if err := checkDuration(at, "soak", wave.Soak, 0); err != nil {
				return nil, err
			}
		}
		if wave.FailureBudget != nil {
			if err := checkAmount(at, "failureBudget", *wave.FailureBudget, 0); err != nil {
				return nil, err
			}
		}
		for _, host := range wave.Hosts {
			if _, known := p.Index.Hosts[host]; !known {
				return nil, fmt.Errorf("%s: expected hosts of the plan, found %q", at, host)
			}
			if other, taken := waveOf[host]; taken {
				return nil, fmt.Errorf("expected host %q in one wave, found it in %q and %q", host, other, wave.Name)
			}
			waveOf[host] = wave.Name
		}
	}
	if len(waveOf) < len(p.Index.Hosts) {
		for _, host := range p.Index.Hosts.Names() {
			if _, taken := waveOf[host]; !taken {
				return nil, fmt.Errorf("expected host %q in one wave, found it in none", host)
			}
		}
	}
	return waveOf, nil
}

func (rollout *Rollout) verifyReboots(waveOf map[HostName]string) error {
	r := rollout.Reboots
	if err := checkAmount("reboots", "maxConcurrent", r.MaxConcurrent, 1); err != nil {
		return err
	}
	mayReboot := map[HostName]bool{}
	for _, wave := range r.Waves {
		at := fmt.Sprintf("reboots of wave %q", wave.Wave)
		if !slices.ContainsFunc(rollout.Waves, func(w Wave) bool { return w.Name == wave.Wave }) {
			return fmt.Errorf("%s: expected a wave of the rollout, found none of that name", at)
		}
		if err := checkReboot(at, wave.Windows, wave.Deadline, wave.Stability); err != nil {
			return err
		}
		for _, host := range wave.Hosts {
			if found, known := waveOf[host]; !known || found != wave.Wave {
				return fmt.Errorf("%s: expected hosts of that wave, found %q", at, host)
			}
			if mayReboot[host] {
				return fmt.Errorf("expected host %q in one wave of reboots, found it in two", host)
			}
			mayReboot[host] = true
		}
	}
	for _, limit := range r.Limits {
		at := "limit of reboots of " + groupName(limit.Group)
		if err := checkAmount(at, "maxConcurrent", limit.MaxConcurrent, 1); err != nil {
			return err
		}
		for _, host := range limit.Hosts {
			if !mayReboot[host] {
				return fmt.Errorf("%s: expected hosts that may reboot, found %q", at, host)
			}
		}
	}
	return nil
}

// verifyPolicies checks the policies of every manifest; a host that has it is named.
func (p *Plan) verifyPolicies() error {
	seen := map[Digest]bool{}
	for _, name := range p.Index.Hosts.Names() {
		digest := p.Index.Hosts[name].Manifest
		if seen[digest] {
			continue
		}
		seen[digest] = true
		manifest := p.Manifests[digest]
		if err := manifest.verifyPolicies(); err != nil {
			return fmt.Errorf("host %q: %w", name, err)
		}
	}
	return nil
}

func (m *Manifest) verifyPolicies() error {
	if err := checkDuration("units", "settle", m.Settle, 0); err != nil {
		return err
	}
	if err := checkDuration("activation", "confirmWindow", m.Activation.ConfirmWindow, 0); err != nil {
		return err
	}
	for _, hook := range m.Hooks {
		if err := checkDuration(fmt.Sprintf("hook %q", hook.Name), "timeout", hook.Timeout, 1); err != nil {
			return err
		}
	}
	for _, task := range m.Tasks {
		if err := checkDuration(fmt.Sprintf("task %q", task.Name), "timeout", task.Timeout, 1); err != nil {
			return err
		}
	}
	for _, check := range m.HealthChecks {
		if err := check.verifyTimes(); err != nil {
			return err
		}
	}
	if updates := m.OSUpdates; updates != nil && updates.Ubuntu != nil {
		if _, err := ParseWindows(updates.Ubuntu.RebootWindows); err != nil {
			return fmt.Errorf("osUpdates.ubuntu: %w", err)
		}
	}
	if m.Reboot != nil {
		return checkReboot("reboot", m.Reboot.Windows, m.Reboot.Deadline, m.Reboot.Stability)
	}
	return nil
}

func (c *HealthCheck) verifyTimes() error {
	at := fmt.Sprintf("health check %q", c.Name)
	for _, d := range []struct {
		field, text string
		least       time.Duration
	}{{"startDelay", c.StartDelay, 0}, {"interval", c.Interval, 1}, {"timeout", c.Timeout, 1}} {
		if err := checkDuration(at, d.field, d.text, d.least); err != nil {
			return err
		}
	}
	return checkAmount(at, "retries", c.Retries, 0)
}

func checkReboot(at string, windows []string, deadline, stability string) error {
	if _, err := ParseWindows(windows); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if err := checkDuration(at, "deadline", deadline, 1); err != nil {
		return err
	}
	return checkDuration(at, "stability", stability, 0)
}

func checkAmount(at, field string, found, least int) error {
	if found < least {
		return fmt.Errorf("%s: expected %s of %d or more, found %d", at, field, least, found)
	}
	return nil
}

func checkDuration(at, field, found string, least time.Duration) error {
	d, err := time.ParseDuration(found)
	if err == nil && d >= least {
		return nil
	}
	return fmt.Errorf(`%s: expected %s to be a duration%s, as "90s" or "1h30m", found %q`, at, field, []string{"", " of more than nothing"}[min(least, 1)], found)
}

func groupName(group string) string {
	if group == "" {
		return "all hosts"
	}
	return fmt.Sprintf("the group %q", group)
}

func (l Limit) name() string {
	if l.Tag == "" {
		return groupName(l.Group)
	}
	return groupName(l.Group) + fmt.Sprintf(" over the tag %q", l.Tag)
}
