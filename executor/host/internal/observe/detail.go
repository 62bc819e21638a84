package observe

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/account"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind"
	"github.com/nixfleet/nixfleet/executor/host/internal/kind/file"
	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/executor/host/internal/rooted"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// How much content is shown: people do not read the difference of more, and an answer
// has to fit into a message and into memory.
const (
	oneContent   = 512 << 10
	totalContent = 16 << 20
)

func compare[T ~string](a, b T) int { return cmp.Compare(a, b) }

// teller tells of paths: what was applied there, what is there, what will be.
type teller struct {
	Host
	Ask
	closure  map[schema.StorePath]bool
	accounts *account.Database
	left     int64
}

// files tells of everything that an execution puts, changes or removes. Links
// that enable or mask a unit are told of with the unit.
func (t *teller) files(work *kind.Found) []protocol.FileDetail {
	details := []protocol.FileDetail{}
	for _, item := range work.Items {
		wanted := t.wanted(item)
		if item.Path != "" && item.Change() != nil && !isUnitLink(item.Path, wanted) {
			details = append(details, t.detail(item, wanted))
		}
	}
	slices.SortStableFunc(details, func(a, b protocol.FileDetail) int { return compare(a.Path, b.Path) })
	return details
}

// wanted tells what an item puts at its path; nil where nothing will be there.
func (t *teller) wanted(item *kind.Item) *protocol.FileState {
	switch work := item.Work.(type) {
	case interface{ Wanted() (file.Wish, bool) }:
		if wish, ok := work.Wanted(); ok {
			return t.declared(wish.Content, wish.Owner, t.closure)
		}
	case interface {
		Wanted() (account.Ownership, bool)
	}:
		if owner, ok := work.Wanted(); ok {
			return t.directory(owner)
		}
	}
	return nil
}

func (t *teller) directory(owner account.Ownership) *protocol.FileState {
	state := &protocol.FileState{Type: string(rooted.Directory), Mode: schema.ModeOf(owner.Mode)}
	state.Owner, state.Group = owner.Names(t.accounts)
	return state
}

// isUnitLink reports whether a path is a link by which systemd knows what is
// enabled or masked.
func isUnitLink(name string, wanted *protocol.FileState) bool {
	rest, inside := strings.CutPrefix(name, schema.UnitDirectory+"/")
	dir, _, nested := strings.Cut(rest, "/")
	if !inside {
		return false
	}
	if nested {
		return strings.HasSuffix(dir, ".wants") || strings.HasSuffix(dir, ".requires")
	}
	return wanted != nil && wanted.Type == string(rooted.Symlink)
}

func (t *teller) detail(item *kind.Item, wanted *protocol.FileState) protocol.FileDetail {
	detail := protocol.FileDetail{Path: item.Path, Action: item.Action, Wanted: wanted, Applied: t.applied(item.Path), Live: t.live(item.Path)}
	if item.Object.Kind == schema.KindUnit {
		detail.Unit = schema.UnitName(item.Object.Name)
	}
	detail.Hidden = t.hidden(&detail)
	t.content(&detail)
	return detail
}

// live tells what stands at a path.
func (t *teller) live(name string) *protocol.FileState {
	entry, err := t.Host.Live.Files.Lookup(name)
	if err != nil || entry.Kind == rooted.Absent {
		return nil
	}
	state := &protocol.FileState{Type: string(entry.Kind), Target: entry.Target}
	if entry.Kind == rooted.Symlink {
		return state
	}
	state.Mode, state.Owner, state.Group = entry.ModeText(), t.accounts.UserName(entry.UID), t.accounts.GroupName(entry.GID)
	if entry.Kind == rooted.File {
		state.Size = entry.Size
		state.Digest, _ = t.Host.Live.Files.Digest(name) // without one nothing is told of the content
	}
	return state
}

// applied tells what was put at a path by the last apply.
func (t *teller) applied(name string) *protocol.FileState {
	if t.Applied == nil {
		return nil
	}
	for _, f := range t.Applied.Files {
		if f.Path == name {
			return t.declared(kind.Content{Payload: f.Payload, Source: f.Source, Symlink: f.Symlink},
				account.Ownership{Mode: f.Mode.Bits(), Owner: f.Owner, Group: f.Group}, t.Host.closure())
		}
	}
	for _, u := range t.Applied.Units {
		if u.Name.File() == name {
			return t.declared(kind.Content{Payload: u.Payload}, account.Ownership{Mode: 0o644, Owner: "root", Group: "root"}, nil)
		}
	}
	for _, dir := range t.Applied.Directories {
		if dir.Path == name {
			return &protocol.FileState{Type: string(rooted.Directory), Mode: dir.Mode, Owner: string(dir.Owner), Group: string(dir.Group)}
		}
	}
	return nil
}

