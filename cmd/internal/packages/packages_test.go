package packages

import (
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

func TestNameAndVersion(t *testing.T) {
	for in, want := range map[string][2]string{
		"nginx-1.24.0": {"nginx", "1.24.0"}, "nginx-1.24.0-doc": {"nginx-doc", "1.24.0"}, "nixfleet-host": {"nixfleet-host", ""},
		"glibc-2.40-66": {"glibc", "2.40-66"}, "python3.12-pip-24.0": {"python3.12-pip", "24.0"}, "source-2024-05-01": {"source", "2024-05-01"},
		"perl5.40.0-DBI-1.6": {"perl5.40.0-DBI", "1.6"}, "site.conf": {"site.conf", ""},
	} {
		path := schema.StorePath("/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-" + in)
		if name, version := NameAndVersion(path); name != want[0] || version != want[1] {
			t.Errorf("%s: found %q and %q", in, name, version)
		}
	}
}

func TestCompareVersions(t *testing.T) {
	ascending := []string{"0.9", "1.0pre1", "1.0", "1.0a", "1.0.1", "1.2", "1.10", "1.10-1", "2024.01", "2024.2"}
	for i, a := range ascending {
		for j, b := range ascending {
			if found := compareVersions(a, b); (found < 0) != (i < j) || (found == 0) != (i == j) {
				t.Errorf("compareVersions(%q, %q) = %d", a, b, found)
			}
		}
	}
}

func TestDowngrade(t *testing.T) {
	for _, c := range []struct {
		old, new []string
		want     bool
	}{
		{[]string{"1.2"}, []string{"1.1"}, true},
		{[]string{"1.1"}, []string{"1.2"}, false},
		{[]string{"1.1", "1.2"}, []string{"1.1"}, false},
		{[]string{""}, []string{""}, false},
	} {
		if found := Downgrade(schema.PackageChange{Old: c.old, New: c.new}); found != c.want {
			t.Errorf("%v -> %v: found %t", c.old, c.new, found)
		}
	}
}
