package packages

import (
	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/version"
)

// Downgrade reports whether a package goes back to an older version.
func Downgrade(c schema.PackageChange) bool {
	return len(c.Old) == 1 && len(c.New) == 1 && c.Old[0] != "" && c.New[0] != "" && version.Compare(c.New[0], c.Old[0]) < 0
}
