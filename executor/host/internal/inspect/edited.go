package inspect

import (
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// edited reports whether a file of ours that is about to go is not what the
// manifest before has put there, and says so: somebody has edited it by hand.
func (c *comparison) edited(name string, entry rooted.Entry) (bool, error) {
	if entry.Kind != rooted.File && entry.Kind != rooted.Symlink {
		return false, nil
	}
	was, known := c.previousWish(name)
	if !known {
		return false, nil
	}
	same := entry.Kind == rooted.Symlink && entry.Target == was.Symlink
	if entry.Kind == rooted.File && was.Symlink == "" {
		want, err := c.digestIn(was, c.previousClosure())
		if err != nil || want == "" {
			return false, nil // a source that is not there any more tells nothing
		}
		found, err := c.Files.Digest(name)
		if err != nil {
			return false, err
		}
		same = found == want
	}
	if !same {
		c.note("%s was edited by hand; the edited copy is kept in /var/lib/nixfleet/edits", name)
	}
	return !same, nil
}

// previousWish returns what the manifest before has at a path.
func (c *comparison) previousWish(name string) (FileWork, bool) {
	if c.Previous == nil || c.State.Applied == nil {
		return FileWork{}, false
	}
	if c.previous == nil {
		c.previous = wishes(c.Previous)
	}
	work, ok := c.previous[name]
	return work, ok
}

// previousClosure returns the store paths of the manifest before.
func (c *comparison) previousClosure() map[schema.StorePath]bool {
	closure := map[schema.StorePath]bool{}
	for _, path := range c.State.Applied.Verified {
		closure[path] = true
	}
	return closure
}

// wishes returns the content of all files and links that a manifest has.
func wishes(manifest *schema.Manifest) map[string]FileWork {
	found := map[string]FileWork{}
	for _, file := range manifest.Files {
		found[file.Path] = FileWork{Payload: file.Payload, Source: file.Source, Symlink: file.Symlink}
	}
	for _, u := range manifest.Units {
		found[unitPath(string(u.Name))] = FileWork{Payload: u.Payload}
		for _, link := range u.Links {
			found[unitPath(link)] = FileWork{Symlink: unitPath(string(u.Name))}
		}
	}
	for _, name := range manifest.Masks {
		found[unitPath(string(name))] = FileWork{Symlink: maskTarget}
	}
	return found
}
