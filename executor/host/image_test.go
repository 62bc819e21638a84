package host

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// image is a directory tree in memory. The crash suites take thousands of them and
// spend most of their time on system calls, so reading and writing an image use as few
// as possible; package os would use three times as many.
type image []entry

// entry is one file, directory or link of an image; parents come before children.
type entry struct {
	path     string // below the root, "" for the root itself
	inode    uint64
	mode     uint32 // as in stat
	uid, gid int
	modified int64  // of a file, in nanoseconds
	content  string // of a file, or the target of a link
}

func (e entry) isDir() bool  { return e.mode&unix.S_IFMT == unix.S_IFDIR }
func (e entry) isFile() bool { return e.mode&unix.S_IFMT == unix.S_IFREG }

// inodes has another name for files of a root directory, so that an image can restore
// them as the same inodes (the record of a transaction names files by inode), and no
// inode number is used twice. It remembers what is in those files.
type inodes struct {
	dir      string
	contents map[uint64]entry // as last read
	// written are files that restore has written; their time says nothing about their content.
	written map[uint64]bool
}

func newInodes(t testing.TB) *inodes {
	t.Helper()
	dir := temporaryRoot(t)
	return &inodes{dir: dir, contents: map[uint64]entry{}, written: map[uint64]bool{}}
}

func (i *inodes) name(inode uint64) string { return i.dir + "/" + strconv.FormatUint(inode, 10) }

// keep gives the file at path its other name, if it does not have it yet.
func (i *inodes) keep(path string, e entry) error {
	if _, ok := i.contents[e.inode]; ok {
		return nil
	}
	i.contents[e.inode] = entry{}
	return unix.Link(path, i.name(e.inode))
}

// known returns the content of a file without reading it, if it is certain. Times have a
// resolution of some milliseconds, so a file that was just changed may change once more
// at the same time.
func (i *inodes) known(e entry, size int64) (string, bool) {
	const resolution = 100 * time.Millisecond
	old := i.contents[e.inode]
	certain := old.modified == e.modified && int64(len(old.content)) == size && !i.written[e.inode] && time.Since(time.Unix(0, e.modified)) > resolution
	return old.content, certain
}

// readImage reads the tree at root. With inodes, it reads only files that it does not
// know; with keep, it has inodes keep all files.
func readImage(t testing.TB, root string, inodes *inodes, keep bool) image {
	t.Helper()
	r := imageReader{root: root, inodes: inodes, keep: keep}
	if err := r.read("", true); err != nil {
		t.Fatalf("cannot read %s: %v", root, err)
	}
	return r.image
}

type imageReader struct {
	root   string
	inodes *inodes
	keep   bool
	image  image
	buffer [32 << 10]byte
}

// read adds what is at path to the image, and all below it if deep.
func (r *imageReader) read(path string, deep bool) error {
	var stat unix.Stat_t
	if err := unix.Lstat(r.root+path, &stat); err != nil {
		return err
	}
	e := entry{path: path, inode: stat.Ino, mode: stat.Mode, uid: int(stat.Uid), gid: int(stat.Gid), modified: stat.Mtim.Nano()}
	var err error
	switch {
	case e.isDir():
		r.image = append(r.image, e)
		if deep {
			return r.readEntries(path)
		}
		return nil
	case e.isFile():
		e.content, err = r.contentOf(e, stat.Size)
	case stat.Mode&unix.S_IFMT == unix.S_IFLNK:
		var n int
		n, err = unix.Readlink(r.root+path, r.buffer[:])
		e.content = string(r.buffer[:max(n, 0)])
	}
	if err == nil && r.keep {
		err = r.inodes.keep(r.root+path, e)
	}
	if r.inodes != nil && r.keep {
		r.inodes.contents[e.inode] = e
	}
	r.image = append(r.image, e)
	return err
}

func (r *imageReader) contentOf(e entry, size int64) (string, error) {
	if size == 0 {
		return "", nil
	}
	if r.inodes != nil {
		if content, ok := r.inodes.known(e, size); ok {
			return content, nil
		}
	}
	fd, err := unix.Open(r.root+e.path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	into := r.buffer[:]
	if size > int64(len(into)) {
		into = make([]byte, size)
	}
	n, err := unix.Read(fd, into[:size])
	return string(into[:max(n, 0)]), err
}

func (r *imageReader) readEntries(path string) error {
	names, err := r.names(path)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := r.read(path+"/"+name, true); err != nil {
			return err
		}
	}
	return nil
}

