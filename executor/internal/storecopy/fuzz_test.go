package storecopy

import (
	"bytes"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

type fixed struct{ *bytes.Reader }

func (fixed) Write(p []byte) (int, error) { return len(p), nil }

// Whatever a host answers, it is an answer about the paths that were asked for,
// or an error.
func FuzzReplies(f *testing.F) {
	f.Add([]byte("\xcb\xee\x52\x54\x00\x00\x00\x00\x07\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, input []byte) {
		s := newServer(fixed{bytes.NewReader(input)})
		if s.readGreeting() != nil {
			return
		}
		var valid map[schema.StorePath]bool
		valid, err := s.readValid(3)
		if err == nil && len(valid) > 3 {
			t.Fatalf("%d paths of 3", len(valid))
		}
		_ = s.readAdded()
	})
}
