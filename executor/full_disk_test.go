package executor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/engine"
	"github.com/nixfleet/nixfleet/schema"
)

var errFull = errors.New("cannot write the journal of the run: no space left on device")

// fullAt executes on a controller whose disk is full from an entry of the journal on.
func (f *fleet) fullAt(entry int) (record *schema.Record, full bool) {
	f.t.Helper()
	var mu sync.Mutex
	deps := f.deps
	deps.dies = func(keep engine.Journal) engine.Journal {
		return func(e schema.Entry) error {
			mu.Lock()
			full = full || entry == 0
			entry--
			refuses := full
			mu.Unlock()
			if refuses {
				return errFull
			}
			return keep(e)
		}
	}
	record, err := Execute(context.Background(), f.plan, f.options, deps)
	if err != nil && !errors.Is(err, errFull) {
		f.t.Fatal(err)
	}
	return record, full
}

// Where the controller's disk is full from some entry on, nothing begins that is not
// noted, and who resumes the run when there is space comes to what it would have come to.
func TestFullDiskAtEveryEntry(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 5)
			r := &randomRollout{fleet: f, random: rand.New(rand.NewPCG(seed, 12)), fails: map[schema.HostName]bool{}, offline: map[schema.HostName]bool{}, pause: map[schema.HostName]time.Duration{}}
			r.draw()
			f.options.Parallel = 1 // so that one run is as the other
			want := f.ends(f.execute())
			for entry := 0; ; entry++ {
				r.reset()
				begins := map[schema.HostName]int{}
				for name, host := range f.hosts {
					begins[name] = strings.Count(host.Calls(), "begin")
				}
				record, full := f.fullAt(entry)
				if !full {
					break
				}
				for name, host := range f.hosts {
					noted := strings.Count(f.journal(record.Run), fmt.Sprintf(`"host-changing","host":%q`, name)) + strings.Count(f.journal(record.Run), fmt.Sprintf(`"host-going-back","host":%q`, name))
					if begun := strings.Count(host.Calls(), "begin") - begins[name]; begun > noted {
						t.Errorf("full at entry %d: %d transactions on %s, %d of them noted", entry, begun, name, noted)
					}
				}
				if got := f.ends(f.resumed(record.Run)); got != want || t.Failed() {
					t.Fatalf("full at entry %d:\n%s\ninstead of\n%s\nfails %v, offline %v, waves %+v\njournal %s", entry, got, want, r.fails, r.offline, f.plan.Index.Rollout, f.journal(record.Run))
				}
			}
		})
	}
}

// The same around hooks and a reboot.
func TestFullDiskAroundAReboot(t *testing.T) {
	t.Parallel()
	for entry := 0; ; entry++ {
		f := newFleet(t, 1)
		f.hooks(hookOf("drain", schema.BeforeReboot, schema.OnHost), always(hookOf("join", schema.AfterReboot, schema.OnHost)))
		f.mayReboot(1)
		f.ran()
		record, full := f.fullAt(entry)
		journal, host := f.journal(record.Run), f.only()
		if host.Look().Boot != "b1" && !strings.Contains(journal, "host-rebooting") || host.Hooks() != "" && !strings.Contains(journal, "before-reboot") {
			t.Errorf("full at entry %d: it is in boot %s, hooks %s\n%s", entry, host.Look().Boot, host.Hooks(), journal)
		}
		if !full {
			return
		}
		if record = f.resumed(record.Run); record.Hosts["web-1"].Outcome != schema.HostChanged || host.Look().Boot != "b2" || !strings.HasSuffix(host.Hooks(), "join") {
			t.Errorf("full at entry %d: boot %s, hooks %s, %+v\n%s", entry, host.Look().Boot, host.Hooks(), record.Hosts["web-1"], f.journal(record.Run))
		}
	}
}
