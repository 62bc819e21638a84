package schema

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// unmanageable are the trees in which NixFleet manages nothing, with the reason.
var unmanageable = []struct{ tree, because string }{
	{"/nix", "the Nix store and its profiles belong to Nix"},
	{"/proc", "it belongs to the kernel"},
	{"/sys", "it belongs to the kernel"},
	{"/dev", "it belongs to the kernel"},
	{"/run", "it is gone after a reboot; use a unit's RuntimeDirectory="},
	{"/var/run", "it is gone after a reboot; use a unit's RuntimeDirectory="},
	{"/tmp", "it is gone after a reboot"},
	{"/boot", "the kernel and the boot loader belong to the operating system"},
	{"/bin", "it belongs to the operating system's packages"},
	{"/sbin", "it belongs to the operating system's packages"},
	{"/lib", "it belongs to the operating system's packages"},
	{"/lib64", "it belongs to the operating system's packages"},
	{"/var/lib/dpkg", "it belongs to dpkg"},
	{"/var/lib/nixfleet", "NixFleet keeps its own state there"},
	{"/etc/.nixfleet", "NixFleet stages files there"},
	{"/etc/NIXOS", "it tells what kind of system this is"},
	{"/etc/passwd", "declare the account in nixfleet.users"},
	{"/etc/passwd-", "declare the account in nixfleet.users"},
	{"/etc/shadow", "declare the account in nixfleet.users"},
	{"/etc/shadow-", "declare the account in nixfleet.users"},
	{"/etc/group", "declare the group in nixfleet.groups"},
	{"/etc/group-", "declare the group in nixfleet.groups"},
	{"/etc/gshadow", "declare the group in nixfleet.groups"},
	{"/etc/gshadow-", "declare the group in nixfleet.groups"},
	{"/etc/subuid", "it belongs to useradd"},
	{"/etc/subgid", "it belongs to useradd"},
	{"/etc/machine-id", "it identifies the host"},
	{"/etc/mtab", "it belongs to the kernel"},
	{"/etc/ld.so.cache", "it belongs to ldconfig"},
}

// UnitDirectory is where managed units live.
const UnitDirectory = "/etc/systemd/system"

// maxComponent is the length of the longest name that Linux's file systems take.
const maxComponent = 255

// CheckPath says why a file or directory of that path cannot be managed; nil
// where it can. Compiler and host ask the same question.
func CheckPath(name string) error {
	switch {
	case name == "":
		return errors.New("the path is empty")
	case strings.ContainsRune(name, 0):
		return errors.New("the path contains a NUL byte")
	case len(name) > 4095:
		return errors.New("the path is longer than 4095 bytes")
	case !strings.HasPrefix(name, "/"):
		return fmt.Errorf("the path is relative; write it from the root, as %q", "/"+name)
	case name == "/":
		return errors.New("the root directory cannot be managed")
	case path.Clean(name) != name:
		return fmt.Errorf("the path is not clean; write %q", path.Clean(name))
	}
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > maxComponent {
			return fmt.Errorf("the path has a name of %d bytes, %q…; a file system takes at most %d", len(part), part[:20], maxComponent)
		}
	}
	for _, u := range unmanageable {
		if within(name, u.tree) {
			return fmt.Errorf("%s cannot be managed: %s", name, u.because)
		}
	}
	if within(name, "/usr") && !(within(name, "/usr/local") && name != "/usr/local") {
		return fmt.Errorf("%s cannot be managed: it belongs to the operating system's packages; /usr/local is yours", name)
	}
	return nil
}

// CheckFilePath is CheckPath for files, which also may not be units.
func CheckFilePath(name string) error {
	if err := CheckPath(name); err != nil {
		return err
	}
	if rest, ok := strings.CutPrefix(name, UnitDirectory+"/"); ok {
		dir, _, nested := strings.Cut(rest, "/")
		if !nested || strings.HasSuffix(dir, ".wants") || strings.HasSuffix(dir, ".requires") {
			return fmt.Errorf("%s cannot be managed as a file: declare the unit in nixfleet.systemd.units", name)
		}
	}
	return nil
}

// LinkedUnit returns the unit that runs because of a link "x.target.wants/y.service",
// relative to the unit directory; empty for links that start nothing.
func LinkedUnit(link string) UnitName {
	dir, base, ok := strings.Cut(link, "/")
	for _, kind := range []string{".wants", ".requires", ".upholds"} {
		if ok && strings.HasSuffix(dir, kind) {
			return UnitName(base)
		}
	}
	return ""
}

func within(name, tree string) bool {
	return name == tree || strings.HasPrefix(name, tree+"/")
}
