package nixeval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// journal reads what Nix writes to standard error in its internal-json format:
// one event a line, with whatever else programs print in between.
type journal struct {
	progress func(string)
	pending  []byte
	building map[uint64]string   // activity → derivation
	logs     map[string][]string // derivation → last lines of its log
	errors   []message
	warnings []string
	plain    []string
}

// message is an error as Nix knows it.
type message struct {
	Text   string
	File   string
	Line   int
	Column int
	Trace  []frame
}

// frame is one line of an error's trace, the innermost first.
type frame struct {
	Text   string `json:"raw_msg"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// place returns the frame's file: newer versions write "file:line:column" there.
func (f frame) place() string {
	return strings.TrimSuffix(f.File, fmt.Sprintf(":%d:%d", f.Line, f.Column))
}

type event struct {
	Action string            `json:"action"`
	ID     uint64            `json:"id"`
	Type   int               `json:"type"`
	Level  int               `json:"level"`
	Msg    string            `json:"msg"`
	RawMsg string            `json:"raw_msg"`
	Text   string            `json:"text"`
	Fields []json.RawMessage `json:"fields"`
	File   string            `json:"file"`
	Line   int               `json:"line"`
	Column int               `json:"column"`
	Trace  []frame           `json:"trace"`
}

// Types of activities and results, and levels, of internal-json.
const (
	activityOther    = 0
	activityCopyPath = 100
	activityBuild    = 105
	resultBuildLog   = 101
	levelError       = 0
	levelWarn        = 1
	levelTalk        = 4
)

const keptLogLines = 20

// Write takes what Nix prints, in pieces of any size.
func (j *journal) Write(data []byte) (int, error) {
	j.pending = append(j.pending, data...)
	for {
		line, rest, found := bytes.Cut(j.pending, []byte("\n"))
		if !found {
			return len(data), nil
		}
		j.line(line)
		j.pending = rest
	}
}

func (j *journal) close() {
	if len(j.pending) > 0 {
		j.line(j.pending)
		j.pending = nil
	}
}

func (j *journal) line(line []byte) {
	encoded, ok := bytes.CutPrefix(line, []byte("@nix "))
	var e event
	if !ok || json.Unmarshal(encoded, &e) != nil {
		if text := strings.TrimSpace(unescape(string(line))); text != "" {
			j.plain = append(j.plain, text)
		}
		return
	}
	switch e.Action {
	case "msg":
		j.message(e)
	case "start":
		j.start(e)
	case "result":
		j.result(e)
	}
}

func (j *journal) message(e event) {
	text := unescape(e.RawMsg)
	switch {
	case e.Level == levelError && text != "" && !strings.HasPrefix(text, "warning:"):
		for i := range e.Trace {
			e.Trace[i].Text = unescape(e.Trace[i].Text)
		}
		j.errors = append(j.errors, message{Text: text, File: e.File, Line: e.Line, Column: e.Column, Trace: e.Trace})
	case e.Level <= levelWarn:
		text = unescape(e.Msg)
		if strings.HasPrefix(text, "error:") {
			j.errors = append(j.errors, message{Text: strings.TrimSpace(strings.TrimPrefix(text, "error:"))})
			return
		}
		j.warnings = append(j.warnings, strings.TrimPrefix(text, "warning: "))
	}
}

func (j *journal) start(e event) {
	var object string
	if len(e.Fields) > 0 {
		_ = json.Unmarshal(e.Fields[0], &object) // where it is no text, it is no store path
	}
	switch e.Type {
	case activityBuild:
		if j.building == nil {
			j.building = map[uint64]string{}
		}
		j.building[e.ID] = object
		j.progress("building " + strings.TrimSuffix(named(object), ".drv"))
	case activityCopyPath:
		j.progress("copying " + named(object))
	case activityOther:
		// What is copied into the store is Nix's own business.
		if text := unescape(e.Text); text != "" && e.Level <= levelTalk && !strings.HasPrefix(text, "copying ") {
			j.progress(text)
		}
	}
}

// named is the name of a store path, without directory and hash.
func named(storePath string) string {
	path, err := schema.ParseStorePath(storePath)
	if err != nil {
		return storePath
	}
	return path.Name()
}

func (j *journal) result(e event) {
	drv := j.building[e.ID]
	if e.Type != resultBuildLog || drv == "" || len(e.Fields) == 0 {
		return
	}
	var line string
	if json.Unmarshal(e.Fields[0], &line) != nil {
		return
	}
	line = printable(unescape(line))
	if line == "" {
		return
	}
	if j.logs == nil {
		j.logs = map[string][]string{}
	}
	lines := append(j.logs[drv], line)
	j.logs[drv] = lines[max(0, len(lines)-keptLogLines):]
}

// printable drops control characters: a builder that cannot start sends its error
// in a binary form between zeros.
func printable(line string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, line))
}

// lastError is the error that ended the process; where Nix named none, what was
// printed last.
func (j *journal) lastError() message {
	if len(j.errors) > 0 {
		return j.errors[len(j.errors)-1]
	}
	for _, line := range slices.Backward(j.plain) {
		if text, isError := strings.CutPrefix(line, "error: "); isError {
			return message{Text: text}
		}
	}
	if len(j.plain) > 0 {
		return message{Text: j.plain[len(j.plain)-1]}
	}
	return message{}
}

// text is everything that was said, for looking for known troubles.
func (j *journal) text() string {
	var all []string
	for _, e := range j.errors {
		all = append(all, e.Text)
	}
	all = append(all, j.warnings...)
	return strings.Join(append(all, j.plain...), "\n")
}
