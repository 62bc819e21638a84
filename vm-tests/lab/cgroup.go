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

// cgroupRoots returns the hierarchies that systemd keeps its tree in: the one of a v2 machine, or on a v1 machine its
// named hierarchy and, where the machine is hybrid, the v2 one beside it.
func cgroupRoots() ([]string, error) {
	if unified() {
		return []string{cgroupMount}, nil
	}
	roots := []string{filepath.Join(cgroupMount, "systemd")}
	if _, err := os.Stat(filepath.Join(roots[0], "cgroup.procs")); err != nil {
		return nil, fmt.Errorf("no cgroup hierarchy for systemd is mounted at %s", cgroupMount)
	}
	if second := filepath.Join(cgroupMount, "unified"); isCgroup2(second) {
		roots = append(roots, second)
	}
	return roots, nil
}

// unified says whether this machine has cgroup v2 only.
func unified() bool { return isCgroup2(cgroupMount) }

func isCgroup2(path string) bool {
	var s unix.Statfs_t
	return unix.Statfs(path, &s) == nil && s.Type == unix.CGROUP2_SUPER_MAGIC
}

// makeCgroups makes a host's cgroup in each hierarchy and returns their paths. Without one of its own all hosts share
// that of this process, and from about ten on their units fail with "Failed at step CGROUP".
func makeCgroups(lab, host string) ([]string, error) {
	roots, err := cgroupRoots()
	if err != nil {
		return nil, err
	}
	var made []string
	for _, root := range roots {
		path := filepath.Join(root, cgroupParent, lab, host)
		// If we crash here, an empty cgroup stays; sweep removes it.
		err := os.MkdirAll(path, 0o755)
		for try := 0; errors.Is(err, fs.ErrNotExist) && try < 10; try++ {
			// Another lab that just ended took the empty parent away in between.
			err = os.MkdirAll(path, 0o755)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot make the cgroup of host %q: %w", host, err)
		}
		if root == cgroupMount {
			delegate(filepath.Join(root, cgroupParent))
			delegate(filepath.Join(root, cgroupParent, lab))
			delegate(path)
		}
		made = append(made, path)
	}
	return made, nil
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

// removeCgroups removes the cgroups of a lab whose processes are gone or about to go.
func removeCgroups(lab string) error {
	roots, err := cgroupRoots()
	if err != nil {
		return err
	}
	for _, root := range roots {
		deadline := time.Now().Add(5 * time.Second)
		for {
			err = removeCgroup(filepath.Join(root, cgroupParent, lab))
			if err == nil || time.Now().After(deadline) {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if err != nil {
			return err
		}
		// Fails as long as another lab has its cgroups there.
		_ = os.Remove(filepath.Join(root, cgroupParent))
	}
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