// names returns the sorted names in a directory.
func (r *imageReader) names(path string) (names []string, err error) {
	fd, err := unix.Open(r.root+path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	for {
		n, err := unix.ReadDirent(fd, r.buffer[:])
		if err != nil || n <= 0 {
			slices.Sort(names)
			return names, err
		}
		_, _, names = unix.ParseDirent(r.buffer[:n], -1, names)
	}
}

// write makes the tree at root, which is empty or does not exist. With inodes, its
// files are the same inodes as before.
func (i image) write(t testing.TB, root string, inodes *inodes) {
	t.Helper()
	for _, e := range i {
		if err := e.write(root+e.path, inodes); err != nil && (e.path != "" || err != unix.EEXIST) {
			t.Fatalf("cannot write %s%s: %v", root, e.path, err)
		}
	}
	for _, e := range i { // last: a set-group-ID bit would decide the group of what is made below
		if mode := e.mode & 0o7777; e.isDir() && (mode != 0o755 || e.path == "") {
			if err := unix.Chmod(root+e.path, mode); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (e entry) write(path string, inodes *inodes) error {
	var now unix.Stat_t
	now.Uid, now.Gid = uint32(os.Geteuid()), uint32(os.Getegid())
	var err error
	switch {
	case e.isDir():
		now.Mode = e.mode // later
		err = unix.Mkdir(path, 0o755)
	case inodes != nil:
		err = e.link(path, inodes, &now)
	case e.isFile():
		now.Mode = e.mode &^ 0o7022 // the umask
		err = writeFile(path, unix.O_CREAT|unix.O_EXCL, e.mode, e.content)
	default:
		now.Mode = e.mode
		err = unix.Symlink(e.content, path)
	}
	if err == nil && (e.uid != int(now.Uid) || e.gid != int(now.Gid)) {
		err = unix.Lchown(path, e.uid, e.gid)
		now.Mode = 0 // which has cleared the set-user-ID bit
	}
	if err == nil && e.isFile() && now.Mode != e.mode {
		err = unix.Chmod(path, e.mode&0o7777)
	}
	return err
}

// link brings a file back under its old name, with its old content.
func (e entry) link(path string, inodes *inodes, now *unix.Stat_t) error {
	if err := unix.Link(inodes.name(e.inode), path); err != nil {
		return err
	}
	if err := unix.Lstat(path, now); err != nil || !e.isFile() {
		return err
	}
	if !inodes.written[e.inode] && now.Mtim.Nano() == e.modified && now.Size == int64(len(e.content)) {
		return nil
	}
	inodes.written[e.inode] = true
	return writeFile(path, unix.O_TRUNC, 0, e.content)
}

func writeFile(path string, flags int, mode uint32, content string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC|flags, mode&0o777)
	if err != nil {
		return err
	}
	if content != "" {
		_, err = unix.Write(fd, []byte(content))
	}
	return cmp.Or(err, unix.Close(fd))
}

// describe writes a line that is the same exactly when the entry is.
func (e entry) describe(out *strings.Builder) {
	fmt.Fprintf(out, "%s %v %d:%d", e.path, e.fileMode(), e.uid, e.gid)
	switch e.mode & unix.S_IFMT {
	case unix.S_IFREG:
		fmt.Fprintf(out, " %q", e.content)
	case unix.S_IFLNK:
		fmt.Fprintf(out, " -> %s", e.content)
	}
	out.WriteByte('\n')
}

// fileMode is the mode as package os has it.
func (e entry) fileMode() fs.FileMode {
	mode := fs.FileMode(e.mode & 0o777)
	for bit, name := range modeBits {
		if e.mode&bit != 0 {
			mode |= name
		}
	}
	return mode | fileTypes[e.mode&unix.S_IFMT]
}

var (
	modeBits  = map[uint32]fs.FileMode{unix.S_ISUID: fs.ModeSetuid, unix.S_ISGID: fs.ModeSetgid, unix.S_ISVTX: fs.ModeSticky}
	fileTypes = map[uint32]fs.FileMode{unix.S_IFDIR: fs.ModeDir, unix.S_IFLNK: fs.ModeSymlink}
)
