package unitcheck

import (
	"os/exec"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

func TestParse(t *testing.T) {
	said := `/tmp/units-1/a.service:2: Unknown key name 'ExecStrat' in section 'Service', ignoring.
a.service: Command /nope/x is not executable: No such file or directory
/lib/systemd/system/other.service:9: Unknown section 'X'. Ignoring.
Unit a.service has a bad unit file setting.
`
	found := parse(said, map[schema.UnitName]int{"a.service": 4})
	want := Finding{4, 2, "Unknown key name 'ExecStrat' in section 'Service', ignoring."}
	if len(found) != 1 || found[0] != want {
		t.Errorf("expected %v, found %v", want, found)
	}
}

func TestSplit(t *testing.T) {
	units := []Unit{{"a.service", "1"}, {"b.service", "1"}, {"a.service", "1"}, {"a.service", "2"}, {"a.service", "3"}, {"a.service", "4"}}
	all := split(units)
	if len(all) != rounds || all[0]["a.service"] != 0 || all[0]["b.service"] != 1 || all[1]["a.service"] != 3 || all[2]["a.service"] != 4 {
		t.Errorf("found %v", all)
	}
}

func TestCheckAsksSystemd(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip(err)
	}
	found, err := Check(t.Context(), t.TempDir(), []Unit{
		{"fine.service", "[Service]\nExecStart=/nix/store/none/bin/x\n"},
		{"wrong.service", "[Service]\nExecStart=/bin/true\nRestart=sometimes\n"},
	})
	if err != nil || len(found) != 1 || found[0].Unit != 1 || found[0].Line != 3 {
		t.Errorf("found %v, %v", found, err)
	}
}
