package nixeval

import (
	"context"
	"os/exec"
	"path"
	"slices"
	"strings"
)

// untracked returns the files of a fleet in a git checkout that git does not know
// although they look like a part of it: modules, inventories and policies. Nix reads
// the checkout without them and says nothing.
func (n *Nix) untracked(ctx context.Context, local string) []string {
	if root, _ := gitRoot(local); root == "" {
		return nil
	}
	cmd := exec.CommandContext(ctx, "git", "-C", local, "ls-files", "--others", "--exclude-standard", "-z")
	cmd.Env = n.env
	out, err := cmd.Output()
	if err != nil {
		return nil // git has said why when Nix asked it
	}
	var files []string
	for file := range strings.SplitSeq(string(out), "\x00") {
		if path.Ext(file) == ".nix" || strings.HasPrefix(file, "inventory/") || strings.HasPrefix(file, "policy/") {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	return files
}
