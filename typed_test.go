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
	"strings"
	"testing"
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

// typedPackages type-checks the product's packages against the compiler's export data.
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
		if pkg.Module != nil && pkg.Module.Main && len(pkg.GoFiles) > 0 && !within(name, "vm-tests") {
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
