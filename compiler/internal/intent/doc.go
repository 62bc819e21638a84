// Package intent holds what the compiler and its Nix library exchange: the request
// that goes into an evaluation, and the evaluated intent that comes back. The library
// writes manifests as package schema has them; types of options are checked there.
package intent
