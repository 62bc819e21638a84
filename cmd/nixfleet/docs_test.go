package main

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/vm-tests/book"
)

// TestDocumentedCommandsAreRight reads every command line of the pages as the commands
// do, up to the point at which they would begin to work.
func TestDocumentedCommandsAreRight(t *testing.T) {
	count := 0
	for page, text := range pages(t) {
		for _, block := range book.Blocks(text) {
			for _, step := range block.Steps() {
				for _, line := range commandLines(step.Command) {
					count++
					if err := reads(strings.Fields(line)); err != nil {
						t.Errorf("%s:%d: %s: %v", page, step.Line, line, err)
					}
				}
			}
		}
	}
	if count < 70 {
		t.Errorf("found %d command lines", count)
	}
}

// commandLines returns what of a line of the shell is a call of nixfleet.
func commandLines(command string) []string {
	var lines []string
	for _, part := range regexp.MustCompile(`&&|\|`).Split(command, -1) {
		part, _, _ = strings.Cut(part, " #")
		part, _, _ = strings.Cut(part, " >")
		if part = strings.TrimSpace(part); strings.HasPrefix(part, "nixfleet ") {
			lines = append(lines, strings.NewReplacer("'", "", `"`, "").Replace(part))
		}
	}
	return lines
}

// reads reads a command line up to the point at which the command would begin to work.
func reads(words []string) error {
	app := newApp()
	ran := false
	for _, command := range allCommands(app) {
		command.Action = func(c *cli.Context) error {
			before, after, dashes := ui.Verbatim(c)
			ran = (len(before) <= 1 || c.Command.Name == "diff" && len(before) == 2) && dashes == (c.Command.Name == "run") && dashes == (len(after) > 0)
			return nil
		}
	}
	if err := app.Run(ui.Interleave(app, words)); err != nil {
		return err
	}
	if !ran {
		return errors.New("it is not taken")
	}
	return nil
}

// TestMentionedCommandsAndFlagsExist walks what pages mention in passing: `nixfleet show`,
// `--limit`.
func TestMentionedCommandsAndFlagsExist(t *testing.T) {
	commands := allCommands(newApp())
	everywhere := map[string]bool{}
	for _, command := range commands {
		maps.Copy(everywhere, flagsOf(command))
	}
	mentioned := map[string]bool{}
	for page, text := range pages(t) {
		for _, span := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(withoutBlocks(text), -1) {
			words := strings.Fields(span[1])
			known := everywhere
			if words[0] == "nixfleet" || words[0] == "nixfleet-execute" {
				name := "nixfleet execute"
				if words[0] == "nixfleet" && len(words) > 1 {
					if name = "nixfleet " + words[1]; len(words) > 2 && commands[name+" "+words[2]] != nil {
						name += " " + words[2]
					}
				}
				if commands[name] == nil {
					t.Errorf("%s mentions `%s`: there is no such command", page, span[1])
					continue
				}
				mentioned[name] = true
				known = flagsOf(commands[name])
			} else if !strings.HasPrefix(words[0], "--") {
				continue
			}
			for _, word := range words {
				if word == "--" {
					break
				}
				if flag, _, _ := strings.Cut(strings.TrimPrefix(word, "--"), "="); strings.HasPrefix(word, "--") && !known[flag] {
					t.Errorf("%s mentions `%s`: there is no --%s", page, span[1], flag)
				}
			}
		}
	}
	for name, command := range commands {
		if !mentioned[name] && len(command.Subcommands) == 0 {
			t.Errorf("no page mentions `%s`", name)
		}
	}
}

func flagsOf(command *cli.Command) map[string]bool {
	names := map[string]bool{"help": true, "version": true}
	for _, flag := range command.Flags {
		for _, name := range flag.Names() {
			names[name] = true
		}
	}
	return names
}

func withoutBlocks(text string) string {
	return regexp.MustCompile("(?ms)^ *```.*?^ *```$").ReplaceAllString(text, "")
}

// TestLinks follows every link of the pages that stays in the repository, to its heading.
func TestLinks(t *testing.T) {
	texts := pages(t)
	for page, text := range texts {
		for _, match := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(withoutBlocks(text), -1) {
			link := match[1]
			if strings.Contains(link, "://") {
				continue
			}
			file, anchor, _ := strings.Cut(link, "#")
			target := page
			if file != "" {
				target = path.Join(path.Dir(page), file)
			}
			if _, err := os.Stat(filepath.Join("../..", target)); err != nil {
				t.Errorf("%s: %s leads nowhere", page, link)
			} else if anchor != "" && !slices.Contains(anchors(texts[target]), anchor) {
				t.Errorf("%s: %s leads to no heading of %s", page, link, target)
			}
		}
	}
}

// anchors returns the names of a page's headings, as GitHub makes them.
func anchors(text string) []string {
	var names []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(withoutBlocks(text), -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// TestTheBookIsWhole holds the table of contents to the pages, and the pages to a form that is read in any editor.
func TestTheBookIsWhole(t *testing.T) {
	texts := pages(t)
	contents := texts["docs/README.md"]
	for page, text := range texts {
		if name := strings.TrimPrefix(page, "docs/"); path.Base(page) != "README.md" && strings.Count(contents, "("+name+")") != 1 {
			t.Errorf("docs/README.md has %s %d times", name, strings.Count(contents, "("+name+")"))
		}
		if strings.HasPrefix(text, "<!-- Written from") || page == "docs/reference/options.md" {
			continue // written from code
		}
		inBlock := false
		for i, line := range strings.Split(text, "\n") {
			if fence := strings.HasPrefix(strings.TrimLeft(line, " "), "```"); fence {
				inBlock = !inBlock
			} else if !inBlock && !strings.HasPrefix(line, "|") && len([]rune(line)) > 120 {
				t.Errorf("%s:%d: a line of %d characters: wrap it at 116", page, i+1, len([]rune(line)))
			}
		}
	}
}

// TestMessagesAreReal holds the messages that operations.md explains against those that
// the code has.
func TestMessagesAreReal(t *testing.T) {
	var code strings.Builder
	for _, dir := range []string{"executor", "cmd", "schema"} {
		err := filepath.WalkDir("../../"+dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			code.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	messages := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(pages(t)["docs/guide/operations.md"], -1)
	if len(messages) < 20 {
		t.Fatalf("found %d messages", len(messages))
	}
	for _, match := range messages {
		parts := strings.Split(match[1], "…")
		for i, part := range parts {
			parts[i] = regexp.QuoteMeta(part)
		}
		// What stands for "…" is a verb or two of a format.
		if !regexp.MustCompile(strings.Join(parts, `(?:[^"\n]{0,40}?)`)).MatchString(code.String()) {
			t.Errorf("nothing says %q", match[1])
		}
	}
}

// Every command that asks hosts chooses them alike.
func TestHostsAreChosenAlikeEverywhere(t *testing.T) {
	commands := allCommands(newApp())
	for _, name := range []string{"show", "plan", "status", "execute", "watch", "history", "rollback", "release", "reboot", "apply", "run"} {
		flags := flagsOf(commands["nixfleet "+name])
		for _, flag := range []string{"host", "group", "tag", "exclude", "failed-of", "limit"} {
			if !flags[flag] {
				t.Errorf("%s has no --%s", name, flag)
			}
		}
	}
}
