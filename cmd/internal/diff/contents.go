package diff

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"github.com/aymanbagabas/go-udiff"

	"github.com/nixfleet/nixfleet/executor/manifestdiff"
	"github.com/nixfleet/nixfleet/schema"
)

// Why there is no difference of contents.
const (
	withheldBinary  = "binary"
	withheldLarge   = "large"
	withheldClosure = "in the closure"
	withheldSecret  = "secret"
)

// largest is how much content is compared: nobody reads the difference of more.
const largest = 512_000

// contents is a difference of contents, or why there is none.
type contents struct {
	diff     string
	withheld string
	// onlyHashes says that store paths' hashes are all that is different.
	onlyHashes bool
}

func (c *comparison) compareContents(before, after manifestdiff.Content, name string) contents {
	if before.Source != "" || after.Source != "" {
		return contents{withheld: withheldClosure}
	}
	id := [3]string{string(before.Payload), string(after.Payload), name}
	if known, ok := c.texts[id]; ok {
		return known
	}
	old, whyOld := content(c.old, before.Payload)
	now, whyNow := content(c.new, after.Payload)
	found := contents{withheld: whyOld + whyNow}
	if whyOld != "" {
		found.withheld = whyOld
	}
	if found.withheld == "" {
		found.diff = udiff.Unified(label(before.Payload, name), label(after.Payload, name), string(old), string(now))
		found.onlyHashes = before.Payload != "" && after.Payload != "" && bytes.Equal(withoutHashes(old), withoutHashes(now))
	}
	c.texts[id] = found
	return found
}

func label(payload schema.Digest, name string) string {
	if payload == "" {
		return "/dev/null"
	}
	return name
}

// content returns the text of a payload, and why it cannot be compared.
func content(plan *schema.Plan, digest schema.Digest) (data []byte, why string) {
	if digest == "" {
		return nil, ""
	}
	data, _ = plan.Payloads[digest].Bytes() // verified
	switch {
	case len(data) > largest:
		return nil, withheldLarge
	case !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0:
		return nil, withheldBinary
	}
	return data, ""
}

var storeHash = regexp.MustCompile(`/nix/store/[0-9a-df-np-sv-z]{32}-`)

func withoutHashes(text []byte) []byte {
	return storeHash.ReplaceAll(text, []byte("/nix/store/"))
}
