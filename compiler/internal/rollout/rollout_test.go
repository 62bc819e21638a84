package rollout

import (
	"reflect"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

func of[T any](value T) *T { return &value }

func TestOrder(t *testing.T) {
	order := Order([]schema.HostName{"b", "a"}, intent.Rollout{})
	want := schema.Rollout{MaxParallel: 20, Waves: []schema.Wave{{Name: "all", Hosts: []schema.HostName{"a", "b"}}}}
	if !reflect.DeepEqual(order, want) {
		t.Errorf("found %+v, want %+v", order, want)
	}
	declared := intent.Rollout{
		MaxParallel: of(3), Canary: "1", Waves: []intent.Amount{"10%", "5"}, Soak: of("5m"), FailureBudget: "0", RebootWindow: of("Sun 02:00-04:00"),
	}
	order = Order([]schema.HostName{"a"}, declared)
	policy := schema.RolloutPolicy{MaxParallel: 3, Canary: "1", Waves: []string{"10%", "5"}, Soak: "5m", FailureBudget: "0", RebootWindow: "Sun 02:00-04:00"}
	if order.MaxParallel != 3 || !reflect.DeepEqual(*order.Policy, policy) {
		t.Errorf("found %+v", order)
	}
	if len(order.Waves) != 1 {
		t.Errorf("there are waves that no executor carries out: %v", order.Waves)
	}
}

func TestCheck(t *testing.T) {
	for want, declared := range map[string]intent.Rollout{
		"maxParallel is 0: expected at least 1":         {MaxParallel: of(0)},
		"rollout.canary":                                {Canary: "101%"},
		`"-1" is not a number of hosts or a percentage`: {FailureBudget: "-1"},
		"rollout.waves":                                 {Waves: []intent.Amount{"5", ""}},
		`"5 minutes" is not a duration: expected it as in "5m" or "1h30m"`: {Soak: of("5 minutes")},
		`"Sunday" is not a window: it has no end`:                          {RebootWindow: of("Sunday")},
	} {
		found := Check(declared, "web-1", "rollout", diagnostic.Position{})
		if !found.Failed() || !strings.Contains(found.Error(), want) {
			t.Errorf("%+v gives %v, want %s", declared, found, want)
		}
	}
	for _, declared := range []intent.Rollout{{}, {Canary: "10%", Waves: []intent.Amount{"1", "100%"}, Soak: of("90s"), FailureBudget: "0"}} {
		if found := Check(declared, "", "rollout", diagnostic.Position{}); found.Failed() {
			t.Error(found)
		}
	}
}
