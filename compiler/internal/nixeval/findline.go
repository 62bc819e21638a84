package nixeval

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

// findLine adds the line to a position that names only a file, as module errors
// do: the only line of it that has the option's last name. Where several have it,
// nothing is said.
func (s *Source) findLine(position diagnostic.Position, option string) diagnostic.Position {
	if position.File == "" || position.Line != 0 || option == "" {
		return position
	}
	data, err := os.ReadFile(filepath.Join(s.Fleet(), filepath.FromSlash(position.File)))
	if err != nil {
		return position
	}
	word, err := regexp.Compile(`(^|[^\w'-])` + regexp.QuoteMeta(lastName(option)) + `($|[^\w'-])`)
	if err != nil {
		return position
	}
	found := 0
	for i, line := range strings.Split(string(data), "\n") {
		code, _, _ := strings.Cut(line, "#")
		if !word.MatchString(code) {
			continue
		}
		if found != 0 {
			return position
		}
		found = i + 1
	}
	position.Line = found
	return position
}

// lastName returns the last name of an option's path, with its quotes.
func lastName(option string) string {
	if strings.HasSuffix(option, `"`) {
		if i := strings.LastIndex(option, `."`); i >= 0 {
			return option[i+1:]
		}
	}
	return option[strings.LastIndexByte(option, '.')+1:]
}
