// Package planfile reads and writes plan.json for the commands.
package planfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/nixfleet/nixfleet/internal/durable"
	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/validate"
)

// maxSize bounds what is read as a plan: some times what ten thousand hosts take.
const maxSize = 2 << 30

// Read reads and verifies a plan; "-" is standard input.
func Read(name string) (*schema.Plan, error) {
	data, err := readAll(name)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, fmt.Errorf("cannot read plan %q: it is empty", name)
	}
	plan, err := validate.Plan(data)
	if syntax := new(json.SyntaxError); errors.As(err, &syntax) && len(bytes.TrimSpace(data[:syntax.Offset])) <= 8 {
		err = schema.WithHint(errors.New("it is no JSON"), "a plan is what `nixfleet compile -o plan.json` writes")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read plan %q: %w", name, err)
	}
	return plan, nil
}

func readAll(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(os.Stdin, maxSize))
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, schema.WithHint(fmt.Errorf("cannot read plan %q: there is no such file", name), "nixfleet compile -o %s", name)
	case err != nil:
		return nil, fmt.Errorf("cannot read plan: %w", err)
	case info.IsDir():
		return nil, schema.WithHint(fmt.Errorf("cannot read plan %q: it is a directory", name), "compile the fleet in it first: nixfleet compile %s -o plan.json", name)
	case info.Size() > maxSize:
		return nil, fmt.Errorf("cannot read plan %q: it has %d bytes, and no plan has more than %d", name, info.Size(), int64(maxSize))
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read plan: %w", err)
	}
	return data, nil
}

// CheckTarget tells before the work that makes a plan whether Write can have a
// chance with its name.
func CheckTarget(name string) error {
	if name == "-" {
		return nil
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return schema.WithHint(fmt.Errorf("cannot write plan %q: it is a directory", name), "name a file, as: -o %s", filepath.Join(name, "plan.json"))
	}
	dir := filepath.Dir(name)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("cannot write plan %q: there is no directory %q", name, dir)
	}
	return nil
}

// Write writes a plan; "-" is standard output. A file is replaced as a whole and is
// durable when Write returns.
func Write(name string, plan *schema.Plan) error {
	if name == "-" {
		return plan.Write(os.Stdout)
	}
	if err := durable.Replace(name, 0o644, func(file *os.File) error { return plan.Write(file) }); err != nil {
		return fmt.Errorf("cannot write plan %q: %w", name, err)
	}
	return nil
}
