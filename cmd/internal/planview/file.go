package planview

import (
	"bytes"
	"unicode/utf8"

	"github.com/aymanbagabas/go-udiff"

	"github.com/nixfleet/nixfleet/executor/protocol"
	"github.com/nixfleet/nixfleet/schema"
)

// Why there is no difference of contents.
const (
	withheldSensitive = "sensitive"
	withheldBinary    = "binary"
	withheldLarge     = "large"
	withheldAway      = "not at hand"
)

// largest is how much content is compared: nobody reads the difference of more.
const largest = 512_000

const plainFile = "file"

// file tells of one path, with the contents that may be told.
func file(plan *schema.Plan, detail protocol.FileDetail, options Options) schema.FileForecast {
	f := schema.FileForecast{Path: detail.Path, Action: detail.Action, Unit: detail.Unit, Live: side(plan, detail.Live), Wanted: side(plan, detail.Wanted)}
	live, wanted, applied := detail.Live, detail.Wanted, detail.Applied
	f.Edited = applied != nil && live != nil && isFile(applied) && (!isFile(live) || live.Digest != applied.Digest)
	changes := isFile(live) != isFile(wanted) || isFile(live) && live.Digest != wanted.Digest
	switch {
	case !changes:
		return f
	case detail.Hidden && !options.Sensitive:
		f.Withheld = withheldSensitive
		for _, side := range []*schema.FileSide{f.Live, f.Wanted} {
			if side != nil {
				side.Digest, side.Size = "", 0 // by which a short content could be guessed
			}
		}
		return f
	}
	before, whyBefore := content(plan, live)
	after, whyAfter := content(plan, wanted)
	if f.Withheld = first(whyBefore, whyAfter); f.Withheld == "" {
		f.Diff = udiff.Unified(label(live, "on the host"), label(wanted, "wanted"), string(before), string(after))
	}
	if f.Edited && isFile(live) && f.Withheld == "" && (!isFile(wanted) || applied.Digest != wanted.Digest) {
		if original, why := content(plan, applied); why == "" {
			f.EditDiff = udiff.Unified("applied", "on the host", string(original), string(before))
		}
	}
	return f
}

func isFile(state *protocol.FileState) bool { return state != nil && state.Type == plainFile }

func label(state *protocol.FileState, name string) string {
	if !isFile(state) {
		return "nothing"
	}
	return name
}

// content returns the content of a file; of anything else nothing. Why says why
// it cannot be compared.
func content(plan *schema.Plan, state *protocol.FileState) (data []byte, why string) {
	if !isFile(state) {
		return nil, ""
	}
	payload, have := schema.Payload{}, false
	if state.Content != nil {
		payload, have = *state.Content, true
	} else if state.Source == "" {
		payload, have = plan.Payloads[state.Digest]
	}
	switch {
	case !have && state.Size > largest:
		return nil, withheldLarge
	case !have:
		return nil, withheldAway
	}
	data, err := payload.Bytes()
	switch {
	case err != nil:
		return nil, withheldAway
	case len(data) > largest:
		return nil, withheldLarge
	case !utf8.Valid(data) || bytes.ContainsRune(data, 0):
		return nil, withheldBinary
	}
	return data, ""
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func side(plan *schema.Plan, state *protocol.FileState) *schema.FileSide {
	if state == nil {
		return nil
	}
	s := &schema.FileSide{
		Type: state.Type, Mode: state.Mode, Owner: state.Owner, Group: state.Group, Target: state.Target, Digest: state.Digest, Size: state.Size,
	}
	if payload, ok := plan.Payloads[state.Digest]; ok && state.Type == plainFile && s.Size == 0 {
		if data, err := payload.Bytes(); err == nil {
			s.Size = int64(len(data))
		}
	}
	return s
}
