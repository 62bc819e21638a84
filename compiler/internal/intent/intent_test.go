package intent

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	for text, want := range map[string]string{
		`{"version": 1, "fleet": {"rollout": {"canary": 3, "waves": [1, "50%"], "failureBudget": null, "rebootWindow": "Sun 02:00-04:00"}}}`: "",
		`{"version": 2}`:             "the fleet's NixFleet library speaks version 2, this compiler version 1",
		`{"version": 1, "hots": {}}`: `cannot read the evaluation's result: line 1: unknown field "hots"`,
		`{"version": 1, "fleet": {"rollout": {"waves": [[]]}}}`:            "expected a number of hosts or a percentage, found []",
		`{"version": 1, "fleet": {"rollout": {"canary": {"per": "x"}}}}`:   `unknown field "per"`,
		`{"version": 1, "fleet": {"rollout": {"canary": {"onePer": ""}}}}`: `expected {"onePer": "group"} or {"onePerTag": TAG}`,
		`{`: "cannot read the evaluation's result",
	} {
		result, err := Decode([]byte(text))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want == "":
			rollout := result.Fleet.Rollout
			if rollout.Canary.Amount != "3" || rollout.Waves[1] != "50%" || rollout.FailureBudget != "" || rollout.RebootWindow[0] != "Sun 02:00-04:00" {
				t.Errorf("found %+v", rollout)
			}
		case err == nil || !strings.Contains(err.Error(), want):
			t.Errorf("%s gives %v, want %s", text, err, want)
		}
	}
}

func TestCanary(t *testing.T) {
	for text, want := range map[string]Canary{
		`null`:                 {},
		`3`:                    {Amount: "3"},
		`"10%"`:                {Amount: "10%"},
		`["web-1","db-1"]`:     {Hosts: []string{"web-1", "db-1"}},
		`{"onePer":"group"}`:   {PerGroup: true},
		`{"onePerTag":"zone"}`: {PerTag: "zone"},
	} {
		var found Canary
		if err := json.Unmarshal([]byte(text), &found); err != nil || !reflect.DeepEqual(found, want) {
			t.Errorf("%s is %+v, %v", text, found, err)
		}
		written, err := json.Marshal(found)
		var again Canary
		if err == nil {
			err = json.Unmarshal(written, &again)
		}
		if err != nil || !reflect.DeepEqual(again, want) {
			t.Errorf("%s is written as %s, %v", text, written, err)
		}
		if found.Declared() != (text != "null") {
			t.Errorf("%s declares: %v", text, found.Declared())
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"version": 1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if result, err := Decode(data); err == nil && result == nil {
			t.Fatal("neither a result nor an error")
		}
	})
}
