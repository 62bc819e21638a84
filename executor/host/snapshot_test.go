package host

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
)

// snapshot describes everything that a plan may change on a host, and units: it
// is the same exactly when the host is.
func (w *world) snapshot() string {
	w.t.Helper()
	return w.snapshotOf(w.image())
}

func (w *world) snapshotOf(root image) string {
	var out strings.Builder
	for _, top := range []string{"/etc", "/srv", "/var/lib", "/opt", "/nix/var/nix/profiles/nixfleet"} {
		for _, e := range root {
			if below(e.path, top) && !below(e.path, "/var/lib/nixfleet") {
				e.describe(&out)
			}
		}
	}
	for _, name := range sortedUnits(w.systemd) {
		fmt.Fprintf(&out, "%s %s as %s\n", name, w.systemd.state[name].Active, w.systemd.ran[name])
	}
	return out.String()
}

// below reports whether a path is the directory or in it.
func below(path, directory string) bool {
	rest, ok := strings.CutPrefix(path, directory)
	return ok && (rest == "" || rest[0] == '/')
}

var generationRE = regexp.MustCompile(`(?m)^/nix/var/nix/profiles/.*\n`)

func withoutGenerations(snapshot string) string { return generationRE.ReplaceAllString(snapshot, "") }

// mustUnfinished returns the transaction that has not ended.
func mustUnfinished(t testing.TB, w *world) *transaction.Interrupted {
	t.Helper()
	open, err := transaction.Unfinished(state.New(w.root, nil))
	if err != nil {
		t.Fatal(err)
	}
	return open
}
