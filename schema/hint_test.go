package schema_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
)

func TestHintsStayOutOfTheMessage(t *testing.T) {
	inner := schema.WithHint(errors.New("no route"), "check %s", "the address")
	outer := schema.WithHint(fmt.Errorf("cannot connect: %w", errors.Join(inner, errors.New("timed out"))), "try again")
	if text := outer.Error(); text != "cannot connect: no route\ntimed out" {
		t.Errorf("found %q", text)
	}
	if hints := schema.Hints(outer); !slices.Equal(hints, []string{"check the address", "try again"}) {
		t.Errorf("found %q", hints)
	}
	if schema.WithHint(nil, "never") != nil || schema.Hints(nil) != nil {
		t.Error("no error has a hint")
	}
}
