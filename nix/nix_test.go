package nix_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/nixfleet/nixfleet/nix"
)

// NIXPKGS_LIB names a directory with nixpkgs' own lib. With it, the cases run
// under that lib too, to see that they say what nixpkgs does.
const nixpkgsLib = "NIXPKGS_LIB"

func TestCases(t *testing.T) {
	libs := map[string]string{"ours": "lib/prelude"}
	if dir := os.Getenv(nixpkgsLib); dir != "" {
		libs["nixpkgs"] = dir
	}
	for name, lib := range libs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runCases(t, lib)
		})
	}
}

func runCases(t *testing.T, lib string) {
	dir, err := filepath.Abs(lib)
	if err != nil {
		t.Fatal(err)
	}
	var result struct {
		Failures  []struct{ Where, Actual, Expected string }
		Uncovered []string
		Count     int
	}
	out, stderr := nixEval(t, "tests/default.nix", "--arg", "lib", "import "+dir)
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatalf("cannot run the cases: %v\n%s", err, stderr)
	}
	for _, f := range result.Failures {
		t.Errorf("%s:\n got %s\nwant %s", f.Where, f.Actual, f.Expected)
	}
	for _, name := range result.Uncovered {
		t.Errorf("lib has the public name %q, and no test has it", name)
	}
	if result.Count < 600 {
		t.Errorf("ran %d cases, which cannot be all of them", result.Count)
	}
}

// Each error is an evaluation of its own: Nix stops at the first.
func TestErrors(t *testing.T) {
	names := errorNames(t)
	work := make(chan string)
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for name := range work {
				checkError(t, name)
			}
		}()
	}
	for name := range names {
		work <- name
	}
	close(work)
	workers.Wait()
}

var errorTexts = sync.OnceValues(func() (map[string][]string, error) {
	out, err := nixCommand("--expr",
		"builtins.mapAttrs (_: case: case.has) (import ./tests/errors.nix { })").Output()
	if err != nil {
		return nil, err
	}
	texts := map[string][]string{}
	return texts, json.Unmarshal(out, &texts)
})

func errorNames(t *testing.T) map[string][]string {
	t.Helper()
	needNix(t)
	texts, err := errorTexts()
	if err != nil || len(texts) == 0 {
		t.Fatalf("cannot list the error cases: %v", err)
	}
	return texts
}

func checkError(t *testing.T, name string) {
	cmd := nixCommand("tests/errors.nix", "--show-trace", "-A", name+".expr")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if out, err := cmd.Output(); err == nil {
		t.Errorf("%s: evaluates to %s, but must fail", name, out)
		return
	}
	texts, _ := errorTexts()
	for _, text := range texts[name] {
		if !strings.Contains(plain(stderr.String()), text) {
			t.Errorf("%s: the message lacks %q:\n%s", name, text, stderr.String())
		}
	}
}

// plain takes the colours off.
func plain(s string) string {
	for _, code := range []string{"\x1b[0m", "\x1b[1m", "\x1b[31;1m", "\x1b[33;1m", "\x1b[34;1m", "\x1b[35;1m"} {
		s = strings.ReplaceAll(s, code, "")
	}
	return s
}

// The library that the compiler brings along is all there, and parses.
func TestEmbedded(t *testing.T) {
	needNix(t)
	var files []string
	err := fs.WalkDir(nix.Lib, "lib", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var onDisk []string
	err = filepath.WalkDir("lib", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			onDisk = append(onDisk, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(files, " "), strings.Join(onDisk, " "); got != want {
		t.Errorf("embedded: %s\non disk: %s", got, want)
	}
	if out, err := exec.Command("nix-instantiate", append([]string{"--parse"}, files...)...).CombinedOutput(); err != nil {
		t.Errorf("cannot parse the library: %s", out[max(0, len(out)-2000):])
	}
}

func nixEval(t *testing.T, args ...string) (stdout, stderr []byte) {
	t.Helper()
	needNix(t)
	cmd := nixCommand(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // what it could not do is seen in the output
	return out.Bytes(), errs.Bytes()
}

func nixCommand(args ...string) *exec.Cmd {
	return exec.Command("nix-instantiate",
		append([]string{"--eval", "--strict", "--json", "--read-write-mode"}, args...)...)
}

func needNix(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("nix-instantiate"); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("nix is not installed, and CI must not skip the tests of its library")
	}
	t.Skip("nix is not installed")
}
