package nixeval

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

// fleetID is the name under which Nix finds the fleet, in a registry of our own:
// unlike a URL, a registry entry takes any path and a directory below it.
const fleetID = "nixfleet-fleet"

// Source is a fleet's locked source tree.
type Source struct {
	// Tree is where the tree is in the store, with its hash.
	Tree
	// Directory is the fleet's place in the tree; empty when it is the tree itself.
	Directory string
	// Revision is the git commit of a clean tree.
	Revision string
	// Dirty says that the tree has uncommitted changes.
	Dirty bool
	// Untracked are modules, inventories and policies that git does not know, and so no
	// part of the tree.
	Untracked []string
	// local is the fleet's directory on this machine; empty for a remote flake.
	local  string
	locked map[string]any
}

// Fleet returns the fleet's directory in the locked tree.
func (s *Source) Fleet() string { return filepath.Join(s.Path, filepath.FromSlash(s.Directory)) }

// Local returns the fleet's directory on this machine; empty for a remote flake.
func (s *Source) Local() string { return s.local }

// Identity is of all that an evaluation can see of the source.
func (s *Source) Identity() ([]byte, error) { return json.Marshal(s.locked) }

// LockSource resolves a fleet to a locked tree in the store. A fleet is a
// directory, "path:DIRECTORY" (whatever git says) or any flake reference.
func (n *Nix) LockSource(ctx context.Context, fleet string) (*Source, error) {
	n.options.Progress("reading " + fleet)
	ref, local, err := n.reference(fleet)
	if err != nil {
		return nil, err
	}
	// Not --no-write-lock-file as well: with it, inputs that are not locked are taken
	// as they happen to be.
	out, err := n.flakes(ctx, append(n.registry(), "flake", "metadata", "--json", "--no-update-lock-file", ref)...)
	if err != nil {
		return nil, n.explainSource(ctx, err, fleet, local)
	}
	source, err := parseMetadata(ctx, out)
	if err != nil {
		return nil, err
	}
	source.local = local
	if local != "" && !strings.HasPrefix(fleet, "path:") {
		source.Untracked = n.untracked(ctx, local)
	}
	return source, nil
}

func parseMetadata(ctx context.Context, data []byte) (*Source, error) {
	var metadata struct {
		Path   string         `json:"path"`
		Locked map[string]any `json:"locked"`
	}
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.UseNumber()
	if err := decoder.Decode(&metadata); err != nil {
		return nil, fmt.Errorf("cannot read the output of nix flake metadata: %w", err)
	}
	text := func(key string) string { s, _ := metadata.Locked[key].(string); return s }
	source := &Source{Directory: text("dir"), Revision: text("rev"), locked: metadata.Locked}
	source.Path, source.NarHash = metadata.Path, schema.NarHash(text("narHash"))
	if !strings.HasPrefix(source.Path, "/nix/store/") {
		return nil, diagnostic.List{{
			Code: diagnostic.NixStore, Severity: diagnostic.Error,
			Summary: fmt.Sprintf("this Nix has its store elsewhere: expected /nix/store, found %q", filepath.Dir(source.Path)),
			Hint:    "unset NIX_STORE_DIR, and leave `store' out of nix.conf: hosts have what a plan names in /nix/store",
		}}
	}
	if source.NarHash == "" { // some versions copy lazily and do not say
		tree, err := HashTree(ctx, source.Path)
		if err != nil {
			return nil, fmt.Errorf("cannot hash the fleet's source: %w", err)
		}
		source.NarHash = tree.NarHash
	}
	source.Dirty = source.Revision == "" && text("type") == "git"
	if source.Revision == "" {
		// Locked by content, not by the directory, which may change meanwhile; and the
		// time of a file's last change is none of a plan's business.
		source.locked = map[string]any{"type": "path", "path": source.Path, "narHash": source.NarHash, "lastModified": 1}
		if source.Directory != "" {
			source.locked["dir"] = source.Directory
		}
	}
	return source, nil
}

