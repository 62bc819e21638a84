package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/manual"
)

// allCommands are all commands that people type, with those below them, by their names.
func allCommands(app *cli.App) map[string]*cli.Command {
	found := map[string]*cli.Command{}
	var walk func(above string, commands []*cli.Command)
	walk = func(above string, commands []*cli.Command) {
		for _, command := range commands {
			if command.Name != "help" && !command.Hidden {
				found[above+" "+command.Name] = command
				walk(above+" "+command.Name, command.Subcommands)
			}
		}
	}
	walk(app.Name, app.Commands)
	return found
}

var exampleLine = regexp.MustCompile(`(?m)^(?:Examples?: | {10})(.*)$`)

// TestEveryHelpHasAnExample finds one for each command, which the command can read.
func TestEveryHelpHasAnExample(t *testing.T) {
	for name, command := range allCommands(newApp()) {
		_, text, has := strings.Cut(command.Description, "Example")
		if !has {
			t.Errorf("the help of %s has no example", name)
			continue
		}
		own := false
		for _, match := range exampleLine.FindAllStringSubmatch("Example"+text, -1) {
			for _, part := range regexp.MustCompile(` && | \| |<\(|\)`).Split(match[1], -1) {
				line, isOurs := strings.CutPrefix(strings.TrimSpace(part), "nixfleet ")
				if !isOurs {
					continue
				}
				line = "nixfleet " + regexp.MustCompile(` [>#].*`).ReplaceAllString(line, "")
				own = own || strings.HasPrefix(line+" ", name+" ")
				if err := reads(strings.Fields(strings.NewReplacer("'", "", `"`, "").Replace(line))); err != nil {
					t.Errorf("the help of %s: %s: %v", name, line, err)
				}
			}
		}
		if !own {
			t.Errorf("the examples of %s are not of it:\n%s", name, text)
		}
	}
}

// TestManPages has roff read the man pages, without a warning.
func TestManPages(t *testing.T) {
	pages := manual.Pages(newApp())
	if len(pages) != len(allCommands(newApp()))+1 {
		t.Errorf("found %d pages", len(pages))
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err) // vm-tests/apt-packages has it
		}
		t.Skip(err)
	}
	var files []string
	for _, page := range pages {
		file := filepath.Join(t.TempDir(), page.Name+".1")
		if err := os.WriteFile(file, []byte(page.Text), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	out, err := exec.Command(groff, append([]string{"-man", "-Tutf8", "-ww", "-z"}, files...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	for _, page := range pages {
		if page.Name != "nixfleet-runs-show" {
			continue
		}
		for _, want := range []string{".SH EXAMPLES\n.PP\n.nf\nnixfleet runs show last\n", ".SH EXIT STATUS\n.PP\n0 shown", "\\fB\\-\\-json\\fR\nprint JSON"} {
			if !strings.Contains(page.Text, want) {
				t.Errorf("expected %q in\n%s", want, page.Text)
			}
		}
	}
}
