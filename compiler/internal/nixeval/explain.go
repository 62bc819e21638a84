package nixeval

import (
	"context"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

// trouble is a known way in which Nix itself fails, apart from what it evaluates.
type trouble struct {
	pattern *regexp.Regexp
	code    diagnostic.Code
	summary string
	hint    string
}

var troubles = []trouble{
	{
		regexp.MustCompile(`daemon-socket.*Permission denied|cannot connect to (socket|daemon) at .*Permission denied`),
		diagnostic.NixDaemon, "you may not talk to the Nix daemon",
		"on Debian: sudo usermod -aG nix-users $USER, then log in again; elsewhere see allowed-users in nix.conf",
	},
	{
		regexp.MustCompile(`cannot (connect to socket|open connection to remote store)`),
		diagnostic.NixDaemon, "the Nix daemon does not answer",
		"sudo systemctl start nix-daemon.socket (Debian: apt-get install nix-setup-systemd brings it)",
	},
	{
		regexp.MustCompile(`group '?nixbld'? specified in 'build-users-group' does not exist`),
		diagnostic.NixBuildUsers, "Nix has no users to build with: the group nixbld does not exist",
		"on Debian: apt-get install nix-setup-systemd; in a throwaway container: export NIX_CONFIG='build-users-group ='",
	},
	{
		regexp.MustCompile(`/nix/[^']*'?: (Permission denied|Read-only file system)|(creating directory|opening lock file) '/nix[^']*'`),
		diagnostic.NixStore, "cannot write to the Nix store",
		"let the daemon do it: export NIX_REMOTE=daemon (Debian: apt-get install nix-setup-systemd brings it)",
	},
	{
		regexp.MustCompile(`cannot perform a sandboxed build|sandbox.*(not supported|Operation not permitted)|unable to start build process`),
		diagnostic.NixSandbox, "Nix cannot make its sandbox here",
		"in a throwaway container: export NIX_CONFIG='sandbox = false'; elsewhere let the daemon build: apt-get install nix-setup-systemd",
	},
	{
		regexp.MustCompile(`No space left on device`),
		diagnostic.NixStore, "the disk of the Nix store is full",
		"nix-collect-garbage removes what nothing needs any more",
	},
	{
		regexp.MustCompile(`experimental (Nix )?feature '?[a-z-]+'? is (disabled|not enabled)|experimental-features.*restricted`),
		diagnostic.NixNoFlakes, "this Nix does not allow flakes",
		"add to /etc/nix/nix.conf: experimental-features = nix-command flakes",
	},
	{
		regexp.MustCompile(`unrecognised flag '--(extra-experimental-features|log-format|apply)'|'(flake|metadata|path-info)' is not a recognised command`),
		diagnostic.NixTooOld, "this Nix is too old",
		"NixFleet needs Nix 2.8 or newer; see nix --version",
	},
}

// explain turns a failed Nix process into a diagnostic. Errors of other kinds,
// a cancel among them, stay as they are.
func (n *Nix) explain(ctx context.Context, err error) error {
	failed := failureOf(err)
	if failed == nil {
		return err
	}
	text := failed.journal.text()
	for _, known := range troubles {
		if known.pattern.MatchString(text) {
			return diagnostic.List{{
				Code: known.code, Severity: diagnostic.Error,
				Summary: known.summary, Detail: failed.journal.lastError().Text, Hint: known.hint,
			}}
		}
	}
	if old := n.tooOld(ctx); old != nil {
		return old
	}
	return failed
}

var versionRE = regexp.MustCompile(`(\d+)\.(\d+)`)

// tooOld asks only once something failed, so that a run that works pays nothing.
func (n *Nix) tooOld(ctx context.Context) error {
	out, err := n.run(ctx, "nix", "--version")
	if err != nil {
		return nil
	}
	found := versionRE.FindStringSubmatch(string(out))
	if found == nil {
		return nil
	}
	major, _ := strconv.Atoi(found[1])
	minor, _ := strconv.Atoi(found[2])
	if major > 2 || major == 2 && minor >= 8 {
		return nil
	}
	return diagnostic.List{{
		Code: diagnostic.NixTooOld, Severity: diagnostic.Error,
		Summary: "this Nix is too old: expected 2.8 or newer, found " + strings.TrimSpace(string(out)),
		Hint:    "on Debian 12 and Ubuntu 24.04 or newer: apt-get install nix-bin",
	}}
}

var (
	lockRE      = regexp.MustCompile(`requires lock file changes|cannot write modified lock file|cannot find flake`)
	untrackedRE = regexp.MustCompile(`(getting status of|path) '/nix/store/|not tracked by [Gg]it`)
)

// explainSource explains why a fleet's source could not be locked.
func (n *Nix) explainSource(ctx context.Context, err error, fleet, local string) error {
	failed := failureOf(err)
	if failed == nil {
		return err
	}
	last := failed.journal.lastError()
	found := diagnostic.Diagnostic{Severity: diagnostic.Error, Detail: last.Text}
	text := failed.journal.text()
	switch {
	case lockRE.MatchString(text):
		found.Code, found.Summary = diagnostic.SourceLock, "the fleet's flake.lock does not lock all of its inputs"
		found.Hint = "nix flake lock " + shown(fleet) + ", then commit flake.lock: a plan is made of locked inputs only"
	case untrackedRE.MatchString(text) && gitTracked(local):
		found.Code, found.Summary = diagnostic.SourceNotInGit, "the fleet is in a git checkout, but git does not know its flake.nix"
		found.Detail = ""
		found.Hint = "git add the fleet's files (no commit needed), or compile path:" + shown(fleet)
	case last.File != "":
		found.Code, found.Detail = diagnostic.EvalFailed, ""
		return diagnostic.List{locate(found, last, unlocked(last.File, fleet, local))}
	case strings.Contains(text, "executing 'git'"), strings.Contains(text, "program 'git' failed"):
		found.Code, found.Summary = diagnostic.SourceFetch, "git could not read the fleet's checkout"
		found.Detail = strings.Join(append(failed.journal.plain, last.Text), "\n")
		found.Hint = "apt-get install git where it is missing, or compile path:" + shown(fleet) + ", which does without"
	default:
		if err := n.explain(ctx, err); failureOf(err) == nil {
			return err
		}
		found.Code, found.Summary = diagnostic.SourceFetch, "cannot read the fleet "+strconv.Quote(fleet)
		if last.Text == "" {
			found.Detail = "nix ended without a word: " + failed.exitReason()
		}
	}
	return diagnostic.List{found}
}

// unlocked is the source of a flake that could not be locked, as far as the file
// of an error in it tells.
func unlocked(file, fleet, local string) *Source {
	object, _, _ := strings.Cut(strings.TrimPrefix(file, "/nix/store/"), "/")
	source := &Source{Tree: Tree{Path: "/nix/store/" + object}}
	if local != "" && !strings.HasPrefix(fleet, "path:") {
		_, source.Directory = gitRoot(local)
	}
	return source
}

func gitTracked(local string) bool {
	if local == "" {
		return false
	}
	root, _ := gitRoot(local)
	return root != ""
}

func shown(fleet string) string { return strings.TrimPrefix(fleet, "path:") }

const exitKilled = "it was killed, most likely because memory ran out"

// exitReason says how a process ended that named no error.
func (f *failure) exitReason() string {
	if f.killed() {
		return exitKilled
	}
	if exit, ok := f.err.(*exec.ExitError); ok {
		return exit.String()
	}
	return f.err.Error()
}
