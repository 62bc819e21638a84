package observe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/inspect"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/schema"
)

// differ compares the host with what was applied. What is to be done to make it
// that again decides whether something has drifted, so that drift is exactly
// what an execution of the same plan would put right; the rest is said in words.
type differ struct {
	Host
	ctx         context.Context
	observation *schema.Observation
	accounts    *account.Database
	work        *inspect.Work
	found       map[object]*schema.Drift
	// beside is what somebody put beside managed things.
	beside []schema.Drift
}

type object struct{ kind, name string }

func (d *differ) look() {
	if d.Applied == nil {
		d.problem("what was applied cannot be compared: its manifest is not kept, or spoilt")
		return
	}
	d.found = map[object]*schema.Drift{}
	var err error
	if d.accounts, err = account.Load(d.Live.Files); err == nil {
		d.work, err = inspect.Compare(d.ctx, d.Live, inspect.Goal{Manifest: d.Applied, Closure: d.closure(), State: d.State})
	}
	if err != nil {
		d.problem(err.Error())
		return
	}
	d.files()
	d.directories()
	d.groups()
	d.users()
	d.profile()
	d.paths()
	d.units()
	d.besides()
	d.obstacles()
	for _, key := range slices.SortedFunc(maps.Keys(d.found), byKindAndName) {
		d.observation.Drift = append(d.observation.Drift, *d.found[key])
	}
	d.observation.Drift = append(d.observation.Drift, d.beside...)
}

func (d *differ) problem(text string) {
	d.observation.Problems = append(d.observation.Problems, text)
}

var kinds = []string{"file", "directory", "user", "group", "unit", "profile", "store path", "host"}

func byKindAndName(a, b object) int {
	if n := slices.Index(kinds, a.kind) - slices.Index(kinds, b.kind); n != 0 {
		return n
	}
	return strings.Compare(a.name, b.name)
}

func (d *differ) add(kind, name string, differences ...schema.Difference) {
	key := object{kind, name}
	if d.found[key] == nil {
		d.found[key] = &schema.Drift{Kind: kind, Object: name}
	}
	d.found[key].Differences = append(d.found[key].Differences, differences...)
}

// files looks at the files and links that are to be put in place again.
func (d *differ) files() {
	for _, step := range d.work.Files {
		kind, name := d.objectOf(step.Do.Path)
		entry, err := d.Live.Files.Lookup(step.Do.Path)
		if err != nil {
			continue // obstacles says why
		}
		if link, ok := d.enabling(step.Do); ok {
			d.add(kind, name, schema.Difference{Property: schema.PropertyEnabled, Was: "yes", Is: "no, " + link + " is " + missingOr(entry)})
			continue
		}
		if masks(step.Do) {
			d.add(kind, name, schema.Difference{Property: schema.PropertyMasked, Was: "yes", Is: "no"})
			continue
		}
		d.add(kind, name, d.fileDifferences(step.Do, entry)...)
	}
}

// objectOf returns what a path is for people: a unit's files are the unit's.
func (d *differ) objectOf(name string) (kind, object string) {
	rest, ok := strings.CutPrefix(name, schema.UnitDirectory+"/")
	dir, _, nested := strings.Cut(rest, "/")
	switch {
	case ok && !nested:
		return "unit", rest
	case ok && (strings.HasSuffix(dir, ".wants") || strings.HasSuffix(dir, ".requires")):
		return "unit", path.Base(rest)
	}
	return "file", name
}

// enabling returns the link that enables a unit, as people know it.
func (d *differ) enabling(work inspect.FileWork) (link string, ok bool) {
	rest, inside := strings.CutPrefix(work.Path, schema.UnitDirectory+"/")
	return rest, inside && work.Symlink != "" && strings.HasPrefix(work.Symlink, schema.UnitDirectory+"/")
}

func masks(work inspect.FileWork) bool {
	return path.Dir(work.Path) == schema.UnitDirectory && work.Symlink == "/dev/null"
}

func missingOr(entry rooted.Entry) string {
	if entry.Kind == rooted.Absent {
		return "missing"
	}
	return "another link"
}

func (d *differ) fileDifferences(work inspect.FileWork, entry rooted.Entry) []schema.Difference {
	if entry.Kind == rooted.Absent {
		return []schema.Difference{{Property: schema.PropertyType, Was: wantedType(work), Is: "nothing"}}
	}
	if path.Dir(work.Path) == schema.UnitDirectory && entry.Kind == rooted.Symlink && entry.Target == "/dev/null" {
		return []schema.Difference{{Property: schema.PropertyMasked, Was: "no", Is: "yes, by hand"}}
	}
	if work.Symlink != "" {
		if entry.Kind == rooted.Symlink {
			return []schema.Difference{{Property: "target", Was: work.Symlink, Is: entry.Target}}
		}
		return []schema.Difference{{Property: schema.PropertyType, Was: wantedType(work), Is: string(entry.Kind)}}
	}
	if entry.Kind != rooted.File {
		return []schema.Difference{{Property: schema.PropertyType, Was: "file", Is: typeText(entry)}}
	}
	var differences []schema.Difference
	was := work.Payload
	if was == "" {
		was = schema.Digest(work.Source)
		if file, err := inspect.SourceFile(d.Live.Files, d.closure(), work.Source); err == nil {
			if digest, err := d.Live.Files.Digest(file); err == nil {
				was = digest
			}
		}
	}
	if is, err := d.Live.Files.Digest(work.Path); err == nil && is != was {
		if (entry.Mode&work.Owner.Mode)&othersRead == 0 { // by its digest a short content could be guessed
			was, is = "what was applied", "another"
		}
		differences = append(differences, schema.Difference{Property: schema.PropertyContent, Was: string(was), Is: string(is)})
	}
	return append(differences, d.ownerDifferences(work.Owner, entry)...)
}

