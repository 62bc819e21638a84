package show

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/validate"
)

// TestRolloutAsJSON names every host, where the plan has ranges.
func TestRolloutAsJSON(t *testing.T) {
	data, err := os.ReadFile("../../../goldens/rollout-reboots/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := validate.Plan(data)
	if err != nil {
		t.Fatal(err)
	}
	summary, err := Summarize(plan)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(summary.Rollout)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"maxParallel":20,"waves":[{"name":"first 4","hosts":["bastion-1","build-1","build-2","db-1"]},{"name":"rest","hosts":["db-2","db-3","web-1","web-2","web-3","web-4","web-5","web-6"]}],`,
		`"reboots":{"maxConcurrent":3,"limits":[{"group":"web","maxConcurrent":2,"hosts":["web-1","web-2",`,
		`{"wave":"rest","windows":["Mon-Fri 22:00-04:00"],"deadline":"10m","stability":"10s","hosts":["web-1",`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("expected %s in\n%s", want, text)
		}
	}
}

// TestRolloutInWords has what no golden has.
func TestRolloutInWords(t *testing.T) {
	rollout := summarizeRollout(schema.Rollout{
		Name: "urgent", MaxParallel: 1,
		Limits: []schema.Limit{{Group: "web", Tag: "rack", MaxParallel: 2}},
		Gate:   &schema.Gate{Command: "a\nb", Timeout: "1s", Interval: "2s", Retries: 1},
		Waves:  schema.Waves{{Name: "all", Hosts: schema.HostList{"a", "b"}}},
		Reboots: &schema.Reboots{
			MaxConcurrent: 2, Limits: []schema.RebootLimit{{Hosts: schema.HostList{"a", "b"}, MaxConcurrent: 1}},
			Waves: []schema.RebootWave{{Wave: "all", Hosts: schema.HostList{"a", "b"}, Deadline: "10m", Stability: "10s"}},
		},
	})
	var text strings.Builder
	err := document.WriteText(&text, document.Document{Blocks: rollout.sections("UTC", nil)}, ui.Style{})
	want := `Rollout "urgent": 1 wave, at most 1 host at once
  1. all  a, b
  at once, at most: 2 hosts of group web with the same rack
  gate, before the first wave and after each, on the controller: a … (within 1s, asked again once every 2s)
  A host that may not begin yet is passed over until it may.
  A gate that stays closed halts the rollout as well.

Reboots: 2 hosts may reboot
  in wave all  a, b  at any time, back within 10m, watched for 10s
  hosts without a group: at most 1 down at once, of a, b
`
	if text.String() != want || err != nil {
		t.Errorf("expected\n%s\nfound\n%s", want, text.String())
	}
}
