package compiler_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/compiler"
)

// compileVariable makes the test binary a compiler of the fleet it names.
const compileVariable = "NIXFLEET_TEST_COMPILE"

func TestMain(m *testing.M) {
	if fleet := os.Getenv(compileVariable); fleet != "" {
		os.Exit(compileAlone(fleet))
	}
	os.Exit(m.Run())
}

func compileAlone(fleet string) int {
	in := input(fleet)
	in.Library = os.DirFS(os.Getenv("NIXFLEET_TEST_LIBRARY"))
	plan, found, err := compiler.Compile(context.Background(), in, compiler.Deps{Environ: os.Environ()})
	for _, d := range found {
		fmt.Fprintln(os.Stderr, d)
	}
	if err == nil {
		var data []byte
		if data, err = plan.Encode(); err == nil {
			_, err = os.Stdout.Write(data)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestSameBytesEverywhere compiles one fleet in other directories, time zones,
// locales and homes, and as another user through a daemon (invariant I2).
func TestSameBytesEverywhere(t *testing.T) {
	needNix(t)
	t.Parallel()
	shared := t.TempDir()
	if err := os.Chmod(filepath.Dir(shared), 0o755); err != nil { // for the other user
		t.Fatal(err)
	}
	binary := filepath.Join(shared, "compile")
	copyFile(t, os.Args[0], binary, 0o755)
	library := filepath.Join(shared, "library")
	copyTree(t, "../nix/lib", library)
	here := filepath.Join(shared, "fleet")
	copyTree(t, "../examples/fleet", here)
	there := filepath.Join(shared, "an other", "place", "für alle")
	copyTree(t, "../examples/fleet", there)

	run := func(fleet string, user *syscall.Credential, vars map[string]string) string {
		t.Helper()
		home := filepath.Join(shared, fmt.Sprintf("home-%d", time.Now().UnixNano()))
		if err := os.Mkdir(home, 0o755); err != nil {
			t.Fatal(err)
		}
		if user != nil {
			if err := os.Chown(home, int(user.Uid), int(user.Gid)); err != nil {
				t.Fatal(err)
			}
		}
		set := map[string]string{compileVariable: fleet, "NIXFLEET_TEST_LIBRARY": library, "HOME": home, "TMPDIR": home}
		for name, value := range vars {
			set[name] = value
		}
		for {
			cmd := exec.Command(binary)
			cmd.Env, cmd.Dir = environ(set), home
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
			cmd.Stderr = &testLog{t}
			out, err := cmd.Output()
			if errors.Is(err, syscall.ETXTBSY) { // a test beside us forked while the binary was written
				time.Sleep(10 * time.Millisecond)
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			return string(out)
		}
	}
	want := run("path:"+here, nil, nil)
	if len(want) < 1000 {
		t.Fatalf("the plan is %q", want)
	}
	for what, found := range map[string]string{
		"in another directory":              run("path:"+there, nil, nil),
		"without path:":                     run(there, nil, nil),
		"in another time zone and language": run("path:"+here, nil, map[string]string{"TZ": "Asia/Tokyo", "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8"}),
		"by another user":                   run("path:"+here, nobody(t), daemon(t)),
	} {
		if found != want {
			t.Errorf("%s the plan differs", what)
		}
	}
}

func nobody(t *testing.T) *syscall.Credential {
	t.Helper()
	if os.Geteuid() == 0 {
		return &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("CI runs this test as root, to compile as another user")
	}
	t.Log("not root: compiling as this user once more")
	return nil
}

// daemon starts a Nix daemon of our own and returns the variables that lead to it.
func daemon(t *testing.T) map[string]string {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "socket")
	vars := map[string]string{"NIX_DAEMON_SOCKET_PATH": socket}
	cmd := exec.Command("nix-daemon")
	cmd.Env = environ(vars)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	for range 200 {
		if os.Chmod(socket, 0o666) == nil {
			vars["NIX_REMOTE"] = "daemon"
			return vars
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the daemon did not come up")
	return nil
}

type testLog struct{ t *testing.T }

func (l *testLog) Write(data []byte) (int, error) {
	l.t.Logf("%s", data)
	return len(data), nil
}

func copyFile(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, mode); err != nil {
		t.Fatal(err)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// TestSlicesGiveTheSame compiles a fleet in one process and in several.
func TestSlicesGiveTheSame(t *testing.T) {
	needNix(t)
	t.Parallel()
	dir := fleet(t, `hosts = builtins.listToAttrs (builtins.genList (i: { name = "h-${toString i}"; value = { base = "ubuntu"; addr = "h${toString i}"; }; }) 400);
		modules = [ ({ host, ... }: { warnings = [ "warned ${host.name}" ]; nixfleet.files."/etc/x".text = "x"; }) ];`)
	run := func(cores string) (plan, warnings string) {
		t.Helper()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(environ(nil), compileVariable+"=path:"+dir, "NIXFLEET_TEST_LIBRARY=../nix/lib", "GOMAXPROCS="+cores)
		var found strings.Builder
		cmd.Stderr = &found
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err, found.String())
		}
		return string(out), found.String()
	}
	one, warned := run("1")
	two, again := run("2")
	if one != two || warned != again || strings.Count(warned, "warned h-") != 400 {
		t.Errorf("the plans are the same: %t; one process warns\n%s\ntwo\n%s", one == two, warned, again)
	}
}
