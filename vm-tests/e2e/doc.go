// Package e2e tests the built commands against throwaway hosts: real systemd, real
// Nix stores, real SSH. Each case is a script in testdata; doc comments of the
// commands that scripts have are in commands_test.go.
package e2e
