package resolve

import (
	"fmt"
	"strings"
)

// setting is one "Name=Value" of a unit file.
type setting struct{ section, name, value string }

// parseUnit reads a unit file as systemd.syntax(7) describes it: comments,
// continued lines with comments in between, lines of any length. What systemd
// would skip with a warning is an error.
func parseUnit(text string) ([]setting, error) {
	var settings []setting
	section, joined := "", ""
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line != "" && (line[0] == '#' || line[0] == ';') {
			continue // inside a continued line, too
		}
		if rest, continued := strings.CutSuffix(line, `\`); continued {
			joined += rest + " "
			continue
		}
		line, joined = strings.TrimSpace(joined+line), ""
		name, value, assigns := strings.Cut(line, "=")
		switch {
		case line == "":
		case line[0] == '[':
			if !strings.HasSuffix(line, "]") {
				return nil, fmt.Errorf("line %d: the section %q has no closing bracket", i+1, line)
			}
			section = line[1 : len(line)-1]
		case !assigns || strings.TrimSpace(name) == "":
			return nil, fmt.Errorf("line %d: expected Name=Value, found %q", i+1, line)
		case section == "":
			return nil, fmt.Errorf("line %d: %q stands before the first [Section]", i+1, line)
		default:
			settings = append(settings, setting{section, strings.TrimSpace(name), strings.TrimSpace(value)})
		}
	}
	if joined != "" {
		return nil, fmt.Errorf("the last line is continued with a backslash, but nothing follows")
	}
	return settings, nil
}
