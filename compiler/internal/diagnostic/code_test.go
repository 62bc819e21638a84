package diagnostic

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of codes anew")

const page = "../../../docs/reference/errors.md"

// TestTableOfCodes holds the table in docs/reference/errors.md to the comments of code.go.
func TestTableOfCodes(t *testing.T) {
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- codes: written from compiler/internal/diagnostic/code.go -->\n", "<!-- end of codes -->\n"
	before, rest, opened := strings.Cut(string(data), begin)
	_, after, closed := strings.Cut(rest, end)
	if !opened || !closed {
		t.Fatalf("%s has no place for the table", page)
	}
	want := before + begin + codes(t) + end + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(data) {
		t.Errorf("%s is not fresh: go test ./compiler/internal/diagnostic -update", page)
	}
}

// codes returns a table a group of code.go.
func codes(t *testing.T) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	seen := map[string]bool{}
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		fmt.Fprintf(&out, "\n%s\n\n| code | meaning |\n| --- | --- |\n", strings.TrimSpace(group.Doc.Text()))
		for _, spec := range group.Specs {
			value := spec.(*ast.ValueSpec)
			code, err := strconv.Unquote(value.Values[0].(*ast.BasicLit).Value)
			meaning := strings.TrimSpace(value.Comment.Text())
			if err != nil || meaning == "" || seen[code] {
				t.Errorf("%s: a code needs a meaning and stands once", value.Names[0])
			}
			seen[code] = true
			fmt.Fprintf(&out, "| `%s` | %s |\n", code, meaning)
		}
	}
	return out.String() + "\n"
}
