package ui

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// Every exit code is in docs/reference/errors.md, and no other.
func TestExitCodesAreDocumented(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "ui.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]string{}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if ok && strings.HasPrefix(spec.Names[0].Name, "Exit") {
			codes[spec.Values[0].(*ast.BasicLit).Value] = spec.Names[0].Name
		}
		return true
	})
	if len(codes) < 8 {
		t.Fatalf("found only %v", codes)
	}
	page, err := os.ReadFile("../../../docs/reference/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	section, _, _ := strings.Cut(string(page), "## What becomes of a host")
	rows := 0
	for _, line := range strings.Split(section, "\n") {
		var code int
		if n, _ := fmt.Sscanf(line, "| %d |", &code); n == 1 {
			rows++
			if codes[fmt.Sprint(code)] == "" {
				t.Errorf("no command ends with %d: %s", code, line)
			}
		}
	}
	if rows != len(codes) {
		t.Errorf("docs/reference/errors.md has %d codes of %d", rows, len(codes))
	}
}
