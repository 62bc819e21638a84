package executor

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/schema"
)

// another is another controller of the same hosts, which takes some of them.
func (f *fleet) another(operator string, hosts ...schema.HostName) *fleet {
	g := *f
	g.deps.StateDir = filepath.Join(f.t.TempDir(), "state")
	g.options.Operator = operator
	for _, host := range hosts {
		g.options.Select.Hosts = append(g.options.Select.Hosts, string(host))
	}
	g.events = nil
	g.deps.Observe = func(e schema.Event) { g.events = append(g.events, e) }
	return &g
}

// Two controllers that know nothing of each other have no more hosts of a group down
// than one of them might.
func TestSlotsAcrossControllers(t *testing.T) {
	f := newFleet(t, 4)
	f.hooks(hookOf("drain", schema.BeforeReboot, schema.OnController))
	f.mayReboot(4)
	f.limit("web", 1, "web-1", "web-2", "web-3", "web-4")
	ann, bob := f.another("ann@desk", "web-1"), f.another("bob@desk", "web-2")
	waits := bob.upon(func(e schema.Event) bool { return strings.Contains(e.Note, "it waits for its reboot") })
	var done sync.WaitGroup
	ann.deps.Shell = func(context.Context, string, []string) ([]byte, error) {
		done.Go(func() {
			bob.deps.Shell = func(context.Context, string, []string) ([]byte, error) { return nil, nil }
			record := bob.execute()
			wantReboot(t, record, "web-2", schema.RebootDone)
		})
		<-waits
		return nil, nil
	}
	record := ann.execute()
	done.Wait()
	wantReboot(t, record, "web-1", schema.RebootDone)
	if want := fmt.Sprintf(`as many hosts of group "web" are down as may be, as far as is known: run %s by ann@desk has web-1 down`, record.Run); !strings.Contains(bob.notes(), want) {
		t.Errorf("notes: %s", bob.notes())
	}
	for name, host := range f.hosts {
		if slots := host.Look().Slots; len(slots) != 0 {
			t.Errorf("%s keeps %v", name, slots)
		}
	}
}

// Most keepers are enough, and fewer are not: then the reboot is held, and nothing is
// left of the attempt.
func TestSlotsNeedMostKeepers(t *testing.T) {
	for deaf, state := range []schema.RebootOutcome{schema.RebootDone, schema.RebootDone, schema.RebootHeld, schema.RebootHeld} {
		f := newFleet(t, 3)
		f.mayReboot(3)
		f.limit("web", 1, "web-1", "web-2", "web-3")
		f.deps.patience.Slots = time.Millisecond
		for name, host := range f.hosts {
			if int(name[4]-'1') >= 3-deaf {
				host.Set(func(s *simhost.State) {
					s.OnSlot = func(*simhost.Session) error { return fmt.Errorf("unknown request") }
				})
			}
		}
		f.options.Select.Hosts = []string{"web-1"}
		record := f.execute()
		if state == schema.RebootDone {
			wantReboot(t, record, "web-1", state)
		} else {
			wantReboot(t, record, "web-1", state, "web-3, which keeps count, cannot be asked: unknown request")
			wantVerdict(t, record, schema.Held)
		}
		for name, host := range f.hosts {
			if slots := host.Look().Slots; len(slots) != 0 {
				t.Errorf("%d of 3 do not answer: %s keeps %v", deaf, name, slots)
			}
		}
	}
}

// The slot of a host that has not come back stays taken.
func TestSlotOfALostHostIsKept(t *testing.T) {
	f := newFleet(t, 4)
	f.mayReboot(4)
	f.limit("web", 1, "web-2", "web-3", "web-4", "web-1")
	f.plan.Index.Rollout.Reboots.Waves[0].Deadline = "300ms"
	f.seal()
	f.hosts["web-1"].Set(func(s *simhost.State) { s.Away = -1 })
	f.options.Select.Hosts = []string{"web-1"}
	record := f.execute()
	wantHost(t, record, "web-1", schema.HostUnknown, "has not come back")
	other := f.another("ann@desk", "web-2")
	other.options.Select.Hosts = []string{"web-2"}
	other.deps.patience.Slots = time.Millisecond
	wantReboot(t, other.execute(), "web-2", schema.RebootHeld, "run "+record.Run+" by alice@desk has web-1 down")
}

