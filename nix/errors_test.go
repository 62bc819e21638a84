package nix_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Each case is an evaluation of its own: Nix stops at the first error.
type errorCase struct {
	file, name string
	has        []string
}

// TestErrors checks what each case must say, and that together they show every
// text that the evaluator and its lib can throw.
func TestErrors(t *testing.T) {
	cases := errorCases(t)
	messages := make([]string, len(cases))
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := range next {
				messages[i] = checkError(t, cases[i])
			}
		}()
	}
	for i := range cases {
		next <- i
	}
	close(next)
	workers.Wait()
	checkCoverage(t, strings.Join(messages, "\n"))
}

func errorCases(t *testing.T) []errorCase {
	t.Helper()
	needNix(t)
	files, err := filepath.Glob("tests/*errors.nix")
	if err != nil {
		t.Fatal(err)
	}
	var cases []errorCase
	for _, file := range files {
		if file == "tests/intent-errors.nix" {
			continue // part of errors.nix
		}
		out, err := nixCommand("--expr",
			"builtins.mapAttrs (_: case: case.has) (import ./"+file+" { })").Output()
		if err != nil {
			t.Fatalf("cannot list the cases of %s: %v", file, err)
		}
		var texts map[string][]string
		if err := json.Unmarshal(out, &texts); err != nil || len(texts) == 0 {
			t.Fatalf("cannot read the cases of %s: %v", file, err)
		}
		for name, has := range texts {
			cases = append(cases, errorCase{file, name, has})
		}
	}
	return cases
}

// checkError gives the message of the case.
func checkError(t *testing.T, c errorCase) string {
	cmd := nixCommand(c.file, "--show-trace", "-A", c.name+".expr")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if out, err := cmd.Output(); err == nil {
		t.Errorf("%s: %s: evaluates to %s, but must fail", c.file, c.name, out)
		return ""
	}
	message := plain(stderr.String())
	for _, text := range c.has {
		if !strings.Contains(message, text) {
			t.Errorf("%s: %s: the message lacks %q:\n%s", c.file, c.name, text, message)
		}
	}
	return message
}

var (
	colours = regexp.MustCompile("\x1b\\[[0-9;]*m")
	// A line of source that a trace shows: no message, though it may have the words of one.
	snippet = regexp.MustCompile(`(?m)^ *[0-9]*\|.*\n`)
	throws  = regexp.MustCompile(`\b(throw|throwIf \([^()]*\)|throwIfNot \([^()]*\)) "`)
	blank   = regexp.MustCompile(`\s+`)
)

func plain(s string) string {
	return snippet.ReplaceAllString(colours.ReplaceAllString(s, ""), "")
}

// checkCoverage finds the texts that the library throws and no message has.
func checkCoverage(t *testing.T, messages string) {
	shown := blank.ReplaceAllString(messages, " ")
	for _, dir := range []string{"lib/modules", "lib/types", "lib/prelude"} {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, text := range thrown(string(source)) {
				if !strings.Contains(shown, text) {
					t.Errorf("%s throws %q, and no error case shows it", path, text)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// thrown gives the constant parts, as far as they are long enough to be known
// again, of the strings after `throw`.
func thrown(source string) []string {
	var texts []string
	for _, at := range throws.FindAllStringIndex(source, -1) {
		parts := constantParts(source[at[1]:])
		if strings.HasPrefix(parts[0], "internal error") {
			continue // of what cannot be
		}
		for _, part := range parts {
			part = strings.TrimSpace(blank.ReplaceAllString(part, " "))
			if len(part) >= 8 {
				texts = append(texts, part)
			}
		}
	}
	return texts
}

// constantParts reads a Nix string from behind its opening quote to its end.
func constantParts(s string) []string {
	var parts []string
	var part strings.Builder
	depth := 0 // of ${ … }
	for i := 0; i < len(s); i++ {
		switch {
		case depth > 0:
			depth += strings.Count(s[i:i+1], "{") - strings.Count(s[i:i+1], "}")
		case s[i] == '"':
			return append(parts, part.String())
		case strings.HasPrefix(s[i:], "${"):
			parts = append(parts, part.String())
			part.Reset()
			depth = 1
			i++
		case s[i] == '\\':
			i++
			part.WriteString(strings.NewReplacer("n", "\n", "t", "\t").Replace(s[i : i+1]))
		default:
			part.WriteByte(s[i])
		}
	}
	return parts
}
