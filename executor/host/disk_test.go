package host

import (
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// disk knows what of a root directory would be there after a power cut: what was
// forced to the disk, and no more. It is called for every fsync. A rename that has
// reached the disk has done so at both ends, as file systems with a journal promise;
// everything else may be lost on its own, which is less than they promise.
type disk struct {
	t      testing.TB
	root   string
	inodes *inodes
	nodes  map[uint64]*node // by inode
	top    *node
}

// node is a file, link or directory as it is on the disk.
type node struct {
	entry                    // its path is where it was seen first; up to date for a directory
	entries map[string]*node // of a directory
	parents map[*node]bool   // the directories that have it, or had it once
}

// newDisk begins with everything on the disk that is there now.
func newDisk(t testing.TB, root string, inodes *inodes) *disk {
	d := &disk{t: t, root: root, inodes: inodes, nodes: map[uint64]*node{}}
	directories := map[string]*node{}
	for _, e := range readImage(t, root, inodes, true) {
		n := d.node(e)
		n.entry = e
		if e.isDir() {
			directories[e.path] = n
		}
		if e.path == "" {
			d.top = n
			continue
		}
		parent := directories[strings.TrimSuffix(path.Dir(e.path), "/")]
		parent.entries[path.Base(e.path)] = n
		n.parents[parent] = true
	}
	return d
}

// sync is called when a file or directory was forced to the disk.
func (d *disk) sync(name string) {
	r := imageReader{root: d.root, inodes: d.inodes, keep: true}
	if err := r.read(strings.TrimSuffix(path.Clean("/"+name), "/"), false); err != nil {
		return // it has been removed or replaced
	}
	n := d.node(r.image[0])
	n.entry = r.image[0]
	if n.isDir() {
		d.syncEntries(&r, n)
	}
}

// node returns what the disk knows of an inode. One that it does not know is an
// empty file or directory to it.
func (d *disk) node(e entry) *node {
	if n := d.nodes[e.inode]; n != nil {
		return n
	}
	n := &node{entry: e, parents: map[*node]bool{}}
	if e.isDir() {
		n.entries = map[string]*node{}
	}
	if e.isFile() {
		n.content, n.modified = "", 0
	}
	d.nodes[e.inode] = n
	return n
}

func (d *disk) syncEntries(r *imageReader, dir *node) {
	names, err := r.names(dir.path)
	if err != nil {
		d.t.Error(err)
	}
	now := map[string]*node{}
	for _, name := range names {
		r.image = r.image[:0]
		if err := r.read(dir.path+"/"+name, false); err != nil {
			continue
		}
		n := d.node(r.image[0])
		now[name] = n
		if n.isDir() {
			n.path = r.image[0].path
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
			var stat unix.Stat_t
			if err := unix.Lstat(d.root+from.path+"/"+name, &stat); err == nil && stat.Ino == n.inode {
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
	for _, e := range readImage(d.t, d.root, d.inodes, true) {
		if e.isFile() || e.isDir() && random.IntN(2) == 0 {
			d.sync(e.path)
		}
	}
}

// clone returns a copy that may forget or learn what it likes.
func (d *disk) clone() *disk {
	c := &disk{t: d.t, root: d.root, inodes: d.inodes, nodes: map[uint64]*node{}}
	copies := map[*node]*node{}
	copyOf := func(n *node) *node {
		if n != nil && copies[n] == nil {
			copied := *n
			copies[n] = &copied
		}
		return copies[n]
	}
	for inode, n := range d.nodes {
		c.nodes[inode] = copyOf(n)
	}
	for _, n := range c.nodes {
		n.entries = maps.Clone(n.entries)
		for name, entry := range n.entries {
			n.entries[name] = copyOf(entry)
		}
		parents := map[*node]bool{}
		for parent := range n.parents {
			parents[copyOf(parent)] = true
		}
		n.parents = parents
	}
	c.top = copyOf(d.top)
	return c
}

// image is what is on the disk.
func (d *disk) image() image {
	var i image
	var add func(n *node, path string)
	add = func(n *node, path string) {
		e := n.entry
		e.path = path
		i = append(i, e)
		for _, name := range slices.Sorted(maps.Keys(n.entries)) {
			add(n.entries[name], path+"/"+name)
		}
	}
	add(d.top, "")
	return i
}

// cut makes the root directory what is on the disk. The disk is of no use afterwards.
func (d *disk) cut() {
	if err := os.RemoveAll(d.root); err != nil {
		d.t.Fatal(err)
	}
	d.image().write(d.t, d.root, d.inodes)
}
