package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/schema"
	"github.com/nixfleet/nixfleet/schema/validate"
)

// readEvents reads a stream of events, line by line, against its published schema.
func readEvents(text []byte) (events []schema.Event, err error) {
	compiled, err := jsonschema.CompileString("event.schema.json", validate.EventSchema)
	if err != nil {
		return nil, err
	}
	for _, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		var value any
		var event schema.Event
		if err := errors.Join(json.Unmarshal(line, &value), json.Unmarshal(line, &event)); err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
		if err := compiled.Validate(value); err != nil {
			return nil, fmt.Errorf("%s: %#v", line, err)
		}
		events = append(events, event)
	}
	if first, last := events[0], events[len(events)-1]; first.Kind != schema.RunStarted || first.Version != schema.EventVersion || last.Kind != schema.RunFinished || last.Verdict == "" {
		return nil, fmt.Errorf("the stream begins with %+v and ends with %+v", first, last)
	}
	return events, nil
}

// checkEvents FILE KIND… reads a stream of events, in which there must be some of these
// kinds.
func checkEvents(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: events FILE KIND...")
	}
	events, err := readEvents([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	for _, kind := range args[1:] {
		if !slices.ContainsFunc(events, func(e schema.Event) bool { return string(e.Kind) == kind }) {
			ts.Fatalf("no event is of the kind %s", kind)
		}
	}
}

// The events that docs/reference/event-format.md shows are events, and come to what it says.
func TestTheEventsOfTheDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/event-format.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("there is no example")
	}
	events, err := readEvents(block[1])
	if err != nil {
		t.Fatal(err)
	}
	model := progress.New(progress.Shape{Hosts: events[0].Hosts})
	for _, event := range events {
		model.Take(event)
	}
	counts := model.At(events[len(events)-1].Time, 0).Counts
	if found := progress.Counts(counts, progress.Name).String(); found != "1 changed, 1 rolled-back" {
		t.Errorf("the example comes to %s", found)
	}
	script, err := os.ReadFile("testdata/events.txtar")
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`(?m)^\$ nixfleet execute plan.json --json \| (jq .*)$`).FindSubmatch(page)
	if command == nil || !strings.Contains(string(script), strings.ReplaceAll(string(command[1]), "'", "''")) {
		t.Errorf("the example of jq is not what testdata/events.txtar runs: %s", command)
	}
}

// What a closing says to type is what the commands take.
func TestHintsAreRightCommands(t *testing.T) {
	text, err := os.ReadFile("../internal/summary/testdata/TestAClosingOfAllThatCanBe.golden")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^ +hint: .*?(nixfleet .*?)(;|$)`).FindAllStringSubmatch(string(text), -1)
	if len(lines) < 12 {
		t.Fatalf("found %d command lines", len(lines))
	}
	for _, line := range lines {
		if err := reads(strings.Fields(line[1])); err != nil {
			t.Errorf("%s: %v", line[1], err)
		}
	}
}
