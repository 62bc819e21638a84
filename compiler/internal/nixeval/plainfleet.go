package nixeval

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// planHead is how every plan that NixFleet writes begins.
var planHead = []byte("{\n  \"digest\": \"sha256:")

// withoutPlans returns a directory with what is in a fleet that is no git
// checkout, but for plans at its top: a plan that is written into its own fleet
// would otherwise change the next one. Where there is none, that is dir itself.
func (n *Nix) withoutPlans(dir string) (string, error) {
	plans, err := plansIn(dir)
	if err != nil || len(plans) == 0 {
		return dir, err
	}
	top := filepath.Join(n.dir, "fleet")
	return top, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || plans[path] {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return imitate(path, filepath.Join(top, name), entry)
	})
}

func plansIn(dir string) (map[string]bool, error) {
	names, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.json"))
	plans := map[string]bool{}
	for _, name := range names {
		if isPlan(name) {
			plans[name] = true
		}
	}
	return plans, err
}

// escapeGlob makes a directory's name match itself only.
func escapeGlob(dir string) string {
	var out []byte
	for _, c := range []byte(dir) {
		if bytes.IndexByte([]byte(`*?[\`), c) >= 0 {
			out = append(out, '\\')
		}
		out = append(out, c)
	}
	return string(out)
}

func isPlan(name string) bool {
	if info, err := os.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return false
	}
	file, err := os.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, len(planHead))
	_, err = io.ReadFull(file, head)
	return err == nil && bytes.Equal(head, planHead)
}

// imitate makes at to what is at from: a directory, a link, or a file that
// shares its content where that is possible.
func imitate(from, to string, entry fs.DirEntry) error {
	switch {
	case entry.IsDir():
		return os.MkdirAll(to, 0o755)
	case entry.Type() == fs.ModeSymlink:
		target, err := os.Readlink(from)
		return errors.Join(err, os.Symlink(target, to))
	case !entry.Type().IsRegular():
		return nil // Nix has no sockets and pipes either
	}
	if err := os.Link(from, to); err == nil {
		return nil
	}
	info, err := entry.Info()
	if err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode().Perm())
}
