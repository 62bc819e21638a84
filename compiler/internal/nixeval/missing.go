package nixeval

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

var missingFileRE = regexp.MustCompile(`^(?:getting status of|opening file|path) '([^']+)'(?:: No such file or directory| does not exist)`)

// missingFile explains an error about a file that the fleet does not have. Nix
// names the first directory of its path that is not there, so the path is looked
// for in the fleet's own text.
func (s *Source) missingFile(found diagnostic.Diagnostic, last message) (diagnostic.Diagnostic, bool) {
	match := missingFileRE.FindStringSubmatch(last.Text)
	if match == nil {
		return found, false
	}
	missing, ok := s.inFleet(match[1])
	if !ok {
		return found, false
	}
	found = locate(found, last, s)
	named := s.pathsIn(func(p string) bool {
		if p != missing && !strings.HasPrefix(p, missing+"/") {
			return false
		}
		_, err := os.Lstat(filepath.Join(s.Fleet(), filepath.FromSlash(p)))
		return err != nil
	})
	files := []string{missing}
	if len(named) > 0 {
		found.Position, files = named[0].at, nil
		for _, n := range named {
			files = append(files, n.path)
		}
	}
	found.Summary = "the fleet has no file " + strconv.Quote(files[0])
	if near := diagnostic.Nearest(files[0], s.namesakes(files[0])); near != "" {
		found.Hint = fmt.Sprintf("did you mean %q?", near)
	}
	if there := s.unknownToGit(files); len(there) > 0 {
		found.Code = diagnostic.SourceNotInGit
		found.Summary = fmt.Sprintf("git does not know %q, so it is no part of the fleet", there[0])
		found.Hint = "git add " + strings.Join(there, " ") + " (no commit needed)"
	}
	return found, true
}

// namesakes returns files of the fleet that have the file's name, or lie beside it.
func (s *Source) namesakes(file string) []string {
	var names []string
	left := 10_000 // files that are looked at for the sake of a better message
	_ = filepath.WalkDir(s.Fleet(), func(p string, entry fs.DirEntry, err error) error {
		if left--; err != nil || left < 0 {
			return fs.SkipAll
		}
		name, err := filepath.Rel(s.Fleet(), p)
		if name = filepath.ToSlash(name); err == nil && !entry.IsDir() && (path.Base(name) == path.Base(file) || path.Dir(name) == path.Dir(file)) {
			names = append(names, name)
		}
		return nil
	})
	return names
}

// unknownToGit returns those of the files that lie in the fleet's checkout.
func (s *Source) unknownToGit(files []string) []string {
	if s.local == "" {
		return nil
	}
	var there []string
	for _, file := range files {
		if _, err := os.Lstat(filepath.Join(s.local, filepath.FromSlash(file))); err == nil {
			there = append(there, file)
		}
	}
	return there
}

var outsideRE = regexp.MustCompile(`^access to (?:absolute |canonical )?path '([^']*)' is forbidden|(?:getting status of|opening file|path) '(/nix/(?:store/)?[^-']*)'`)

// outsideFile explains an error about a file outside of the fleet.
func (s *Source) outsideFile(found diagnostic.Diagnostic) diagnostic.Diagnostic {
	match := outsideRE.FindStringSubmatch(found.Summary)
	if match == nil {
		return found
	}
	file := match[1] + match[2]
	found.Hint = "a fleet reads its own source only; bring a file from outside in with --input NAME=PATH, and say inputs.NAME"
	// ../x of a tree in the store is /nix/store/x: nothing that people have written.
	if beside, ok := strings.CutPrefix(file, "/nix/store/"); ok {
		file = "../" + beside
	}
	// Versions of Nix name the file, or the first directory above it that they may not see.
	named := s.pathsIn(func(p string) bool { return p == file || strings.HasPrefix(p, file+"/") })
	if len(named) > 0 {
		file = named[0].path
		if found.Position.File == "" || found.Position.File == named[0].at.File {
			found.Position = named[0].at
		}
	}
	found.Summary = strconv.Quote(file) + " lies outside of the fleet"
	return found
}

// mention is a path that a file of the fleet names.
type mention struct {
	path string // relative to the fleet, unless it is absolute
	at   diagnostic.Position
}

var (
	pathRE = regexp.MustCompile(`(?:^|[\s(\[=+;])((?:\.{1,2})?(?:/[\w.+-]+)+)`)
	// readAtMost bounds what is looked at for the sake of a better message.
	readAtMost = int64(8 << 20)
)

// pathsIn returns the paths that the fleet's modules name and that are wanted.
func (s *Source) pathsIn(wanted func(string) bool) []mention {
	var found []mention
	left := readAtMost
	_ = filepath.WalkDir(s.Fleet(), func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || path.Ext(file) != ".nix" {
			return nil
		}
		data, err := os.ReadFile(file)
		if left -= int64(len(data)); err != nil || left < 0 {
			return nil
		}
		name, err := filepath.Rel(s.Fleet(), file)
		if err != nil {
			return nil
		}
		name = filepath.ToSlash(name)
		for i, line := range strings.Split(string(data), "\n") {
			code, _, _ := strings.Cut(line, "#")
			for _, at := range pathRE.FindAllStringSubmatchIndex(code, -1) {
				p := code[at[2]:at[3]]
				if !path.IsAbs(p) {
					p = path.Join(path.Dir(name), p)
				}
				if wanted(p) {
					found = append(found, mention{p, diagnostic.Position{File: name, Line: i + 1, Column: at[2] + 1}})
				}
			}
		}
		return nil
	})
	return found
}
