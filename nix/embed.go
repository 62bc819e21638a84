// Package nix holds the library that evaluates fleets.
package nix

import "embed"

// Lib is the library, below the directory lib.
//
//go:embed lib
var Lib embed.FS
