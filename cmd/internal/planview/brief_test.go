package planview

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema"
)

// In brief, hosts that differ in details alone are told of together.
func TestBrief(t *testing.T) {
	changes := []schema.Change{{Action: schema.Update, Kind: "file", Object: "/etc/a\x1b[2J", Detail: "content"}}
	var many []schema.Change
	for i := range 15 {
		many = append(many, schema.Change{Action: schema.Create, Kind: "file", Object: fmt.Sprintf("/etc/%d", i)})
	}
	f := &schema.Forecast{Hosts: map[schema.HostName]schema.HostForecast{
		"web-1": {Verdict: schema.WouldChange, Changes: changes, Files: []schema.FileForecast{{Path: "/etc/a"}}},
		"web-2": {Verdict: schema.WouldChange, Changes: changes, Copy: &schema.CopyForecast{}},
		"web-3": {Verdict: schema.WouldChange, Changes: many, Drift: []schema.Drift{{Kind: "file", Object: "/etc/1"}}},
		"web-4": {Verdict: schema.WouldNothing},
		"web-5": {Verdict: schema.WouldRefuse, Refusals: []schema.ForecastRefusal{{Message: "something is in the way", Hint: "take it away"}}},
		"web-6": {Verdict: schema.NotAsked, Error: "no route", Hint: "plug it in"},
	}}
	var out strings.Builder
	if err := document.WriteText(&out, Brief(f), ui.Style{}); err != nil {
		t.Fatal(err)
	}
	autogold.Expect(`web-6: could not be asked
  no route
  hint: plug it in

web-5: an execution would refuse
  refused something is in the way
      hint: take it away

web-1, web-2: 1 change
  ~ update file /etc/a\x1b[2J: content

web-3: 15 changes
  1 thing changed by hand since the last apply
  + create file /etc/0
  + create file /etc/1
  + create file /etc/2
  + create file /etc/3
  + create file /etc/4
  + create file /etc/5
  + create file /etc/6
  + create file /etc/7
  + create file /etc/8
  + create file /etc/9
  + create file /etc/10
  + create file /etc/11
  … and 3 more; nixfleet plan shows all, line by line

web-4: as the plan says

6 hosts: 1 as the plan says, 3 would change, 1 would be refused, 1 could not be asked
`).Equal(t, out.String())
}
