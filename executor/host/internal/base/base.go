// Package base says what is particular to each kind of operating system: how a host of
// it is recognised, which kinds of things are managed on it, where changes are staged,
// and how the recovery of an interrupted change is kept in place.
package base

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/recovery"
	"github.com/nixfleet/nixfleet/schema"
)

// Base is one kind of operating system.
type Base struct {
	// Names are those that a manifest may have.
	Names []schema.Base
	// Kinds are the kinds of managed things, in their order.
	Kinds []kind.Kind
	// Staging are the staging directories of the file systems that have one of their own.
	Staging []string
	// EnsureRecovery sees to it that an interrupted change is undone at boot, and
	// RemoveRecovery takes that away.
	EnsureRecovery, RemoveRecovery func(context.Context, recovery.Host) error
	// RebootNeeded tells whether the records of the host below root ask for a reboot.
	RebootNeeded func(root string) schema.RebootState
	// LastUpdate is the last update of the operating system's packages that the host's
	// own log has; nil where it has none. The log is written in that time zone.
	LastUpdate func(root string, zone *time.Location) *schema.OSUpdateState

	// relatives are the words of os-release(5) by which its hosts are recognised.
	relatives []string
}

// bases are those that this version supports.
var bases = []*Base{debian}

// For returns the base of that name.
func For(name schema.Base) (*Base, error) {
	for _, b := range bases {
		if slices.Contains(b.Names, name) {
			return b, nil
		}
	}
	return nil, fmt.Errorf("internal error: nothing carries out base %s", name)
}

// Of returns the base that a host's os-release has. A host that is none of them is
// looked at like the first one.
func Of(release map[string]string) *Base {
	for _, b := range bases {
		if b.Matches(release) {
			return b
		}
	}
	return bases[0]
}

// Matches reports whether a host with that os-release is one of the base, or descends
// from one.
func (b *Base) Matches(release map[string]string) bool {
	return slices.ContainsFunc(strings.Fields(release["ID"]+" "+release["ID_LIKE"]), func(word string) bool {
		return slices.Contains(b.relatives, word)
	})
}

// Name returns the name that a manifest for a host with that os-release has.
func (b *Base) Name(release map[string]string) schema.Base {
	if name := schema.Base(release["ID"]); slices.Contains(b.Names, name) {
		return name
	}
	return b.Names[0]
}

// Release reads the os-release(5) of the host below root.
func Release(root string) map[string]string {
	fields := map[string]string{}
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		// Not through the managed tree's door: os-release is a link on every host.
		file, err := os.Open(filepath.Join(root, name))
		if err != nil {
			continue
		}
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), "=")
			fields[name] = strings.Trim(value, `"'`)
		}
		break
	}
	return fields
}
