package schema_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/gowebpki/jcs"
	"pgregory.net/rapid"

	"github.com/nixfleet/nixfleet/schema"
)

// TestCanonicalIsRFC8785 holds our encoder against another implementation.
func TestCanonicalIsRFC8785(t *testing.T) {
	value := rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.Int32(), func(n int32) any { return n }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.SliceOf(rapid.String()), func(l []string) any { return l }),
	)
	rapid.Check(t, func(t *rapid.T) {
		document := rapid.MapOf(rapid.String(), value).Draw(t, "document")
		plain, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		want, err := jcs.Transform(plain)
		if err != nil {
			t.Skip("beyond what the other implementation takes")
		}
		found, err := schema.Canonical(document)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(found, want) {
			t.Fatalf("expected %s\nfound    %s", want, found)
		}
	})
}

func TestCanonicalKeyOrderAndEscapes(t *testing.T) {
	for _, c := range []struct {
		in   any
		want string
	}{
		{map[string]int{"\U0001F600": 1, "\uFFFD": 2, "a": 3}, "{\"a\":3,\"\U0001F600\":1,\"\uFFFD\":2}"},
		{map[string]string{"k": "<&>\u2028\u007f\x01\b"}, "{\"k\":\"<&>\u2028\u007f\\u0001\\b\"}"},
		{[]any{nil, true, -5}, "[null,true,-5]"},
	} {
		found, err := schema.Canonical(c.in)
		if err != nil || string(found) != c.want {
			t.Errorf("Canonical(%#v) = %s, %v; expected %s", c.in, found, err, c.want)
		}
	}
	if _, err := schema.Canonical(1.5); err == nil {
		t.Error("a fraction was encoded")
	}
}
