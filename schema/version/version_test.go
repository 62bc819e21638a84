package version

import "testing"

func TestSplit(t *testing.T) {
	for in, want := range map[string][2]string{
		"nginx-1.24.0": {"nginx", "1.24.0"}, "nginx-1.24.0-doc": {"nginx-doc", "1.24.0"}, "nixfleet-host": {"nixfleet-host", ""},
		"glibc-2.40-66": {"glibc", "2.40-66"}, "python3.12-pip-24.0": {"python3.12-pip", "24.0"}, "source-2024-05-01": {"source", "2024-05-01"},
		"perl5.40.0-DBI-1.6": {"perl5.40.0-DBI", "1.6"}, "site.conf": {"site.conf", ""},
	} {
		if name, version := Split(in); name != want[0] || version != want[1] {
			t.Errorf("%s: found %q and %q", in, name, version)
		}
	}
}

func TestCompare(t *testing.T) {
	ascending := []string{"0.9", "1.0pre1", "1.0", "1.0a", "1.0.1", "1.2", "1.10", "1.10-1", "2024.01", "2024.2"}
	for i, a := range ascending {
		for j, b := range ascending {
			if found := Compare(a, b); (found < 0) != (i < j) || (found == 0) != (i == j) {
				t.Errorf("Compare(%q, %q) = %d", a, b, found)
			}
		}
	}
}
