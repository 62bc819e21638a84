package lab

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

//go:embed apt-packages
var aptPackages string

// needed maps each program the lab runs to the Debian package that has it.
var needed = []struct{ program, aptPackage string }{
	{"systemd-nspawn", "systemd-container"},
	{"mmdebstrap", "mmdebstrap"},
	{"ip", "iproute2"},
	{"nsenter", "util-linux"},
	{"flock", "util-linux"},
	{"mount", "mount"},
	{"mkfs.ext4", "e2fsprogs"},
}

// Packages lists the Debian packages that the lab needs on the machine that runs it.
func Packages() []string {
	var names []string
	for line := range strings.Lines(aptPackages) {
		name, _, _ := strings.Cut(line, "#")
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// Ready says whether this machine can run a lab; the error names everything that is missing and how to get it.
func Ready() error {
	if os.Geteuid() != 0 {
		return errors.New("cannot run a lab: it makes containers, network namespaces and mounts, for which it must be root\nhint: sudo make …")
	}
	var missing, packages []string
	for _, n := range needed {
		if program(n.program) == "" {
			missing = append(missing, n.program)
			if !slices.Contains(packages, n.aptPackage) {
				packages = append(packages, n.aptPackage)
			}
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("cannot run a lab: this machine has no %s\nhint: apt-get install %s",
			strings.Join(missing, ", "), strings.Join(packages, " "))
	}
	if _, _, err := cgroupRoot(); err != nil {
		return fmt.Errorf("cannot run a lab: %w", err)
	}
	return nil
}

// adminPath is for a root whose PATH lacks the sbin directories, as after a plain `su`.
const adminPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// program returns the path of a program, or "".
func program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for dir := range strings.SplitSeq(adminPath, ":") {
		if path, err := exec.LookPath(dir + "/" + name); err == nil {
			return path
		}
	}
	return ""
}

// adminEnv is the environment of the lab's own tools: nothing of the caller's but a PATH that finds them.
func adminEnv(extra ...string) []string {
	return append([]string{"PATH=" + adminPath + ":" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}, extra...)
}
