// Package manual writes the man pages of an app from the same words as its help: one
// page for the app and one for each command.
package manual

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// Page is a man page of section 1.
type Page struct {
	// Name is the page's: "nixfleet-runs-show".
	Name string
	Text string
}

// Pages returns all pages of an app.
func Pages(app *cli.App) []Page {
	pages := []Page{appPage(app)}
	var walk func(above string, commands []*cli.Command)
	walk = func(above string, commands []*cli.Command) {
		for _, command := range commands {
			if command.Hidden || command.Name == "help" {
				continue
			}
			pages = append(pages, commandPage(app, above, command))
			walk(above+" "+command.Name, command.Subcommands)
		}
	}
	walk(app.Name, app.Commands)
	return pages
}

func appPage(app *cli.App) Page {
	w := newWriter(app.Name, app.Version, app.Usage)
	w.section("SYNOPSIS")
	w.verbatim([]string{app.Name + " COMMAND [OPTIONS] [ARGUMENTS]"})
	w.description(app.Description)
	w.section("COMMANDS")
	for _, command := range app.VisibleCommands() {
		if command.Name != "help" {
			w.term(reference(app.Name, command.Name), command.Usage)
		}
	}
	w.flags(app.VisibleFlags())
	return Page{app.Name, w.String()}
}

func commandPage(app *cli.App, above string, command *cli.Command) Page {
	full := above + " " + command.Name
	w := newWriter(strings.ReplaceAll(full, " ", "-"), app.Version, command.Usage)
	w.section("SYNOPSIS")
	synopsis := full
	if len(command.VisibleFlags()) > 0 {
		synopsis += " [OPTIONS]"
	}
	if command.ArgsUsage != "" {
		synopsis += " " + command.ArgsUsage
	}
	w.verbatim([]string{synopsis})
	w.description(command.Description)
	if len(command.Subcommands) > 0 {
		w.section("COMMANDS")
		for _, below := range command.VisibleCommands() {
			if below.Name != "help" {
				w.term(reference(full, below.Name), below.Usage)
			}
		}
	}
	w.flags(command.VisibleFlags())
	w.section("SEE ALSO")
	w.paragraph(reference(app.Name))
	return Page{strings.ReplaceAll(full, " ", "-"), w.String()}
}

func reference(names ...string) string {
	return strings.ReplaceAll(strings.Join(names, "-"), " ", "-") + "(1)"
}

// writer writes roff with the macros of man(7).
type writer struct{ strings.Builder }

func newWriter(name, version, usage string) *writer {
	w := new(writer)
	fmt.Fprintf(w, ".TH %s 1 \"\" \"%s\" \"NixFleet\"\n", quoted(strings.ToUpper(name)), quoted(version))
	w.section("NAME")
	fmt.Fprintf(w, "%s \\- %s\n", escape(name), escape(usage))
	return w
}

func (w *writer) section(title string) { fmt.Fprintf(w, ".SH %s\n", title) }

func (w *writer) paragraph(text string) {
	w.WriteString(".PP\n" + lines(text))
}

func (w *writer) verbatim(text []string) {
	w.WriteString(".PP\n.nf\n" + lines(strings.Join(text, "\n")) + ".fi\n")
}

func (w *writer) term(name, text string) {
	fmt.Fprintf(w, ".TP\n\\fB%s\\fR\n%s", escape(name), lines(text))
}

func (w *writer) flags(flags []cli.Flag) {
	if len(flags) == 0 {
		return
	}
	w.section("OPTIONS")
	for _, flag := range flags {
		name, usage, _ := strings.Cut(flag.String(), "\t")
		w.term(name, strings.TrimSpace(usage))
	}
}

// description writes the paragraphs of a help text; what its last ones are called there
// are sections here.
func (w *writer) description(text string) {
	if text = strings.TrimSpace(text); text == "" {
		return
	}
	begun := false
	for _, paragraph := range strings.Split(text, "\n\n") {
		switch {
		case strings.HasPrefix(paragraph, "Example"):
			w.section("EXAMPLES")
			w.verbatim(examples(paragraph))
		case strings.HasPrefix(paragraph, "Exit status: "):
			w.section("EXIT STATUS")
			w.paragraph(strings.TrimPrefix(paragraph, "Exit status: "))
		default:
			if !begun {
				w.section("DESCRIPTION")
				begun = true
			}
			if strings.HasPrefix(paragraph, " ") {
				w.verbatim(strings.Split(paragraph, "\n"))
			} else {
				w.paragraph(paragraph)
			}
		}
	}
}

// examples are the lines after "Examples:", which stand below each other.
func examples(paragraph string) []string {
	_, text, _ := strings.Cut(paragraph, ":")
	var found []string
	for line := range strings.SplitSeq(text, "\n") {
		found = append(found, strings.TrimSpace(line))
	}
	return found
}

// lines writes text so that no line of it is taken for a request.
func lines(text string) string {
	var out strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		line = escape(line)
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		out.WriteString(line + "\n")
	}
	return out.String()
}

var escapes = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", `\[u2026]`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`)

func escape(text string) string { return escapes.Replace(text) }

// quoted is what may stand in an argument of a request.
func quoted(text string) string { return strings.ReplaceAll(escape(text), `"`, `\(dq`) }
