package nixfleet_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// TestStagesAreConstants keeps the list of stages in one file: a literal elsewhere can
// name a stage that the list does not have.
func TestStagesAreConstants(t *testing.T) {
	for _, pkg := range typedPackages(t) {
		pkg.inspect(func(file string, node ast.Node) {
			if literal, ok := node.(*ast.BasicLit); ok && literal.Value != `""` && pkg.typeOf(literal) == module+"schema.Stage" && file != "schema/stage.go" {
				t.Errorf("%s: %s: use the constant schema.Stage…", pkg.set.Position(literal.Pos()), literal.Value)
			}
		})
	}
}

// typedPackage is a package of the product, without its tests, with the types of its expressions.
type typedPackage struct {
	name  string
	set   *token.FileSet
	files []*ast.File
	info  types.Info
}

// inspect visits every node of the package with the file's path in the repository.
func (p *typedPackage) inspect(visit func(file string, node ast.Node)) {
	root, _ := filepath.Abs(".")
	for _, file := range p.files {
		path, _ := filepath.Rel(root, p.set.Position(file.Pos()).Filename)
		ast.Inspect(file, func(node ast.Node) bool {
			visit(path, node)
			return true
		})
	}
}

// typeOf is the name of an expression's type; empty where it has none.
func (p *typedPackage) typeOf(e ast.Expr) string {
	if t := p.info.TypeOf(e); t != nil {
		return t.String()
	}
	return ""
}

// typedPackages type-checks the product's packages against the compiler's export data,
// without those that only tests use.
func typedPackages(t *testing.T) (all []*typedPackage) {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,GoFiles,Export,Module", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	type listed struct {
		ImportPath, Dir, Export string
		GoFiles                 []string
		Module                  *struct{ Main bool }
	}
	var ours []listed
	exports := map[string]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg listed
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[pkg.ImportPath] = pkg.Export
		name := strings.TrimPrefix(pkg.ImportPath, module)
		if pkg.Module != nil && pkg.Module.Main && len(pkg.GoFiles) > 0 && !within(name, "vm-tests") && !strings.HasSuffix(name, "test") {
			ours = append(ours, pkg)
		}
	}
	set := token.NewFileSet()
	config := types.Config{Importer: importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })}
	for _, pkg := range ours {
		checked := &typedPackage{name: strings.TrimPrefix(pkg.ImportPath, module), set: set, info: types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}}
		for _, name := range pkg.GoFiles {
			file, err := parser.ParseFile(set, filepath.Join(pkg.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			checked.files = append(checked.files, file)
		}
		if _, err := config.Check(pkg.ImportPath, set, checked.files, &checked.info); err != nil {
			t.Fatal(err)
		}
		all = append(all, checked)
	}
	return all
}

// prose are the texts for people: identifiers and fields that hold them.
var prose = map[string]bool{
	"Error": true, "Message": true, "Hint": true, "Detail": true, "Note": true, "Summary": true, "Halted": true, "Problem": true, "Task": true,
	"err": true, "message": true, "hint": true, "detail": true, "note": true, "reason": true, "because": true, "why": true, "said": true,
}

// readers may compare texts for people, each for its reason.
var readers = map[string]string{
	"cmd/internal/ui/flags.go":                 "the library that parses flags has no types for its errors",
	"executor/internal/transport/dial.go":      "x/crypto/ssh has no types for these errors",
	"executor/internal/storecopy/storecopy.go": "what nix-store wrote says that the disk is full",
	"compiler/internal/nixeval/explaineval.go": "what nix wrote is all that is known of an evaluation",
	"compiler/internal/nixeval/assertions.go":  "what nix wrote is all that is known of an evaluation",
	"compiler/internal/nixeval/missing.go":     "what nix wrote is all that is known of an evaluation",
	"compiler/internal/policy/fault.go":        "go-jsonnet has no types for its errors",
	"compiler/internal/policy/importer.go":     "os.Root has no type for a path that escapes",
}

// TestNothingIsDecidedByProse fails when a text for people is compared with words: texts
// change, and whatever a program decides by needs a type.
func TestNothingIsDecidedByProse(t *testing.T) {
	found := map[string]bool{}
	for _, pkg := range typedPackages(t) {
		pkg.inspect(func(file string, node ast.Node) {
			subject, words := comparison(node)
			if subject == nil || !isProse(subject) || !hasLetters(words) {
				return
			}
			found[file] = true
			if readers[file] == "" {
				t.Errorf("%s: a text for people is compared with words; use a type", pkg.set.Position(node.Pos()))
			}
		})
	}
	for file := range readers {
		if !found[file] {
			t.Errorf("%s compares no text for people any more: take it off the list", file)
		}
	}
}

// comparison returns what a node compares, and with what; nil if it compares no texts.
func comparison(node ast.Node) (subject, words ast.Expr) {
	switch n := node.(type) {
	case *ast.BinaryExpr:
		if literal, ok := n.Y.(*ast.BasicLit); ok && (n.Op == token.EQL || n.Op == token.NEQ) {
			return n.X, literal
		}
	case *ast.CallExpr:
		call, ok := n.Fun.(*ast.SelectorExpr)
		if !ok {
			return nil, nil
		}
		of, _ := call.X.(*ast.Ident)
		switch {
		case of != nil && of.Name == "strings" && slices.Contains(comparing, call.Sel.Name):
			return n.Args[0], n.Args[1]
		case slices.Contains(matching, call.Sel.Name) && len(n.Args) > 0:
			return n.Args[0], call.X
		}
	}
	return nil, nil
}

// comparing are the functions of strings that compare, and matching are methods of regular expressions.
var (
	comparing = []string{"Contains", "HasPrefix", "HasSuffix", "Cut", "CutPrefix", "CutSuffix", "EqualFold", "Index"}
	matching  = []string{"MatchString", "FindString", "FindStringSubmatch", "FindAllString"}
)

// hasLetters reports whether an expression is other than a literal without letters, as "\n".
func hasLetters(e ast.Expr) bool {
	literal, ok := e.(*ast.BasicLit)
	if !ok {
		return true
	}
	text, err := strconv.Unquote(literal.Value)
	return err == nil && strings.ContainsFunc(text, unicode.IsLetter)
}

// isProse reports whether an expression is a text for people, by its name or because it
// is what an error says.
func isProse(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.Ident:
		return prose[x.Name]
	case *ast.SelectorExpr:
		return prose[x.Sel.Name]
	case *ast.CallExpr:
		if method, ok := x.Fun.(*ast.SelectorExpr); ok && method.Sel.Name == "Error" {
			return true
		}
		return slices.ContainsFunc(x.Args, isProse) // as in firstLine(err.Error())
	}
	return false
}