// Several controllers at once, each with hosts of its own: never are more hosts of a
// group down than its limit lets, nor more of a run than the plan lets, read from the
// events and from the hosts.
func TestRandomReboots(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 8)
	for seed := range uint64(8) {
		r := &randomReboots{fleet: f, random: rand.New(rand.NewPCG(seed, 9)), down: map[schema.HostName]int{}, rebooted: map[schema.HostName]bool{}}
		r.draw()
		r.run()
		if t.Failed() {
			t.Fatalf("seed %d: %+v", seed, f.plan.Index.Rollout.Reboots)
		}
	}
}

type randomReboots struct {
	*fleet
	random *rand.Rand

	mu sync.Mutex
	// down is which controller has a host down.
	down     map[schema.HostName]int
	rebooted map[schema.HostName]bool
}

func (r *randomReboots) draw() {
	r.mayReboot(1 + r.random.IntN(3))
	r.plan.Index.Rollout.Reboots.Limits = nil
	for _, group := range []string{"web", "db", ""} {
		var hosts []schema.HostName
		for _, host := range r.plan.Index.Rollout.Waves[0].Hosts {
			if r.random.IntN(3) > 0 {
				hosts = append(hosts, host)
			}
		}
		if len(hosts) > 0 && r.random.IntN(4) > 0 {
			r.limit(group, 1+r.random.IntN(2), hosts...)
		}
	}
	for _, host := range r.hosts {
		host.Set(func(s *simhost.State) { s.Away = r.random.IntN(4) })
	}
}

func (r *randomReboots) run() {
	var running sync.WaitGroup
	names := r.plan.Index.Rollout.Waves[0].Hosts
	cut := 1 + r.random.IntN(len(names)-1)
	for i, hosts := range [][]schema.HostName{names[:cut], names[cut:]} {
		controller := r.another(fmt.Sprintf("op%d@desk", i), hosts...)
		controller.deps.Observe = func(e schema.Event) { r.see(i, e) }
		running.Go(func() {
			record, err := Execute(context.Background(), controller.plan, controller.options, controller.deps)
			if err != nil || record.Verdict != schema.Done {
				r.t.Errorf("%+v, %v", record, err)
			}
		})
	}
	running.Wait()
	for name := range r.hosts {
		if !r.rebooted[name] {
			r.t.Errorf("%s has not rebooted", name)
		}
	}
}

func (r *randomReboots) see(controller int, e schema.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case e.Kind == schema.HostStage && e.Stage == schema.StageDrain:
		r.down[e.Host] = controller
		r.check(e.Host)
	case e.Kind == schema.HostNote && e.Reboot != nil:
		delete(r.down, e.Host)
		r.rebooted[e.Host] = e.Reboot.State == schema.RebootDone
	}
}

func (r *randomReboots) check(host schema.HostName) {
	reboots := r.plan.Index.Rollout.Reboots
	ofRun := map[int]int{}
	for _, controller := range r.down {
		if ofRun[controller]++; ofRun[controller] > reboots.MaxConcurrent {
			r.t.Errorf("when %s went down: %v", host, r.down)
		}
	}
	for _, limit := range reboots.Limits {
		told, seen := 0, 0
		for _, name := range limit.Hosts {
			if _, down := r.down[name]; down {
				told++
			}
			if r.hosts[name].Down() {
				seen++
			}
		}
		if told > limit.MaxConcurrent || seen > limit.MaxConcurrent {
			r.t.Errorf("when %s went down: %d of limit %+v, %d seen, %v", host, told, limit, seen, r.down)
		}
	}
}
