package nixstore

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/command"
)

// Find returns the host's nix-store; empty where there is none.
func Find() string {
	for _, dir := range Directories {
		file := filepath.Join(dir, "nix-store")
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}

var versionRE = regexp.MustCompile(`-nix-([0-9][0-9A-Za-z.+_]*)(?:/|$)`)

// Version returns the version of the Nix that program belongs to. Where its path
// in the store does not tell and a process is too dear, it is "unknown".
func Version(ctx context.Context, program string, runner command.Runner, mayRun bool) string {
	if program == "" {
		return ""
	}
	if file, err := filepath.EvalSymlinks(program); err == nil {
		if match := versionRE.FindStringSubmatch(file); match != nil {
			return match[1]
		}
	}
	if !mayRun {
		return "unknown"
	}
	// "nix-store (Nix) 2.8.0"
	out, err := runner.Run(ctx, program, "--version")
	words := strings.Fields(string(out))
	if err != nil || len(words) == 0 {
		return "unknown"
	}
	return words[len(words)-1]
}
