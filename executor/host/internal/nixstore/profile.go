package nixstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// Newest returns the highest number that a generation of the profile has.
func (p *Profile) Newest() (int, error) {
	numbers, err := p.numbers()
	if err != nil || len(numbers) == 0 {
		return 0, err
	}
	return slices.Max(numbers), nil
}

func (p *Profile) numbers() ([]int, error) {
	entries, err := os.ReadDir(p.at(profiles))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot list the generations: %w", err)
	}
	var numbers []int
	for _, entry := range entries {
		if n := numberOf(entry.Name()); n > 0 {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
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
	// If we crash here, an unneeded root remains until recovery.
	return p.link(stagedRoot, string(path))
}

// Unroot lets go of what [Profile.Root] kept.
func (p *Profile) Unroot() error {
	if _, err := os.Lstat(p.at(stagedRoot)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	// If we crash here, the root goes with the next transaction or stays: it keeps
	// a closure for nothing, and nothing else.
	return p.fault.Do("remove "+stagedRoot, func() error {
		if err := os.Remove(p.at(stagedRoot)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove %s: %w", stagedRoot, err)
		}
		return p.sync(filepath.Dir(stagedRoot))
	})
}

// Links are what the profile's two links say; empty where there is none.
type Links struct {
	// System is the name of the generation in effect: "system-4-link".
	System string `json:"system,omitempty"`
	// Generation is where the generation of a number points.
	Generation string `json:"generation,omitempty"`
}

// Links returns what the profile's links are, for [Profile.Return].
func (p *Profile) Links(generation int) (links Links, err error) {
	for name, target := range map[string]*string{ProfileLink: &links.System, generationPath(generation): &links.Generation} {
		*target, err = os.Readlink(p.at(name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Links{}, fmt.Errorf("cannot read %s: %w", name, err)
		}
	}
	return links, nil
}

func generationPath(n int) string { return filepath.Join(profiles, generationLink(n)) }

// Switch makes path the generation in effect, under that number.
func (p *Profile) Switch(generation int, path schema.StorePath) error {
	// If we crash here, a generation exists that was never in effect, until recovery
	// removes it.
	if err := p.link(generationPath(generation), string(path)); err != nil {
		return err
	}
	// If we crash here, the old or the new generation is in effect.
	return p.link(ProfileLink, generationLink(generation))
}

// Return makes the links what they were.
func (p *Profile) Return(generation int, links Links) error {
	// If we crash here, the old or the new generation is in effect, and both exist.
	if err := p.set(ProfileLink, links.System); err != nil {
		return err
	}
	// If we crash here, a generation exists that is not in effect; the next recovery
	// removes it.
	return p.set(generationPath(generation), links.Generation)
}

// set makes a link, or removes it where it shall point nowhere.
func (p *Profile) set(name, target string) error {
	if target != "" {
		return p.link(name, target)
	}
	if _, err := os.Lstat(p.at(name)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return p.fault.Do("remove "+name, func() error {
		if err := os.Remove(p.at(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove %s: %w", name, err)
		}
		return p.sync(filepath.Dir(name))
	})
}

// Collect removes the generations below newest that keep does not name. Their
// closures are Nix's to collect from then on.
func (p *Profile) Collect(newest int, keep []int) error {
	numbers, err := p.numbers()
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if n >= newest || slices.Contains(keep, n) {
			continue
		}
		// If we crash here, the next transaction removes the rest.
		if err := p.set(generationPath(n), ""); err != nil {
			return err
		}
	}
	return nil
}

// link replaces a symbolic link, atomically and durably.
func (p *Profile) link(name, target string) error {
	return p.fault.Do("link "+name, func() error {
		file := p.at(name)
		if current, err := os.Readlink(file); err == nil && current == target {
			return p.sync(filepath.Dir(name)) // it may be there without being on the disk
		}
		if err := p.makeDirectories(filepath.Dir(name)); err != nil {
			return fmt.Errorf("cannot set %s: %w", name, err)
		}
		temporary := file + ".new"
		if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot set %s: %w", name, err)
		}
		if err := errors.Join(os.Symlink(target, temporary), os.Rename(temporary, file)); err != nil {
			return fmt.Errorf("cannot set %s: %w", name, errors.Join(err, os.Remove(temporary)))
		}
		if err := p.sync(filepath.Dir(name)); err != nil {
			return fmt.Errorf("cannot set %s: %w", name, err)
		}
		return nil
	})
}

// makeDirectories makes a directory with all above it, durably.
func (p *Profile) makeDirectories(name string) error {
	if _, err := os.Stat(p.at(name)); err == nil || name == "/" {
		return err
	}
	if err := p.makeDirectories(filepath.Dir(name)); err != nil {
		return err
	}
	if err := os.Mkdir(p.at(name), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return p.sync(filepath.Dir(name))
}

func (p *Profile) sync(name string) error {
	dir, err := os.Open(p.at(name))
	if err != nil {
		return err
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return err
	}
	p.fault.Synced(name)
	return nil
}
