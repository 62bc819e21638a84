package inspect

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// Host is the live host.
type Host struct {
	Files   *rooted.FS
	Units   unit.Manager
	Profile *nixstore.Profile
	// Processes returns the processes of a user.
	Processes func(uid int) []Process
}

// Process is a running process.
type Process struct {
	ID   int
	Unit schema.UnitName // empty where it belongs to none
}

// Goal is what the host shall be, and what it was.
type Goal struct {
	// Manifest is what the host shall be.
	Manifest *schema.Manifest
	// Closure are the store paths that files may come from.
	Closure map[schema.StorePath]bool
	// State is what NixFleet knows of the host.
	State *schema.State
	// Previous is the manifest applied last; nil where there is none.
	Previous *schema.Manifest
}

// Compare returns the work that makes the host what the goal says.
func Compare(ctx context.Context, host Host, goal Goal) (*Work, error) {
	accounts, err := account.Load(host.Files)
	if err != nil {
		return nil, err
	}
	c := &comparison{
		Host: host, Goal: goal, ctx: ctx, accounts: accounts, work: &Work{},
		changed: map[string]bool{}, emptied: map[string]bool{},
		enabled: map[schema.UnitName]bool{}, stopping: map[schema.UnitName]bool{}, homes: map[string]bool{}, busy: map[schema.AccountName]string{},
	}
	c.work.Owned = emptyOwned()
	c.wanted = map[string]bool{}
	c.gone = c.goneFiles()
	for _, step := range []func() error{
		c.compareUndeclared,
		c.compareGroups, c.compareUsers, c.compareDirectories, c.compareFiles, c.compareUnitFiles, c.compareMasks,
		c.compareDropped, c.compareParents, c.compareObstacles, c.compareProfile, c.compareUnits, c.compareDroppedAccounts, c.compareProcesses,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	c.work.Refusals = sortRefusals(c.work.Refusals)
	return c.work, nil
}

// comparison is a Compare at work.
type comparison struct {
	Host
	Goal
	ctx      context.Context
	accounts *account.Database
	work     *Work

	// wanted are the paths of files, units and links that the goal has.
	wanted map[string]bool
	// gone are owned files that the goal does not have: they are as good as absent.
	gone map[string]bool
	// emptied are owned directories that go.
	emptied map[string]bool
	// above are all directories above something that the goal has.
	above map[string]bool
	// changed are the paths of files that will be put, changed or removed.
	changed map[string]bool
	// parents are directories that must exist for what will be put.
	parents []string
	// enabled are units with a link that will be new.
	enabled map[schema.UnitName]bool
	// stopping are the units that will be stopped.
	stopping map[schema.UnitName]bool
	// homes are directories that useradd makes: homes, and what is missing above them.
	homes map[string]bool
	// previous are the files and links of the manifest before; nil before somebody asks.
	previous map[string]FileWork
	// busy are the users that must have no processes, with what is to be done to them.
	busy map[schema.AccountName]string
}

func (c *comparison) refuse(hint, format string, args ...any) {
	c.work.Refusals = append(c.work.Refusals, Refusal{fmt.Sprintf(format, args...), hint})
}

func (c *comparison) note(format string, args ...any) {
	c.work.Notes = append(c.work.Notes, fmt.Sprintf(format, args...))
}

func emptyOwned() schema.Owned {
	return schema.Owned{
		Files: map[string]schema.Original{}, Directories: map[string]schema.Original{},
		Users: map[schema.AccountName]schema.Original{}, Groups: map[schema.AccountName]schema.Original{},
	}
}

// goneFiles returns what of the owned files will not be there afterwards.
func (c *comparison) goneFiles() map[string]bool {
	wanted := c.wanted
	for _, file := range c.Manifest.Files {
		wanted[file.Path] = true
	}
	for _, u := range c.Manifest.Units {
		wanted[unitPath(string(u.Name))] = true
		for _, link := range u.Links {
			wanted[unitPath(link)] = true
		}
	}
	for _, name := range c.Manifest.Masks {
		wanted[unitPath(string(name))] = true
	}
	gone := map[string]bool{}
	for path, original := range c.State.Owned.Files {
		if !wanted[path] && !comesBack(original) {
			gone[path] = true
		}
	}
	return gone
}

func unitPath(name string) string { return schema.UnitDirectory + "/" + name }

// compareProfile compares the generation in effect.
func (c *comparison) compareProfile() error {
	closure := c.Manifest.Closure
	if closure == nil {
		return nil
	}
	number, current := c.Profile.Current()
	if current == closure.Path {
		return nil
	}
	digest, err := schema.DigestOfValue(c.Manifest)
	if err != nil {
		return err
	}
	next, err := NextGeneration(c.Profile, c.State, digest)
	if err != nil {
		return err
	}
	change := schema.Change{Action: schema.Update, Kind: "profile", Object: nixstore.ProfileLink,
		Detail: fmt.Sprintf("generation %d -> %d", number, next)}
	if number == 0 {
		change.Action, change.Detail = schema.Create, "generation "+strconv.Itoa(next)
	}
	c.work.Profile = &Step[schema.StorePath]{closure.Path, &change}
	return nil
}

// NextGeneration returns the number of the generation that a manifest would be:
// the one in effect where it is that already, otherwise one that never was.
func NextGeneration(profile *nixstore.Profile, state *schema.State, manifest schema.Digest) (int, error) {
	last := 0
	if applied := state.Applied; applied != nil {
		if last = applied.Generation; last > 0 && applied.Manifest == manifest {
			return last, nil
		}
	}
	newest, err := profile.Newest()
	return max(last, newest) + 1, err
}

func quote(s string) string { return strconv.Quote(s) }

func sortedKeys[K ~string, V any](table map[K]V) []K { return slices.Sorted(maps.Keys(table)) }

func joinNames[T ~string](names []T) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ", ")
}
