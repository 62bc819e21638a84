// Package book reads the examples out of the pages of docs/, and tells whether what a
// command printed is what its page shows.
package book

import (
	"regexp"
	"strings"
)

// Block is a fenced example of a page.
type Block struct {
	// Language is what stands after the fence: "console", "nix", ….
	Language string
	// Line is where its text begins in the page, from 1.
	Line int
	// Text is what is between the fences.
	Text string
}

// Blocks returns the fenced examples of a page, in order. A fence in a list is
// taken with its indentation away.
func Blocks(page string) []Block {
	var blocks []Block
	var open *Block
	indent := ""
	for i, line := range strings.Split(page, "\n") {
		trimmed := strings.TrimLeft(line, " ")
		switch fence := strings.HasPrefix(trimmed, "```"); {
		case fence && open == nil:
			indent = line[:len(line)-len(trimmed)]
			open = &Block{Language: strings.TrimPrefix(trimmed, "```"), Line: i + 2}
		case fence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.Text += strings.TrimPrefix(line, indent) + "\n"
		}
	}
	return blocks
}

var named = regexp.MustCompile(`\A# ([A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*\.[a-z]+)\n`)

// File returns the name of the file that an example says it is, by its first line:
// "# modules/web.nix". It is empty for an example that says none.
func (b Block) File() string {
	if b.Language == "console" {
		return ""
	}
	if match := named.FindStringSubmatch(b.Text); match != nil {
		return match[1]
	}
	return ""
}

// Step is a command of a page, and what it prints there.
type Step struct {
	// Line is where it stands in the page.
	Line int
	// Root says that it is typed by root on a host: its prompt is "#".
	Root    bool
	Command string
	// Output is empty where the page shows none.
	Output string
}

// Steps returns the commands of an example: lines with a prompt, "$ " or "# ", with
// what they print below. The lines of a here-document stand in the page without a prompt.
func (b Block) Steps() []Step {
	if b.Language != "console" {
		return nil
	}
	var steps []Step
	end := ""
	for i, line := range strings.Split(strings.TrimSuffix(b.Text, "\n"), "\n") {
		last := len(steps) - 1
		prompt, command, found := strings.Cut(line, " ")
		switch {
		case end != "":
			steps[last].Command += "\n" + line
			if line == end {
				end = ""
			}
		case found && (prompt == "$" || prompt == "#"):
			steps = append(steps, Step{Line: b.Line + i, Root: prompt == "#", Command: command})
			if match := hereDocument.FindStringSubmatch(command); match != nil {
				end = match[1]
			}
		case last >= 0:
			steps[last].Output += line + "\n"
		}
	}
	return steps
}

var hereDocument = regexp.MustCompile(`<<'(\w+)'`)

// Matches reports whether something printed is what a page shows. "…" stands for
// whatever is in its place, and on a line of its own for any lines. How many spaces
// follow each other tells nothing: columns are as wide as what is in them.
func Matches(shown, printed string) bool {
	var pattern strings.Builder
	pattern.WriteString(`\A`)
	for _, line := range strings.Split(strings.TrimRight(shown, "\n"), "\n") {
		if strings.TrimSpace(line) == "…" {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		parts := strings.Split(strings.Join(strings.Fields(line), " "), "…")
		for i, part := range parts {
			parts[i] = regexp.QuoteMeta(part)
		}
		pattern.WriteString(strings.Join(parts, `.*?`) + `\n`)
	}
	pattern.WriteString(`\z`)
	var plain strings.Builder
	for _, line := range strings.Split(strings.TrimRight(printed, "\n"), "\n") {
		plain.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	}
	return regexp.MustCompile(pattern.String()).MatchString(plain.String())
}
