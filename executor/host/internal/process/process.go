// Package process looks at the kernel's and the processes' view of the host.
package process

import (
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/nixfleet/nixfleet/schema"
)

// Process is a running process.
type Process struct {
	ID   int
	Unit schema.UnitName // empty where it belongs to none
}

// Machine returns the CPU as uname(2) names it.
func Machine() string {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Machine[:])
}

// Of returns the processes of a user.
func Of(uid int) []Process {
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	var found []Process
	for _, dir := range entries {
		info, err := os.Stat(dir)
		if err != nil {
			continue // it has ended since
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		id, _ := strconv.Atoi(path.Base(dir))
		if ok && int(stat.Uid) == uid {
			found = append(found, Process{ID: id, Unit: unitOf(dir)})
		}
	}
	return found
}

// unitOf returns the systemd unit of a process, by its control group.
func unitOf(dir string) schema.UnitName {
	data, err := os.ReadFile(dir + "/cgroup")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		// "0::/system.slice/web.service" or, before cgroup v2, "1:name=systemd:/…"
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, _ := strings.Cut(rest, ":")
		if controllers != "" && controllers != "name=systemd" {
			continue
		}
		for part := range strings.SplitSeq(group, "/") {
			if strings.HasSuffix(part, ".service") || strings.HasSuffix(part, ".scope") {
				return schema.UnitName(part)
			}
		}
	}
	return ""
}
