package policy

import (
	"encoding/json"

	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/google/go-jsonnet"
	"github.com/google/go-jsonnet/ast"

	"github.com/nixfleet/nixfleet/schema/validate"
)

// machine evaluates Jsonnet for policies. What it is asked for goes in by native
// functions, so that a rule which looks at no manifest costs none.
type machine struct {
	vm     *jsonnet.VM
	fault  *raw
	root   *os.Root
	tables tables         // of all plans together
	plans  map[string]any // by "plan" and "previous"
	files  map[string]any // plans that tests name
}

func newMachine(root *os.Root, asked *request, traces io.Writer, begin func(rule string)) *machine {
	m := &machine{
		vm: jsonnet.MakeVM(), fault: &raw{}, root: root, tables: asked.Tables, files: map[string]any{},
		plans: map[string]any{"plan": asked.Plan, "previous": asked.Previous},
	}
	m.vm.MaxStack = maxStack
	m.vm.ErrorFormatter = m.fault
	m.vm.Importer(&importer{root: root, cache: map[string]jsonnet.Contents{}})
	m.vm.SetTraceOut(traces)
	m.native("plan", []string{"which"}, func(args []any) (any, error) { return m.plans[args[0].(string)], nil })
	m.native("manifest", []string{"digest"}, func(args []any) (any, error) { return m.tables.Manifests[args[0].(string)], nil })
	m.native("text", []string{"digest"}, func(args []any) (any, error) { return m.tables.Texts[args[0].(string)], nil })
	m.native("samples", nil, func([]any) (any, error) { return samples(), nil })
	m.native("planFile", []string{"test", "file"}, m.planFile)
	m.native("begin", []string{"rule"}, func(args []any) (any, error) {
		begin(args[0].(string))
		return true, nil
	})
	m.native("compareVersions", []string{"a", "b"}, compareVersions)
	m.native("downgrades", []string{"old", "new"}, downgrades)
	return m
}

func (m *machine) native(name string, params []string, do func([]any) (any, error)) {
	identifiers := make(ast.Identifiers, len(params))
	for i, param := range params {
		identifiers[i] = ast.Identifier(param)
	}
	m.vm.NativeFunction(&jsonnet.NativeFunction{Name: "nixfleet." + name, Params: identifiers, Func: do})
}

// planFile reads the plan that a test names, relative to the test.
func (m *machine) planFile(args []any) (any, error) {
	name := path.Join(path.Dir(args[0].(string)), args[1].(string))
	if plan, ok := m.files[name]; ok {
		return plan, nil
	}
	data, err := fs.ReadFile(m.root.FS(), name)
	if err != nil {
		return nil, fmt.Errorf("cannot read the plan of the test: %w", err)
	}
	plan, err := validate.Plan(data)
	if err != nil {
		return nil, fmt.Errorf("cannot read the plan %q of the test: %w", name, err)
	}
	seen, err := m.tables.add(plan)
	m.files[name] = seen
	return seen, err
}

// ask evaluates a function of run.libsonnet on an imported file and further arguments,
// and reads its result into target.
func (m *machine) ask(function, file string, target any, args ...any) error {
	program := "local run = import 'nixfleet/internal/run.libsonnet';\nrun." + function + "(import " + quoted(file)
	for _, arg := range args {
		if imported, ok := arg.(importOf); ok {
			program += ", import " + quoted(string(imported))
			continue
		}
		data, err := json.Marshal(arg)
		if err != nil {
			return err
		}
		program += ", " + string(data)
	}
	m.fault.err = nil
	text, err := m.vm.EvaluateAnonymousSnippet("nixfleet", program+")")
	if err != nil {
		if m.fault.err != nil {
			return m.fault.err
		}
		return err
	}
	return json.Unmarshal([]byte(text), target)
}

// importOf is an argument that is the value of a file.
type importOf string

func quoted(text string) string {
	data, _ := json.Marshal(text) // a JSON string is one of Jsonnet
	return string(data)
}
