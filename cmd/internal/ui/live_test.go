package ui

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nixfleet/nixfleet/cmd/internal/ui/screentest"
)

// liveOn is a block on a screen of tests that is drawn when the test says so.
func liveOn(screen *screentest.Screen, draw func(width, height int) []string) *Live {
	return &Live{out: screen, size: screen.Size, draw: draw, stop: func() {}}
}

func TestLiveLinesLeaveNothing(t *testing.T) {
	screen := screentest.New(20, 6)
	block := []string{"one", "two", "three"}
	l := liveOn(screen, func(int, int) []string { return block })
	l.redraw()
	expectScreen(t, screen, "one\ntwo\nthree\n")
	l.Print("web-1: failed\n")
	l.Print("a line that is longer than the screen is wide\n")
	block = []string{"a block of one line, and too long for it"}
	l.redraw()
	expectScreen(t, screen, "web-1: failed\na line that is longe\nr than the screen is\n wide\na block of one lin…\n")
	block = []string{"one", "two"}
	l.redraw()
	l.Around(func() { fmt.Fprintln(screen, "data") })
	l.redraw()
	block = nil
	l.redraw()
	block = []string{"at the end"}
	l.redraw()
	l.Close()
	l.redraw()
	l.Print("after the end\n")
	expectScreen(t, screen, "web-1: failed\na line that is longe\nr than the screen is\n wide\ndata\nafter the end\n")
	if strange := screen.Strange(); len(strange) > 0 {
		t.Errorf("it wrote %s", strange)
	}
}

// What is drawn again on a narrower screen, which has folded the lines of the block,
// leaves nothing of them.
func TestLiveOnAScreenThatIsResized(t *testing.T) {
	screen := screentest.New(60, 12)
	l := liveOn(screen, func(width, height int) []string {
		return []string{strings.Repeat("a", width), strings.Repeat("b", width), strings.Repeat("c", width)}
	})
	l.Print("kept\n")
	l.redraw()
	for _, width := range []int{33, 17, 50, 20, 9, 40} {
		screen.Resize(width)
		l.redraw()
		if got := screen.Visible(); len(got) != 4 || len([]rune(got[1])) != width-1 {
			t.Errorf("%d columns wide it looks so:\n%s", width, screen.Text())
		}
	}
	l.Close()
	expectScreen(t, screen, "kept\n")
}

func TestLiveIsNeverHigherThanTheScreen(t *testing.T) {
	screen := screentest.New(20, 5)
	l := liveOn(screen, func(int, int) []string { return strings.Split(strings.Repeat("line\n", 9), "\n") })
	l.redraw()
	l.redraw()
	if got := len(screen.Visible()); got != 4 {
		t.Errorf("it takes %d lines of 5", got)
	}
	l.Close()
	expectScreen(t, screen, "\n")
}

// What is on the screen is not written again.
func TestLiveWritesWhatIsNew(t *testing.T) {
	screen := screentest.New(20, 6)
	l := liveOn(screen, func(int, int) []string { return []string{"the same"} })
	for range 50 {
		l.redraw()
	}
	if n := screen.Writes(); n != 1 {
		t.Errorf("it wrote %d times", n)
	}
	for i := range 5000 {
		l.Print(fmt.Sprintf("line %d\n", i))
	}
	if n := screen.Writes(); n > 5 {
		t.Errorf("it wrote %d times", n)
	}
}

func expectScreen(t *testing.T, screen *screentest.Screen, want string) {
	t.Helper()
	if found := screen.Text(); found != want {
		t.Errorf("expected\n%s\nfound\n%s", want, found)
	}
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		line    string
		columns int
		want    string
	}{
		{"exactly", 7, "exactly"},
		{"one more", 7, "one mo…"},
		{"\x1b[31mred and long\x1b[0m", 7, "\x1b[31mred an…\x1b[0m"},
		{"\x1b[31mred\x1b[0m", 3, "\x1b[31mred\x1b[0m"},
		{"a\x1b[2Jb\r\nc", 9, "a[2Jbc"},
		{"漢字漢字", 8, "漢字漢字"},
		{"漢字漢字", 7, "漢字漢…"},
		{"漢字漢字", 6, "漢字…"},
		{"anything", 0, ""},
		{"anything", 1, "…"},
		{"", 0, ""},
	} {
		if found := Fit(c.line, c.columns); found != c.want {
			t.Errorf("Fit(%q, %d): expected %q, found %q", c.line, c.columns, c.want, found)
		}
	}
}
