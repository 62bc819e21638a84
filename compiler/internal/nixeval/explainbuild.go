package nixeval

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

// BuildFailure is one derivation that could not be built.
type BuildFailure struct {
	// Derivation is the one that failed, not those that wait for it.
	Derivation schema.StorePath
	// Reason is what Nix says of it.
	Reason string
	// Log are the last lines of its log.
	Log []string
	// Closures are those of the asked derivations that need it.
	Closures []schema.StorePath
}

// BuildError is the error of a build in which some derivations failed.
type BuildError struct{ Failures []BuildFailure }

func (e *BuildError) Error() string {
	var names []string
	for _, f := range e.Failures {
		names = append(names, f.Derivation.Name()+": "+f.Reason)
	}
	return "cannot build " + strings.Join(names, "; ")
}

var (
	failedRE  = regexp.MustCompile(`builder for '([^']+\.drv)' (.*)`)
	missingRE = regexp.MustCompile(`(?:path|derivation) '?(/nix/store/[^' ]+\.drv)'? (?:is not valid|does not exist|is required, but)|missing derivation|don't know how to build these paths:?\s*(/nix/store/\S+\.drv)|no substituter that can build it.*?(/nix/store/\S+\.drv)`)
)

// explained bounds how many failures are looked into: each costs a query.
const explained = 20

func (n *Nix) explainBuild(ctx context.Context, err error, asked []schema.StorePath) error {
	failed := failureOf(err)
	if failed == nil {
		return err
	}
	failures := failuresIn(failed.journal)
	if len(failures) == 0 {
		return n.explainUnbuilt(ctx, failed)
	}
	for i := range failures[:min(explained, len(failures))] {
		out, err := n.store(ctx, "--query", "--referrers-closure", string(failures[i].Derivation))
		if err != nil {
			return err
		}
		users := strings.Fields(string(out))
		for _, drv := range asked {
			if slices.Contains(users, string(drv)) {
				failures[i].Closures = append(failures[i].Closures, drv)
			}
		}
	}
	return &BuildError{failures}
}

func failuresIn(log *journal) []BuildFailure {
	var failures []BuildFailure
	for _, e := range log.errors {
		text, _, _ := strings.Cut(e.Text, ";\n")
		match := failedRE.FindStringSubmatch(text)
		if match == nil {
			continue
		}
		drv, err := schema.ParseStorePath(match[1])
		if err != nil || slices.ContainsFunc(failures, func(f BuildFailure) bool { return f.Derivation == drv }) {
			continue
		}
		failures = append(failures, BuildFailure{Derivation: drv, Reason: "its builder " + match[2], Log: log.logs[match[1]]})
	}
	return failures
}

// explainUnbuilt explains a build that failed although no builder did.
func (n *Nix) explainUnbuilt(ctx context.Context, failed *failure) error {
	if err := n.explain(ctx, failed); failureOf(err) == nil {
		return err
	}
	text := failed.journal.text()
	found := diagnostic.Diagnostic{
		Code: diagnostic.BuildFailed, Severity: diagnostic.Error,
		Summary: "cannot build the closures", Detail: text,
	}
	if match := missingRE.FindString(text); match != "" {
		found.Code = diagnostic.BuildMissing
		found.Summary = "a derivation is not in this machine's Nix store"
		found.Hint = "compile the fleet on this machine; a preview can only be built where it was compiled"
	}
	if text == "" {
		found.Detail = fmt.Sprintf("nix-store: %s", failed.exitReason())
	}
	return diagnostic.List{found}
}
