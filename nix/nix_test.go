package nix_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
		Skipped   []string
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
	if len(result.Skipped) > 0 {
		t.Logf("%d cases are of names that this lib lacks or has elsewhere, or of a later release: %s", len(result.Skipped), strings.Join(result.Skipped, "; "))
	}
	if result.Count < 1000 {
		t.Errorf("ran %d cases, which cannot be all of them", result.Count)
	}
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

// Nix itself unpacks the archives that text packages are: their files are there,
// executable where they should be, and refer to what their text names.
func TestTextPackages(t *testing.T) {
	needNix(t)
	cmd := exec.Command("nix-build", "--no-out-link", "tests/packages.nix")
	cmd.Env = environ()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	built, err := cmd.Output()
	if err != nil {
		t.Fatalf("cannot build the packages: %v\n%s", err, stderr.String())
	}
	out := strings.TrimSpace(string(built))
	for program, want := range map[string]string{"run": "dep ran\n", "linked": "dep ran\n", "tool": "tool ran\n"} {
		got, err := exec.Command(filepath.Join(out, "bin", program)).Output()
		if err != nil || string(got) != want {
			t.Errorf("%s prints %q, want %q: %v", program, got, want, err)
		}
	}
	encoded := "share/encoded/" + strings.Repeat("long-", 30)
	for file, want := range map[string]string{
		encoded:     "begin 644 foo\n#0V%T\n`\nend\näöü €\n",
		"etc/plain": "plain\n",
	} {
		got, err := os.ReadFile(filepath.Join(out, file))
		if err != nil || string(got) != want {
			t.Errorf("%s has %q, want %q: %v", file, got, want, err)
		}
	}
	if closure := requisites(t, filepath.Join(out, "etc/text")); !strings.Contains(closure, "-dep\n") {
		t.Errorf("the closure of a text lacks what it names: %s", closure)
	}
	if closure := requisites(t, out); !strings.Contains(closure, "-dep\n") {
		t.Errorf("the closure of a script lacks what it runs: %s", closure)
	}
}

func requisites(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("nix-store", "-qR", path)
	cmd.Env = environ()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cannot ask for the closure of %s: %v", path, err)
	}
	return string(out)
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
	cmd := exec.Command("nix-instantiate",
		append([]string{"--eval", "--strict", "--json", "--read-write-mode"}, args...)...)
	cmd.Env = environ()
	return cmd
}

// environ lets Nix work as root without users to build as, and never asks the
// network; what the caller says in NIX_CONFIG comes later and wins.
func environ() []string {
	return append(os.Environ(),
		"NIX_CONFIG=build-users-group =\nsubstituters =\nsandbox = false\n"+os.Getenv("NIX_CONFIG"))
}

// openCases opens what Nix will read: Go takes the result of an earlier run for
// this one's unless a file that the test itself opened has changed.
func openCases(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("tests", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		_, err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func needNix(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("nix-instantiate"); err == nil {
		openCases(t)
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("nix is not installed, and CI must not skip the tests of its library")
	}
	t.Skip("nix is not installed")
}
