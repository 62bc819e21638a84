package inspect

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// wish is a file or link that shall be there, whatever it is for.
type wish struct {
	FileWork
	adopt bool
	// option names the adopt option to set, for the hint.
	option string
}

// finding is what became of a wish.
type finding struct {
	// action is empty where nothing is to do.
	action schema.Action
	detail string
}

func (c *comparison) compareFiles() error {
	for _, file := range c.Manifest.Files {
		if err := schema.CheckFilePath(file.Path); err != nil {
			c.refuse("", "%v", err)
			continue
		}
		if file.Symlink == "" && !c.checkOwner(file.Path, file.Owner, file.Group) {
			continue
		}
		found, err := c.compareFile(wish{
			FileWork: FileWork{
				Path: file.Path, Payload: file.Payload, Source: file.Source, Symlink: file.Symlink,
				Owner:    Ownership{Mode: file.Mode.Bits(), Owner: file.Owner, Group: file.Group},
				Validate: file.Validate,
			},
			adopt: file.Adopt, option: "nixfleet.files." + quote(file.Path),
		}, func(found finding) *schema.Change {
			return &schema.Change{Action: found.action, Kind: "file", Object: file.Path, Detail: found.detail}
		})
		if err != nil {
			return err
		}
		if found.action != "" {
			c.changed[file.Path] = true
		}
	}
	return nil
}

// compareFile compares one wish with what is there, and adds the work.
func (c *comparison) compareFile(want wish, change func(finding) *schema.Change) (finding, error) {
	entry, ok, err := c.lookup(want.Path)
	if err != nil || !ok {
		return finding{}, err
	}
	if !c.checkSource(want.FileWork) {
		return finding{}, nil
	}
	original, owned := c.State.Owned.Files[want.Path]
	var found finding
	switch {
	case entry.Kind == rooted.Absent:
		found.action = schema.Create
		c.parents = append(c.parents, want.Path)
	case entry.Kind == rooted.Directory || entry.Kind == rooted.Other:
		c.refuse("move it away", "cannot put a file at %s: expected a file or nothing, found %s", want.Path, describe(entry, c.accounts))
		return finding{}, nil
	case !owned && !want.adopt:
		c.refuse(fmt.Sprintf("set %s.adopt = true to take it over (the original is kept and comes back), or move it away", want.option),
			"%s exists and NixFleet did not create it: expected nothing, found %s", want.Path, describe(entry, c.accounts))
		return finding{}, nil
	case !owned:
		found.action = schema.Adopt
		if original, err = c.originalFile(want.Path, entry); err != nil {
			return finding{}, err
		}
	default:
		if found.detail, err = c.difference(want, entry); err != nil {
			return finding{}, err
		}
		if found.detail != "" {
			found.action = schema.Update
			if want.Edited, err = c.edited(want.Path, entry); err != nil {
				return finding{}, err
			}
		}
	}
	c.work.Owned.Files[want.Path] = original
	if found.action != "" {
		want.Replace, want.Home = entry.Kind != rooted.Absent, c.homes[path.Dir(want.Path)]
		c.work.Files = append(c.work.Files, Step[FileWork]{want.FileWork, change(found)})
	}
	return found, nil
}

// lookup tells what will stand at a path when everything that goes is gone. It is
// not ok, and refused, where the path leads through something else than directories.
func (c *comparison) lookup(name string) (entry rooted.Entry, ok bool, err error) {
	entry, err = c.Files.Lookup(name)
	var blocked *rooted.BlockedError
	switch {
	case errors.As(err, &blocked) && c.gone[blocked.Component] && blocked.Entry.Removable():
		return rooted.Entry{}, true, nil
	case errors.As(err, &blocked):
		c.refuse("move it away, or declare the path as it really is", "cannot manage %s: %v", name, blocked)
		return rooted.Entry{}, false, nil
	case err != nil:
		return rooted.Entry{}, false, err
	case c.gone[name] && entry.Removable(), c.emptied[name]:
		return rooted.Entry{}, true, nil
	}
	return entry, true, nil
}

