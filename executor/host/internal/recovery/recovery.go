// Package recovery keeps the unit that finishes or undoes a transaction that was
// interrupted: systemd starts it early at boot, and when the process of a
// transaction is killed. It is the only thing of NixFleet's own on a host that
// systemd knows of, and it needs nothing that a change may have broken: the
// helper's binary and the state directory.
package recovery

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Unit is the unit's name.
const Unit schema.UnitName = "nixfleet-recover.service"

// Marker is the file, below the state directory, without which the unit does
// nothing: a boot after no interruption starts no process.
const Marker = "unfinished"

const (
	file  = schema.UnitDirectory + "/" + string(Unit)
	wants = schema.UnitDirectory + "/sysinit.target.wants"
	link  = wants + "/" + string(Unit)
	place = "/etc/.nixfleet/recovery"
)

// text runs before everything that a change may have broken, and is left alone by
// the emergency mode, into which a spoilt fstab leads.
const text = `# Written by NixFleet; checked before each change of this host.
[Unit]
Description=Finish or undo a change by NixFleet that was interrupted
DefaultDependencies=no
RequiresMountsFor=/var/lib/nixfleet /etc
After=local-fs.target
Before=sysinit.target shutdown.target
Conflicts=shutdown.target
IgnoreOnIsolate=yes
ConditionPathExists=/var/lib/nixfleet/` + Marker + `

[Service]
Type=oneshot
ExecStart=` + protocol.HelperPath + ` recover
TimeoutStartSec=10min

[Install]
WantedBy=sysinit.target
`

// Host is what the unit is put on.
type Host struct {
	Files *rooted.FS
	Units unit.Manager
}

// Ensure makes the unit be there as it should be, enabled and known to systemd.
// A host on which it is costs a look.
func Ensure(ctx context.Context, host Host) error {
	changed, err := write(host.Files)
	if err != nil {
		return fmt.Errorf("cannot prepare for an interruption: %w", err)
	}
	if !changed {
		if known, err := isKnown(ctx, host.Units); known || err != nil {
			return err
		}
	}
	return host.Units.DaemonReload(ctx)
}

func isKnown(ctx context.Context, units unit.Manager) (bool, error) {
	names := []schema.UnitName{Unit}
	status, err := units.List(ctx, names)
	if err != nil || status[Unit].Load != "loaded" {
		return false, err
	}
	unread, err := units.Unread(ctx, names)
	return len(unread) == 0, err
}

func write(files *rooted.FS) (changed bool, err error) {
	fileOK, err := isFile(files)
	if err != nil {
		return false, err
	}
	entry, err := files.Lookup(link)
	if err != nil {
		return false, err
	}
	linkOK := entry.Kind == rooted.Symlink && entry.Target == file
	if fileOK && linkOK {
		return false, nil
	}
	// If we crash here, the next transaction completes the unit before it begins.
	staged, err := files.OpenPlace(place)
	if err != nil {
		return false, err
	}
	defer staged.Close()
	root := rooted.Meta{Mode: 0o644}
	if err := staged.WriteFile("unit", strings.NewReader(text), &root); err != nil {
		return false, err
	}
	if err := staged.WriteSymlink("link", file); err != nil {
		return false, err
	}
	if err := staged.Sync(); err != nil {
		return false, err
	}
	if err := makeWants(files, staged); err != nil {
		return false, err
	}
	for name, target := range map[string]string{"unit": file, "link": link} {
		if err := staged.Move(name, target, true); err != nil {
			return false, err
		}
		if err := files.Sync(path.Dir(target)); err != nil {
			return false, err
		}
	}
	return true, files.RemovePlace(place)
}

func isFile(files *rooted.FS) (bool, error) {
	entry, err := files.Lookup(file)
	if err != nil || entry.Kind != rooted.File || entry.UID != 0 || entry.Mode&0o022 != 0 {
		return false, err
	}
	found, err := files.Read(file)
	return string(found) == text, err
}

func makeWants(files *rooted.FS, staged *rooted.Place) error {
	entry, err := files.Lookup(wants)
	if err != nil || entry.Kind == rooted.Directory {
		return err
	}
	if err := staged.MakeDirectory("wants", rooted.Meta{Mode: 0o755}); err != nil {
		return err
	}
	return staged.Move("wants", wants, false)
}

// Remove takes the unit away, for a host that leaves its fleet.
func Remove(ctx context.Context, host Host) error {
	for _, name := range []string{link, file} {
		// If we crash here, a unit stays that nothing starts, or that has nothing to do.
		if err := host.Files.Remove(name); err != nil {
			return err
		}
	}
	if _, err := host.Files.RemoveDirectory(wants); err != nil { // where nothing else is in it
		return err
	}
	if err := host.Files.RemovePlace(place); err != nil { // of an attempt that was interrupted
		return err
	}
	if err := host.Files.Sync(schema.UnitDirectory); err != nil {
		return err
	}
	return host.Units.DaemonReload(ctx)
}
