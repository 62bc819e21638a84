package state

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/nixfleet/nixfleet/schema"
)

// Closure returns the paths of the closure of the generation that was applied;
// nil where they are not kept.
func (s *Store) Closure(applied *schema.Applied) []schema.PathEntry {
	if applied == nil {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(s.dir, generationName(applied.Generation, "closure.json")))
	if err != nil {
		return nil
	}
	var entries []schema.PathEntry
	if json.Unmarshal(data, &entries) != nil {
		return nil
	}
	return entries
}