// originalFile describes a file for the day when the intent lets go of it.
func (c *comparison) originalFile(name string, entry rooted.Entry) (schema.Original, error) {
	original := schema.Original{Adopted: true, Symlink: entry.Target}
	if entry.Kind == rooted.Symlink {
		return original, nil
	}
	digest, err := c.Files.Digest(name)
	original.Content, original.Mode, original.UID, original.GID = digest, entry.ModeText(), entry.UID, entry.GID
	return original, err
}

// difference says what is not as it shall be; empty where nothing is.
func (c *comparison) difference(want wish, entry rooted.Entry) (string, error) {
	if want.Symlink != "" {
		if entry.Kind == rooted.Symlink && entry.Target == want.Symlink {
			return "", nil
		}
		return "link " + quote(entry.Target) + " -> " + quote(want.Symlink), nil
	}
	if entry.Kind != rooted.File {
		return "was a " + string(entry.Kind), nil
	}
	details := c.ownerDifference(want.Owner, entry)
	digest, err := c.wantedDigest(want.FileWork)
	if err != nil {
		return "", err
	}
	found, err := c.Files.Digest(want.Path)
	if err != nil {
		return "", err
	}
	if found != digest {
		details = append([]string{"content"}, details...)
	}
	return strings.Join(details, ", "), nil
}

func (c *comparison) ownerDifference(want Ownership, entry rooted.Entry) []string {
	var details []string
	if entry.Mode != want.Mode {
		details = append(details, fmt.Sprintf("mode %s -> %s", entry.ModeText(), schema.ModeOf(want.Mode)))
	}
	if user, ok := c.accounts.User(want.Owner); !ok || user.UID != entry.UID {
		details = append(details, fmt.Sprintf("owner %s -> %s", c.accounts.UserName(entry.UID), want.Owner))
	}
	if group, ok := c.accounts.Group(want.Group); !ok || group.GID != entry.GID {
		details = append(details, fmt.Sprintf("group %s -> %s", c.accounts.GroupName(entry.GID), want.Group))
	}
	return details
}

// wantedDigest returns the digest of the content; empty where the closure that
// holds it is not on the host yet.
func (c *comparison) wantedDigest(want FileWork) (schema.Digest, error) {
	return c.digestIn(want, c.Closure)
}

func (c *comparison) digestIn(want FileWork, closure map[schema.StorePath]bool) (schema.Digest, error) {
	if want.Payload != "" {
		return want.Payload, nil
	}
	file, err := SourceFile(c.Files, closure, want.Source)
	if errors.Is(err, errNotThere) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return c.Files.Digest(file)
}

// checkSource refuses a source that is not a file of the closure. One that has
// not been copied yet may become one.
func (c *comparison) checkSource(want FileWork) bool {
	if want.Source == "" {
		return true
	}
	_, err := SourceFile(c.Files, c.Closure, want.Source)
	if err == nil || errors.Is(err, errNotThere) {
		return true
	}
	c.refuse("", "cannot take %s from the store: %v", want.Path, err)
	return false
}

var errNotThere = errors.New("it is not in the host's store")

// SourceFile returns the regular file that a source of the manifest stands for,
// links within the closure followed.
func SourceFile(files *rooted.FS, closure map[schema.StorePath]bool, source string) (string, error) {
	if p, ok := storePathOf(source); !ok || !closure[p] {
		return "", fmt.Errorf("%s is not in the host's closure", source)
	}
	file, err := files.Resolve(source)
	if err != nil {
		return "", errNotThere
	}
	if p, ok := storePathOf(file); !ok || !closure[p] {
		return "", fmt.Errorf("%s leads to %s, which is not in the host's closure", source, file)
	}
	entry, err := files.Lookup(file)
	if err != nil {
		return "", err
	}
	if entry.Kind != rooted.File {
		return "", fmt.Errorf("%s is a %s, expected a file", source, entry.Kind)
	}
	return file, nil
}

// storePathOf returns the store path that name is in.
func storePathOf(name string) (schema.StorePath, bool) {
	rest, ok := strings.CutPrefix(name, "/nix/store/")
	if !ok {
		return "", false
	}
	object, _, _ := strings.Cut(rest, "/")
	p, err := schema.ParseStorePath("/nix/store/" + object)
	return p, err == nil
}