// reference returns what to call the fleet on Nix's command line, after making
// the registry entry it needs, and its directory on this machine.
func (n *Nix) reference(fleet string) (ref, local string, err error) {
	path, plain := strings.CutPrefix(fleet, "path:")
	info, statErr := os.Stat(path)
	if statErr != nil && strings.Contains(fleet, ":") && !plain {
		return fleet, "", n.writeRegistry(nil)
	}
	if statErr == nil && !info.IsDir() {
		return "", "", diagnostic.List{{
			Code: diagnostic.SourceMissing, Severity: diagnostic.Error,
			Summary: fmt.Sprintf("%q is a file, and a fleet is a directory with a flake.nix", fleet),
			Hint:    "name the directory it is in: nixfleet compile " + filepath.Dir(path) + " -o plan.json",
		}}
	}
	if statErr != nil {
		return "", "", diagnostic.List{{
			Code: diagnostic.SourceMissing, Severity: diagnostic.Error,
			Summary: fmt.Sprintf("there is no fleet at %q", fleet),
			Detail:  "a fleet is a directory with a flake.nix",
			Hint:    "name the fleet's directory, as: nixfleet compile ./fleet -o plan.json",
		}}
	}
	if local, err = filepath.EvalSymlinks(path); err != nil {
		return "", "", err
	}
	if local, err = filepath.Abs(local); err != nil {
		return "", "", err
	}
	if _, err := os.Stat(filepath.Join(local, "flake.nix")); err != nil {
		return "", "", diagnostic.List{{
			Code: diagnostic.SourceNoFlake, Severity: diagnostic.Error,
			Summary: fmt.Sprintf("%q is not a fleet: it has no flake.nix", fleet),
			Hint:    "name the directory that holds the fleet's flake.nix",
		}}
	}
	entry, err := n.registryEntry(local, plain)
	if err != nil {
		return "", "", err
	}
	return "flake:" + fleetID, local, n.writeRegistry(entry)
}

// registryEntry says how Nix reads a fleet's directory: as git has it, or plainly
// as it is.
func (n *Nix) registryEntry(local string, plain bool) (map[string]any, error) {
	if root, dir := gitRoot(local); root != "" && !plain {
		return gitEntry(root, dir)
	}
	dir, err := n.withoutPlans(local)
	if err != nil {
		return nil, fmt.Errorf("cannot read the fleet: %w", err)
	}
	return map[string]any{"type": "path", "path": dir}, nil
}

// gitRoot returns the checkout that dir is in and its place there, as Nix itself
// looks for it; root is empty outside of any.
func gitRoot(dir string) (root, sub string) {
	for root = dir; ; root = filepath.Dir(root) {
		if _, err := os.Lstat(filepath.Join(root, ".git")); err == nil {
			sub, _ = filepath.Rel(root, dir)
			if sub == "." {
				sub = ""
			}
			return root, filepath.ToSlash(sub)
		}
		if root == filepath.Dir(root) {
			return "", ""
		}
	}
}

// gitEntry refuses paths that a URL must escape: Nix 2.8 reads such a checkout's
// last commit and takes no notice of uncommitted changes.
func gitEntry(root, dir string) (map[string]any, error) {
	if (&url.URL{Path: root}).EscapedPath() != root {
		return nil, diagnostic.List{{
			Code: diagnostic.SourceFetch, Severity: diagnostic.Error,
			Summary: fmt.Sprintf("Nix cannot read the git checkout %q: its path has characters that a URL must escape", root),
			Hint:    "move the checkout, or compile \"path:DIRECTORY\", which reads the files as they are, whatever git says",
		}}
	}
	entry := map[string]any{"type": "git", "url": "file://" + root}
	if dir != "" {
		entry["dir"] = dir
	}
	if _, err := os.Stat(filepath.Join(root, ".git", "shallow")); err == nil {
		entry["shallow"] = true
	}
	return entry, nil
}

func (n *Nix) registryFile() string { return filepath.Join(n.dir, "registry.json") }

func (n *Nix) registry() []string {
	return []string{"--option", "flake-registry", n.registryFile(), "--option", "use-registries", "true"}
}

// writeRegistry writes a registry that knows the fleet only; nil for none.
func (n *Nix) writeRegistry(entry map[string]any) error {
	flakes := []any{}
	if entry != nil {
		flakes = append(flakes, map[string]any{"from": map[string]string{"type": "indirect", "id": fleetID}, "to": entry})
	}
	data, err := json.Marshal(map[string]any{"version": 2, "flakes": flakes})
	if err != nil {
		return err
	}
	return os.WriteFile(n.registryFile(), data, 0o600)
}
