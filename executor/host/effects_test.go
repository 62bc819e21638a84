package host

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nixfleet/nixfleet/executor/protocol"
)

// tracedRoot is set for the process that is traced, to where its root directory is.
const tracedRoot = "NIXFLEET_TEST_TRACED_ROOT"

// markers are paths that are asked for at every point, so that a trace shows them.
const markers = "/nixfleet-effect/"

// mutating are the system calls that change a file system, for strace.
const mutating = "open,openat,creat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,mknod,mknodat," +
	"chmod,fchmod,fchmodat,?fchmodat2,chown,fchown,lchown,fchownat,truncate,ftruncate,fallocate,write,pwrite64,writev,copy_file_range,sendfile," +
	"setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr,utimensat,faccessat,?faccessat2"

// TestTraced is what is traced: a transaction that is committed, one that is undone,
// one that is recovered at boot, one that gives everything back, and slots.
func TestTraced(t *testing.T) {
	root := os.Getenv(tracedRoot)
	if root == "" {
		t.Skip("runs traced; see TestEveryEffectIsMarked")
	}
	for _, s := range scenarios() {
		for _, failing := range []string{"", "before write state.json"} {
			w := s.prepare(t)
			w.supply(s.goal.plan(t))
			mark("begin " + w.root)
			fault := func(point string) error {
				mark(point)
				if point == failing {
					failing = ""
					return errCrash
				}
				return nil
			}
			w.deps.Fault, w.systemd.fault, w.tools.fault = fault, fault, fault
			if _, err := w.transact(s.goal.plan(t)); err != nil {
				t.Fatal(err)
			}
			w.deps.Fault = func(point string) error {
				mark(point)
				if point == "after fsync /etc" {
					return errCrash
				}
				return nil
			}
			_, _ = w.transact(intent{}.plan(t))
			w.deps.Fault = fault
			if _, err := w.recover(true); err != nil {
				t.Fatal(err)
			}
			mark("end " + w.root)
		}
	}
	traceSlots(t)
}

// traceSlots takes slots, of which one has run out, and gives one back.
func traceSlots(t *testing.T) {
	w, now := newSlotWorld(t)
	mark("begin " + w.root)
	w.deps.Fault = func(point string) error {
		mark(point)
		return nil
	}
	w.wantSlot(slotOf("r1 web-1", "1m"), granted)
	*now += time.Hour
	ask := slotOf("r2 web-2", "1m")
	w.wantSlot(ask, granted)
	ask.Action = protocol.SlotRelease
	w.wantSlot(ask, protocol.SlotReply{})
	mark("end " + w.root)
}

func mark(point string) { _ = unix.Access(markers+point, 0) }

// TestEveryEffectIsMarked traces transactions: whatever changes below the root
// directory must do so within an effect, or no test would ever crash there.
func TestEveryEffectIsMarked(t *testing.T) {
	needRoot(t)
	strace, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("CI") == "true" || os.Getenv("NIXFLEET_LAB") == "required" {
			t.Fatal("there is no strace")
		}
		t.Skip("there is no strace")
	}
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command(strace, "-f", "-y", "-s", "300", "-o", trace, "-e", "trace="+mutating, os.Args[0], "-test.run", "^TestTraced$")
	cmd.Env = append(os.Environ(), tracedRoot+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	file, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var found traced
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if found.read(lines.Text()) {
			t.Errorf("outside of every effect: %s", lines.Text())
		}
	}
	if found.effects < 300 || found.calls < 500 {
		t.Errorf("only %d effects with %d system calls were traced", found.effects, found.calls)
	}
	t.Logf("%d effects, %d system calls that change something, all within effects", found.effects, found.calls)
}

// traced is a reader of a trace.
type traced struct {
	root           string // of the host at work; empty between hosts
	within         string // the effect at work; empty between effects
	effects, calls int
}

var (
	markerRE = regexp.MustCompile(`"` + markers + `(begin|end|before|after|synced) ([^"]*)"`)
	createRE = regexp.MustCompile(`O_CREAT|O_TRUNC`)
	quietRE  = regexp.MustCompile(`resumed>|faccessat|= -1 E`)
)

// read reports whether a line is of a change outside of every effect.
func (r *traced) read(line string) bool {
	if match := markerRE.FindStringSubmatch(line); match != nil {
		switch match[1] {
		case "begin":
			r.root, r.within = match[2], ""
		case "end":
			r.root = ""
		case "before":
			r.within = match[2]
			r.effects++
		case "after":
			r.within = ""
		}
		return false
	}
	_, call, _ := strings.Cut(line, " ")
	if r.root == "" || !strings.Contains(line, r.root+"/") || quietRE.MatchString(line) {
		return false
	}
	if name, _, _ := strings.Cut(strings.TrimSpace(call), "("); strings.HasPrefix(name, "open") && !createRE.MatchString(line) {
		return false
	}
	r.calls++
	return r.within == ""
}

func TestATraceShowsWhatIsNotMarked(t *testing.T) {
	var r traced
	for _, c := range []struct {
		line string
		want bool
	}{
		{`7 faccessat(AT_FDCWD, "/nixfleet-effect/begin /dev/shm/host", F_OK) = -1 ENOENT (No such file or directory)`, false},
		{`7 unlinkat(5</dev/shm/host/etc>, "x", 0) = 0`, true},
		{`7 unlinkat(5</dev/shm/other/etc>, "x", 0) = 0`, false},
		{`7 openat(5</dev/shm/host/etc>, "x", O_RDONLY|O_CLOEXEC) = 6</dev/shm/host/etc/x>`, false},
		{`7 openat(5</dev/shm/host/etc>, "x", O_WRONLY|O_CREAT|O_CLOEXEC, 0600) = 6</dev/shm/host/etc/x>`, true},
		{`7 faccessat(AT_FDCWD, "/nixfleet-effect/before write x", F_OK) = -1 ENOENT (No such file or directory)`, false},
		{`7 renameat2(5</dev/shm/host/a>, "x", 6</dev/shm/host/etc>, "x", RENAME_NOREPLACE) = 0`, false},
		{`7 faccessat(AT_FDCWD, "/nixfleet-effect/after write x", F_OK) = -1 ENOENT (No such file or directory)`, false},
		{`7 fchmod(6</dev/shm/host/etc/x>, 0644) = 0`, true},
	} {
		if found := r.read(c.line); found != c.want {
			t.Errorf("%s: found %v", c.line, found)
		}
	}
}
