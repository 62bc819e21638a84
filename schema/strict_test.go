package schema_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

type document struct {
	Name  string            `json:"name"`
	Count int               `json:"count,omitempty"`
	Tags  map[string]string `json:"tags,omitempty"`
	Inner *inner            `json:"inner,omitempty"`
	At    *time.Time        `json:"at,omitempty"`
	Rate  float64           `json:"rate,omitempty"`
	inner
}

type inner struct {
	On   bool            `json:"on"`
	Mode schema.Mode     `json:"mode,omitempty"`
	Seen []schema.Digest `json:"seen,omitempty"`
}

func TestDecodeStrict(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for in, want := range map[string]any{
		`{"name":"a","on":true}`:                              document{Name: "a", inner: inner{On: true}},
		" {\n\"on\" :false ,\t\"name\": \"\\u00e9\\n\\\"\" }": document{Name: "é\n\""},
		`{"name":"\ud83d\ude00\/","on":false,"count":-12}`:    document{Name: "😀/", Count: -12},
		`{"name":"","on":false,"tags":{"":"x"},"inner":{"on":true,"mode":"0644"},"rate":1.5e2}`: document{
			Tags: map[string]string{"": "x"}, Inner: &inner{On: true, Mode: "0644"}, Rate: 150},
		`{"name":"","on":false,"at":"2026-01-02T03:04:05Z"}`: document{At: &now},

		``:                                                      "the document is cut short: it ends after 0 bytes",
		`{"name":"a","on":tr`:                                   "line 1: expected true or false",
		`{"name":"a`:                                            "the document is cut short",
		`{"name":"a\`:                                           "the document is cut short",
		`{"name":"a","on":true`:                                 "the document is cut short",
		`{"name":"a","on":true}}`:                               "after the end of the document",
		"{\"name\":\"a\",\"on\":true}\x00":                      "after the end of the document",
		`{"name":"a"}`:                                          `the field "on" is missing`,
		`{"name":"a","on":true,"x":1}`:                          `unknown field "x"`,
		`{"Name":"a","on":true}`:                                `unknown field "Name"`,
		`{"name":"a","on":true,"on":true}`:                      `the key "on" stands twice`,
		`{"name":"a","on":null}`:                                "at /on: line 1: expected true or false, found \"null}\"",
		`{"name":null,"on":true}`:                               "at /name: line 1: expected a string",
		`{"name":"a","on":1}`:                                   "expected true or false",
		`{"name":"a","on":true,}`:                               "expected a string",
		`{"name":"a" "on":true}`:                                `expected "," or "}"`,
		`{"name"; "a","on":true}`:                               `expected ":"`,
		"{\"name\":\"a\",\n\"on\":true,\n]":                     "line 3: expected a string",
		`{"name":"a","on":true,"count":0}`:                      `at /count: line 1: it is empty, and must be left out`,
		`{"name":"a","on":true,"count":1.0}`:                    "expected an integer",
		`{"name":"a","on":true,"count":01}`:                     "expected an integer",
		`{"name":"a","on":true,"count":"1"}`:                    "expected an integer",
		`{"name":"a","on":true,"count":99999999999999999999}`:   "expected an integer of at most 2^53",
		`{"name":"a","on":true,"rate":0x1}`:                     "expected a number",
		`{"name":"a","on":true,"tags":{}}`:                      `at /tags: line 1: it is empty`,
		`{"name":"a","on":true,"tags":{"a":"b","a":"b"}}`:       `at /tags: line 1: the key "a" stands twice`,
		`{"name":"a","on":true,"tags":[]}`:                      "expected an object",
		`{"name":"a","on":true,"inner":{"on":true,"mode":"9"}}`: `at /inner/mode: line 1: "9" is not four octal digits`,
		`{"name":"a","on":true,"seen":["x"]}`:                   `at /seen/0: line 1: "x" is not "sha256:"`,
		`{"name":"a","on":true,"seen":["sha256:` + strings.Repeat("g", 64): "",
		`{"name":"a","on":true,"at":"then"}`:                               "at /at: ",
		`{"name":"a","on":true,"at":`:                                      "the document is cut short",
		"{\"name\":\"\x01\",\"on\":true}":                                  "invalid character",
		"{\"name\":\"\xff\",\"on\":true}":                                  "not UTF-8",
		`{"name":"\ud83d","on":true}`:                                      "half of a pair of surrogates",
		`{"name":"\ud83dx","on":true}`:                                     "half of a pair of surrogates",
		`{"name":"\ud83d\n","on":true}`:                                    "half of a pair of surrogates",
		`{"name":"\ude00","on":true}`:                                      "half of a pair of surrogates",
		`{"name":"\x41","on":true}`:                                        "expected an escaped character",
		`{"name":"\u12`:                                                    "",
	} {
		var found document
		err := schema.DecodeStrict([]byte(in), &found)
		if text, refused := want.(string); refused {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s\nexpected %q\nfound    %v", in, text, err)
			}
		} else if err != nil || !reflect.DeepEqual(found, want) {
			t.Errorf("%s becomes %+v, %v", in, found, err)
		}
	}
}

func TestDecodeKnown(t *testing.T) {
	for in, want := range map[string]any{
		`{}`: document{},
		`{"name":null,"tags":{"a":null},"inner":null,"on":null,"seen":[],"at":null,"count":0}`: document{Tags: map[string]string{"a": ""}, inner: inner{Seen: []schema.Digest{}}},
		`null`:                  document{},
		`{"name":nul}`:          "expected a string",
		`{"x":null}`:            `unknown field "x"`,
		`{"Name":"a"}`:          `unknown field "Name"`,
		`{"on":true,"on":null}`: `the key "on" stands twice`,
		`{} {}`:                 "after the end of the document",
	} {
		var found document
		err := schema.DecodeKnown([]byte(in), &found)
		if text, refused := want.(string); refused {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s\nexpected %q\nfound    %v", in, text, err)
			}
		} else if err != nil || !reflect.DeepEqual(found, want) {
			t.Errorf("%s becomes %+v, %v", in, found, err)
		}
	}
}

// FuzzDecodeStrict holds what is read strictly against encoding/json, and that it
// is written as it was read.
func FuzzDecodeStrict(f *testing.F) {
	f.Add([]byte(`{"name":"a","on":true,"count":1,"tags":{"a":"\u00e9\ud83d\ude00"},"seen":[]}`))
	f.Add([]byte(`{"inner":{"on":false},"name":"","on":true,"rate":1e3,"at":"2026-01-02T03:04:05Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var strict, plain document
		if schema.DecodeStrict(data, &strict) != nil {
			return
		}
		if err := json.Unmarshal(data, &plain); err != nil || !reflect.DeepEqual(strict, plain) {
			t.Fatalf("%s\nis read as %+v\nby encoding/json as %+v, %v", data, strict, plain, err)
		}
		strict.At, strict.Rate = nil, 0 // what has no canonical form
		again, err := schema.Canonical(strict)
		if err != nil {
			t.Fatal(err)
		}
		var second document
		if err := schema.DecodeStrict(again, &second); err != nil || !reflect.DeepEqual(strict, second) {
			t.Fatalf("%s\nis written as %s\nand read as %+v, %v", data, again, second, err)
		}
	})
}
