// Package version says which NixFleet this is.
package version

// Version is the git description of the build; the linker sets it.
var Version = "dev"
