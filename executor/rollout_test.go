package executor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/schema"
)

// A random rollout never has more hosts at work than its limits let, halts where its
// budgets say so and nowhere else, takes every host once, and takes back what the wave
// says in which it halts. All of it is read from the events alone.
func TestRandomRollouts(t *testing.T) {
	f := newFleet(t, 9)
	for seed := range uint64(40) {
		r := &randomRollout{fleet: f, random: rand.New(rand.NewPCG(seed, 5)), fails: map[schema.HostName]bool{}, offline: map[schema.HostName]bool{}, pause: map[schema.HostName]time.Duration{}}
		r.draw()
		record := f.execute()
		for _, complaint := range r.check(record) {
			t.Errorf("seed %d: %s", seed, complaint)
		}
		if t.Failed() {
			t.Fatalf("rollout %+v, parallel %d\nfails %v, offline %v\n%s", f.plan.Index.Rollout, f.options.Parallel, r.fails, r.offline, story(f.events))
		}
	}
}

type randomRollout struct {
	*fleet
	random         *rand.Rand
	fails, offline map[schema.HostName]bool
	pause          map[schema.HostName]time.Duration
}

func (r *randomRollout) maybe(n int) bool { return r.random.IntN(n) == 0 }

func (r *randomRollout) draw() {
	var names []schema.HostName
	failing := 2 + r.random.IntN(8)
	for _, name := range slices.Sorted(maps.Keys(r.hosts)) {
		names = append(names, name)
		entry := r.plan.Index.Hosts[name]
		entry.Groups, entry.Tags = nil, nil
		for _, group := range []string{"db", "web"} {
			if r.maybe(2) {
				entry.Groups = append(entry.Groups, group)
			}
		}
		if !r.maybe(4) {
			entry.Tags = map[string]string{"rack": fmt.Sprint(r.random.IntN(3))}
		}
		r.plan.Index.Hosts[name] = entry
		r.fails[name], r.offline[name] = r.maybe(failing), r.maybe(8)
		r.pause[name] = time.Duration(r.random.IntN(4)) * time.Millisecond
	}
	r.reset()
	r.random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	r.plan.Index.Rollout = schema.Rollout{MaxParallel: 1 + r.random.IntN(9), Waves: r.drawWaves(names)}
	for range r.random.IntN(3) {
		limit := schema.Limit{Group: r.pick("", "web", "db"), Tag: r.pick("", "rack"), MaxParallel: 1 + r.random.IntN(2)}
		r.plan.Index.Rollout.Limits = append(r.plan.Index.Rollout.Limits, limit)
	}
	for range r.random.IntN(3) {
		r.plan.Index.Rollout.Budgets = append(r.plan.Index.Rollout.Budgets, schema.Budget{Group: r.pick("", "web", "db"), Hosts: r.random.IntN(4)})
	}
	r.options.Parallel = r.random.IntN(6)
	r.deps.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		for name := range r.offline {
			if r.offline[name] && strings.HasSuffix(address, fmt.Sprint(":", r.hosts[name].Server.Port)) {
				return nil, errors.New("connection refused")
			}
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	r.deps.patience.Retry = time.Millisecond
	r.seal()
}

// reset makes the hosts what they were before any execution.
func (r *randomRollout) reset() {
	for name, host := range r.hosts {
		fails, pause := r.fails[name], r.pause[name]
		host.Set(func(s *simhost.State) {
			s.Applied, s.Drifted, s.Generation = schema.DigestOf([]byte("old")), false, 1
			s.Generations = map[int]schema.Digest{1: s.Applied}
			s.OnApply = func(*simhost.Transaction) error {
				time.Sleep(pause)
				if fails {
					return errors.New("web.service failed")
				}
				return nil
			}
		})
	}
}

func (r *randomRollout) pick(of ...string) string { return of[r.random.IntN(len(of))] }

func (r *randomRollout) drawWaves(names []schema.HostName) (waves schema.Waves) {
	for len(names) > 0 {
		n := 1 + r.random.IntN(len(names))
		wave := schema.Wave{Name: fmt.Sprint(len(waves) + 1), Hosts: names[:n]}
		if !r.maybe(3) {
			budget := r.random.IntN(3)
			wave.FailureBudget = &budget
		}
		if r.maybe(2) {
			wave.Offline = schema.OfflineHold
		}
		wave.OnFailure = schema.OnFailure(r.pick("", "rollback-host", "rollback-wave", "rollback-all"))
		waves, names = append(waves, wave), names[n:]
	}
	return waves
}

// check reads the events and says what is not as the rollout has it.
func (r *randomRollout) check(record *schema.Record) (complaints []string) {
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	started, finished, atWork := map[schema.HostName]int{}, map[schema.HostName]int{}, map[schema.HostName]bool{}
	failed := map[schema.HostName]bool{}
	halted, at := false, ""
	returned := map[schema.HostName]int{}
	for _, e := range r.events {
		switch e.Kind {
		case schema.RunHalted:
			halted, at = true, e.Wave
			if !r.mustHalt(failed, finished) {
				complain("halted without a reason: %s", e.Error)
			}
		case schema.HostStarted:
			started[e.Host]++
			atWork[e.Host] = true
			if halted || r.mustHalt(failed, nil) {
				complain("%s began after a halt", e.Host)
			}
			for _, over := range r.overLimit(atWork) {
				complain("when %s began: %s", e.Host, over)
			}
			for _, wave := range r.plan.Index.Rollout.Waves {
				if slices.Contains(wave.Hosts, e.Host) {
					break
				}
				for _, earlier := range wave.Hosts {
					if finished[earlier] == 0 {
						complain("%s began before %s of an earlier wave had ended", e.Host, earlier)
					}
				}
			}
		case schema.HostReturning:
			atWork[e.Host] = true
			for _, over := range r.overLimit(atWork) {
				complain("when %s went back: %s", e.Host, over)
			}
		case schema.HostReturned:
			returned[e.Host]++
			delete(atWork, e.Host)
			if e.Outcome != schema.HostRolledBack || r.hosts[e.Host].Look().Applied != schema.DigestOf([]byte("old")) {
				complain("%s did not go back: %s", e.Host, e.Error)
			}
		case schema.HostFinished:
			finished[e.Host]++
			delete(atWork, e.Host)
			failed[e.Host] = e.Outcome == schema.HostRolledBack || e.Outcome == schema.HostUnreachable
		}
	}
	for name := range r.hosts {
		held := record.Hosts[name].Outcome == schema.HostHeld
		switch {
		case finished[name] != 1 || started[name] > 1:
			complain("%s began %d times and ended %d times", name, started[name], finished[name])
		case started[name] == 0 && !(held && halted):
			complain("%s never began, halted %v, and is %s", name, halted, record.Hosts[name].Outcome)
		case returned[name] != r.mustReturn(at, name, started[name] == 1 && !failed[name] && !r.offline[name]):
			complain("%s went back %d times after a halt in wave %q", name, returned[name], at)
		case started[name] == 1 && !r.offline[name] && failed[name] != r.fails[name]:
			complain("%s is %s", name, record.Hosts[name].Outcome)
		case started[name] == 1 && r.offline[name] && held != (r.waveOf(name).Offline == schema.OfflineHold):
			complain("%s cannot be reached and is %s", name, record.Hosts[name].Outcome)
		}
	}
	return complaints
}

// mustReturn is how often a host must go back that has changed or not.
func (r *randomRollout) mustReturn(halted string, name schema.HostName, changed bool) int {
	reached := false
	for _, wave := range r.plan.Index.Rollout.Waves {
		mine := slices.Contains(wave.Hosts, name)
		if reached = reached || mine; wave.Name != halted || !changed {
			continue
		}
		if wave.OnFailure == schema.RollbackWave && mine || wave.OnFailure == schema.RollbackAll && reached {
			return 1
		}
	}
	return 0
}

func (r *randomRollout) waveOf(name schema.HostName) *schema.Wave {
	for i, wave := range r.plan.Index.Rollout.Waves {
		if slices.Contains(wave.Hosts, name) {
			return &r.plan.Index.Rollout.Waves[i]
		}
	}
	panic(name)
}

// mustHalt counts failures against budgets. With a wave that has no budget it halts
// once the wave is over, which only those can see who are told who has finished.
func (r *randomRollout) mustHalt(failed map[schema.HostName]bool, finished map[schema.HostName]int) bool {
	count := func(concerns func(schema.HostName) bool) (n int) {
		for name, bad := range failed {
			if bad && concerns(name) {
				n++
			}
		}
		return n
	}
	for _, budget := range r.plan.Index.Rollout.Budgets {
		if count(func(name schema.HostName) bool {
			return budget.Group == "" || slices.Contains(r.plan.Index.Hosts[name].Groups, budget.Group)
		}) > budget.Hosts {
			return true
		}
	}
	for _, wave := range r.plan.Index.Rollout.Waves {
		n := count(func(name schema.HostName) bool { return slices.Contains(wave.Hosts, name) })
		if wave.FailureBudget != nil && n > *wave.FailureBudget {
			return true
		}
		over := !slices.ContainsFunc(wave.Hosts, func(name schema.HostName) bool { return finished[name] == 0 })
		if wave.FailureBudget == nil && n > 0 && over {
			return true
		}
	}
	return false
}

func (r *randomRollout) overLimit(atWork map[schema.HostName]bool) (over []string) {
	most := r.plan.Index.Rollout.MaxParallel
	if p := r.options.Parallel; p > 0 {
		most = min(most, p)
	}
	if len(atWork) > most {
		over = append(over, fmt.Sprintf("%d at work, of at most %d", len(atWork), most))
	}
	for _, limit := range r.plan.Index.Rollout.Limits {
		sets := map[string]int{}
		for name := range atWork {
			host := r.plan.Index.Hosts[name]
			value, tagged := host.Tags[limit.Tag]
			if limit.Group != "" && !slices.Contains(host.Groups, limit.Group) || limit.Tag != "" && !tagged {
				continue
			}
			if sets[value]++; sets[value] > limit.MaxParallel {
				over = append(over, fmt.Sprintf("%d at work of limit %+v, value %q", sets[value], limit, value))
			}
		}
	}
	return over
}

func story(events []schema.Event) string {
	var lines []string
	for _, e := range events {
		if e.Kind != schema.HostStage && e.Kind != schema.HostChange && e.Kind != schema.HostNote {
			lines = append(lines, fmt.Sprint(e.Kind, " ", e.Wave, e.Host, " ", e.Outcome, " ", e.Error))
		}
	}
	return strings.Join(lines, "\n")
}

// A host that cannot be reached and is held lets the rollout go on, and the run ends
// as held; done later, the same plan takes that host alone.
func TestOfflineHostIsHeldAndDoneLater(t *testing.T) {
	f := newFleet(t, 3)
	f.waves([]schema.HostName{"web-1", "web-2"}, []schema.HostName{"web-3"})
	f.plan.Index.Rollout.Waves[0].Offline = schema.OfflineHold
	f.seal()
	gone := true
	f.deps.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if gone && strings.HasSuffix(address, fmt.Sprint(":", f.hosts["web-2"].Server.Port)) {
			return nil, errors.New("no route to host")
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostChanged)
	wantHost(t, record, "web-2", schema.HostHeld, "held for a later execution, because it cannot be reached: ", "no route to host")
	wantHost(t, record, "web-3", schema.HostChanged)
	if record.Verdict != schema.Held {
		t.Errorf("verdict %s", record.Verdict)
	}
	gone = false
	record = f.execute()
	wantHost(t, record, "web-2", schema.HostChanged)
	wantHost(t, record, "web-3", schema.HostUnchanged)
	if record.Verdict != schema.Done {
		t.Errorf("verdict %s", record.Verdict)
	}
}

// A slow host of one rack holds up its rack and nobody else.
func TestSlowHostDelaysItsOwnLimitOnly(t *testing.T) {
	f := newFleet(t, 4)
	for name, rack := range map[schema.HostName]string{"web-1": "a", "web-2": "a", "web-3": "b", "web-4": "b"} {
		host := f.plan.Index.Hosts[name]
		host.Tags = map[string]string{"rack": rack}
		f.plan.Index.Hosts[name] = host
	}
	f.plan.Index.Rollout.Limits = []schema.Limit{{Tag: "rack", MaxParallel: 1}}
	f.seal()
	others := make(chan struct{})
	f.hosts["web-1"].Set(func(s *simhost.State) {
		s.OnApply = func(*simhost.Transaction) error { <-others; return nil }
	})
	f.hosts["web-4"].Set(func(s *simhost.State) {
		s.OnApply = func(*simhost.Transaction) error { close(others); return nil }
	})
	if record := f.execute(); record.Verdict != schema.Done {
		t.Errorf("verdict %s", record.Verdict)
	}
	var order []string
	for _, e := range f.events {
		if e.Kind == schema.HostStarted {
			order = append(order, string(e.Host))
		}
	}
	if got := strings.Join(order, " "); got != "web-1 web-3 web-4 web-2" {
		t.Errorf("began in the order %s", got)
	}
}
