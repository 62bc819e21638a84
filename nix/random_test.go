package nix_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

const randomCases = 60

var seed = flag.Uint64("seed", 1, "what TestRandomModules makes modules up from")

// probe shows what can be seen of an evaluation, with a word for what throws.
const probe = `
  show = depth: value:
    let
      shown =
        if builtins.isFunction value then "<function>"
        else if builtins.isAttrs value then
          if depth > 5 then "…" else builtins.mapAttrs (_: show (depth + 1)) (removeAttrs value [ "__functor" "__functionArgs" ])
        else if builtins.isList value then map (show (depth + 1)) value
        else if builtins.isPath value then toString value
        else value;
      tried = builtins.tryEval (builtins.deepSeq shown shown);
    in
    if tried.success then tried.value else "<throws>";
  tell = builtins.mapAttrs (_: o:
    if lib.isOption o then {
      inherit (o) isDefined highestPrio files declarations definitionsWithLocations value;
      type = o.type.description;
    } else tell o);
  evaluation = lib.evalModules { inherit modules; };
in
show 0 { inherit (evaluation) config; options = tell (removeAttrs evaluation.options [ "_module" ]); }`

// TestRandomModules evaluates modules that nobody thought of, by our lib and by
// nixpkgs': what one gives, the other must give; what one refuses, the other must.
func TestRandomModules(t *testing.T) {
	dir := os.Getenv(nixpkgsLib)
	if dir == "" {
		t.Skipf("%s does not name the directory lib of a nixpkgs", nixpkgsLib)
	}
	needNix(t)
	ours, err := filepath.Abs("lib/prelude")
	if err != nil {
		t.Fatal(err)
	}
	// What older ones do otherwise is said at the cases.
	const oldest = `"26.05"`
	if release, _ := nixEval(t, "--expr", "(import "+dir+").trivial.release"); strings.TrimSpace(string(release)) < oldest {
		t.Skipf("this is nixpkgs %s, and ours is held against %s and later", bytes.TrimSpace(release), oldest)
	}
	running := make(chan struct{}, runtime.NumCPU())
	var evaluated atomic.Int64
	t.Cleanup(func() {
		if evaluated.Load() < randomCases/2 {
			t.Errorf("of %d sets of modules %d have a value at all", randomCases, evaluated.Load())
		}
	})
	for n := range randomCases {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			running <- struct{}{}
			defer func() { <-running }()
			g := generator{rand.New(rand.NewPCG(*seed, uint64(n)))}
			modules := g.modules()
			got, why := evaluateWith(ours, modules)
			want, whyNot := evaluateWith(dir, modules)
			if want != "" {
				evaluated.Add(1)
			}
			// nixpkgs of 2026 fails so where a whole submodule has an order.
			if got != want && !strings.Contains(whyNot, "unexpected argument 'priority'") {
				t.Errorf("%s\n got %s%s\nwant %s%s", modules, got, why, want, whyNot)
			}
		})
	}
}

func evaluateWith(lib, modules string) (value, problem string) {
	cmd := nixCommand("--expr", "let lib = import "+lib+"; inherit (lib) mkOption types; modules = "+modules+";"+probe)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", plain(stderr.String())
	}
	return string(out), ""
}

type generator struct{ *rand.Rand }

func (g generator) one(of ...string) string { return of[g.IntN(len(of))] }

func (g generator) some(least, most int, make func() string) string {
	var all []string
	for range least + g.IntN(most-least+1) {
		all = append(all, make())
	}
	return strings.Join(all, " ")
}

var typeName = regexp.MustCompile(`\bT\b`)

