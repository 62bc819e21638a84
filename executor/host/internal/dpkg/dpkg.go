// Package dpkg reads and changes what is selected for the packages of a host: whether
// dpkg and apt may upgrade or remove them. It never installs or removes a package.
package dpkg

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/command"
	"github.com/nixfleet/nixfleet/executor/host/internal/effect"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// Directory holds the database of packages. dpkg makes its changes durable by itself.
const Directory = "/var/lib/dpkg"

// Selection is what is to happen to a package: "install", "hold", "deinstall", "purge".
type Selection string

// Install lets a package be upgraded and removed; Hold leaves it as it is.
const (
	Install Selection = "install"
	Hold    Selection = "hold"
)

// Installed are the installed packages of a host: what is selected for each, by
// name and instance. A package has an instance for each architecture: "libc6:amd64".
type Installed map[schema.PackageName]map[string]Selection

// Load reads what is installed. A host without dpkg has nothing.
func Load(files *rooted.FS) (Installed, error) {
	data, err := files.Read(Directory + "/status")
	if errors.Is(err, fs.ErrNotExist) {
		return Installed{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the packages of the host: %w", err)
	}
	installed := Installed{}
	fields := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if lines.Text() == "" {
			installed.add(fields)
			clear(fields)
			continue
		}
		if name, value, ok := strings.Cut(lines.Text(), ": "); ok && slices.Contains([]string{"Package", "Status", "Architecture"}, name) {
			fields[name] = value
		}
	}
	installed.add(fields)
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the packages of the host: %w", err)
	}
	return installed, nil
}

// add adds the package of a paragraph, if it is installed: "Status: hold ok installed".
func (i Installed) add(fields map[string]string) {
	status := strings.Fields(fields["Status"])
	if len(status) != 3 || status[2] == "not-installed" || status[2] == "config-files" {
		return
	}
	name := schema.PackageName(fields["Package"])
	if i[name] == nil {
		i[name] = map[string]Selection{}
	}
	i[name][string(name)+":"+fields["Architecture"]] = Selection(status[0])
}

// Tools changes selections.
type Tools struct {
	Runner command.Runner
	Fault  effect.Fault
}

// Select selects for instances of packages. It fails while dpkg or apt is at work.
func (t Tools) Select(ctx context.Context, selections map[string]Selection) error {
	args := []string{"-c", `printf '%s\n' "$@" | dpkg --set-selections`, "sh"}
	for instance, selection := range selections {
		args = append(args, instance+" "+string(selection))
	}
	slices.Sort(args[3:])
	// If we crash here, all of it is selected or nothing, and the record knows what was before.
	return t.Fault.Do("dpkg --set-selections", func() error {
		if _, err := t.Runner.Run(ctx, "sh", args...); err != nil {
			return fmt.Errorf("cannot select packages: %w", err)
		}
		return nil
	})
}
