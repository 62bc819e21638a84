package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

// downs are the hosts of this run that are down for a reboot, or about to be: from
// before their hooks to after them. Those that wait are let in in the plan's order.
type downs struct {
	order map[schema.HostName]int

	mu     sync.Mutex
	limits *limits
	down   map[schema.HostName]bool
	// orphans are down since an earlier process, and have not had their turn in this one.
	orphans map[schema.HostName]bool
	queue   []schema.HostName
	// changed is closed when another may be let in.
	changed chan struct{}
	// closed is why nobody is any more; empty where somebody is.
	closed string

	// releasing gives slots back that could not be, until the run is over.
	releasing sync.WaitGroup
	over      chan struct{}
}

func downsOf(plan *schema.Plan) *downs {
	d := &downs{order: map[schema.HostName]int{}, down: map[schema.HostName]bool{}, orphans: map[schema.HostName]bool{}, changed: make(chan struct{}), over: make(chan struct{}), limits: &limits{parallel: 1, of: map[schema.HostName][]int{}}}
	reboots := plan.Index.Rollout.Reboots
	if reboots == nil {
		return d
	}
	d.limits.parallel = max(reboots.MaxConcurrent, 1)
	for _, limit := range reboots.Limits {
		for _, host := range limit.Hosts {
			d.limits.of[host] = append(d.limits.of[host], len(d.limits.sets))
		}
		d.limits.sets = append(d.limits.sets, setLimit{most: max(limit.MaxConcurrent, 1)})
	}
	for _, wave := range reboots.Waves {
		for _, host := range wave.Hosts {
			d.order[host] = len(d.order)
		}
	}
	return d
}

// take counts a host as down, if it may be; otherwise it waits in the queue, and the
// channel is closed when it is worth to try again.
func (d *downs) take(host schema.HostName) (taken bool, changed <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down[host] {
		return true, nil
	}
	if !slices.Contains(d.queue, host) {
		d.queue = append(d.queue, host)
		slices.SortFunc(d.queue, func(a, b schema.HostName) int { return d.order[a] - d.order[b] })
	}
	if i := d.limits.next(d.queue); i < 0 || d.queue[i] != host || d.closed != "" {
		return false, d.changed
	}
	d.count(host)
	return true, nil
}

// inherit counts a host that an earlier process had down.
func (d *downs) inherit(host schema.HostName) {
	d.orphans[host] = true
	d.count(host)
}

// adopt says that the host has its turn now.
func (d *downs) adopt(host schema.HostName) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.orphans, host)
}

// rank is less for hosts that were down before.
func (d *downs) rank(host schema.HostName) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.orphans[host] {
		return 0
	}
	return 1
}

// abandoned reports whether hosts are down whose turns may come after that of whoever asks.
func (d *downs) abandoned() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.orphans) > 0
}

// count counts a host as down, whatever the limits.
func (d *downs) count(host schema.HostName) {
	d.down[host] = true
	d.limits.begin(host)
	d.leave(host)
}

// leave ends a host's waiting.
func (d *downs) leave(host schema.HostName) {
	d.queue = slices.DeleteFunc(d.queue, func(h schema.HostName) bool { return h == host })
	close(d.changed)
	d.changed = make(chan struct{})
}

// end says that a host is up, or waits no more.
func (d *downs) end(host schema.HostName) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down[host] {
		delete(d.down, host)
		d.limits.end(host)
	}
	d.leave(host)
}

// close lets nobody in any more.
func (d *downs) close(because string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = because
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *downs) isClosed() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

// finish waits for slots to be given back, each once more.
func (d *downs) finish() {
	close(d.over)
	d.releasing.Wait()
}

// place waits until one more host may be down, in this run and for other controllers,
// as long as the window is open. Meanwhile it holds nothing of either.
func (b *rebooting) place(ctx context.Context) *ending {
	var patience time.Time // with others, where no window ends the waiting
	for told := false; ; told = true {
		because := "as many hosts of this run are down as may be"
		taken, changed := b.downs.take(b.name)
		if taken {
			if because = b.takeSlots(ctx); because == "" {
				return nil
			}
			b.downs.end(b.name)
			if patience.IsZero() {
				patience = time.Now().Add(b.Patience.Slots)
			}
		}
		if !taken && b.downs.abandoned() {
			return held("hosts that were down when the run was resumed are not back yet")
		}
		if !told {
			b.emit(schema.Event{Kind: schema.HostStage, Stage: schema.StageSlot, Until: moment(b.closes)})
			b.note("it waits for its reboot: " + because)
		}
		select {
		case <-changed:
		case <-b.Stop:
		case <-ctx.Done():
		case <-time.After(b.Patience.Slot):
		}
		end := b.allowed(ctx)
		switch {
		case end != nil && !end.until.IsZero(): // the window has closed
			end.why = because + "; " + end.why
			return end
		case end != nil:
			return end
		case taken && b.closes.IsZero() && time.Now().After(patience):
			return held("%s", because)
		}
	}
}

// giveBack lets others be down, unless the host still is.
func (b *rebooting) giveBack(ctx context.Context, end *ending) {
	if end != nil && end.gone {
		b.downs.close(b.missing())
		return
	}
	b.releaseSlots(ctx)
	b.downs.end(b.name)
}
