package document

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hexops/autogold/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/ui"
)

func sample() Document {
	return Document{Title: Line("Plan ", Name("a`b"), " of @everybody: <b>"), Blocks: []Block{
		Paragraph{Text: Line("Two *stars*, ", Bold("strong"), ", ", Span{"refused", Bad}, ".")},
		Section{Heading: Line("When"), Blocks: []Block{Table{Head: []string{"wave", "hosts"}, Rows: [][]Text{
			{Line("1. a|b"), Line(Name("web-1"))}, {Line("2. long name"), Line(Name("web-2"))},
		}}}},
		Section{Heading: Line(Name("web-1"), " <all>"), Fold: true, Blocks: []Block{List{Items: []Item{
			{Text: Line("changes ", Name("/etc/a")), Blocks: []Block{Patch{Diff: "@@ -1 +1 @@\n-old \n+new\x1b[2J\n+```\n"}}},
			{Text: Line("restarts ", Name("a.service")), Blocks: []Block{List{Items: []Item{{Text: Line("inner")}}}}},
		}}}},
	}}
}

func TestText(t *testing.T) {
	var out strings.Builder
	if err := WriteText(&out, sample(), ui.Style{}); err != nil {
		t.Fatal(err)
	}
	autogold.ExpectFile(t, autogold.Raw(out.String()), autogold.Name("text"))
}

func TestMarkdown(t *testing.T) {
	var out strings.Builder
	if err := WriteMarkdown(&out, sample(), 0, nil); err != nil {
		t.Fatal(err)
	}
	autogold.ExpectFile(t, autogold.Raw(out.String()), autogold.Name("markdown"))
}

// However long a document is, a comment of it is short enough, whole in its form, and
// says that it is cut; and what comes first is there.
func TestMarkdownFitsIntoAComment(t *testing.T) {
	for _, size := range []int{1, 50, 2000} {
		d := Document{Title: Line("A long one"), Blocks: []Block{Paragraph{Text: Line("what must be read")}}}
		for range 3 {
			s := Section{Heading: Line("a section"), Fold: true}
			var list List
			for i := range size {
				list.Items = append(list.Items, Item{Text: Line(fmt.Sprintf("item %d", i)), Blocks: []Block{Patch{Diff: strings.Repeat("+line\n", i%200)}}})
			}
			s.Blocks = []Block{list}
			d.Blocks = append(d.Blocks, s)
		}
		var whole, cut strings.Builder
		if err := WriteMarkdown(&whole, d, 0, nil); err != nil {
			t.Fatal(err)
		}
		if err := WriteMarkdown(&cut, d, CommentLimit, Line("the rest is elsewhere")); err != nil {
			t.Fatal(err)
		}
		if cut.Len() > CommentLimit {
			t.Errorf("%d items: %d characters", size, cut.Len())
		}
		if whole.Len() > CommentLimit != strings.Contains(cut.String(), "elsewhere") {
			t.Errorf("%d items: of %d characters, and it says: %q", size, whole.Len(), cut.String()[max(0, cut.Len()-200):])
		}
		if !strings.Contains(cut.String(), "what must be read") || strings.Count(cut.String(), "<details>") != strings.Count(cut.String(), "</details>") || strings.Count(cut.String(), "```")%2 != 0 {
			t.Errorf("%d items: it is torn", size)
		}
	}
}

// Even what cannot be made short ends where a block ends.
func TestMarkdownIsCutAtTheEndOfABlock(t *testing.T) {
	d := Document{Title: Line("Long words"), Blocks: []Block{Paragraph{Text: Line("first")}}}
	for range 10 {
		d.Blocks = append(d.Blocks, Section{Heading: Line("s"), Fold: true, Blocks: []Block{Paragraph{Text: Line(strings.Repeat("w", 300))}}})
	}
	var out strings.Builder
	if err := WriteMarkdown(&out, d, 1000, nil); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); len(text) > 1000 || !strings.Contains(text, "first") || !strings.HasSuffix(text, "too long for a comment.\n") ||
		strings.Count(text, "<details>") != strings.Count(text, "</details>") {
		t.Errorf("found %d characters:\n%s", len(text), text)
	}
}
