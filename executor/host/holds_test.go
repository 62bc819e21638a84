package host

import (
	"strings"
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/schema"
)

// dpkgStatus has a package with two instances, one that is held, one that was removed,
// and one that is only half there.
const dpkgStatus = `Package: docker.io
Status: hold ok installed
Architecture: amd64
Description: runs containers
 Status: of no interest

Package: libc6
Status: install ok installed
Architecture: amd64

Package: libc6
Status: install ok installed
Architecture: i386

Package: nginx
Status: install ok installed
Architecture: amd64

Package: removed
Status: deinstall ok config-files
Architecture: amd64

Package: broken
Status: install ok half-configured
Architecture: all
`

// held returns the packages that are held, with their architectures.
func (w *world) held() string {
	var held []string
	for paragraph := range strings.SplitSeq(w.read("/var/lib/dpkg/status"), "\n\n") {
		if strings.Contains(paragraph, "Status: hold ") {
			name, rest, _ := strings.Cut(strings.TrimPrefix(paragraph, "Package: "), "\n")
			_, architecture, _ := strings.Cut(rest, "Architecture: ")
			architecture, _, _ = strings.Cut(architecture, "\n")
			held = append(held, name+":"+architecture)
		}
	}
	return strings.Join(held, " ")
}

func withHolds(names ...schema.PackageName) intent { return intent{holds: names} }

func TestHoldsAreSetAndReleased(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	before := w.snapshot()
	autogold.Expect(`create hold broken
create hold libc6`).Equal(t, summary(w.mustExecute(withHolds("broken", "docker.io", "libc6"))))
	autogold.Expect("docker.io:amd64 libc6:amd64 libc6:i386 broken:all").Equal(t, w.held())
	w.mustBeUnchanged(withHolds("broken", "docker.io", "libc6"))
	autogold.Expect(`remove hold broken
remove hold libc6
create hold nginx`).Equal(t, summary(w.mustExecute(withHolds("nginx"))))
	autogold.Expect("docker.io:amd64 nginx:amd64").Equal(t, w.held())
	w.mustExecute(intent{})
	if after := w.snapshot(); after != before {
		t.Errorf("released, the host is\n%s\nbut was\n%s", after, before)
	}
}

func TestDriftOfAHoldIsPutRight(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustExecute(withHolds("libc6", "nginx"))
	w.hangUp()
	w.tools.setSelections([]string{"libc6:i386 install", "nginx:amd64 deinstall"})
	autogold.Expect(`hold libc6: is missing
hold nginx: is missing`).Equal(t, drifts(w.observe(nil, false).Observation))
	autogold.Expect(`create hold libc6
create hold nginx`).Equal(t, summary(w.mustExecute(withHolds("libc6", "nginx"))))
	w.mustBeUnchanged(withHolds("libc6", "nginx"))
}

// A hold that others remove becomes ours when we set it again, and goes with the intent.
func TestAHoldOfOthersStaysUntilTheyRemoveIt(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.mustExecute(withHolds("docker.io"))
	w.mustExecute(intent{})
	autogold.Expect("docker.io:amd64").Equal(t, w.held())
	w.mustExecute(withHolds("docker.io"))
	w.tools.setSelections([]string{"docker.io:amd64 install"})
	w.mustExecute(withHolds("docker.io"))
	w.mustExecute(intent{})
	autogold.Expect("").Equal(t, w.held())
}

func TestFailedChangeUndoesHoldsExactly(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	w.tools.setSelections([]string{"nginx:amd64 deinstall"})
	before := w.snapshot()
	i := withHolds("nginx")
	i.units = []schema.Unit{service("bad.service", "# 1\nExecStart=fail\n")}
	w.mustRollBack(i)
	if after := w.snapshot(); after != before {
		t.Errorf("undone, the host is\n%s\nbut was\n%s", after, before)
	}
}

func TestHoldOfAPackageThatIsNotInstalledIsRefused(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	autogold.Expect(`2 things are in the way:
  cannot hold the package "nowhere": it is not installed
  cannot hold the package "removed": it is not installed
hint: install it first, or leave it out of nixfleet.apt.holds`).Equal(t, w.refusal(withHolds("nowhere", "removed").plan(t)))
}
