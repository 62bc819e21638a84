package main

import "testing"

// Two flags of one name are a panic when the command runs, and not before.
func TestFlagsHaveNamesOfTheirOwn(t *testing.T) {
	for _, command := range newApp().Commands {
		seen := map[string]bool{}
		for _, flag := range command.Flags {
			for _, name := range flag.Names() {
				if seen[name] {
					t.Errorf("%s has the flag %q twice", command.Name, name)
				}
				seen[name] = true
			}
		}
	}
}
