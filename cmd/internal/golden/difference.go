package golden

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/aymanbagabas/go-udiff"
)

// Change is a file that is not as it should be. Old is nil where it is not there, New
// where it should not be.
type Change struct {
	Name     string
	Old, New []byte
}

// Compare returns what an update to the tree would change.
func (d *Directory) Compare(tree Tree, unbuilt bool) []Change {
	var changes []Change
	for _, name := range names(d.found, tree) {
		old, now := d.found[name], tree[name]
		if (old == nil) != (now == nil) || !bytes.Equal(old, now) {
			changes = append(changes, Change{name, old, now})
		}
	}
	if list := listOf(sortedKeys(tree), unbuilt); !bytes.Equal(d.list, list) {
		changes = append(changes, Change{contentsName, d.list, list})
	}
	return changes
}

// shown are how many lines of differences are written before files are only named.
const shown = 60

// Write tells of changes in short: files line by line as long as that is little, and
// the plan, whose hashes change with anything, by its name.
func Write(w io.Writer, changes []Change) error {
	var out strings.Builder
	lines := 0
	for _, change := range changes {
		text := ""
		if readable(change) && lines < shown {
			text = udiff.Unified(label("a/", change.Name, change.Old), label("b/", change.Name, change.New), string(change.Old), string(change.New))
		}
		if n := strings.Count(text, "\n"); text != "" && lines+n <= shown {
			lines += n
			out.WriteString(text)
			continue
		}
		fmt.Fprintf(&out, "%s %s\n", change.verb(), change.Name)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (c Change) verb() string {
	switch {
	case c.Old == nil:
		return "new    "
	case c.New == nil:
		return "gone   "
	}
	return "differs"
}

func readable(c Change) bool {
	return c.Name != planName && c.Name != contentsName && utf8.Valid(c.Old) && utf8.Valid(c.New) && !bytes.ContainsRune(c.New, 0)
}

func label(side, name string, content []byte) string {
	if content == nil {
		return "/dev/null"
	}
	return side + name
}
