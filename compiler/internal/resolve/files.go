package resolve

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

func (r *resolver) files() []schema.File {
	files := []schema.File{}
	for _, name := range slices.Sorted(maps.Keys(r.intent.Files)) {
		f := r.intent.Files[name]
		if err := schema.CheckFilePath(name); err != nil {
			r.report(diagnostic.Diagnostic{
				Code: diagnostic.PathInvalid, Summary: err.Error(), Option: option("files", name), Position: diagnostic.ParsePosition(f.At),
			})
		}
		file := schema.File{
			Path: name, Mode: schema.Mode(f.Mode), Owner: schema.AccountName(f.Owner), Group: schema.AccountName(f.Group), Adopt: f.Adopt,
			Validate: or(f.Validate, ""),
		}
		r.content(&file, f)
		r.checkValidate(&file, f)
		r.checkAccess("files", name, f.At, f.Mode, f.Owner, f.Group)
		files = append(files, file)
	}
	return files
}

// maxText bounds the text of one file. What is larger belongs into the store, from
// which it is streamed; a plan is read into memory as a whole.
const maxText = 64 << 20

// content sets the one thing that the file is made of.
func (r *resolver) content(file *schema.File, f intent.File) {
	refuse := func(code diagnostic.Code, summary, hint string) {
		r.report(diagnostic.Diagnostic{Code: code, Summary: summary, Hint: hint, Option: option("files", file.Path), Position: diagnostic.ParsePosition(f.At)})
	}
	given := 0
	if f.Text != nil {
		given++
		file.Payload = r.payloads.add(*f.Text)
		if len(*f.Text) > maxText {
			refuse(diagnostic.FileContent, fmt.Sprintf("%s has a text of %d bytes: a plan carries texts of at most %d bytes", file.Path, len(*f.Text), maxText),
				"give it as a source (./file, or a package's file): the store carries it then, not the plan")
		}
	}
	if f.Source != nil {
		given++
		file.Source = *f.Source
		if !inStore(*f.Source) {
			refuse(diagnostic.FileSource, fmt.Sprintf("the source %q is not in the Nix store", *f.Source),
				"write a path without quotes (./nginx.conf), or a package's file (\"${pkgs.myapp}/etc/x\")")
		}
	}
	if f.Symlink != nil {
		given++
		file.Symlink = *f.Symlink
		if *f.Symlink == "" || len(*f.Symlink) > 4095 {
			refuse(diagnostic.FileContent, "a symbolic link needs a target of 1 to 4095 bytes", "")
		}
	}
	if given != 1 {
		refuse(diagnostic.FileContent, fmt.Sprintf("%s has %d contents: expected exactly one of text, source and symlink", file.Path, given), "")
	}
}

// checkValidate refuses commands that nothing can be handed to, and warns of
// those that do not look at the staged file.
func (r *resolver) checkValidate(file *schema.File, f intent.File) {
	if f.Validate == nil {
		return
	}
	finding := diagnostic.Diagnostic{Code: diagnostic.FileValidate, Option: option("files", file.Path, "validate"), Position: diagnostic.ParsePosition(f.At)}
	switch command := *f.Validate; {
	case strings.TrimSpace(command) == "" || strings.ContainsRune(command, 0):
		finding.Summary = "the command that validates " + file.Path + " is empty or has a NUL byte"
	case f.Symlink != nil:
		finding.Summary = file.Path + " is a symbolic link: there is no content to validate"
	case !strings.Contains(command, "%s"):
		finding.Severity = diagnostic.Warning
		finding.Summary = fmt.Sprintf("the command %q does not look at the new %s", command, file.Path)
		finding.Hint = "write %s where the path of the staged file belongs, as \"visudo -cf %s\""
	default:
		return
	}
	r.report(finding)
}

// inStore reports whether name is a store object or something below one.
func inStore(name string) bool {
	rest, ok := strings.CutPrefix(name, "/nix/store/")
	object, _, _ := strings.Cut(rest, "/")
	_, err := schema.ParseStorePath("/nix/store/" + object)
	return ok && err == nil && path.Clean(name) == name
}

