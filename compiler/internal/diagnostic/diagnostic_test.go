package diagnostic

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

type hostName = schema.HostName

func TestString(t *testing.T) {
	for want, d := range map[string]Diagnostic{
		"error: x [no-hosts]": {Code: NoHosts, Severity: Error, Summary: "x"},
		"warning: x [warning]\n  at a.nix, host web-1 and web-2": {
			Code: FleetWarning, Severity: Warning, Summary: "x", Position: Position{File: "a.nix"}, Host: "web-1", Others: []hostName{"web-2"},
		},
		"error: x [path-invalid]\n  at a.nix:3:4, nixfleet.x, host a and b, c, d, e and 2 more\n  one\n  two\nhint: do\n  this": {
			Code: PathInvalid, Severity: Error, Summary: "x", Position: Position{"a.nix", 3, 4}, Option: "nixfleet.x", Host: "a",
			Others: []hostName{"b", "c", "d", "e", "f", "g"}, Detail: "one\ntwo\n", Hint: "do\nthis",
		},
	} {
		if found := d.String(); found != want {
			t.Errorf("found\n%s\nwant\n%s", found, want)
		}
	}
}

func TestSorted(t *testing.T) {
	list := List{
		{Severity: Warning, Summary: "w"},
		{Severity: Error, Summary: "b", Position: Position{File: "b.nix", Line: 2}},
		{Severity: Error, Summary: "b", Position: Position{File: "b.nix", Line: 10}},
		{Severity: Error, Summary: "a", Host: "web-2", Position: Position{File: "a.nix"}},
		{Severity: Error, Summary: "a", Host: "web-1", Position: Position{File: "a.nix"}},
		{Severity: Error, Summary: "a", Host: "web-1", Position: Position{File: "a.nix"}},
		{Severity: Error, Summary: "n"},
		{Severity: Error, Summary: "n"},
	}
	want := "error: n []\n" +
		"error: a []\n  at a.nix, host web-1 and web-2\n" +
		"error: b []\n  at b.nix:2\n" +
		"error: b []\n  at b.nix:10\n" +
		"warning: w []"
	if found := list.Sorted().Error(); found != want {
		t.Errorf("found\n%s\nwant\n%s", found, want)
	}
	slices.Reverse(list)
	if found := list.Sorted().Error(); found != want {
		t.Errorf("in another order:\n%s", found)
	}
}

func TestListAsError(t *testing.T) {
	warning := List{{Severity: Warning, Summary: "w"}}
	if warning.Err() != nil || List(nil).Err() != nil {
		t.Error("a warning is an error")
	}
	list := append(warning, Diagnostic{Severity: Error, Summary: "e"})
	found, ok := Of(fmt.Errorf("cannot: %w", errors.Join(list.Err(), errors.New("more"))))
	if !ok || len(found) != 2 {
		t.Errorf("found %v", found)
	}
	if _, ok := Of(errors.New("x")); ok {
		t.Error("any error is a list")
	}
}

func TestNearest(t *testing.T) {
	fields := []string{"addr", "base", "groups", "hostKeys", "port", "proxyJump", "roles", "user"}
	for name, want := range map[string]string{
		"adr": "addr", "adress": "addr", "address": "addr", "Port": "port", "prot": "port", "role": "roles", "hostkeys": "hostKeys",
		"username": "user", "zzz": "", "x": "", "": "",
	} {
		if found := Nearest(name, fields); found != want {
			t.Errorf("nearest to %q is %q, want %q", name, found, want)
		}
	}
	if found := Nearest("wbe-1", []string{"db-1", "web-1"}); found != "web-1" {
		t.Errorf("with two letters swapped, %q", found)
	}
	if found := Nearest("web-0", []string{"web-1", "web-2"}); found != "web-1" {
		t.Errorf("of equals, %q", found)
	}
}
