package transaction

import (
	"context"

	"github.com/nixfleet/nixfleet/executor/host/internal/nixstore"
	"github.com/nixfleet/nixfleet/schema"
)

// profileStep makes a closure the profile's generation of our number.
type profileStep struct {
	Number int              `json:"number"`
	Path   schema.StorePath `json:"path"`
	Was    nixstore.Links   `json:"was"`
}

// The links are made durable one by one.
func (s *profileStep) directories() []string { return nil }

func (s *profileStep) do(_ context.Context, t *transaction) error {
	return t.Profile.Switch(s.Number, s.Path)
}

func (s *profileStep) undo(_ context.Context, t *transaction) error {
	return t.Profile.Return(s.Number, s.Was)
}

func (s *profileStep) check(t *transaction) (string, error) {
	now, err := t.Profile.Links(s.Number)
	if err != nil || now == s.Was {
		return "", err
	}
	return "the profile " + nixstore.ProfileLink + " is not what it was", nil
}
