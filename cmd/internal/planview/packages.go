package planview

import (
	"github.com/nixfleet/nixfleet/cmd/internal/packages"
	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// packageChanges compares two closures by package.
func packageChanges(plan *schema.Plan, proposal *protocol.Proposal) []schema.PackageChange {
	come, gone := map[schema.StorePath]int64{}, map[schema.StorePath]int64{}
	for _, path := range proposal.NewPaths {
		come[path] = plan.StorePaths[path].NarSize
	}
	for _, path := range proposal.OldPaths {
		gone[path.Path] = path.Size
	}
	return packages.Compare(gone, come)
}
