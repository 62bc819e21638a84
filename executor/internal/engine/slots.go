package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/session"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// slot is the right of one host of a limit to be down, for all controllers. It is
// held where most of its keepers say so, which are hosts of the limit themselves: so
// two controllers that know nothing of each other never hold it both.
type slot struct {
	key     string
	keepers []schema.HostName
	// granted are the keepers that say so.
	granted []schema.HostName
}

// slotSet is the slots of a limit, so many as hosts may be down.
type slotSet struct {
	group string
	slots []slot
}

// mostKeepers is odd: of two, both would have to be up.
const mostKeepers = 3

// slotSets returns the slots that the host needs one each of.
func (t *task) slotSets() []slotSet {
	var sets []slotSet
	seen := map[string]int{}
	for _, limit := range t.Plan.Index.Rollout.Reboots.Limits {
		// Keys of one group's second limit are others: a holder has one slot of each.
		group := limit.Group
		if seen[limit.Group]++; seen[limit.Group] > 1 {
			group = fmt.Sprintf("%s#%d", limit.Group, seen[limit.Group])
		}
		if !slices.Contains(limit.Hosts, t.name) {
			continue
		}
		set := slotSet{group: limit.Group}
		for i := range max(limit.MaxConcurrent, 1) {
			key := fmt.Sprintf("%s/%s/%d", t.Plan.Index.Fleet, group, i)
			set.slots = append(set.slots, slot{key: key, keepers: keepersOf(key, limit.Hosts)})
		}
		sets = append(sets, set)
	}
	return sets
}

// allSlots are those that an earlier process may have taken, of whatever keepers.
func (t *task) allSlots() (all []slot) {
	for _, set := range t.slotSets() {
		for _, s := range set.slots {
			s.granted = s.keepers
			all = append(all, s)
		}
	}
	return all
}

// keepersOf chooses the keepers of a slot: those of the hosts that weigh most for its
// key. Where a host comes or goes, only slots that it keeps change their keepers.
func keepersOf(key string, hosts []schema.HostName) []schema.HostName {
	byWeight := slices.Clone(hosts)
	slices.SortFunc(byWeight, func(a, b schema.HostName) int {
		return cmp.Or(cmp.Compare(weight(key, b), weight(key, a)), cmp.Compare(a, b))
	})
	n := min(len(byWeight), mostKeepers)
	return byWeight[:n-(n+1)%2]
}

func weight(key string, host schema.HostName) uint64 {
	sum := sha256.Sum256([]byte(key + "\n" + string(host)))
	return binary.BigEndian.Uint64(sum[:])
}

// takeSlots takes a slot of every limit that concerns the host, or none; then it says
// who has them.
func (b *rebooting) takeSlots(ctx context.Context) (because string) {
	for _, stop := range b.letting { // else what is let go yet would take away what is taken anew
		stop()
	}
	b.letting = nil
	k := b.keeping()
	defer k.close()
	for _, set := range b.slotSets() {
		taken, who := b.takeOneOf(ctx, k, set)
		if !taken {
			k.release(ctx, b.slots)
			b.slots = nil
			return who
		}
	}
	return ""
}

// takeOneOf tries the slots of a set from one of the host's own on, so that hosts
// rarely want the same.
func (b *rebooting) takeOneOf(ctx context.Context, k *keeping, set slotSet) (taken bool, who string) {
	var others []string
	begin := int(weight("begin", b.name) % uint64(len(set.slots)))
	for i := range set.slots {
		s := set.slots[(begin+i)%len(set.slots)]
		why := k.take(ctx, &s, b.slotTime())
		if why == nil {
			b.slots = append(b.slots, s)
			return true, ""
		}
		for _, line := range why {
			if !slices.Contains(others, line) {
				others = append(others, line)
			}
		}
	}
	of := "that ask for it"
	if set.group != "" {
		of = fmt.Sprintf("of group %q", set.group)
	}
	return false, fmt.Sprintf("as many hosts %s are down as may be, as far as is known: %s", of, strings.Join(others, "; "))
}

// slotMargin is what a slot is kept beyond all that a reboot may take.
const slotMargin = 5 * time.Minute

// longestSlot is what a keeper grants at most.
const longestSlot = 24 * time.Hour

// slotTime is how long a slot is kept where nobody gives it back.
func (b *rebooting) slotTime() time.Duration {
	length := 2*b.rule.deadline + b.rule.stability + slotMargin // it comes back, and to the end of its start
	for _, hook := range b.part.manifest.Hooks {
		if hook.When == schema.BeforeReboot || hook.When == schema.AfterReboot {
			timeout, _ := time.ParseDuration(hook.Timeout)
			length += timeout
		}
	}
	return min(length, longestSlot)
}

