package nixeval

import (
	"regexp"
	"strings"
)

// advice says of an error of the language what to do about it.
type advice struct {
	pattern *regexp.Regexp
	hint    string
}

var advices = []advice{
	{regexp.MustCompile(`^infinite recursion encountered`),
		"something needs its own value: a definition that reads itself, or an `if' on config around options, where lib.mkIf belongs"},
	{regexp.MustCompile(`^stack overflow|max-call-depth exceeded`),
		"a function calls itself without end; --trace shows which"},
	{regexp.MustCompile(`called with unexpected argument '`),
		"modules are given more than they name: end the list of arguments with `...', as { lib, ... }:"},
	{regexp.MustCompile(`string '[^/'][^']*' doesn't represent an absolute path`),
		"a path of the fleet is written without quotes, as ./modules/web.nix"},
	{regexp.MustCompile(`attribute 'currentSystem' missing|attribute 'currentTime' missing`),
		"a fleet is evaluated alike everywhere, so it cannot see the machine or the clock; pkgs is of the host's system"},
	{regexp.MustCompile(`'<?nixpkgs[^']*'.*(search path|pure eval)|cannot look up '<`),
		"there is no NIX_PATH; name nixpkgs as an input of the flake, and give it to mkFleet: nixpkgs = inputs.nixpkgs"},
}

// importsOnConfig is what nixpkgs says, deep in a trace, about the commonest
// infinite recursion.
const importsOnConfig = "you probably reference `config` in `imports`"

// hintFor returns what to do about an error of the language; empty where nobody knows.
func hintFor(summary string, trace []frame) string {
	for _, a := range advices {
		if !a.pattern.MatchString(summary) {
			continue
		}
		for _, f := range trace {
			if strings.Contains(f.Text, importsOnConfig) {
				return "imports cannot depend on config: import always, and put what the module says under lib.mkIf"
			}
		}
		return a.hint
	}
	return ""
}

var pureRE = regexp.MustCompile(` in (?:pure eval(?:uation)?|restricted) mode| \(use '--impure' to override\)|in pure evaluation mode, `)

// withoutModes drops what Nix says of its modes: a fleet has no other.
func withoutModes(text string) string { return pureRE.ReplaceAllString(text, "") }
