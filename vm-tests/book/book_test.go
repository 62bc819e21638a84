package book

import (
	"slices"
	"testing"
)

const page = "# A page\n\n```console\n$ cat >f <<'END'\n# a line\nEND\n$ ls -l\na\n…\n# id # as root\n```\n\n- in a list:\n\n  ```nix\n  # modules/web.nix\n  { }\n  ```\n"

func TestBlocks(t *testing.T) {
	blocks := Blocks(page)
	if len(blocks) != 2 || blocks[0].Language != "console" || blocks[0].Line != 4 || blocks[0].File() != "" {
		t.Fatalf("found %+v", blocks)
	}
	if b := blocks[1]; b.File() != "modules/web.nix" || b.Text != "# modules/web.nix\n{ }\n" || b.Steps() != nil {
		t.Errorf("found %+v", b)
	}
	want := []Step{
		{Line: 4, Command: "cat >f <<'END'\n# a line\nEND"},
		{Line: 7, Command: "ls -l", Output: "a\n…\n"},
		{Line: 10, Root: true, Command: "id # as root"},
	}
	if steps := blocks[0].Steps(); !slices.Equal(steps, want) {
		t.Errorf("found %+v", steps)
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		shown, printed string
		want           bool
	}{
		{"a b\n", "a    b\n", true},
		{"a b\n", "a c\n", false},
		{"took … s\n", "took 0.1 s\n", true},
		{"took … s\n", "took 0.1 s\nmore\n", false},
		{"a\n…\nz\n", "a\nb\nc\nz\n", true},
		{"a\n…\nz\n", "a\nz\n", true},
		{"a\n…\nz\n", "a\nb\n", false},
		{"…\nz\n", "zz\n", false},
		{"(a)\n", "(a)", true},
	} {
		if got := Matches(c.shown, c.printed); got != c.want {
			t.Errorf("Matches(%q, %q) is %v", c.shown, c.printed, got)
		}
	}
}