// typ is a type; each T of a pattern becomes one.
func (g generator) typ(depth int) string {
	if depth > 2 || g.IntN(5) < 2 {
		return g.one("types.int", "types.str", "types.bool", "types.lines", "types.commas", "types.port", "types.anything", "types.raw",
			"types.unspecified", "types.attrs", "types.float", "types.number", "types.ints.u8", "types.nonEmptyStr", "types.path",
			`(types.enum [ 1 "a" ])`, `(types.enum [ "a" "b" ])`, `(types.strMatching "[a-z]*")`, "types.singleLineStr", "types.package")
	}
	pattern := g.one("(types.listOf T)", "(types.attrsOf T)", "(types.lazyAttrsOf T)", "(types.nullOr T)", "(types.uniq T)",
		"(types.functionTo T)", "(types.nonEmptyListOf T)", "(types.either T T)", "(types.oneOf [ T T T ])",
		"(types.coercedTo types.int toString T)", "(types.coercedTo types.str (x: [ x ]) T)", `(types.addCheck T (x: x != "no"))`,
		"(types.submodule { options = { x = O; y = O; }; })", "(types.submodule { freeformType = types.attrsOf types.int; options.z = O; })",
		"(types.submoduleWith { modules = [ ({ name, ... }: { options = { x = O; config = O; }; }) ]; shorthandOnlyDefinesConfig = true; })")
	pattern = typeName.ReplaceAllStringFunc(pattern, func(string) string { return g.typ(depth + 1) })
	for strings.Contains(pattern, "= O;") {
		pattern = strings.Replace(pattern, "= O;", "= "+g.option(depth+1)+";", 1)
	}
	return pattern
}

func (g generator) option(depth int) string {
	said := "type = " + g.typ(depth) + ";"
	if g.IntN(2) == 0 {
		said += " default = " + g.value(depth+1) + ";"
	}
	said += g.one("", "", "", "", "", "", " apply = x: { applied = x; };", " readOnly = true;")
	return "mkOption { " + said + " }"
}

func (g generator) value(depth int) string {
	value := g.one("1", "2", "300", `"a"`, `"b\n"`, "true", "null", "1.5", "[ ]", "{ }", "/p", `"/q"`, `"no"`, `""`,
		`(throw "broken")`, "(x: x)", `{ type = "derivation"; name = "n"; outPath = "/o"; }`)
	if depth < 3 && g.IntN(2) == 0 {
		inner := func() string { return g.value(depth + 1) }
		switch g.IntN(3) {
		case 0:
			value = "[ " + g.some(0, 3, inner) + " ]"
		case 1:
			value = "{ x = " + inner() + "; " + g.one("y", "z", "q") + " = " + inner() + "; }"
		default:
			value = "{ " + g.one("x", "y", "z") + " = " + inner() + "; }"
		}
	}
	switch g.IntN(10) {
	case 0:
		return "(lib.mkMerge [ " + value + " " + g.value(depth+1) + " ])"
	case 1, 2:
		return "(lib." + g.one("mkIf true", "mkIf false", "mkForce", "mkDefault", "mkBefore", "mkAfter", "mkOverride 70", "mkOptionDefault") + " " + value + ")"
	}
	return value
}

// modules declares two options, some of them twice, and defines them in several modules.
func (g generator) modules() string {
	all := []string{"{ _file = \"d0\"; options.a = " + g.option(0) + "; options.b" + g.one("", "", "", ".k") + " = " + g.option(0) + "; }"}
	if g.IntN(3) == 0 {
		all = append(all, "{ _file = \"d1\"; options.a"+g.one("", ".k")+" = "+g.option(0)+"; "+
			g.one("", "config._module.freeformType = types.lazyAttrsOf types.anything;")+" }")
	}
	for n := range 1 + g.IntN(3) {
		definitions := g.some(1, 1, func() string { return g.one("a", "b") + " = " + g.value(0) + ";" })
		all = append(all, fmt.Sprintf("{ _file = \"u%d\"; config = %s { %s }; }", n,
			g.one("", "", "", "lib.mkIf true", "lib.mkIf false", "lib.mkDefault", "lib.mkForce"), definitions))
	}
	g.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return "[ " + strings.Join(all, " ") + " ]"
}
