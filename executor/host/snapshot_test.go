package host

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/nixfleet/nixfleet/executor/host/internal/state"
	"github.com/nixfleet/nixfleet/executor/host/internal/transaction"
)

// snapshot describes everything that a plan may change on a host, and units: it
// is the same exactly when the host is.
func (w *world) snapshot() string {
	w.t.Helper()
	var out strings.Builder
	for _, top := range []string{"/etc", "/srv", "/var/lib", "/opt", "/nix/var/nix/profiles/nixfleet"} {
		err := filepath.WalkDir(w.at(top), func(path string, _ fs.DirEntry, err error) error {
			name := strings.TrimPrefix(path, w.root)
			if name == "/var/lib/nixfleet" {
				return fs.SkipDir
			}
			if os.IsNotExist(err) {
				return nil
			}
			if err != nil {
				return err
			}
			return describeInto(&out, path, name)
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	for _, name := range sortedUnits(w.systemd) {
		fmt.Fprintf(&out, "%s %s as %s\n", name, w.systemd.state[name].Active, w.systemd.ran[name])
	}
	return out.String()
}

func describeInto(out *strings.Builder, path, name string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	stat, _ := info.Sys().(*syscall.Stat_t)
	fmt.Fprintf(out, "%s %v %d:%d", name, info.Mode(), stat.Uid, stat.Gid)
	switch {
	case info.Mode().IsRegular():
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, " %q", content)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, " -> %s", target)
	}
	out.WriteByte('\n')
	return nil
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
