package executor

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/simhost"
	"github.com/nixfleet/nixfleet/schema"
)

// hangs are the points at which a host can hang; each blocks until released.
var hangs = map[string]func(f *fleet, host schema.HostName, released <-chan struct{}){
	"connecting": func(f *fleet, host schema.HostName, released <-chan struct{}) { f.hangDial(host, 1, released) },
	"at hello": func(f *fleet, host schema.HostName, released <-chan struct{}) {
		f.hosts[host].Set(func(s *simhost.State) { s.OnHello = func(*simhost.Session) error { <-released; return nil } })
	},
	"preparing": func(f *fleet, host schema.HostName, released <-chan struct{}) {
		f.hosts[host].Set(func(s *simhost.State) { s.OnPrepare = func(*simhost.Session) error { <-released; return nil } })
	},
	"copying": func(f *fleet, host schema.HostName, released <-chan struct{}) {
		f.hosts[host].Store.Added = func(string, []byte) { <-released }
	},
	"beginning": func(f *fleet, host schema.HostName, released <-chan struct{}) {
		f.hosts[host].Set(func(s *simhost.State) { s.OnBegin = func(*simhost.Session) error { <-released; return nil } })
	},
	"changing": func(f *fleet, host schema.HostName, released <-chan struct{}) {
		f.hosts[host].Set(func(s *simhost.State) { s.OnApply = func(*simhost.Transaction) error { <-released; return nil } })
	},
	"waiting to be confirmed": func(f *fleet, host schema.HostName, released <-chan struct{}) {
		f.hangDial(host, 2, released)
		f.hosts[host].Set(func(s *simhost.State) {
			s.OnApply = func(t *simhost.Transaction) error { t.Confirm("10m"); return nil }
		})
	},
}

// hangDial makes the nth connection to a host hang, for longer than is waited by default.
func (f *fleet) hangDial(host schema.HostName, nth int, released <-chan struct{}) {
	if err := os.WriteFile(filepath.Join(f.deps.Home, ".ssh/config"), []byte("Host *\nConnectTimeout 600\n"), 0o600); err != nil {
		f.t.Fatal(err)
	}
	var mu sync.Mutex
	dialled := 0
	f.deps.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasSuffix(address, fmt.Sprint(":", f.hosts[host].Server.Port)) {
			mu.Lock()
			dialled++
			hang := dialled == nth
			mu.Unlock()
			if hang {
				<-released
			}
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}

// Whatever a host hangs in, everybody else is taken whom neither its wave nor a limit
// that it fills makes wait; and when it goes on, so does everything.
func TestHangingHostDelaysNobodyElse(t *testing.T) {
	for where, hang := range hangs {
		for seed := range uint64(3) {
			t.Run(fmt.Sprint(where, " ", seed), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(seed, uint64(len(where))))
				f := newFleet(t, 6+random.IntN(4))
				wave, hanging := f.raisesWaves(random)
				released := make(chan struct{})
				hang(f, hanging, released)
				unaffected := f.unaffected(wave, hanging)

				finished, others := map[schema.HostName]bool{}, make(chan struct{})
				f.deps.Observe = func(e schema.Event) { // one at a time
					if e.Kind != schema.HostFinished {
						return
					}
					finished[e.Host] = true
					delete(unaffected, e.Host)
					select {
					case <-others:
					default:
						if !finished[hanging] && len(unaffected) == 0 {
							close(others)
						}
					}
					if !finished[hanging] && f.waveOf(e.Host) > wave {
						t.Errorf("%s, of wave %d, was taken before %s, of wave %d, had ended", e.Host, f.waveOf(e.Host), hanging, wave)
					}
				}
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					select {
					case <-others:
					case <-time.After(2 * time.Minute):
						t.Errorf("hosts wait for %s which need not", hanging)
					}
					close(released)
				}()
				record := f.execute()
				<-ended
				for name := range f.hosts {
					wantHost(t, record, name, schema.HostChanged)
				}
			})
		}
	}
}

// raisesWaves deals the hosts out to two waves and two racks, of each of which one host
// or two may be at work, and picks a host that shall hang and its wave.
func (f *fleet) raisesWaves(random *rand.Rand) (wave int, hanging schema.HostName) {
	names := f.plan.Index.Rollout.Waves[0].Hosts
	cut := 2 + random.IntN(len(names)-3)
	for name, host := range f.plan.Index.Hosts {
		host.Tags = map[string]string{"rack": fmt.Sprint(random.IntN(2))}
		f.plan.Index.Hosts[name] = host
	}
	f.plan.Index.Rollout.Limits = []schema.Limit{{Tag: "rack", MaxParallel: 1 + random.IntN(2)}}
	f.plan.Index.Rollout.MaxParallel = 2 + random.IntN(3)
	f.waves(names[:cut], names[cut:])
	at := random.IntN(len(names))
	if at >= cut {
		wave = 1
	}
	return wave, names[at]
}

func (f *fleet) waveOf(name schema.HostName) int {
	for i, wave := range f.plan.Index.Rollout.Waves {
		for _, host := range wave.Hosts {
			if host == name {
				return i
			}
		}
	}
	return -1
}

// unaffected are the hosts whom one that hangs in a wave keeps from nothing: those of
// the wave and of waves before, but for its own rack where it fills that alone.
func (f *fleet) unaffected(wave int, hanging schema.HostName) map[schema.HostName]bool {
	hosts := f.plan.Index.Hosts
	unaffected := map[schema.HostName]bool{}
	for name, host := range hosts {
		fills := f.plan.Index.Rollout.Limits[0].MaxParallel == 1 && host.Tags["rack"] == hosts[hanging].Tags["rack"]
		if of := f.waveOf(name); name != hanging && (of < wave || of == wave && !fills) {
			unaffected[name] = true
		}
	}
	return unaffected
}
