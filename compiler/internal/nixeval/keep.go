package nixeval

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

// rootRE is how nix-store names the links it makes of "closure".
var rootRE = regexp.MustCompile(`^closure(-part[0-9]+)?(-[0-9]+)?$`)

// AddRoots makes a link to each path in a directory and has Nix keep what the links
// lead to. Links of an earlier plan that are not replaced are removed last: until
// then both plans are kept.
func (n *Nix) AddRoots(ctx context.Context, dir string, paths []schema.StorePath) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the directory for roots: %w", err)
	}
	n.options.Progress("keeping " + closures(len(paths)))
	made := map[string]bool{}
	for i, chunk := range chunks(paths) {
		base := "closure"
		if i > 0 {
			base = fmt.Sprintf("closure-part%d", i+1)
		}
		// If we crash here, some links are the new plan's and some the old one's.
		out, err := n.store(ctx, append([]string{"--realise", "--indirect", "--add-root", filepath.Join(dir, base)}, chunk...)...)
		if err != nil {
			return n.explain(ctx, err)
		}
		for link := range strings.SplitSeq(strings.TrimSpace(string(out)), "\n") {
			made[filepath.Base(link)] = true
		}
	}
	if err := removeStale(dir, made); err != nil {
		return err
	}
	n.forgetRoots(dir)
	return nil
}

func removeStale(dir string, made map[string]bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("cannot read the directory for roots: %w", err)
	}
	for _, entry := range entries {
		link := filepath.Join(dir, entry.Name())
		target, err := os.Readlink(link)
		if err != nil || made[entry.Name()] || !rootRE.MatchString(entry.Name()) || !strings.HasPrefix(target, "/nix/store/") {
			continue
		}
		if err := os.Remove(link); err != nil {
			return fmt.Errorf("cannot remove a root that is no longer needed: %w", err)
		}
	}
	return nil
}

// Copy copies the paths and all they refer to into a binary cache: a directory,
// or a store that Nix writes by URL.
func (n *Nix) Copy(ctx context.Context, to string, paths []schema.StorePath) error {
	store, err := n.cacheURL(to)
	if err != nil {
		return err
	}
	n.options.Progress("copying closures to " + to)
	for _, chunk := range chunks(paths) {
		// If we crash here, the cache holds some of the paths, each whole.
		if _, err := n.flakes(ctx, append([]string{"copy", "--to", store}, chunk...)...); err != nil {
			if explained := n.explain(ctx, err); failureOf(explained) == nil {
				return explained
			}
			return diagnostic.List{{
				Code: diagnostic.CopyFailed, Severity: diagnostic.Error,
				Summary: fmt.Sprintf("cannot copy the closures to %q", to), Detail: failureOf(err).journal.lastError().Text,
				Hint: "a binary cache is a directory, as: --to ./cache",
			}}
		}
	}
	return nil
}

// cacheURL is a directory as Nix calls a binary cache in it, packed by zstd: that is
// many times as fast as the default.
func (n *Nix) cacheURL(to string) (string, error) {
	if strings.Contains(to, "://") {
		return to, nil
	}
	dir, err := filepath.Abs(to)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", diagnostic.List{{
			Code: diagnostic.CopyFailed, Severity: diagnostic.Error, Summary: fmt.Sprintf("cannot copy the closures to %q: %v", to, err),
		}}
	}
	if (&url.URL{Path: dir}).EscapedPath() != dir {
		// Versions of Nix do not agree on what is escaped in such a URL.
		link := filepath.Join(n.dir, "cache")
		if err := os.Symlink(dir, link); err != nil {
			return "", err
		}
		dir = link
	}
	return "file://" + dir + "?compression=zstd", nil
}
