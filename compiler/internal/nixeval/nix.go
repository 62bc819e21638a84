// Package nixeval runs Nix for the compiler: it locks a fleet's source, evaluates
// its intent with NixFleet's own library, builds closures and asks the store about
// them. It is the only package of the compiler that starts a process.
//
// All that an evaluation reads is handed over by NAR hash, and what is evaluated
// is the locked source, so edits meanwhile change nothing. The package never
// writes into the fleet; its files live in a temporary directory until Close.
package nixeval

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

// Options say how Nix is run.
type Options struct {
	// Environ is the caller's environment; what Nix has no business with is left out.
	Environ []string
	// TempDir is where the temporary directory is made; empty for the system's.
	TempDir string
	// Progress is told what Nix is doing, in one line; nil for nobody.
	Progress func(string)
	// Trace adds Nix's own trace to the details of evaluation errors.
	Trace bool
}

// Nix is a Nix installation with a temporary directory to work in.
type Nix struct {
	options Options
	bin     string
	dir     string
	env     []string
	// rooted says that Nix was told of roots in dir.
	rooted bool
}

// Open finds Nix and makes the temporary directory; Close removes it.
func Open(options Options) (*Nix, error) {
	if options.Progress == nil {
		options.Progress = func(string) {}
	}
	bin, err := findNixIn(options.Environ, usualPlaces)
	if err != nil {
		return nil, err
	}
	// If we crash here, an empty directory stays behind among the temporary files.
	dir, err := os.MkdirTemp(options.TempDir, "nixfleet-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a temporary directory: %w", err)
	}
	return &Nix{options: options, bin: bin, dir: dir, env: environment(options.Environ)}, nil
}

// Identity is of the Nix that evaluates: another one may evaluate otherwise.
func (n *Nix) Identity() []byte {
	file, err := filepath.EvalSymlinks(filepath.Join(n.bin, "nix"))
	if err != nil {
		return nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil
	}
	return fmt.Appendf(nil, "%s %d %d", file, info.Size(), info.ModTime().UnixNano())
}

// Close removes the temporary directory, and with it the roots of what was built.
func (n *Nix) Close() error {
	err := os.RemoveAll(n.dir)
	if n.rooted {
		n.forgetRoots(n.dir)
	}
	return err
}

// usualPlaces are where installers put Nix: sudo and cron have a short PATH.
var usualPlaces = []string{"/nix/var/nix/profiles/default/bin", "/run/current-system/sw/bin", "/usr/bin"}

// findNixIn returns the directory of the nix programs: from PATH, the user's
// profile or the usual places.
func findNixIn(environ, places []string) (string, error) {
	dirs := filepath.SplitList(lookup(environ, "PATH"))
	if home := lookup(environ, "HOME"); home != "" {
		dirs = append(dirs, filepath.Join(home, ".nix-profile/bin"))
	}
	dirs = append(dirs, places...)
	for _, dir := range dirs {
		if info, err := os.Stat(filepath.Join(dir, "nix")); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return filepath.Abs(dir)
		}
	}
	return "", diagnostic.List{{
		Code: diagnostic.NixMissing, Severity: diagnostic.Error,
		Summary: "Nix is not installed: found no program nix in PATH",
		Detail:  "compiling a fleet needs Nix 2.8 or newer on this machine (executing a plan does not)",
		Hint:    "on Debian or Ubuntu: apt-get install nix-bin nix-setup-systemd; elsewhere: https://nixos.org/download",
	}}
}

func lookup(environ []string, name string) string {
	for _, entry := range environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// kept are the variables that Nix, git and ssh need; anything else could only
// make two evaluations differ.
var kept = []string{
	"HOME", "USER", "LOGNAME", "PATH", "TMPDIR", "XDG_*", "NIX_*", "GIT_*", "SSH_AUTH_SOCK", heapVariable,
	"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE",
	"http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy",
	"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY",
}

func environment(environ []string) []string {
	env := []string{"LC_ALL=C", "TZ=UTC", "TERM=dumb", "NO_COLOR=1", "GIT_TERMINAL_PROMPT=0"}
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if name == "NIX_PATH" {
			continue
		}
		for _, pattern := range kept {
			if prefix, ok := strings.CutSuffix(pattern, "*"); name == pattern || ok && strings.HasPrefix(name, prefix) {
				env = append(env, entry)
				break
			}
		}
	}
	return env
}

// flakes runs "nix <args>" with the features it needs; user settings stay in force.
func (n *Nix) flakes(ctx context.Context, args ...string) ([]byte, error) {
	all := append([]string{"--extra-experimental-features", "nix-command flakes", "--log-format", "internal-json"}, args...)
	return n.run(ctx, "nix", all...)
}

// store runs "nix-store <args>".
func (n *Nix) store(ctx context.Context, args ...string) ([]byte, error) {
	return n.run(ctx, "nix-store", append([]string{"--log-format", "internal-json"}, args...)...)
}

// failureOf returns the failed process in err, or nil.
func failureOf(err error) *failure {
	var failed *failure
	if errors.As(err, &failed) {
		return failed
	}
	return nil
}
