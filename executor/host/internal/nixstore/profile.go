package nixstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/nixfleet/nixfleet/executor/host/internal/effect"
	"github.com/nixfleet/nixfleet/schema"
)

// ProfileLink is the host's profile: a link to the generation in effect, which
// is a link to the store.
const ProfileLink = profiles + "/system"

const (
	profiles = "/nix/var/nix/profiles/nixfleet"
	// stagedRoot keeps a closure from the garbage collector until the profile does.
	stagedRoot = "/nix/var/nix/gcroots/nixfleet/staged"
)

var generationRE = regexp.MustCompile(`^system-([1-9][0-9]{0,8})-link$`)

// Profile is the host's profile and its generations.
type Profile struct {
	root  string
	fault effect.Fault
}

// NewProfile returns the profile below root, which is "/" on a host.
func NewProfile(root string, fault effect.Fault) *Profile { return &Profile{root, fault} }

func (p *Profile) at(name string) string { return filepath.Join(p.root, name) }

func generationLink(n int) string { return fmt.Sprintf("system-%d-link", n) }

// Current returns the generation in effect and where it points. Without a
// profile both are empty.
func (p *Profile) Current() (generation int, path schema.StorePath) {
	link, err := os.Readlink(p.at(ProfileLink))
	if err != nil {
		return 0, ""
	}
	generation = numberOf(link)
	if generation == 0 {
		return 0, ""
	}
	target, err := os.Readlink(p.at(filepath.Join(profiles, link)))
	if err != nil {
		return generation, ""
	}
	return generation, schema.StorePath(target)
}

// Next returns the generation that path would become: as nix-env --set does, the
// newest when that is path already, otherwise a new one.
func (p *Profile) Next(path schema.StorePath) (int, error) {
	entries, err := os.ReadDir(p.at(profiles))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("cannot list the generations: %w", err)
	}
	newest := 0
	for _, entry := range entries {
		newest = max(newest, numberOf(entry.Name()))
	}
	if newest > 0 {
		target, err := os.Readlink(p.at(filepath.Join(profiles, generationLink(newest))))
		if err == nil && target == string(path) {
			return newest, nil
		}
	}
	return newest + 1, nil
}

func numberOf(link string) int {
	match := generationRE.FindStringSubmatch(link)
	if match == nil {
		return 0
	}
	n, _ := strconv.Atoi(match[1]) // nine digits at most
	return n
}

// Root keeps path and all it needs from the garbage collector, until [Profile.Unroot].
func (p *Profile) Root(path schema.StorePath) error {
	// If we crash here, an unneeded root remains until the next apply.
	return p.link(stagedRoot, string(path))
}

// Unroot lets go of what [Profile.Root] kept.
func (p *Profile) Unroot() error {
	return p.fault.Do("remove "+stagedRoot, func() error {
		err := os.Remove(p.at(stagedRoot))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// Switch makes path the generation in effect.
func (p *Profile) Switch(generation int, path schema.StorePath) error {
	name := generationLink(generation)
	// If we crash here, a generation exists that was never in effect; the next
	// apply of the same closure uses it.
	if err := p.link(filepath.Join(profiles, name), string(path)); err != nil {
		return err
	}
	// If we crash here, the old or the new generation is in effect.
	return p.link(ProfileLink, name)
}

// link replaces a symbolic link, atomically and durably.
func (p *Profile) link(name, target string) error {
	return p.fault.Do("link "+name, func() error {
		file := p.at(name)
		if current, err := os.Readlink(file); err == nil && current == target {
			return nil
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("cannot set %s: %w", name, err)
		}
		temporary := file + ".new"
		if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot set %s: %w", name, err)
		}
		if err := errors.Join(os.Symlink(target, temporary), os.Rename(temporary, file)); err != nil {
			return fmt.Errorf("cannot set %s: %w", name, err)
		}
		dir, err := os.Open(filepath.Dir(file))
		if err != nil {
			return fmt.Errorf("cannot set %s: %w", name, err)
		}
		return errors.Join(dir.Sync(), dir.Close())
	})
}
