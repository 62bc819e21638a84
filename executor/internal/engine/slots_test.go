package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

// Keepers are one or three, of the hosts, the same for everybody, spread over them, and
// stay the same when hosts come or go that are none of them.
func TestKeepers(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	kept := map[schema.HostName]int{}
	for n := range 40 {
		var hosts []schema.HostName
		for i := range n + 1 {
			hosts = append(hosts, schema.HostName(fmt.Sprintf("web-%d", i)))
		}
		key := fmt.Sprintf("fleet/web/%d", random.IntN(100))
		keepers := keepersOf(key, hosts)
		want := 3
		if len(hosts) < 3 {
			want = 1
		}
		if len(keepers) != want {
			t.Fatalf("%d hosts have %d keepers", len(hosts), len(keepers))
		}
		for _, keeper := range keepers {
			if !slices.Contains(hosts, keeper) {
				t.Errorf("%s keeps a slot of %v", keeper, hosts)
			}
			kept[keeper]++
		}
		random.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
		others := slices.DeleteFunc(slices.Clone(hosts), func(h schema.HostName) bool { return !slices.Contains(keepers, h) && random.IntN(2) == 0 })
		if again := keepersOf(key, others); len(others) > 2 && !slices.Equal(again, keepers) {
			t.Errorf("without some of %v the keepers are %v instead of %v", hosts, again, keepers)
		}
	}
	if len(kept) < 20 {
		t.Errorf("all is kept by few: %v", kept)
	}
}

// A host in two limits of one group has slots of different names in them.
func TestSlotsOfOneGroup(t *testing.T) {
	plan := &schema.Plan{Index: schema.Index{Fleet: "f", Rollout: schema.Rollout{Reboots: &schema.Reboots{Limits: []schema.RebootLimit{
		{Group: "web", Hosts: schema.HostList{"a", "b", "c"}, MaxConcurrent: 2},
		{Group: "db", Hosts: schema.HostList{"c"}, MaxConcurrent: 1},
		{Group: "web", Hosts: schema.HostList{"a", "b"}, MaxConcurrent: 1},
		{Hosts: schema.HostList{"a", "c"}, MaxConcurrent: 1},
	}}}}}
	for name, want := range map[schema.HostName]string{"a": "f/web/0 f/web/1 f/web#2/0 f//0 ", "c": "f/web/0 f/web/1 f/db/0 f//0 ", "d": ""} {
		got := ""
		for _, s := range (&task{Run: &Run{Plan: plan}, name: name}).allSlots() {
			got += s.key + " "
		}
		if got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
