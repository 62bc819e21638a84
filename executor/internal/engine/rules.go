package engine

import (
	"fmt"
	"time"
	_ "time/tzdata" // windows are of the plan's zone, which this machine may not know

	"github.com/nixfleet/nixfleet/schema"
)

// rebootRule is what the plan says of a host's reboots.
type rebootRule struct {
	windows             schema.Windows
	zone                *time.Location
	deadline, stability time.Duration
}

// rebootRules returns those of all hosts that may reboot.
func rebootRules(plan *schema.Plan) (map[schema.HostName]*rebootRule, error) {
	rules := map[schema.HostName]*rebootRule{}
	if plan.Index.Rollout.Reboots == nil {
		return rules, nil
	}
	zone, err := time.LoadLocation(plan.Index.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("cannot use the plan's time zone: %w", err)
	}
	for _, wave := range plan.Index.Rollout.Reboots.Waves {
		rule := &rebootRule{zone: zone}
		if rule.windows, err = schema.ParseWindows(wave.Windows); err != nil {
			return nil, err
		}
		if rule.deadline, err = time.ParseDuration(wave.Deadline); err != nil {
			return nil, fmt.Errorf("cannot read the deadline of reboots: %w", err)
		}
		if rule.stability, err = time.ParseDuration(wave.Stability); err != nil {
			return nil, fmt.Errorf("cannot read the stability time of reboots: %w", err)
		}
		for _, host := range wave.Hosts {
			rules[host] = rule
		}
	}
	return rules, nil
}

// prepareReboots is what has to be known of reboots before any host has its turn: those
// that an earlier process had down count from the beginning.
func (r *Run) prepareReboots(story *Story) {
	r.rules, _ = rebootRules(r.Plan) // it was checked
	r.downs = downsOf(r.Plan)
	for host, past := range story.begun {
		if past.down() {
			r.downs.inherit(host)
		}
	}
	for host, turn := range story.Ended {
		if turn.again() && turn.was.down() {
			r.downs.inherit(host)
		}
	}
}

// CheckReboots refuses a plan of whose reboots this machine cannot tell when they may be.
func CheckReboots(plan *schema.Plan) error {
	_, err := rebootRules(plan)
	return err
}
