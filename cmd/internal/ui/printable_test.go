package ui

import (
	"errors"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

func TestEscapeSequencesAreWrittenOut(t *testing.T) {
	var out strings.Builder
	PrintError(&out, schema.WithHint(errors.New("unit \x1b[2Ja.service failed\nits log:\r\x1b]0;title\x07"), "look \u202eat it"))
	PrintDiagnostic(&out, Style{}, "error", "error: \x1b[31mred\n  at flake.nix:1\n")
	want := `error: unit \x1b[2Ja.service failed
its log:\x0d\x1b]0;title\x07
hint: look \x202eat it
error: \x1b[31mred
  at flake.nix:1
`
	if out.String() != want {
		t.Errorf("expected\n%s\nfound\n%s", want, out.String())
	}
}
