package nixeval

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/intent"
	"github.com/nixfleet/nixfleet/schema"
)

// WriteLibrary makes NixFleet's Nix library ready for evaluations.
func (n *Nix) WriteLibrary(ctx context.Context, library fs.FS) (Tree, error) {
	if _, err := fs.Stat(library, "compile.nix"); err != nil {
		return Tree{}, fmt.Errorf("internal error: the Nix library is not whole: %w", err)
	}
	return n.writeTree(ctx, "library", library)
}

// Evaluation is a locked source with all that its evaluation reads, in the store.
type Evaluation struct {
	nix     *Nix
	source  *Source
	library Tree
	request Tree
	// Memory is what the heap of one process may have where several run, Whole what
	// one alone may; in bytes, 0 for no limit of ours. Beyond it the process ends by
	// itself, before the kernel ends somebody else.
	Memory, Whole int64
}

// Prepare makes everything ready for evaluating the source's intent with the library.
func (n *Nix) Prepare(ctx context.Context, source *Source, library Tree, request intent.Request) (*Evaluation, error) {
	data, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("cannot encode the request: %w", err)
	}
	asked, err := n.writeRequest(ctx, data)
	if err != nil {
		return nil, fmt.Errorf("cannot write the request: %w", err)
	}
	if err := n.addTrees(ctx, library, asked, request.Inputs); err != nil {
		return nil, n.explain(ctx, err)
	}
	return &Evaluation{nix: n, source: source, library: library, request: asked}, n.writeRegistry(source.locked)
}

// Part evaluates a part of the selected hosts. It may run side by side with others.
func (e *Evaluation) Part(ctx context.Context, part intent.Part) (*intent.Result, error) {
	limit := e.Memory
	if part.Alone {
		limit = e.Whole
	}
	out, err := e.nix.limited(limit).flakes(ctx, append(e.nix.registry(), "eval", "--json", "--show-trace",
		"--no-update-lock-file", "--option", "eval-cache", "false",
		"flake:"+fleetID+"#nixfleet", "--apply", expression(e.library, e.request, part))...)
	if err != nil {
		return nil, e.nix.explainEvaluation(ctx, err, e.source, e.library)
	}
	return intent.Decode(out)
}

// heapVariable bounds the heap of Nix's garbage collector.
const heapVariable = "GC_MAXIMUM_HEAP_SIZE"

// limited returns a Nix whose evaluations end where they take more memory; where
// the caller's environment sets a bound, that one holds.
func (n *Nix) limited(bytes int64) *Nix {
	if bytes <= 0 || lookup(n.options.Environ, heapVariable) != "" {
		return n
	}
	limited := *n
	limited.env = append(slices.Clone(n.env), fmt.Sprintf("%s=%d", heapVariable, bytes))
	return &limited
}

func (n *Nix) writeRequest(ctx context.Context, data []byte) (Tree, error) {
	dir := filepath.Join(n.dir, "request", sourceName)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Tree{}, err
	}
	if err := os.WriteFile(filepath.Join(dir, "request.json"), data, 0o644); err != nil {
		return Tree{}, err
	}
	return HashTree(ctx, dir)
}

// addTrees brings what an evaluation fetches into the store beforehand: fetching
// would first ask the binary caches for it, over the network. What seems to be there
// is passed over; were it not whole, the evaluation would fetch it after all.
func (n *Nix) addTrees(ctx context.Context, library, request Tree, inputs map[string]intent.Input) error {
	add := []string{"--add"}
	for _, tree := range []Tree{library, request} {
		if !present(tree.NarHash) {
			add = append(add, tree.Path)
		}
	}
	if len(add) > 1 {
		if _, err := n.store(ctx, add...); err != nil {
			return err
		}
	}
	for _, input := range inputs {
		if present(input.NarHash) {
			continue
		}
		if _, err := n.flakes(ctx, "store", "add-path", "--name", sourceName, input.Path); err != nil {
			return err
		}
	}
	return nil
}

func present(hash schema.NarHash) bool {
	_, err := os.Lstat(storePathOf(hash))
	return err == nil
}

func expression(library, request Tree, part intent.Part) string {
	return fmt.Sprintf("output: import (%s + \"/compile.nix\") { inherit output; request = builtins.fromJSON (builtins.readFile (%s + \"/request.json\")) // { part = %s; }; }",
		fetchTree(library), fetchTree(request), part.Nix())
}

func fetchTree(tree Tree) string {
	return fmt.Sprintf("fetchTree { type = \"path\"; path = %s; narHash = %s; }", quote(tree.Path), quote(string(tree.NarHash)))
}

// quote returns s as a string of the Nix language.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "${", "\\${").Replace(s) + `"`
}

// ReadInput returns the input at path, locked by its hash as it is now.
func (n *Nix) ReadInput(ctx context.Context, path string) (intent.Input, error) {
	info, err := os.Stat(path)
	if err != nil {
		return intent.Input{}, err
	}
	tree, err := HashTree(ctx, path)
	if err != nil {
		return intent.Input{}, err
	}
	input := intent.Input{Path: tree.Path, NarHash: tree.NarHash}
	if info.Mode().IsRegular() {
		executable := info.Mode()&0o100 != 0
		input.Executable = &executable
	}
	return input, nil
}