func (d *differ) ownerDifferences(want inspect.Ownership, entry rooted.Entry) []schema.Difference {
	var differences []schema.Difference
	if entry.Mode != want.Mode {
		differences = append(differences, schema.Difference{Property: "mode", Was: string(schema.ModeOf(want.Mode)), Is: string(entry.ModeText())})
	}
	if user, ok := d.accounts.User(want.Owner); !ok || user.UID != entry.UID {
		differences = append(differences, schema.Difference{Property: "owner", Was: string(want.Owner), Is: d.accounts.UserName(entry.UID)})
	}
	if group, ok := d.accounts.Group(want.Group); !ok || group.GID != entry.GID {
		differences = append(differences, schema.Difference{Property: "group", Was: string(want.Group), Is: d.accounts.GroupName(entry.GID)})
	}
	return differences
}

func wantedType(work inspect.FileWork) string {
	if work.Symlink != "" {
		return "symbolic link"
	}
	return "file"
}

func typeText(entry rooted.Entry) string {
	if entry.Kind == rooted.Symlink {
		return "symbolic link to " + entry.Target
	}
	return string(entry.Kind)
}

func (d *differ) directories() {
	for _, step := range d.work.Directories {
		entry, err := d.Live.Files.Lookup(step.Do.Path)
		switch {
		case err != nil:
		case entry.Kind == rooted.Absent:
			d.add("directory", step.Do.Path, schema.Difference{Property: schema.PropertyType, Was: "directory", Is: "nothing"})
		default:
			d.add("directory", step.Do.Path, d.ownerDifferences(step.Do.Owner, entry)...)
		}
	}
}

func (d *differ) profile() {
	if d.work.Profile == nil || d.Applied.Closure == nil {
		return
	}
	number, current := d.Live.Profile.Current()
	switch {
	case number == 0:
		d.add("profile", nixstore.ProfileLink, schema.Difference{Property: schema.PropertyType, Was: "symbolic link", Is: "nothing"})
	case current != d.Applied.Closure.Path:
		d.add("profile", nixstore.ProfileLink, schema.Difference{Property: "closure", Was: path.Base(string(d.Applied.Closure.Path)), Is: fmt.Sprintf("%s (generation %d)", path.Base(string(current)), number)})
	default:
		d.add("profile", nixstore.ProfileLink, schema.Difference{Property: "generation", Was: strconv.Itoa(d.State.Applied.Generation), Is: strconv.Itoa(number)})
	}
}

// paths looks for what the store has lost.
func (d *differ) paths() {
	lost, err := d.lost()
	if err != nil {
		d.problem(err.Error())
	}
	for p := range lost {
		d.add("store path", string(p), schema.Difference{Property: schema.PropertyType, Was: "there", Is: "nothing"})
	}
}

// obstacles tells of what stands where managed things belong, so that they could
// not be put right.
func (d *differ) obstacles() {
	for name, was := range d.places() {
		entry, err := d.Live.Files.Lookup(name)
		kind, object := d.objectOf(name)
		if was == "directory" {
			kind, object = "directory", name
		}
		var blocked *rooted.BlockedError
		switch {
		case errors.As(err, &blocked):
			d.add(kind, object, schema.Difference{Property: schema.PropertyObstacle, Was: "nothing", Is: blocked.Error()})
		case err != nil:
			d.problem(err.Error())
		case entry.Kind != rooted.Absent && (entry.Kind == rooted.Directory) != (was == "directory"), entry.Kind == rooted.Other:
			d.add(kind, object, schema.Difference{Property: schema.PropertyType, Was: was, Is: typeText(entry)})
		}
	}
	for _, refusal := range d.work.Refusals {
		if !d.told(refusal.Message) {
			d.add("host", "an execution would refuse", schema.Difference{Property: schema.PropertyObstacle, Was: "nothing", Is: refusal.Message})
		}
	}
}

// told reports whether a message is about something that is in the list already.
func (d *differ) told(message string) bool {
	for key := range d.found {
		if strings.Contains(message, key.name) {
			return true
		}
	}
	return false
}

// places are the paths of all that was applied, with what stood there.
func (d *differ) places() map[string]string {
	places := map[string]string{}
	for _, file := range d.Applied.Files {
		places[file.Path] = "file"
		if file.Symlink != "" {
			places[file.Path] = "symbolic link"
		}
	}
	for _, u := range d.Applied.Units {
		places[schema.UnitDirectory+"/"+string(u.Name)] = "file"
	}
	for _, dir := range d.Applied.Directories {
		places[dir.Path] = "directory"
	}
	return places
}
