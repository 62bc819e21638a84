package lab

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	cgroupMount = "/sys/fs/cgroup"
	// cgroupParent holds a directory for each lab, and that one for each host.
	cgroupParent = "nixfleet-lab"
)

// cgroupRoot returns the hierarchy that hosts have their cgroups in, and whether it is version 2. On a hybrid machine
// that one is used too: hosts then see what today's machines have, and systemd learns reliably when a service is empty.
func cgroupRoot() (string, bool, error) {
	for _, root := range []string{cgroupMount, filepath.Join(cgroupMount, "unified")} {
		var s unix.Statfs_t
		if unix.Statfs(root, &s) == nil && s.Type == unix.CGROUP2_SUPER_MAGIC {
			return root, true, nil
		}
	}
	root := filepath.Join(cgroupMount, "systemd")
	if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil {
		return "", false, fmt.Errorf("no cgroup hierarchy is mounted at %s\nhint: mount -t cgroup2 cgroup2 %s", cgroupMount, cgroupMount)
	}
	return root, false, nil
}

// cgroupOf is the cgroup of a host, or with no host, of a lab; and whether it is version 2.
func cgroupOf(lab, host string) (string, bool, error) {
	root, second, err := cgroupRoot()
	return filepath.Join(root, cgroupParent, lab, host), second, err
}

// makeCgroup makes a host's cgroup. Without one of its own all hosts share that of this process, and from about ten on
// their units fail with "Failed at step CGROUP".
func makeCgroup(lab, host string) error {
	path, second, err := cgroupOf(lab, host)
	if err != nil {
		return err
	}
	// If we crash here, an empty cgroup stays; sweep removes it.
	err = os.MkdirAll(path, 0o755)
	for try := 0; errors.Is(err, fs.ErrNotExist) && try < 10; try++ {
		// Another lab that just ended took the empty parent away in between.
		err = os.MkdirAll(path, 0o755)
	}
	if err != nil {
		return fmt.Errorf("cannot make the cgroup of host %q: %w", host, err)
	}
	if second {
		delegate(filepath.Dir(filepath.Dir(path)))
		delegate(filepath.Dir(path))
		delegate(path)
	}
	return nil
}

// delegate lets the cgroups below have the controllers that systemd limits units with. A machine that keeps some back
// still boots hosts, without those limits.
func delegate(path string) {
	text, err := os.ReadFile(filepath.Join(path, "cgroup.controllers"))
	if err != nil {
		return
	}
	for _, controller := range strings.Fields(string(text)) {
		_ = os.WriteFile(filepath.Join(path, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
	}
}

// removeLabCgroup removes the cgroups of a lab whose processes are gone or about to go.
func removeLabCgroup(lab string) error {
	path, _, err := cgroupOf(lab, "")
	if err != nil {
		return err
	}
	deadline := time.Now().Add(time.Minute)
	for {
		err := removeCgroup(path)
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	// Fails as long as another lab has its cgroups there.
	_ = os.Remove(filepath.Dir(path))
	return nil
}

// removeCgroup removes a tree of cgroups. Their files cannot be removed and need not be.
func removeCgroup(path string) error {
	var dirs []string
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, p)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.Reverse(dirs)
	for _, dir := range dirs {
		if err := unix.Rmdir(dir); err != nil && err != unix.ENOENT {
			return &fs.PathError{Op: "rmdir", Path: dir, Err: err}
		}
	}
	return nil
}

// leaders returns the processes below a cgroup that are PID 1 of a namespace depth levels below this process's own.
// For a host's cgroup that is systemd, by the number it has out here; none while the host is off.
func leaders(cgroup string, depth int) []int {
	var found []int
	for _, pid := range processes(cgroup) {
		if ids := namespacePIDs(pid); len(ids) == depth+1 && ids[depth] == "1" {
			found = append(found, pid)
		}
	}
	return found
}

// processes returns all processes in a cgroup and below it.
func processes(cgroup string) []int {
	var found []int
	_ = filepath.WalkDir(cgroup, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "cgroup.procs" {
			return nil
		}
		text, _ := os.ReadFile(path)
		for _, field := range strings.Fields(string(text)) {
			if pid, _ := strconv.Atoi(field); pid > 0 {
				found = append(found, pid)
			}
		}
		return nil
	})
	return found
}

// namespacePIDs returns the numbers a process has in each PID namespace, outermost first; none if it is gone.
func namespacePIDs(pid int) []string {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "NSpid:"); ok {
			return strings.Fields(rest)
		}
	}
	return nil
}
