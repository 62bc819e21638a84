// Package unitcheck asks systemd, where it is at hand, what it thinks of the text
// of units. What it says depends on its version, so it warns and never decides.
package unitcheck

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/nixfleet/nixfleet/schema"
)

// rounds bounds how many texts of one name are looked at: systemd knows a name once
// a run, and a thousand hosts with a text each say what the first few say.
const rounds = 3

// Unit is a unit's text.
type Unit struct {
	Name schema.UnitName
	Text string
}

// Finding is what systemd said of a line.
type Finding struct {
	// Unit is the index of the unit.
	Unit int
	// Line is the line in its text, from 1.
	Line int
	// Message is systemd's.
	Message string
}

// Identity is of the systemd that is asked: another one may say something else.
func Identity() []byte {
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		return nil
	}
	info, err := os.Stat(program)
	if err != nil {
		return nil
	}
	return fmt.Appendf(nil, "%s %d %d", program, info.Size(), info.ModTime().UnixNano())
}

// Check returns what systemd finds wrong with units; nothing where systemd-analyze
// is not installed. Commands that this machine lacks are no findings: a host is
// another machine.
func Check(ctx context.Context, temp string, units []Unit) ([]Finding, error) {
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		return nil, nil
	}
	var found []Finding
	for _, round := range split(units) {
		part, err := check(ctx, program, temp, units, round)
		if err != nil {
			return nil, err
		}
		found = append(found, part...)
	}
	return found, nil
}

// split puts units into rounds in which each name stands once; each round is a
// map from name to index.
func split(units []Unit) []map[schema.UnitName]int {
	var all []map[schema.UnitName]int
	seen := map[Unit]bool{}
	count := map[schema.UnitName]int{}
	for i, unit := range units {
		n := count[unit.Name]
		if seen[unit] || n == rounds {
			continue
		}
		seen[unit] = true
		count[unit.Name]++
		if n == len(all) {
			all = append(all, map[schema.UnitName]int{})
		}
		all[n][unit.Name] = i
	}
	return all
}

// complaint is a line of systemd's about a line of a file. What it says without a
// line is of commands and of other units, which are a host's.
var complaint = regexp.MustCompile(`(?m)^(?:.*/)?([^/\n]+):(\d+): (.+)$`)

func check(ctx context.Context, program, temp string, units []Unit, round map[schema.UnitName]int) ([]Finding, error) {
	dir, err := os.MkdirTemp(temp, "units-")
	if err != nil {
		return nil, fmt.Errorf("cannot check units: %w", err)
	}
	defer os.RemoveAll(dir)
	args := []string{"verify", "--man=no", "--recursive-errors=no"}
	for name, i := range round {
		file := filepath.Join(dir, string(name))
		if err := os.WriteFile(file, []byte(units[i].Text), 0o600); err != nil {
			return nil, fmt.Errorf("cannot check units: %w", err)
		}
		args = append(args, file)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{"LC_ALL=C", "SYSTEMD_LOG_COLOR=0", "SYSTEMD_UNIT_PATH=" + dir + ":", "PATH=/usr/bin:/bin"}
	var said bytes.Buffer
	cmd.Stderr = &said
	_ = cmd.Run() // its verdict is about this machine; what it says of lines is not
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return parse(said.String(), round), nil
}

func parse(said string, round map[schema.UnitName]int) []Finding {
	var found []Finding
	for _, match := range complaint.FindAllStringSubmatch(said, -1) {
		i, ours := round[schema.UnitName(match[1])]
		line, err := strconv.Atoi(match[2])
		if ours && err == nil {
			found = append(found, Finding{i, line, match[3]})
		}
	}
	return found
}
