package host

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
)

// disk knows what of a root directory would be there after a power cut: what was
// forced to the disk, and no more. It is told of every fsync. A rename that has
// reached the disk has done so at both ends, as file systems with a journal promise;
// everything else may be lost on its own, which is less than they promise.
type disk struct {
	t     testing.TB
	root  string
	grave string // where every file has another name, so that none is lost with its last
	mu    sync.Mutex
	nodes map[uint64]*node // by inode
	top   *node
}

// node is a file, link or directory as it is on the disk.
type node struct {
	inode    uint64
	mode     fs.FileMode
	uid, gid int
	content  []byte
	entries  map[string]*node // of a directory
	path     string           // of a directory, below the root
	parents  map[*node]bool   // the directories that have it, or had it once
}

// newDisk begins with everything on the disk that is there now.
func newDisk(t testing.TB, root string) *disk {
	d := &disk{t: t, root: root, grave: root + ".grave", nodes: map[uint64]*node{}}
	if err := os.Mkdir(d.grave, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(d.grave) })
	d.flush()
	return d
}

// flush forces everything to the disk.
func (d *disk) flush() {
	err := filepath.WalkDir(d.root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && (entry.IsDir() || entry.Type().IsRegular()) {
			d.sync(path[len(d.root):])
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// sync is told that a file or directory was forced to the disk.
func (d *disk) sync(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	info, err := os.Lstat(filepath.Join(d.root, path))
	if err != nil {
		return // it has been removed or replaced
	}
	n := d.node(path, info)
	if filepath.Clean("/"+path) == "/" {
		d.top = n
	}
	stat := info.Sys().(*syscall.Stat_t)
	n.mode, n.uid, n.gid = info.Mode(), int(stat.Uid), int(stat.Gid)
	switch {
	case info.IsDir():
		n.path = path
		d.syncEntries(n)
	case info.Mode().IsRegular():
		if n.content, err = os.ReadFile(filepath.Join(d.root, path)); err != nil {
			d.t.Error(err)
		}
	}
}

// node returns what the disk knows of an inode. One that it does not know is an
// empty file or directory to it.
func (d *disk) node(path string, info fs.FileInfo) *node {
	stat := info.Sys().(*syscall.Stat_t)
	if n := d.nodes[stat.Ino]; n != nil {
		return n
	}
	n := &node{inode: stat.Ino, mode: info.Mode(), uid: int(stat.Uid), gid: int(stat.Gid), parents: map[*node]bool{}}
	if info.IsDir() {
		n.entries = map[string]*node{}
		n.path = path
	} else if err := os.Link(filepath.Join(d.root, path), d.graveOf(n)); err != nil && !errors.Is(err, fs.ErrExist) {
		d.t.Error(err)
	}
	d.nodes[stat.Ino] = n
	return n
}

func (d *disk) graveOf(n *node) string {
	return filepath.Join(d.grave, string(rune('a'+n.inode%26))+itoa(n.inode))
}

func itoa(n uint64) string {
	var digits []byte
	for ; n > 0; n /= 10 {
		digits = append(digits, byte('0'+n%10))
	}
	slices.Reverse(digits)
	return string(digits)
}

func (d *disk) syncEntries(dir *node) {
	entries, err := os.ReadDir(filepath.Join(d.root, dir.path))
	if err != nil {
		d.t.Error(err)
	}
	now := map[string]*node{}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			continue
		}
		n := d.node(filepath.Join(dir.path, entry.Name()), info)
		now[entry.Name()] = n
		if n.entries != nil {
			n.path = filepath.Join(dir.path, entry.Name())
		}
		if !n.parents[dir] {
			n.parents[dir] = true
			d.moved(n, dir)
		}
	}
	dir.entries = now
}

// moved takes a node out of the directories that it was renamed from.
func (d *disk) moved(n, to *node) {
	for from := range n.parents {
		if from == to {
			continue
		}
		for name, entry := range from.entries {
			if entry != n {
				continue
			}
			info, err := os.Lstat(filepath.Join(d.root, from.path, name))
			if err == nil && info.Sys().(*syscall.Stat_t).Ino == n.inode {
				continue // it has both names
			}
			delete(from.entries, name)
			delete(n.parents, from)
		}
	}
}

// forgetSome forces a random half of the directories to the disk, and all that is
// in files.
func (d *disk) forgetSome(random *rand.Rand) {
	err := filepath.WalkDir(d.root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && (entry.Type().IsRegular() || entry.IsDir() && random.IntN(2) == 0) {
			d.sync(path[len(d.root):])
		}
		return err
	})
	if err != nil {
		d.t.Error(err)
	}
}

// cut makes the root directory what is on the disk. It is of no use afterwards.
func (d *disk) cut() {
	fresh := d.root + ".fresh"
	if err := errors.Join(d.build(d.top, fresh), os.RemoveAll(d.root), os.Rename(fresh, d.root)); err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) build(n *node, path string) error {
	if n.entries == nil {
		return d.buildFile(n, path)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	for name, entry := range n.entries {
		if err := d.build(entry, filepath.Join(path, name)); err != nil {
			return err
		}
	}
	return errors.Join(os.Chown(path, n.uid, n.gid), os.Chmod(path, n.mode))
}

func (d *disk) buildFile(n *node, path string) error {
	if err := os.Link(d.graveOf(n), path); err != nil || !n.mode.IsRegular() {
		return err
	}
	now, err := os.ReadFile(path)
	if err == nil && !bytes.Equal(now, n.content) {
		err = os.WriteFile(path, n.content, 0o600)
	}
	return errors.Join(err, os.Chown(path, n.uid, n.gid), os.Chmod(path, n.mode))
}
