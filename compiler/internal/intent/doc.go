// Package intent holds what the compiler and its Nix library say to each other:
// the request that goes into an evaluation and the evaluated intent that comes
// back. Its values are as the library hands them over, checked for shape only.
package intent