// releaseSlots gives all slots back. One that cannot be given back runs out.
func (b *rebooting) releaseSlots(ctx context.Context) {
	if b.rule != nil && b.Story.knows(b.name) {
		b.slots = b.allSlots() // others than those of now, perhaps
	}
	if len(b.slots) == 0 || ctx.Err() != nil {
		return
	}
	k := b.keeping()
	defer k.close()
	k.release(ctx, b.slots)
	b.slots = nil
}

// keeping asks keepers, each over one connection.
type keeping struct {
	*task
	mu    sync.Mutex
	links map[schema.HostName]*keeperLink
}

func (t *task) keeping() *keeping {
	return &keeping{task: t, links: map[schema.HostName]*keeperLink{}}
}

type keeperLink struct {
	mu      sync.Mutex
	tried   bool
	conn    *transport.Conn
	session *session.Session
	err     error // why it cannot be asked
}

func (k *keeping) close() {
	for _, link := range k.links {
		if link.conn != nil {
			link.session.Close()
			link.conn.Close()
		}
	}
}

// take takes a slot of all its keepers at once. Where most do not grant it, it gives
// back what it got and says why.
func (k *keeping) take(ctx context.Context, s *slot, length time.Duration) (why []string) {
	replies, errs := k.each(ctx, s.keepers, protocol.SlotRequest{Action: protocol.SlotTake, Key: s.key, For: length.String()})
	for i, keeper := range s.keepers {
		switch {
		case errs[i] != nil:
			why = append(why, fmt.Sprintf("%s, which keeps count, cannot be asked: %s", keeper, fault.Brief(errs[i])))
		case replies[i].Granted:
			s.granted = append(s.granted, keeper)
		default:
			run, host, _ := strings.Cut(replies[i].Holder, "/")
			why = append(why, fmt.Sprintf("run %s by %s has %s down", run, replies[i].Operator, host))
		}
	}
	if 2*len(s.granted) > len(s.keepers) {
		return nil
	}
	k.release(ctx, []slot{*s})
	return why
}

// release gives slots back. A keeper that is down just then is told later.
func (k *keeping) release(ctx context.Context, slots []slot) {
	for _, s := range slots {
		_, errs := k.each(ctx, s.granted, protocol.SlotRequest{Action: protocol.SlotRelease, Key: s.key})
		for i, err := range errs {
			if err != nil {
				k.letGo(ctx, s.key, s.granted[i])
			}
		}
	}
}

// letGo gives a slot back to a keeper that could not be asked, as soon as it can be, up
// to the end of the run. A keeper that never hears of it lets the slot run out.
func (t *task) letGo(ctx context.Context, key string, keeper schema.HostName) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	t.letting = append(t.letting, func() { cancel(); <-done })
	t.downs.releasing.Go(func() {
		defer close(done)
		for last := false; ; {
			select {
			case <-ctx.Done():
				return
			case <-t.downs.over:
				if last {
					return
				}
				last = true
			case <-time.After(t.Patience.Slot):
			}
			k := t.keeping()
			_, errs := k.each(ctx, []schema.HostName{keeper}, protocol.SlotRequest{Action: protocol.SlotRelease, Key: key})
			k.close()
			if errs[0] == nil {
				return
			}
		}
	})
}

// each asks keepers side by side.
func (k *keeping) each(ctx context.Context, keepers []schema.HostName, ask protocol.SlotRequest) ([]*protocol.SlotReply, []error) {
	ask.Holder = k.ID + "/" + string(k.name)
	replies, errs := make([]*protocol.SlotReply, len(keepers)), make([]error, len(keepers))
	var asking sync.WaitGroup
	for i, keeper := range keepers {
		asking.Go(func() { replies[i], errs[i] = k.ask(ctx, keeper, ask) })
	}
	asking.Wait()
	return replies, errs
}

// slotPatience is how long a keeper may take.
const slotPatience = 30 * time.Second

func (k *keeping) ask(ctx context.Context, keeper schema.HostName, ask protocol.SlotRequest) (*protocol.SlotReply, error) {
	k.mu.Lock()
	link := k.links[keeper]
	if link == nil {
		link = &keeperLink{}
		k.links[keeper] = link
	}
	k.mu.Unlock()
	link.mu.Lock()
	defer link.mu.Unlock()
	if !link.tried {
		link.tried = true
		link.conn, link.session, link.err = k.task.Run.task(keeper).look(ctx)
	}
	if link.err != nil {
		return nil, link.err
	}
	defer link.conn.CloseWhenDone(ctx)()
	// If we crash here, the keeper has granted it or not; what it granted runs out, and
	// who resumes the run is its holder.
	reply, err := session.Call(ctx, link.session, protocol.Slot, ask, session.Options{Deadline: slotPatience})
	if err != nil {
		link.err = err
	}
	return reply, err
}
