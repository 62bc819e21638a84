// Package publish writes the JSON schemas and the reference pages of the formats
// in schema from their Go types and their comments, so that what is
// published cannot drift from what is decoded. Only tests and `make goldens` use it.
package publish

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// Source is what the formats' source says beyond what reflection can see.
type Source struct {
	// Types are the types' comments by name.
	Types map[string]string
	// Fields are the fields' comments by "Type.Field".
	Fields map[string]string
	// Patterns are the regular expressions of string types by name.
	Patterns map[string]string
	// Enums are the values of closed string types by name, in order.
	Enums map[string][]string
	// Wire are the types that are encoded as another.
	Wire map[reflect.Type]reflect.Type
}

// ReadSource parses the Go files of packages, except their tests. No two of
// them declare a type of the same name.
func ReadSource(dirs ...string) (*Source, error) {
	var names []string
	for _, dir := range dirs {
		inDir, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return nil, err
		}
		names = append(names, inDir...)
	}
	src := &Source{map[string]string{}, map[string]string{}, map[string]string{}, map[string][]string{}, nil}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, decl := range file.Decls {
			if gen, ok := decl.(*ast.GenDecl); ok {
				src.read(gen)
			}
		}
	}
	return src, nil
}

func (s *Source) read(gen *ast.GenDecl) {
	for _, spec := range gen.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			doc := spec.Doc
			if doc == nil {
				doc = gen.Doc
			}
			s.Types[spec.Name.Name] = prose(doc)
			if fields, ok := spec.Type.(*ast.StructType); ok {
				s.readFields(spec.Name.Name, fields)
			}
		case *ast.ValueSpec:
			s.readConst(spec)
		}
	}
}

// readFields notes the fields' comments; one comment may stand above several
// fields that follow it without a gap.
func (s *Source) readFields(owner string, fields *ast.StructType) {
	last := ""
	for _, field := range fields.Fields.List {
		if text := prose(field.Doc); text != "" {
			last = text
		}
		for _, name := range field.Names {
			s.Fields[owner+"."+name.Name] = last
		}
	}
}

func (s *Source) readConst(spec *ast.ValueSpec) {
	if len(spec.Values) != 1 {
		return
	}
	literal, ok := spec.Values[0].(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return
	}
	value, err := strconv.Unquote(literal.Value)
	if err != nil {
		return
	}
	name := spec.Names[0].Name
	if typ, ok := spec.Type.(*ast.Ident); ok {
		s.Enums[typ.Name] = append(s.Enums[typ.Name], value)
	} else if owner, ok := strings.CutSuffix(name, "Pattern"); ok {
		s.Patterns[strings.ToLower(owner)] = value
	}
}

// link is a doc link of Go.
var link = regexp.MustCompile(`\[(?:[a-z]+\.)?([A-Z][A-Za-z.]*)\]`)

// prose returns a comment as one paragraph, with Go's doc links written plainly.
func prose(doc *ast.CommentGroup) string {
	if doc == nil {
		return ""
	}
	return link.ReplaceAllString(strings.Join(strings.Fields(doc.Text()), " "), "$1")
}
