package compiler

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
)

// selection returns what the library is asked to evaluate; nil for all hosts.
func selection(hosts, groups []string) (*intent.Select, error) {
	if len(hosts)+len(groups) == 0 {
		return nil, nil
	}
	chosen := &intent.Select{Hosts: []string{}, Groups: append([]string{}, groups...)}
	for _, pattern := range hosts {
		expression := extended(pattern)
		if _, err := regexp.CompilePOSIX("^(" + expression + ")$"); err != nil {
			return nil, diagnostic.List{{
				Code: diagnostic.NoHostMatches, Severity: Error,
				Summary: fmt.Sprintf("%q is not a pattern of host names", pattern),
				Hint:    "patterns are names with *, ? and [a-z], as: --host 'web-*'",
			}}
		}
		chosen.Hosts = append(chosen.Hosts, expression)
	}
	return chosen, nil
}

// extended turns a pattern with *, ? and [a-z] into a POSIX extended regular expression.
func extended(pattern string) string {
	var out strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '*':
			out.WriteString(".*")
		case c == '?':
			out.WriteByte('.')
		case c == '[':
			end := strings.IndexByte(pattern[i+1:], ']')
			if end < 1 {
				out.WriteString(`\[`)
				continue
			}
			class := pattern[i+1 : i+1+end]
			if class[0] == '!' {
				class = "^" + class[1:]
			}
			out.WriteString("[" + class + "]")
			i += end + 1
		case strings.IndexByte(`\.+()|{}^$]`, c) >= 0:
			out.WriteString(`\` + string(c))
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// checkSelection refuses a selection in which anything selects nothing, and a
// fleet without hosts.
func checkSelection(hosts, groups []string, result *intent.Result) error {
	if len(result.HostNames) == 0 {
		return diagnostic.List{{
			Code: diagnostic.NoHosts, Severity: Error, Summary: "the fleet has no hosts",
			Hint: "declare them in inventory/*.yaml, or in mkFleet: hosts = { web-1 = { base = \"ubuntu\"; addr = \"10.0.1.11\"; }; };",
		}}
	}
	var found diagnostic.List
	for _, pattern := range hosts {
		re := regexp.MustCompilePOSIX("^(" + extended(pattern) + ")$")
		if !slices.ContainsFunc(result.HostNames, re.MatchString) {
			found = append(found, Diagnostic{
				Code: diagnostic.NoHostMatches, Severity: Error,
				Summary: fmt.Sprintf("no host matches %q", pattern), Hint: nearest(pattern, result.HostNames, "hosts"),
			})
		}
	}
	for _, group := range groups {
		members, known := result.Groups[group]
		switch {
		case !known:
			found = append(found, Diagnostic{
				Code: diagnostic.UnknownGroup, Severity: Error,
				Summary: fmt.Sprintf("there is no group %q", group),
				Hint:    nearest(group, slices.Sorted(maps.Keys(result.Groups)), "groups"),
			})
		case len(members) == 0:
			found = append(found, Diagnostic{Code: diagnostic.NoHostMatches, Severity: Error, Summary: fmt.Sprintf("the group %q has no hosts", group)})
		}
	}
	return found.Err()
}

func nearest(name string, all []string, what string) string {
	if near := diagnostic.Nearest(name, all); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	const shown = 20
	list := strings.Join(all[:min(shown, len(all))], ", ")
	if len(all) > shown {
		list += fmt.Sprintf(" and %d more", len(all)-shown)
	}
	return "the " + what + " are: " + list
}
