package resolve

import (
	"fmt"
	"path"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
	"github.com/nixfleet/nixfleet/schema"
)

// maxText bounds the text of one file. What is larger belongs into the store, from
// which it is streamed; a plan is read into memory as a whole.
const maxText = 64 << 20

func (r *resolver) checkFiles() {
	for _, file := range r.intent.Manifest.Files {
		e := entry{"files", file.Path}
		if err := schema.CheckFilePath(file.Path); err != nil {
			r.refuse(e, "", diagnostic.PathInvalid, "%v", err)
		}
		r.checkContent(e, file)
		r.checkValidate(e, file)
	}
	for _, directory := range r.intent.Manifest.Directories {
		if err := schema.CheckPath(directory.Path); err != nil {
			r.refuse(entry{"directories", directory.Path}, "", diagnostic.PathInvalid, "%v", err)
		}
	}
}

func (r *resolver) checkContent(e entry, file schema.File) {
	if size := len(r.payloads[file.Payload]); size > maxText {
		d := r.finding(e, "", diagnostic.FileContent, "%s has a text of %d bytes: a plan carries texts of at most %d bytes", file.Path, size, maxText)
		d.Hint = "give it as a source (./file, or a package's file): the store carries it then, not the plan"
		r.report(d)
	}
	if file.Source != "" && !inStore(file.Source) {
		d := r.finding(e, "", diagnostic.FileSource, "the source %q is not in the Nix store", file.Source)
		d.Hint = "write a path without quotes (./nginx.conf), or a package's file (\"${pkgs.myapp}/etc/x\")"
		r.report(d)
	}
	if len(file.Symlink) > 4095 {
		r.refuse(e, "", diagnostic.FileContent, "a symbolic link needs a target of 1 to 4095 bytes")
	}
}

// checkValidate refuses commands that nothing can be handed to, and warns of
// those that do not look at the staged file.
func (r *resolver) checkValidate(e entry, file schema.File) {
	switch command := file.Validate; {
	case command == "":
	case file.Symlink != "":
		r.refuse(e, "validate", diagnostic.FileValidate, "%s is a symbolic link: there is no content to validate", file.Path)
	case !strings.Contains(command, "%s"):
		d := r.finding(e, "validate", diagnostic.FileValidate, "the command %q does not look at the new %s", command, file.Path)
		d.Severity = diagnostic.Warning
		d.Hint = "write %s where the path of the staged file belongs, as \"visudo -cf %s\""
		r.report(d)
	}
}

// inStore reports whether name is a store object or something below one.
func inStore(name string) bool {
	rest, ok := strings.CutPrefix(name, "/nix/store/")
	object, _, _ := strings.Cut(rest, "/")
	_, err := schema.ParseStorePath("/nix/store/" + object)
	return ok && err == nil && path.Clean(name) == name
}

// managed is one managed path with what manages it.
type managed struct {
	path, what string
	by         entry
}

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
		return fmt.Sprintf("%s is a %s of two: of %s and of %s", m.path, m.what, other.by.option(), m.by.option())
	}
	return fmt.Sprintf("%s is a %s and a %s", m.path, other.what, m.what)
}

func (r *resolver) conflict(m managed, summary string, other managed) {
	d := r.finding(m.by, "", diagnostic.PathConflict, "%s", summary)
	d.Detail = "the other is " + other.by.option()
	r.report(d)
}

func (r *resolver) managedPaths() []managed {
	var all []managed
	m := &r.intent.Manifest
	for _, directory := range m.Directories {
		all = append(all, managed{directory.Path, "directory", entry{"directories", directory.Path}})
	}
	for _, file := range m.Files {
		what := "file"
		if file.Symlink != "" {
			what = "symbolic link"
		}
		all = append(all, managed{file.Path, what, entry{"files", file.Path}})
	}
	for _, unit := range m.Units {
		all = append(all, managed{schema.UnitDirectory + "/" + string(unit.Name), "unit", entry{"systemd.units", string(unit.Name)}})
	}
	for _, mask := range m.Masks {
		all = append(all, managed{schema.UnitDirectory + "/" + string(mask), "masked unit", entry{"systemd.masks", string(mask)}})
	}
	for _, unit := range m.Units {
		for _, link := range unit.Links {
			all = append(all, managed{schema.UnitDirectory + "/" + link, "link", entry{"systemd.units", string(unit.Name)}})
		}
	}
	for _, secret := range m.Secrets {
		all = append(all, managed{secret.Path, "secret", entry{"secrets", secret.Name}})
	}
	return all
}