// declared tells of a file as a manifest declares it.
func (t *teller) declared(content kind.Content, owner account.Ownership, closure map[schema.StorePath]bool) *protocol.FileState {
	if content.Symlink != "" {
		return &protocol.FileState{Type: string(rooted.Symlink), Target: content.Symlink}
	}
	state := &protocol.FileState{Type: string(rooted.File), Mode: schema.ModeOf(owner.Mode), Digest: content.Payload, Source: content.Source}
	state.Owner, state.Group = owner.Names(t.accounts)
	if content.Source == "" {
		return state
	}
	if file, err := nixstore.SourceFile(t.Host.Live.Files, closure, content.Source); err == nil {
		if entry, err := t.Host.Live.Files.Lookup(file); err == nil {
			state.Size = entry.Size
		}
		state.Digest, _ = t.Host.Live.Files.Digest(file)
	}
	return state
}

const (
	othersRead  = 0o004
	othersEnter = 0o001
)

// hidden reports whether some of the file's states cannot be read by everybody on
// the host: by its own mode, or because a directory above it lets not everybody in.
func (t *teller) hidden(detail *protocol.FileDetail) bool {
	for _, state := range []*protocol.FileState{detail.Applied, detail.Live, detail.Wanted} {
		if state != nil && state.Type == string(rooted.File) && state.Mode.Bits()&othersRead == 0 {
			return true
		}
	}
	for dir := path.Dir(detail.Path); dir != "/"; dir = path.Dir(dir) {
		if entry, err := t.Host.Live.Files.Lookup(dir); err == nil && entry.Kind == rooted.Directory && entry.Mode&othersEnter == 0 {
			return true
		}
		if closed(&t.Part.Manifest, dir) || t.Applied != nil && closed(t.Applied, dir) {
			return true
		}
	}
	return false
}

func closed(manifest *schema.Manifest, dir string) bool {
	return slices.ContainsFunc(manifest.Directories, func(d schema.Directory) bool {
		return d.Path == dir && d.Mode.Bits()&othersEnter == 0
	})
}

// content adds the texts that a reader needs to see the difference and that the
// plan does not have.
func (t *teller) content(detail *protocol.FileDetail) {
	live, wanted, applied := detail.Live, detail.Wanted, detail.Applied
	if detail.Hidden && !t.Sensitive {
		return
	}
	different := func(a, b *protocol.FileState) bool { return b == nil || a.Digest != b.Digest }
	if isFile(live) && different(live, wanted) {
		t.read(live, func() ([]byte, error) { return t.Host.Live.Files.Read(detail.Path) })
	}
	if isFile(wanted) && (wanted.Source != "" || detail.Action == schema.GiveUp) && different(wanted, live) {
		t.readDeclared(wanted, t.closure)
	}
	if isFile(applied) && isFile(live) && different(applied, live) && different(applied, wanted) {
		t.readDeclared(applied, t.Host.closure())
	}
}

func isFile(state *protocol.FileState) bool {
	return state != nil && state.Type == string(rooted.File) && state.Digest != ""
}

func (t *teller) readDeclared(state *protocol.FileState, closure map[schema.StorePath]bool) {
	t.read(state, func() ([]byte, error) {
		if state.Source == "" {
			return t.Blob(state.Digest)
		}
		file, err := nixstore.SourceFile(t.Host.Live.Files, closure, state.Source)
		if err != nil {
			return nil, err
		}
		return t.Host.Live.Files.Read(file)
	})
}

// read adds a content that is there and small enough. A missing one is told of
// by its digest alone.
func (t *teller) read(state *protocol.FileState, read func() ([]byte, error)) {
	if state.Size > oneContent || t.left <= 0 {
		return
	}
	data, err := read()
	if err != nil || len(data) > oneContent {
		return
	}
	t.left -= int64(len(data))
	payload := schema.NewPayload(data)
	state.Size, state.Content = int64(len(data)), &payload
}
