package storecopy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/executor/internal/closuretest"
	"github.com/nixfleet/nixfleet/executor/internal/fault"
	"github.com/nixfleet/nixfleet/executor/internal/narsource"
	"github.com/nixfleet/nixfleet/executor/internal/servetest"
	"github.com/nixfleet/nixfleet/executor/internal/transport"
	"github.com/nixfleet/nixfleet/schema"
)

// serving is a store that serves in this process or another.
type serving struct {
	io.Reader
	io.Writer
	end    func()
	exited chan transport.Exit
}

func (s *serving) Close() { s.end() }

func (s *serving) Wait(patience time.Duration) (transport.Exit, error) {
	select {
	case exit := <-s.exited:
		s.exited <- exit
		return exit, nil
	case <-time.After(patience):
		return transport.Exit{}, errors.New("it goes on")
	}
}

func serveFake(store *servetest.Store) *serving {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	s := &serving{Reader: outR, Writer: inW, exited: make(chan transport.Exit, 1)}
	s.end = func() { inW.Close(); outR.Close() }
	go func() {
		var stderr bytes.Buffer
		status := store.Serve(inR, outW, &stderr)
		s.exited <- transport.Exit{Status: status, Stderr: strings.TrimSpace(stderr.String())}
		outW.Close()
		inR.CloseWithError(io.EOF)
	}()
	return s
}

func serveNix(t *testing.T, root string) *serving {
	t.Helper()
	command := exec.Command("nix-store", "--store", root, "--option", "build-users-group", "", "--option", "substitute", "false", "--serve", "--write")
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if err := command.Start(); err != nil {
		t.Fatalf("nix-store --serve: %v", err)
	}
	s := &serving{Reader: stdout, Writer: stdin, exited: make(chan transport.Exit, 1)}
	s.end = func() { _ = command.Process.Kill() }
	state := make(chan struct{})
	s.Reader = &untilEnd{stdout, func() {
		_ = command.Wait()
		s.exited <- transport.Exit{Status: command.ProcessState.ExitCode(), Stderr: stderr.String()}
		close(state)
	}}
	t.Cleanup(s.end)
	return s
}

// untilEnd does something once when a stream ends.
type untilEnd struct {
	io.Reader
	then func()
}

func (u *untilEnd) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if err != nil && u.then != nil {
		u.then()
		u.then = nil
		err = io.EOF
	}
	return n, err
}

// twin is a store to copy to: the fake, and the real one that it stands for.
type twin struct {
	serve func() *serving
	has   func(schema.StorePath) bool
}

func twins(t *testing.T) map[string]twin {
	fake := &servetest.Store{}
	root := filepath.Join(t.TempDir(), "root")
	t.Cleanup(func() { _ = exec.Command("chmod", "-R", "u+w", root).Run() }) // store paths are read-only
	return map[string]twin{
		"fake": {func() *serving { return serveFake(fake) }, func(p schema.StorePath) bool { return fake.Has(string(p)) }},
		"nix": {func() *serving { return serveNix(t, root) }, func(p schema.StorePath) bool {
			return exec.Command("nix-store", "--store", root, "--check-validity", string(p)).Run() == nil
		}},
	}
}

func sample(t *testing.T) *closuretest.Closure {
	closure := closuretest.New(t)
	a := closure.Add(t, "zz-lib", map[string]string{"lib/a.so": strings.Repeat("machine code ", 30000)})
	b := closure.Add(t, "mm-tool", map[string]string{"bin/tool": "#!/bin/sh\n", "lib": "-> " + string(a), "..odd": "name"}, a)
	top := closuretest.PathOf("aa-top")
	closure.Add(t, "aa-top", map[string]string{"bin": "-> " + string(b) + "/bin", "self": "-> " + string(top)}, b, top)
	for i := range 20 {
		closure.Add(t, fmt.Sprintf("small-%02d", i), map[string]string{"n": fmt.Sprint(i)}, a)
	}
	return closure
}

func TestCopy(t *testing.T) {
	closure := sample(t)
	source := narsource.Local(closure.Root)
	for name, store := range twins(t) {
		t.Run(name, func(t *testing.T) {
			copier := New("web-1", store.serve())
			missing, err := copier.Missing(context.Background(), closure.Entries, false)
			if err != nil {
				t.Fatal(err)
			}
			if len(missing) != len(closure.Entries) {
				t.Errorf("%d of %d paths are missing in an empty store", len(missing), len(closure.Entries))
			}
			if err := copier.Copy(context.Background(), source, missing); err != nil {
				t.Fatal(err)
			}
			copier.Close()
			for _, entry := range closure.Entries {
				if !store.has(entry.Path) {
					t.Errorf("%s did not arrive", entry.Path)
				}
			}

			again := New("web-1", store.serve())
			defer again.Close()
			if missing, err := again.Missing(context.Background(), closure.Entries, false); err != nil || len(missing) != 0 {
				t.Errorf("after the copy %d paths are missing, %v", len(missing), err)
			}
		})
	}
}

