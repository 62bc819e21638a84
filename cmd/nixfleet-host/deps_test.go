package main

import (
	"flag"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the list of dependencies anew")

// TestDependencies keeps the helper small: what it links in besides the standard
// library is listed, and a change of the list is seen by whoever reviews it.
func TestDependencies(t *testing.T) {
	const golden = "testdata/deps.golden"
	cmd := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Fields(string(out))
	slices.Sort(list)
	found := strings.Join(list, "\n") + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(found), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if found != string(want) {
		t.Errorf("the helper's dependencies are not those of %s (go test -update writes it anew):\n%s", golden, found)
	}
}

// TestSizeAndStart builds the helper as releases are built.
func TestSizeAndStart(t *testing.T) {
	helper := t.TempDir() + "/nixfleet-host"
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -X main.version=1.2.3", "-o", helper, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	info, err := os.Stat(helper)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 8<<20 {
		t.Errorf("expected a helper of at most 8 MiB, found %d bytes", info.Size())
	}
	out, err := exec.Command(helper, "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	sum, err := exec.Command("sha256sum", helper).Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := "nixfleet-host 1.2.3 sha256:" + strings.Fields(string(sum))[0] + "\n"; string(out) != want {
		t.Errorf("expected %q, found %q", want, out)
	}
}
