package nixeval

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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
	case failed.outOfMemory():
		found.Code, found.Summary = diagnostic.EvalMemory, "the evaluation took more memory than there is"
		if failed.killed() {
			found.Summary = "the evaluation ended without a word: " + exitKilled
		}
		found.Hint = "look for a list or a text that grows without end; else this machine is too small for the fleet"
		return diagnostic.List{found}
	case last.Text == "":
		found.Summary = "the evaluation ended without a word: " + failed.exitReason()
		return diagnostic.List{found}
	}
	if missing, ok := source.missingFile(found, last); ok {
		return diagnostic.List{missing}
	}
	if len(last.Trace) == 0 && last.File == "" {
		if err := n.explain(ctx, err); failureOf(err) == nil {
			return err
		}
	}
	found = locate(found, last, source)
	found.Summary, found.Detail = splitMessage(withoutModes(relative(last.Text, source, library)))
	found.Summary, found.Detail = withoutHost(found.Host, found.Summary), withoutHost(found.Host, found.Detail)
	if all := splitAssertions(found, source); all != nil {
		return all
	}
	found.Hint = hintFor(found.Summary, last.Trace)
	found = source.outsideFile(found)
	if before, after, ok := strings.Cut(found.Detail, "Did you mean "); ok && !strings.Contains(after, "\n") {
		found.Detail, found.Hint = strings.TrimSpace(before), "did you mean "+after
	}
	for _, known := range libraryErrors {
		if known.pattern.MatchString(found.Summary) {
			found.Code = known.code
			if known.field != "" && found.Host != "" && found.Option == "" {
				found.Option = "hosts." + string(found.Host) + "." + known.field
			}
		}
	}
	found.Position = source.findLine(found.Position, found.Option)
	if n.options.Trace {
		found.Detail = strings.TrimLeft(found.Detail+"\n"+trace(last, source, library), "\n")
	}
	return diagnostic.List{found}
}

var (
	hostRE   = regexp.MustCompile("\\bhost [`'\"]([^`'\"\n]+)['\"]")
	prefixRE = regexp.MustCompile(`^hosts\.("(?:[^"\\]|\\.)*"|[^."]+)\.(.+)$`)
	optionRE = regexp.MustCompile("option `([^`'\n]+)'")
	fileRE   = regexp.MustCompile("(?m)(?:In|in) [`']([^'\n]+)'(?:,? line (\\d+))?")
)

// libraryErrors are those errors of the library that have a code of their own,
// with the field of the host that they are about.
var libraryErrors = []struct {
	pattern *regexp.Regexp
	code    diagnostic.Code
	field   string
}{
	{regexp.MustCompile(`^host "[^"]*" .*has no address`), diagnostic.HostNoAddress, "addr"},
}

var frameRE = regexp.MustCompile("^while evaluating the (?:host `([^`'\n]+)'|option `hosts\\.(\"[^\"\n]+\"|[^.`'\n]+)\\.)")

// blamed returns the host that was being evaluated, as the outermost of the
// library's frames says: a message may well name another one.
func blamed(trace []frame) schema.HostName {
	for _, f := range slices.Backward(trace) {
		if match := frameRE.FindStringSubmatch(f.Text); match != nil {
			return schema.HostName(match[1] + strings.Trim(match[2], `"`))
		}
	}
	return ""
}

// locate fills in host, option and position from what the error says, or else
// from the innermost frame of its trace that lies in the fleet.
func locate(found diagnostic.Diagnostic, last message, source *Source) diagnostic.Diagnostic {
	found.Summary = last.Text
	found.Host = blamed(last.Trace)
	frames := append([]frame{{last.Text, last.File, last.Line, last.Column}}, last.Trace...)
	for i, f := range frames {
		if match := hostRE.FindStringSubmatch(f.Text); match != nil && found.Host == "" {
			found.Host = schema.HostName(match[1])
		}
		if match := optionRE.FindStringSubmatch(f.Text); match != nil && found.Option == "" {
			found.Option = match[1]
			if host := prefixRE.FindStringSubmatch(match[1]); host != nil {
				found.Option = host[2]
				if found.Host == "" {
					found.Host = schema.HostName(strings.Trim(host[1], `"`))
				}
			}
		}
		if file, ok := source.inFleet(f.place()); ok && found.Position.File == "" {
			found.Position = diagnostic.Position{File: file, Line: f.Line}
			if i == 0 && exactRE.MatchString(f.Text) {
				found.Position.Column = f.Column
			}
		}
	}
	if match := fileRE.FindStringSubmatch(last.Text); match != nil {
		if file, ok := source.file(match[1]); ok {
			line, _ := strconv.Atoi(match[2])
			if line > 0 || found.Position.File != file {
				found.Position = diagnostic.Position{File: file, Line: line}
			}
		}
	}
	if found.Position.File == "" {
		found.Position = source.inWords(last)
	}
	return found
}

// exactRE are errors that are about the very place they name.
var exactRE = regexp.MustCompile(`^(syntax error|undefined variable)`)

var (
	functionRE   = regexp.MustCompile(`at (/[^\s:]+):(\d+):(\d+)\)? called with`)
	definitionRE = regexp.MustCompile("(?:definition from|argument `[^']*' in) [`\"]([^'\"\n]+)['\"]")
)

// inWords returns a place in the fleet that an error, or else the innermost frame of
// its trace, names in its text only.
func (s *Source) inWords(last message) diagnostic.Position {
	if match := functionRE.FindStringSubmatch(last.Text); match != nil {
		if file, ok := s.inFleet(match[1]); ok {
			line, _ := strconv.Atoi(match[2])
			column, _ := strconv.Atoi(match[3])
			return diagnostic.Position{File: file, Line: line, Column: column}
		}
	}
	for _, f := range last.Trace {
		if match := definitionRE.FindStringSubmatch(f.Text); match != nil {
			if file, ok := s.file(match[1]); ok {
				return diagnostic.Position{File: file}
			}
		}
	}
	return diagnostic.Position{}
}

// withoutHost takes a host's name out of the paths of its options, as people write
// them and so that the same fault of several hosts is told once.
func withoutHost(host schema.HostName, text string) string {
	if host == "" {
		return text
	}
	text = strings.ReplaceAll(text, `hosts."`+string(host)+`".`, "")
	return strings.ReplaceAll(text, "hosts."+string(host)+".", "")
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

// file returns a file of the fleet as the library names it: by its place in the
// store, or in the tree, or in the fleet itself.
func (s *Source) file(name string) (string, bool) {
	if filepath.IsAbs(name) {
		return s.inFleet(name)
	}
	if s.Path == "" || !filepath.IsLocal(name) {
		return "", false
	}
	for _, dir := range []string{s.Path, s.Fleet()} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return s.inFleet(filepath.Join(dir, name))
		}
	}
	return "", false
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

// splitMessage makes one line of what is wrong, and keeps the definitions that
// module errors list below it.
func splitMessage(text string) (summary, detail string) {
	text = strings.TrimSpace(text)
	if i := strings.Index(text, "Definition values:\n"); i > 0 {
		summary, detail = strings.Join(strings.Fields(text[:i]), " "), text[i:]
	} else {
		summary, detail, _ = strings.Cut(text, "\n")
	}
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
			out.WriteString(" at " + relative(f.place(), source, library) + ":" + strconv.Itoa(f.Line))
		}
		out.WriteByte('\n')
	}
	return out.String()
}
