package progress_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/cmd/internal/progress/progresstest"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema"
)

var update = flag.Bool("update", false, "write the goldens anew")

// TestDrawings keeps what people see of runs of 3, 200 and 3,000 hosts on three sizes of
// terminal, at moments of the run.
func TestDrawings(t *testing.T) {
	var out strings.Builder
	for _, size := range [][2]int{{80, 24}, {40, 10}, {200, 50}} {
		for _, run := range []struct{ hosts, parallel, fails int }{{3, 2, 0}, {200, 20, 30}, {3000, 200, 90}} {
			fmt.Fprintf(&out, "-- %dx%d, %d hosts --\n", size[0], size[1], run.hosts)
			draw(&out, run.hosts, run.parallel, run.fails, size)
		}
	}
	golden := filepath.Join("testdata", "drawings.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != out.String() {
		t.Errorf("%s is not what is drawn (%v); -update and read the difference. Found\n%s", golden, err, out.String())
	}
}

// draw draws a run when its canary is at work, in its first soak, amid the second wave,
// near the end, and halted.
func draw(out *strings.Builder, hosts, parallel, fails int, size [2]int) {
	shape := progresstest.Shape(hosts, parallel)
	model, ended := progress.New(shape), 0
	show := func(at time.Time) {
		fmt.Fprintln(out, strings.Join(model.Lines(at, size[0], size[1], ui.Style{}), "\n")+"\n")
	}
	moments := []func(schema.Event) bool{
		func(e schema.Event) bool { return e.Kind == schema.HostChange },
		func(e schema.Event) bool { return e.Stage == schema.StageSoak },
		func(schema.Event) bool { return ended >= hosts/3 && ended > 1 },
		func(schema.Event) bool { return ended == hosts-1 },
	}
	for _, event := range progresstest.Run(shape, fails) {
		model.Take(event)
		if event.Kind == schema.HostFinished {
			ended++
		}
		if len(moments) > 0 && moments[0](event) {
			show(event.Time.Add(1500 * time.Millisecond))
			if moments = moments[1:]; len(moments) == 0 {
				model.Take(schema.Event{Kind: schema.RunHalted, Error: "too many failed", Time: event.Time})
				show(event.Time.Add(30 * time.Second))
				return
			}
		}
	}
}