// What the source has must be what the plan says: nothing else is registered.
func TestWrongContent(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, file string){
		"hash": func(t *testing.T, file string) { write(t, file, "#!/bin/SH\n") },
		"more": func(t *testing.T, file string) { write(t, file, strings.Repeat("longer", 1000)) },
		"less": func(t *testing.T, file string) { write(t, file, "") },
	} {
		closure := sample(t)
		bad := closuretest.PathOf("mm-tool")
		spoil(t, filepath.Join(closure.Root, string(bad), "bin/tool"))
		for twinName, store := range twins(t) {
			t.Run(name+"/"+twinName, func(t *testing.T) {
				copier := New("web-1", store.serve())
				defer copier.Close()
				missing, err := copier.Missing(context.Background(), closure.Entries, false)
				if err != nil {
					t.Fatal(err)
				}
				err = copier.Copy(context.Background(), narsource.Local(closure.Root), missing)
				wantError(t, err, fault.Refused, "cannot copy "+string(bad)+" to web-1: wrong NAR ", "expected ", "found ", "hint: the closure source is damaged")
				if store.has(bad) {
					t.Error("the wrong content was registered")
				}
			})
		}
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, err error, kind fault.Kind, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("expected an error")
	}
	if fault.KindOf(err) != kind {
		t.Errorf("error of kind %d instead of %d: %v", fault.KindOf(err), kind, err)
	}
	for _, part := range parts {
		if !strings.Contains(schema.InFull(err), part) {
			t.Errorf("expected %q in: %v", part, err)
		}
	}
}

func TestSourceVanishes(t *testing.T) {
	closure := sample(t)
	gone := closuretest.PathOf("zz-lib")
	if err := os.RemoveAll(filepath.Join(closure.Root, string(gone))); err != nil {
		t.Fatal(err)
	}
	copier := New("web-1", serveFake(&servetest.Store{}))
	missing, err := copier.Missing(context.Background(), closure.Entries, false)
	if err != nil {
		t.Fatal(err)
	}
	err = copier.Copy(context.Background(), narsource.Local(closure.Root), missing)
	wantError(t, err, fault.Failed, "cannot copy "+string(gone)+" to web-1: ", "no such file")
}

func TestFullDisk(t *testing.T) {
	closure := sample(t)
	copier := New("web-1", serveFake(&servetest.Store{Full: 2}))
	missing, err := copier.Missing(context.Background(), closure.Entries, false)
	if err != nil {
		t.Fatal(err)
	}
	err = copier.Copy(context.Background(), narsource.Local(closure.Root), missing)
	wantError(t, err, fault.Failed, "cannot copy "+string(missing[2].Path)+" to web-1: its Nix store ended: error: writing to file: No space left on device",
		"hint: make room in /nix on web-1")
}

func TestSubstitute(t *testing.T) {
	closure := sample(t)
	lib := closuretest.PathOf("zz-lib")
	store := &servetest.Store{Substitutes: map[string][]byte{string(lib): []byte("content")}}
	copier := New("web-1", serveFake(store))
	defer copier.Close()
	missing, err := copier.Missing(context.Background(), closure.Entries, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(missing) != len(closure.Entries)-1 || !store.Has(string(lib)) {
		t.Errorf("%d of %d paths are missing after substitution", len(missing), len(closure.Entries))
	}
}

func TestNotAStore(t *testing.T) {
	for want, stream := range map[string]*serving{
		"its Nix is too old: expected serve protocol 2.5 or later, found 2.4":          serveFake(&servetest.Store{Version: 0x204}),
		"cannot ask the Nix store of web-1 what it has: its Nix store ended: sudo: no": says("", "sudo: no"),
		"expected a Nix store that serves, found something else":                       says("Welcome to web-1!", ""),
	} {
		_, err := New("web-1", stream).Missing(context.Background(), nil, false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected %q, got %v", want, err)
		}
	}
}

func says(stdout, stderr string) *serving {
	s := &serving{Reader: strings.NewReader(stdout), Writer: io.Discard, end: func() {}, exited: make(chan transport.Exit, 1)}
	s.exited <- transport.Exit{Status: 1, Stderr: stderr}
	return s
}

func TestCutCopy(t *testing.T) {
	closure := sample(t)
	inR, inW := io.Pipe() // a store that never answers
	outR, outW := io.Pipe()
	stream := &serving{Reader: outR, Writer: inW, exited: make(chan transport.Exit, 1)}
	stream.end = func() { inR.Close(); outW.Close() }
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(50*time.Millisecond, func() { cancel(errors.New("a second Ctrl-C")) })
	_, err := New("web-1", stream).Missing(ctx, closure.Entries, false)
	if err == nil || err.Error() != "a second Ctrl-C" {
		t.Errorf("got %v", err)
	}
}
