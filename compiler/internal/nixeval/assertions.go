package nixeval

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

var (
	assertionsRE     = regexp.MustCompile(`^host "[^"]*": failed assertions:$`)
	assertedOptionRE = regexp.MustCompile(`^(nixfleet(?:\.(?:[A-Za-z0-9_'-]+|"(?:[^"\\]|\\.)*"))+)(?: \(([^():]+):(\d+)\))?: `)
	assertedPlaceRE  = regexp.MustCompile(`\b(?:in|at) ([^\s():,]+\.nix):(\d+)`)
)

// splitAssertions makes a finding of each assertion that a host's modules or the
// library itself failed; nil where the error is another. Their messages begin, as
// far as they know, with the option and its place.
func splitAssertions(whole diagnostic.Diagnostic, source *Source) diagnostic.List {
	if !assertionsRE.MatchString(whole.Summary) {
		return nil
	}
	var all diagnostic.List
	if source.Directory != "" {
		// The library names files by their place in the tree, people by that in the fleet.
		whole.Detail = strings.ReplaceAll(whole.Detail, source.Directory+"/", "")
	}
	for line := range strings.Lines(whole.Detail) {
		line = strings.TrimRight(line, "\n")
		if message, begins := strings.CutPrefix(line, "- "); begins {
			all = append(all, assertion(whole, message, source))
		} else if len(all) > 0 {
			last := &all[len(all)-1]
			last.Detail = strings.TrimLeft(last.Detail+"\n"+line, "\n")
		}
	}
	return all
}

func assertion(whole diagnostic.Diagnostic, message string, source *Source) diagnostic.Diagnostic {
	found := diagnostic.Diagnostic{
		Code: diagnostic.AssertionFailed, Severity: diagnostic.Error, Host: whole.Host, Summary: message,
	}
	place := assertedPlaceRE.FindStringSubmatch(message)
	if match := assertedOptionRE.FindStringSubmatch(message); match != nil {
		found.Option, found.Summary = match[1], strings.TrimPrefix(message, match[0])
		if match[2] != "" {
			place = match[1:]
		}
	}
	if len(place) >= 3 {
		if file, ok := source.file(place[1]); ok {
			found.Position.File = file
			found.Position.Line, _ = strconv.Atoi(place[2]) // the pattern has digits only
		}
	}
	return found
}
