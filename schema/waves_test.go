package schema_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

func hostNames(text string) []schema.HostName {
	var names []schema.HostName
	for _, name := range strings.Fields(text) {
		names = append(names, schema.HostName(name))
	}
	return names
}

func TestRangesOfHosts(t *testing.T) {
	for hosts, want := range map[string]string{
		"":                                     "[]",
		"web-1":                                "[web-1]",
		"web-1 web-2":                          "[web-1 web-2]",
		"web-1 web-2 web-3":                    "[web-[1-3]]",
		"web-9 web-10 web-11":                  "[web-[9-11]]",
		"web-09 web-10 web-11":                 "[web-[09-11]]",
		"web-9 web-10 web-011":                 "[web-9 web-10 web-011]",
		"w098 w099 w100 w101":                  "[w[098-101]]",
		"w98 w99 w100":                         "[w[98-100]]",
		"a1.eu a2.eu a3.eu b1 b2":              "[a[1-3].eu b1 b2]",
		"r1-h8 r1-h9 r2-h9 r3-h9":              "[r1-h8 r[1-3]-h9]",
		"db-1 web-1 web-2 web-3 web-5":         "[db-1 web-[1-3] web-5]",
		"web-3 web-2 web-1":                    "[web-3 web-2 web-1]",
		"1 2 3":                                "[[1-3]]",
		"h1 h1 h1":                             "[h1 h1 h1]",
		"h9999999998 h9999999999 h10000000000": "[h9999999998 h9999999999 h10000000000]",
	} {
		if found := fmt.Sprint(schema.RangesOf(hostNames(hosts))); found != want {
			t.Errorf("%s: expected %s, found %s", hosts, want, found)
		}
		waves := schema.Waves{{Name: "all", Hosts: append(schema.HostList{}, hostNames(hosts)...)}}
		data, err := json.Marshal(waves)
		if err != nil {
			t.Fatal(err)
		}
		var again schema.Waves
		if err := schema.DecodeStrict(data, &again); err != nil || !slices.Equal(again[0].Hosts, waves[0].Hosts) {
			t.Errorf("%s becomes %v, %v", data, again, err)
		}
	}
}

// TestWaveBomb names the hosts of a wave twice, in a way that encoding/json forgives.
func TestWaveBomb(t *testing.T) {
	bomb := `{"name": "x", "hosts": ["a[1-900000]"], "Hosts": []},`
	var waves schema.Waves
	err := schema.Decode([]byte("["+strings.Repeat(bomb, 10000)+bomb[:len(bomb)-1]+"]"), &waves)
	if err == nil || !strings.Contains(err.Error(), "the waves have more than 1000000 hosts") {
		t.Error(err)
	}
}

// TestRebootBomb has lists that are small each.
func TestRebootBomb(t *testing.T) {
	for text, want := range map[string]string{
		`{"maxConcurrent": 1, "waves": [{"wave": "x", "hosts": ["a[1-700000]"], "deadline": "1m", "stability": "10s"}, {"wave": "x", "hosts": ["b[1-700000]"], "deadline": "1m", "stability": "10s"}]}`: "the waves of reboots have more than 1000000 hosts",
		`{"maxConcurrent": 1, "limits": [{"hosts": ["a[1-700000]"], "maxConcurrent": 1}, {"hosts": ["a[1-700000]"], "maxConcurrent": 1}], "waves": []}`:                                                 "the limits of reboots have more than 1000000 hosts",
		`{"maxConcurrent": 1, "limits": [{"hosts": ["a[1-3]"], "maxConcurrent": 1}], "waves": [{"wave": "x", "hosts": ["a[1-3]"], "deadline": "1m", "stability": "10s"}]}`:                              "",
		`{"maxConcurrent": 1, "limits": [{"hosts": ["a[1-2]"], "maxConcurrent": 1}], "waves": []}`:                                                                                                      "hosts are not written as they must be",
	} {
		var reboots, again schema.Reboots
		err := schema.DecodeStrict([]byte(text), &reboots)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, want %q", text, err, want)
		}
		if lenient := schema.Decode([]byte(text), &again); (lenient == nil) != (want == "") {
			t.Errorf("%s gives %v, want %q", text, lenient, want)
		}
	}
}

func TestWavesRefused(t *testing.T) {
	for hosts, want := range map[string]string{
		`"web-1", "web-2", "web-3"`:    `hosts are not written as they must be: expected "web-[1-3]", found "web-1"`,
		`"web-[1-2]"`:                  `expected "web-1", found "web-[1-2]"`,
		`"web-[1-3]", "web-4"`:         `expected "web-[1-4]", found "web-[1-3]"`,
		`"web-[1-3]", "web-[4-9]"`:     `expected "web-[1-9]", found "web-[1-3]"`,
		`"web-[1-003]"`:                `expected "web-[1-3]", found "web-[1-003]"`,
		`"web-[3-1]"`:                  `the range "web-[3-1]" ends before it begins`,
		`"web-[0-999999999]"`:          `the waves have more than 1000000 hosts, and no plan has`,
		`"a[1-700000]", "b[1-700000]"`: `the waves have more than 1000000 hosts`,
		`"web-[1-3"`:                   `"web-[1-3" is not the name of a host, or a range`,
		`"web-[1-3]-[1-2]"`:            `is not the name of a host, or a range`,
		`"-[1-3]"`:                     `is not the name of a host, or a range`,
		`""`:                           `is not the name of a host, or a range`,
		`"[1-3]` + strings.Repeat("x", 251) + `y"`:  `is not the name of a host, or a range`,
		`"[8-10]` + strings.Repeat("x", 251) + `"`:  ``,
		`"a[8-10]` + strings.Repeat("x", 251) + `"`: `is not letters, digits`,
	} {
		var waves schema.Waves
		err := schema.DecodeStrict([]byte(`[{"name": "all", "hosts": [`+hosts+`]}]`), &waves)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nexpected %q\nfound    %v", hosts, want, err)
		}
	}
}