func (r *resolver) directories() []schema.Directory {
	directories := []schema.Directory{}
	for _, name := range slices.Sorted(maps.Keys(r.intent.Directories)) {
		d := r.intent.Directories[name]
		if err := schema.CheckPath(name); err != nil {
			r.report(diagnostic.Diagnostic{
				Code: diagnostic.PathInvalid, Summary: err.Error(), Option: option("directories", name), Position: diagnostic.ParsePosition(d.At),
			})
		}
		r.checkAccess("directories", name, d.At, d.Mode, d.Owner, d.Group)
		directories = append(directories, schema.Directory{
			Path: name, Mode: schema.Mode(d.Mode), Owner: schema.AccountName(d.Owner), Group: schema.AccountName(d.Group), Adopt: d.Adopt,
		})
	}
	return directories
}

// checkAccess checks mode, owner and group for their form. Whether an account
// exists only the host can tell.
func (r *resolver) checkAccess(set, name, place, mode, owner, group string) {
	var m schema.Mode
	if err := m.UnmarshalText([]byte(mode)); err != nil {
		r.report(diagnostic.Diagnostic{
			Code: diagnostic.ModeInvalid, Summary: "the mode " + err.Error(), Option: option(set, name, "mode"), Position: diagnostic.ParsePosition(place),
		})
	}
	for _, account := range []struct{ field, name string }{{"owner", owner}, {"group", group}} {
		var a schema.AccountName
		if err := a.UnmarshalText([]byte(account.name)); err != nil {
			r.report(diagnostic.Diagnostic{
				Code: diagnostic.OwnerInvalid, Summary: fmt.Sprintf("the %s %v", account.field, err),
				Option: option(set, name, account.field), Position: diagnostic.ParsePosition(place),
			})
		}
	}
}

// managed is one managed path with what manages it.
type managed struct{ path, what, option, at string }

// checkPlaces refuses one path for two things, and anything inside a file.
func (r *resolver) checkPlaces() {
	all := r.managedPaths()
	things := map[string]managed{} // files and units: nothing can be inside
	taken := map[string]managed{}
	for _, m := range all {
		if other, ok := taken[m.path]; ok {
			r.conflict(m, twice(m, other), other)
		}
		taken[m.path] = m
		if m.what != "directory" {
			things[m.path] = m
		}
	}
	for _, m := range all {
		for parent := path.Dir(m.path); len(parent) > 1; parent = path.Dir(parent) {
			if other, ok := things[parent]; ok {
				r.conflict(m, fmt.Sprintf("%s lies inside the %s %s", m.path, other.what, parent), other)
				break
			}
		}
	}
}

func twice(m, other managed) string {
	if m.what == other.what {
		return fmt.Sprintf("%s is a %s of two: of %s and of %s", m.path, m.what, other.option, m.option)
	}
	return fmt.Sprintf("%s is a %s and a %s", m.path, other.what, m.what)
}

func (r *resolver) conflict(m managed, summary string, other managed) {
	r.report(diagnostic.Diagnostic{
		Code: diagnostic.PathConflict, Summary: summary, Option: m.option, Position: diagnostic.ParsePosition(m.at),
		Detail: "the other is " + other.option,
	})
}

func (r *resolver) managedPaths() []managed {
	var all []managed
	for _, name := range slices.Sorted(maps.Keys(r.intent.Directories)) {
		all = append(all, managed{name, "directory", option("directories", name), r.intent.Directories[name].At})
	}
	for _, name := range slices.Sorted(maps.Keys(r.intent.Files)) {
		f := r.intent.Files[name]
		what := "file"
		if f.Symlink != nil {
			what = "symbolic link"
		}
		all = append(all, managed{name, what, option("files", name), f.At})
	}
	for _, name := range slices.Sorted(maps.Keys(r.intent.Units)) {
		all = append(all, managed{schema.UnitDirectory + "/" + name, "unit", option("systemd.units", name), r.intent.Units[name].At})
	}
	for _, name := range slices.Sorted(maps.Keys(r.intent.Masks)) {
		all = append(all, managed{schema.UnitDirectory + "/" + name, "masked unit", option("systemd.masks", name), r.intent.Masks[name].At})
	}
	for _, unit := range r.linked {
		for _, link := range unit.Links {
			all = append(all, managed{schema.UnitDirectory + "/" + link, "link", option("systemd.units", string(unit.Name)), r.intent.Units[string(unit.Name)].At})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.intent.Secrets)) {
		s := r.intent.Secrets[name]
		all = append(all, managed{s.Path, "secret", option("secrets", name), s.At})
	}
	return all
}
