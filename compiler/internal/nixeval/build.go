package nixeval

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/nixfleet/nixfleet/schema"
)

// perCall bounds how many paths one command line carries; its length is limited.
const perCall = 8000

// Realise builds or fetches the outputs of derivations, all that can be built even
// where some cannot. What it made is kept from the garbage collector until Close.
func (n *Nix) Realise(ctx context.Context, derivations []schema.StorePath) error {
	n.rooted = true
	n.options.Progress("building " + closures(len(derivations)))
	for i, chunk := range chunks(derivations) {
		root := filepath.Join(n.dir, fmt.Sprintf("root-%d", i))
		args := append([]string{"--realise", "--keep-going", "--add-root", root, "--indirect"}, chunk...)
		if _, err := n.store(ctx, args...); err != nil {
			return n.explainBuild(ctx, err, derivations)
		}
	}
	return nil
}

func closures(count int) string {
	if count == 1 {
		return "1 closure"
	}
	return fmt.Sprintf("%d closures", count)
}

// PathInfos returns what the store knows of the paths and of all they refer to.
func (n *Nix) PathInfos(ctx context.Context, paths []schema.StorePath) (map[schema.StorePath]schema.PathInfo, error) {
	infos := map[schema.StorePath]schema.PathInfo{}
	for _, chunk := range chunks(paths) {
		out, err := n.flakes(ctx, append([]string{"path-info", "--json", "--recursive"}, chunk...)...)
		if err != nil {
			return nil, n.explain(ctx, err)
		}
		if err := parsePathInfos(out, infos); err != nil {
			return nil, fmt.Errorf("cannot read the output of nix path-info: %w", err)
		}
	}
	return infos, nil
}

type pathInfo struct {
	Path       schema.StorePath   `json:"path"`
	NarHash    schema.NarHash     `json:"narHash"`
	NarSize    int64              `json:"narSize"`
	References []schema.StorePath `json:"references"`
}

// parsePathInfos reads either shape of path-info: a list of objects (Nix 2.8), or
// an object by path (newer).
func parsePathInfos(data []byte, infos map[schema.StorePath]schema.PathInfo) error {
	var list []pathInfo
	if err := json.Unmarshal(data, &list); err != nil {
		var byPath map[schema.StorePath]*pathInfo
		if err := json.Unmarshal(data, &byPath); err != nil {
			return err
		}
		for _, path := range slices.Sorted(maps.Keys(byPath)) {
			info := byPath[path]
			if info == nil {
				info = &pathInfo{}
			}
			info.Path = path
			list = append(list, *info)
		}
	}
	for _, info := range list {
		if info.NarHash == "" {
			return fmt.Errorf("%s is not in the store", info.Path)
		}
		slices.Sort(info.References)
		if info.References == nil {
			info.References = []schema.StorePath{}
		}
		infos[info.Path] = schema.PathInfo{NarHash: info.NarHash, NarSize: info.NarSize, References: info.References}
	}
	return nil
}

func chunks(paths []schema.StorePath) [][]string {
	var all [][]string
	for chunk := range slices.Chunk(paths, perCall) {
		var names []string
		for _, path := range chunk {
			names = append(names, string(path))
		}
		all = append(all, names)
	}
	return all
}
