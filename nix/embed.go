// Package nix carries NixFleet's Nix library, so that the compiler brings it along and a fleet needs no network.
package nix

import "embed"

// Lib is the library, below the directory lib.
//
//go:embed lib
var Lib embed.FS
