package schema_test

import (
	"slices"
	"testing"

	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/internal/publish"
)

// TestStagesListsEveryConstantInOrder compares the list with the constants, in whose order
// the pages of the formats show them.
func TestStagesListsEveryConstantInOrder(t *testing.T) {
	source, err := publish.ReadSource(".")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for i, stage := range schema.Stages {
		listed = append(listed, string(stage))
		if stage.Order() != i || !stage.OfHost() && !stage.OfWave() {
			t.Errorf("%s: order %d, of host %t, of wave %t", stage, stage.Order(), stage.OfHost(), stage.OfWave())
		}
	}
	if !slices.Equal(listed, source.Enums["Stage"]) {
		t.Errorf("expected %q, found %q", source.Enums["Stage"], listed)
	}
	if stranger := schema.Stage("\x1b[2J"); stranger.Order() != -1 || stranger.OfHost() || stranger.OfWave() {
		t.Error("an unknown stage belongs to a host or a wave")
	}
}
