package e2e

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nixfleet/nixfleet/vm-tests/book"
)

// page FILE HOST carries out a page of docs/: its files are written and its commands
// typed, in the order of the page, and what they print must be what it shows. HOST is
// where the page has the address 192.0.2.11. What is typed on a host, to prepare it, is left out: the
// lab's hosts are prepared.
func (f *fixture) page(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: page FILE HOST")
	}
	const example = "192.0.2.11"
	address := f.hostOf(ts, args[1]).Addr
	text, err := os.ReadFile(filepath.Join(filepath.Dir(f.bin), args[0]))
	ts.Check(err)
	dir, said := ts.MkAbs("."), ts.MkAbs(".said")
	for _, block := range book.Blocks(string(text)) {
		if name := block.File(); name != "" {
			file := filepath.Join(dir, name)
			ts.Check(os.MkdirAll(filepath.Dir(file), 0o755))
			ts.Check(os.WriteFile(file, []byte(strings.ReplaceAll(block.Text, example, address)), 0o644))
		}
		for _, step := range block.Steps() {
			if step.Root || strings.HasPrefix(step.Command, "ssh ") {
				continue
			}
			ts.Logf("%s:%d: %s", args[0], step.Line, step.Command)
			err := ts.Exec("sh", "-c", "exec >'"+said+"' 2>&1; cd '"+dir+"'\n"+step.Command+"\nstatus=$?; pwd >'"+said+".dir'; exit $status")
			printed := strings.ReplaceAll(ts.ReadFile(said), address, example)
			// That of diff is 1 where plans differ, and a page shows what it expects.
			if err != nil && !strings.HasPrefix(step.Command, "nixfleet diff ") {
				ts.Fatalf("%s:%d: %s: %v\n%s", args[0], step.Line, step.Command, err, printed)
			}
			if step.Output != "" && !book.Matches(step.Output, printed) {
				ts.Fatalf("%s:%d: %s: the page shows\n%s\nand it prints\n%s", args[0], step.Line, step.Command, step.Output, printed)
			}
			dir = strings.TrimSpace(ts.ReadFile(said + ".dir"))
		}
	}
}
