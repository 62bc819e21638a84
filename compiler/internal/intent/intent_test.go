package intent

import (
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	for text, want := range map[string]string{
		`{"version": 1, "hosts": {"a": {"rollout": {"canary": 3, "waves": [1, "50%"], "failureBudget": null}}}}`: "",
		`{"version": 2}`:             "the fleet's NixFleet library speaks version 2, this compiler version 1",
		`{"version": 1, "hots": {}}`: `cannot read the evaluation's result: line 1: unknown field "hots"`,
		`{"version": 1, "fleet": {"rollout": {"canary": []}}}`: "expected a number of hosts or a percentage, found []",
		`{`: "cannot read the evaluation's result",
	} {
		result, err := Decode([]byte(text))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want == "":
			rollout := result.Hosts["a"].Rollout
			if rollout.Canary != "3" || rollout.Waves[1] != "50%" || rollout.FailureBudget != "" {
				t.Errorf("found %+v", rollout)
			}
		case err == nil || !strings.Contains(err.Error(), want):
			t.Errorf("%s gives %v, want %s", text, err, want)
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
