// Package golden keeps a plan as files that people read in `git diff`: each text of a
// file or unit once and as it is, what hosts shall be by kind, and who comes when. It
// reads plans and its own directory, and writes nothing else.
package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nixfleet/nixfleet/cmd/internal/document"
	"github.com/nixfleet/nixfleet/cmd/internal/show"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/internal/human"
	"github.com/nixfleet/nixfleet/schema"
)

// Tree is what a golden directory holds: contents by names with slashes.
type Tree map[string][]byte

// The names at the top of a tree; below filesDir, unitsDir, hostsDir and closuresDir is the rest.
const (
	contentsName   = "CONTENTS"
	attributesName = ".gitattributes"
	readmeName     = "README.md"
	planName       = "plan.json"
	showName       = "show.txt"
	fleetName      = "fleet.yaml"
	hostsName      = "hosts.yaml"
	variantsName   = "variants.yaml"
	filesDir       = "files"
	unitsDir       = "units"
	hostsDir       = "hosts"
	closuresDir    = "closures"
)

// attributes keep git from showing the plan line by line, from converting line ends, and
// from leaving the list of files in conflict.
const attributes = `* -text
plan.json -diff -merge linguist-generated
CONTENTS merge=union linguist-generated
`

const readme = "# What this fleet compiles to\n\n" +
	"Written by `nixfleet golden --update`, and never by hand. The fleet decides; these files show what a change of it does.\n\n" +
	"- `files/`, `units/`: every text that is put on hosts, by its path there. Where hosts have different ones, the one that most hosts have is\n" +
	"  under the plain name, others are under `NAME@HOST` of the first host that has it, and `variants.yaml` says who has which.\n" +
	"- `hosts.yaml`: the hosts, how they are reached, and which file of `hosts/` says what they shall be.\n" +
	"- `hosts/`: all but the texts, once for hosts that are alike.\n" +
	"- `closures/`: the packages that come along, by name.\n" +
	"- `fleet.yaml`, `show.txt`: what holds for all; who comes when.\n" +
	"- `plan.json`: all of it with every hash, for `nixfleet diff` and `nixfleet show`. No execution takes it.\n\n" +
	"`‹host›` and `‹address›` stand for the host's own where that is all that hosts differ in.\n"

// unknown stands for the hash of the fleet's source, which no file in it can hold.
const unknown = schema.NarHash("sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")

// Of returns the files that show a plan. What was built adds what is in the closures;
// without it they are not told of.
func Of(preview, built *schema.Plan) (Tree, error) {
	l := newLayout(preview)
	if err := l.addTexts(); err != nil {
		return nil, err
	}
	kinds, err := l.addManifests()
	if err != nil {
		return nil, err
	}
	if err := l.addHosts(kinds); err != nil {
		return nil, err
	}
	if built != nil {
		if err := l.addClosures(built, kinds); err != nil {
			return nil, err
		}
	}
	if err := l.addVariants(); err != nil {
		return nil, err
	}
	if err := l.addFleet(); err != nil {
		return nil, err
	}
	l.tree[attributesName], l.tree[readmeName] = []byte(attributes), []byte(readme)
	return l.tree, nil
}

// addFleet adds what holds for all hosts: in data, in words, and as a plan.
func (l *layout) addFleet() error {
	index, err := fields(l.plan.Index)
	if err != nil {
		return err
	}
	for _, churns := range []string{"hostSets", "kind", "preview", "source", "version"} {
		delete(index, churns)
	}
	if l.tree[fleetName], err = writeYAML(index); err != nil {
		return err
	}
	if l.tree[showName], err = drawRollout(l.plan); err != nil {
		return err
	}
	l.tree[planName], err = encodePlan(l.plan)
	return err
}

// encodePlan writes the plan without what is of the source's bytes alone: the files
// are in the source themselves. It stays a preview, so that nobody executes it.
func encodePlan(preview *schema.Plan) ([]byte, error) {
	plan := *preview
	plan.Index.Source = schema.Source{NarHash: unknown, Library: unknown, Inventory: preview.Index.Source.Inventory}
	if err := plan.Seal(); err != nil {
		return nil, err
	}
	return plan.Encode()
}

// drawRollout draws the rollout as `nixfleet show` does, without the hashes above it. Hosts
// are in files of their own.
func drawRollout(plan *schema.Plan) ([]byte, error) {
	summary, err := show.Summarize(plan)
	if err != nil {
		return nil, err
	}
	name := plan.Index.Fleet
	if name == "" {
		name = "without a name"
	}
	summary.Kinds = nil
	told := summary.Document(false)
	told.Title = document.Line(fmt.Sprintf("Fleet %s: %s", name, human.Count(len(plan.Index.Hosts), "host")))
	var blocks []document.Block
	for _, block := range told.Blocks {
		if section, ok := block.(document.Section); ok {
			blocks = append(blocks, section)
		}
	}
	told.Blocks = blocks
	var out strings.Builder
	err = document.WriteText(&out, told, ui.StyleFor(&out))
	return []byte(out.String()), err
}

// fields returns a value as it stands in JSON.
func fields(value any) (map[string]any, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	return tree, parse(data, &tree)
}

// parse reads JSON and leaves numbers as they are written.
func parse(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return decoder.Decode(into)
}
