package nixeval

import (
	"context"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

// explainEvaluation turns a failed evaluation into a diagnostic with the host, the
// option and the place in the fleet, as far as Nix and the library told them.
func (n *Nix) explainEvaluation(ctx context.Context, err error, source *Source, library Tree) error {
	failed := failureOf(err)
	if failed == nil {
		return err
	}
	last := failed.journal.lastError()
	found := diagnostic.Diagnostic{Code: diagnostic.EvalFailed, Severity: diagnostic.Error}
	switch {
	case strings.Contains(last.Text, "does not provide attribute"):
		found.Code, found.Summary = diagnostic.SourceNoOutput, `the flake has no output "nixfleet"`
		found.Hint = "outputs = inputs: { nixfleet = { nixfleet, inputs, ... }: nixfleet.mkFleet { hosts = { … }; }; };"
		return diagnostic.List{found}
	case strings.Contains(last.Text, "NAR hash mismatch"):
		found.Code, found.Summary = diagnostic.InputInvalid, "an input changed while it was read"
		found.Detail, found.Hint = last.Text, "compile again when nothing writes to it any more"
		return diagnostic.List{found}
	case last.Text == "" || failed.killed():
		found.Summary = "the evaluation ended without a word: " + failed.exitReason()
		return diagnostic.List{found}
	}
	if len(last.Trace) == 0 && last.File == "" {
		if err := n.explain(ctx, err); failureOf(err) == nil {
			return err
		}
	}
	found = n.locate(found, last, source)
	found.Summary, found.Detail = splitMessage(relative(last.Text, source, library))
	if n.options.Trace {
		found.Detail = strings.TrimLeft(found.Detail+"\n"+trace(last, source, library), "\n")
	}
	return diagnostic.List{found}
}

var (
	hostRE   = regexp.MustCompile(`host '([^'\n]+)'`)
	optionRE = regexp.MustCompile("option `([^`'\n]+)'")
	fileRE   = regexp.MustCompile("(?m)(?:In|in) [`']([^'\n]+)'(?:[:,] (?:line )?(\\d+))?")
)

// locate fills in host, option and position from what the error says, or else
// from the innermost frame of its trace that lies in the fleet.
func (n *Nix) locate(found diagnostic.Diagnostic, last message, source *Source) diagnostic.Diagnostic {
	found.Summary = last.Text
	frames := append([]frame{{last.Text, last.File, last.Line, last.Column}}, last.Trace...)
	for _, f := range frames {
		if match := hostRE.FindStringSubmatch(f.Text); match != nil && found.Host == "" {
			found.Host = schema.HostName(match[1])
		}
		if match := optionRE.FindStringSubmatch(f.Text); match != nil && found.Option == "" {
			found.Option = match[1]
		}
		if file, ok := source.inFleet(f.File); ok && found.Position.File == "" {
			found.Position = diagnostic.Position{File: file, Line: f.Line, Column: f.Column}
		}
	}
	if match := fileRE.FindStringSubmatch(last.Text); match != nil {
		if file, ok := source.inFleet(match[1]); ok {
			line, _ := strconv.Atoi(match[2])
			found.Position = diagnostic.Position{File: file, Line: line}
		}
	}
	return found
}

// inFleet returns a file of the locked tree relative to the fleet.
func (s *Source) inFleet(file string) (string, bool) {
	below, ok := strings.CutPrefix(file, s.Path+"/")
	if !ok || s.Path == "" {
		return "", false
	}
	name, err := filepath.Rel(filepath.FromSlash("/"+s.Directory), filepath.FromSlash("/"+below))
	return filepath.ToSlash(name), err == nil
}

// relative replaces store paths of fleet and library by the names people know.
func relative(text string, source *Source, library Tree) string {
	text = strings.ReplaceAll(text, storePathOf(library.NarHash)+"/", "<nixfleet>/")
	fleet := source.Fleet()
	text = strings.ReplaceAll(text, fleet+"/", "")
	text = strings.ReplaceAll(text, fleet, ".")
	if source.Directory != "" {
		up := strings.Repeat("../", 1+strings.Count(source.Directory, "/"))
		text = strings.ReplaceAll(text, source.Path+"/", up)
	}
	return text
}

func splitMessage(text string) (summary, detail string) {
	summary, detail, _ = strings.Cut(strings.TrimSpace(text), "\n")
	lines := strings.Split(detail, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.TrimSpace(summary), strings.Trim(strings.Join(lines, "\n"), "\n")
}

// trace renders an error's trace, the outermost frame last.
func trace(last message, source *Source, library Tree) string {
	const shown = 100
	var out strings.Builder
	for i, f := range last.Trace {
		if i == shown {
			out.WriteString("… (and " + strconv.Itoa(len(last.Trace)-shown) + " more frames)\n")
			break
		}
		out.WriteString("… " + relative(f.Text, source, library))
		if strings.HasPrefix(f.File, "/") {
			out.WriteString(" at " + relative(f.File, source, library) + ":" + strconv.Itoa(f.Line))
		}
		out.WriteByte('\n')
	}
	return out.String()
}
