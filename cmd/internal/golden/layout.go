package golden

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/nixfleet/nixfleet/schema"
)

// layout decides which file shows what.
type layout struct {
	plan  *schema.Plan
	names []schema.HostName
	own   map[schema.HostName]ownNames
	tree  Tree
	// texts are the variants of every text by its place: "files/etc/motd".
	texts map[string][]variant
	// taken are the names in use, and those of directories above them.
	taken map[string]bool
}

func newLayout(plan *schema.Plan) *layout {
	l := &layout{plan: plan, names: plan.Index.Hosts.Names(), own: map[schema.HostName]ownNames{}, tree: Tree{}, texts: map[string][]variant{}, taken: map[string]bool{}}
	for _, name := range l.names {
		l.own[name] = ownNamesOf(name, plan.Index.Hosts[name].Connection.Address)
	}
	return l
}

// addTexts adds the texts of files and units, each once.
func (l *layout) addTexts() error {
	holders := map[string]map[schema.HostName]schema.Digest{}
	for _, name := range l.names {
		manifest := l.plan.Manifests[l.plan.Index.Hosts[name].Manifest]
		for place, payload := range texts(&manifest) {
			if holders[place] == nil {
				holders[place] = map[schema.HostName]schema.Digest{}
			}
			holders[place][name] = payload
		}
	}
	places := sortedKeys(holders)
	// Directories first: what is a file on one host may be a directory on another.
	for _, place := range places {
		for above := path.Dir(place); above != "."; above = path.Dir(above) {
			l.taken[above] = true
		}
	}
	for _, place := range places {
		variants, err := l.variants(holders[place], func(payload schema.Digest) (string, error) {
			content, err := l.plan.Payloads[payload].Bytes()
			return string(content), err
		})
		if err != nil {
			return err
		}
		l.add(place, variants)
	}
	return nil
}

// add gives each variant a file.
func (l *layout) add(place string, variants []variant) {
	all := 0
	for _, v := range variants {
		all += len(v.hosts)
	}
	for i := range variants {
		v := &variants[i]
		v.file = place
		if len(v.hosts)*2 <= all {
			v.file += "@" + string(v.hosts[0])
		}
		for l.taken[v.file] {
			v.file += "@"
		}
		l.taken[v.file] = true
		l.tree[v.file] = []byte(v.content)
	}
	l.texts[place] = variants
}

// texts are the payloads of a manifest by their places.
func texts(m *schema.Manifest) map[string]schema.Digest {
	found := map[string]schema.Digest{}
	for _, file := range m.Files {
		if file.Payload != "" {
			found[placeOf(filesDir, file.Path)] = file.Payload
		}
	}
	for _, unit := range m.Units {
		found[placeOf(unitsDir, string(unit.Name))] = unit.Payload
	}
	return found
}

// placeOf is the name that a path on a host has in the tree: its own, but for what git
// would take as meant for itself and what a line of a list cannot hold.
func placeOf(dir, hostPath string) string {
	parts := strings.Split(strings.Trim(hostPath, "/"), "/")
	for i, part := range parts {
		parts[i] = component(part)
	}
	return dir + "/" + strings.Join(parts, "/")
}

// longest is how long a component is that leaves room for a host's name.
const longest = 120

func component(name string) string {
	var out strings.Builder
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRuneInString(name[i:])
		if r < ' ' || r == 0x7f || r == '%' || r == '\\' || r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&out, "%%%02X", name[i])
			size = 1
		} else {
			out.WriteString(name[i : i+size])
		}
		i += size
	}
	written := out.String()
	switch lower := strings.ToLower(written); {
	case len(written) > longest:
		return strings.ToValidUTF8(written[:longest-14], "") + fmt.Sprintf("~%x", sha256.Sum256([]byte(name)))[:13]
	case lower == ".git" || strings.HasPrefix(lower, ".git") && slices.Contains([]string{"attributes", "ignore", "modules"}, lower[4:]):
		return written + "@"
	}
	return written
}

// addVariants adds who has which text, of those that are not the same everywhere.
func (l *layout) addVariants() error {
	table := map[string]any{}
	for place, variants := range l.texts {
		if len(variants) < 2 {
			continue
		}
		of := map[string]any{}
		for _, v := range variants {
			of[v.file] = rangesOf(v.hosts)
		}
		table[place] = of
	}
	if len(table) == 0 {
		return nil
	}
	var err error
	l.tree[variantsName], err = writeYAML(table)
	return err
}

func rangesOf(hosts []schema.HostName) []any {
	var ranges []any
	for _, r := range schema.RangesOf(hosts) {
		ranges = append(ranges, string(r))
	}
	return ranges
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
