package progress_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/cmd/internal/progress/progresstest"
	"github.com/nixfleet/nixfleet/cmd/internal/ui"
	"github.com/nixfleet/nixfleet/schema"
)

// script is a run that a test tells, second by second.
type script struct {
	*progress.Model
	now time.Time
}

func scriptOf(shape progress.Shape) *script {
	s := &script{progress.New(shape), progresstest.Began}
	s.tell(schema.Event{Kind: schema.RunStarted})
	return s
}

func (s *script) tell(e schema.Event) {
	e.Time = s.now
	s.Take(e)
}

func (s *script) wait(seconds float64) {
	s.now = s.now.Add(time.Duration(seconds * float64(time.Second)))
}

func (s *script) finish(host schema.HostName, outcome schema.Outcome, seconds float64) {
	s.tell(schema.Event{Kind: schema.HostFinished, Host: host, Outcome: outcome, Seconds: seconds})
}

func (s *script) start(hosts ...schema.HostName) {
	for _, host := range hosts {
		s.tell(schema.Event{Kind: schema.HostStarted, Host: host})
	}
}

func (s *script) left(t *testing.T, want time.Duration) {
	t.Helper()
	v := s.At(s.now, 9)
	if !v.Known || v.Left.Round(time.Second) != want {
		t.Errorf("expected that %s are left, found %s, %t", want, v.Left, v.Known)
	}
}

var twoWaves = progress.Shape{Hosts: 7, Parallel: 2, Waves: []progress.Wave{
	{Name: "canary", Hosts: []schema.HostName{"a", "b"}, Soak: time.Minute},
	{Name: "rest", Hosts: []schema.HostName{"c", "d", "e", "f", "g"}},
}}

func TestTimeLeft(t *testing.T) {
	s := scriptOf(twoWaves)
	if v := s.At(s.now, 9); v.Known || v.Number != 0 || v.Waves != 2 {
		t.Errorf("before anything is known: %+v", v)
	}
	s.tell(schema.Event{Kind: schema.WaveStarted, Wave: "canary"})
	s.start("a", "b")
	s.wait(4)
	if v := s.At(s.now, 9); v.Known {
		t.Errorf("nobody is done, and %s are left", v.Left)
	}
	s.wait(6)
	s.finish("a", schema.HostChanged, 10)
	s.left(t, 60*time.Second+3*10*time.Second) // b is as old as a was; a soak; 5 hosts, 2 at once
	s.wait(10)
	s.finish("b", schema.HostChanged, 20)
	end := s.now.Add(time.Minute)
	s.tell(schema.Event{Kind: schema.WaveStage, Wave: "canary", Stage: schema.StageSoak, Until: &end})
	s.wait(45)
	s.left(t, 15*time.Second+3*20*time.Second)
	if v := s.At(s.now, 9); v.Phase != schema.StageSoak || v.PhaseLeft != 15*time.Second || v.PhaseFor != 45*time.Second {
		t.Errorf("the soak: %+v", v)
	}
	s.wait(15)
	s.tell(schema.Event{Kind: schema.WaveStage, Wave: "canary", Stage: schema.StageHealth})
	s.left(t, time.Minute)
	s.tell(schema.Event{Kind: schema.WaveFinished, Wave: "canary"})
	s.tell(schema.Event{Kind: schema.WaveStarted, Wave: "rest"})
	s.start("c") // a limit lets no other begin
	s.wait(5)
	s.left(t, 15*time.Second+4*20*time.Second)
	s.finish("c", schema.HostUnreachable, 5) // which says nothing of how long a change takes
	s.start("d", "e")
	s.left(t, 40*time.Second) // 4 hosts, 2 at once
	s.tell(schema.Event{Kind: schema.RunHalted, Error: "enough"})
	if v := s.At(s.now, 9); v.Known || v.Halted != "enough" {
		t.Errorf("halted: %+v", v)
	}
}

// Events of a NixFleet that tells neither ends of waves nor until when a soak is.
func TestModelOfLessEvents(t *testing.T) {
	s := scriptOf(twoWaves)
	s.tell(schema.Event{Kind: schema.WaveStarted, Wave: "canary"})
	s.start("a")
	s.wait(10)
	s.finish("a", schema.HostChanged, 10)
	s.finish("b", schema.HostChanged, 10)
	s.tell(schema.Event{Kind: schema.WaveStage, Wave: "canary", Stage: schema.StageSoak})
	s.wait(20)
	if v := s.At(s.now, 9); !v.PhaseKnown || v.PhaseLeft != 40*time.Second {
		t.Errorf("the plan knows how long the soak is: %+v", v)
	}
	s.wait(40)
	s.tell(schema.Event{Kind: schema.WaveStarted, Wave: "rest"})
	if v := s.At(s.now, 9); v.Phase != "" || v.Number != 2 || v.Done != 2 || v.Wave.Done != 0 {
		t.Errorf("the next wave: %+v", v)
	}
}

// What becomes of a host later counts in the place of what it was.
func TestOutcomesThatChange(t *testing.T) {
	s := scriptOf(twoWaves)
	s.tell(schema.Event{Kind: schema.WaveStarted, Wave: "canary"})
	s.start("a", "b")
	s.finish("a", schema.HostChanged, 1)
	s.finish("b", schema.HostChanged, 1)
	s.tell(schema.Event{Kind: schema.HostUnwell, Host: "b"})
	s.tell(schema.Event{Kind: schema.HostReturning, Host: "a"})
	v := s.At(s.now, 9)
	if v.AtWork != 1 || v.Turns[0].Host != "a" || v.Turns[0].Stage != "rollback" || v.Done != 2 {
		t.Errorf("on the way back: %+v", v)
	}
	s.tell(schema.Event{Kind: schema.HostReturned, Host: "a", Outcome: schema.HostRolledBack})
	s.finish("c", schema.HostHeld, 0)
	v = s.At(s.now, 9)
	if found := fmt.Sprint(v.Counts); found != "map[changed:0 held:1 rolled-back:1 unhealthy:1]" || v.Done != 2 || v.AtWork != 0 {
		t.Errorf("found %s, %d done", found, v.Done)
	}
	if len(v.Wave.Counts) != 3 || v.Wave.Counts[schema.HostHeld] != 0 {
		t.Errorf("the wave: %+v", v.Wave)
	}
}

// A host that is held because it cannot be reached had its turn, and one that is left out
// had none.
func TestHeldHosts(t *testing.T) {
	s := scriptOf(twoWaves)
	s.tell(schema.Event{Kind: schema.WaveStarted, Wave: "canary"})
	s.start("a")
	s.finish("a", schema.HostHeld, 3)
	s.finish("b", schema.HostHeld, 0)
	if v := s.At(s.now, 9); v.Done != 1 || v.Wave.Done != 1 || v.Counts[schema.HostHeld] != 2 || v.Waiting != 5 {
		t.Errorf("found %+v", v)
	}
}

// A run that is resumed tells of hosts that were done before, whose turn nobody saw.
func TestHostsThatWereDoneBefore(t *testing.T) {
	s := scriptOf(twoWaves)
	s.finish("a", schema.HostChanged, 30)
	s.finish("c", schema.HostChanged, 30)
	s.finish("b", schema.HostChanged, 30)
	s.tell(schema.Event{Kind: schema.WaveStarted, Wave: "rest"})
	v := s.At(s.now, 9)
	if v.Done != 3 || v.Wave.Done != 1 || v.Wave.Hosts != 5 {
		t.Errorf("found %+v", v)
	}
}

// A host that waits for a window is not at work, and the run lasts until then.
func TestHostsThatWaitForAWindow(t *testing.T) {
	s := scriptOf(progress.Shape{Hosts: 3, Parallel: 3})
	s.start("a", "b", "c")
	opens := s.now.Add(time.Hour)
	s.tell(schema.Event{Kind: schema.HostStage, Host: "a", Stage: schema.StageWindow, Until: &opens})
	s.tell(schema.Event{Kind: schema.HostStage, Host: "b", Stage: schema.StageHook, Note: "drain", Until: &opens})
	s.wait(60)
	s.finish("c", schema.HostChanged, 60)
	s.left(t, time.Hour)
	if found := strings.Join(s.Lines(s.now, 80, 24, ui.Style{}), "\n"); found != `1 at work, 0 waiting
[==========>                      ] 1 of 3 hosts, 33%, 1m00s, about 60 min left
1 changed
1 host waiting for a reboot window, the first for 59m00s
  b   1m00s  hook drain, at most 59m00s more` {
		t.Errorf("found\n%s", found)
	}
	s.wait(3600)
	s.start("a")
	s.finish("b", schema.HostChanged, 60)
	if v := s.At(s.now, 9); v.Aside != 0 || v.AtWork != 1 || v.Turns[0].For != 0 {
		t.Errorf("in its window: %+v", v)
	}
}

// Whatever the events and the size, no line is wider than the terminal, and there are
// never more of them than may be.
func TestLinesFit(t *testing.T) {
	for _, hosts := range []int{3, 200} {
		model := progress.New(progresstest.Shape(hosts, 50))
		for i, event := range progresstest.Run(progresstest.Shape(hosts, 50), 7) {
			model.Take(event)
			if i%37 > 0 {
				continue
			}
			for _, size := range [][2]int{{80, 24}, {40, 10}, {200, 50}, {20, 3}, {7, 2}, {1, 1}} {
				lines := model.Lines(event.Time.Add(time.Second), size[0], size[1], ui.Style{})
				if len(lines) > progress.Rows(size[1]) || len(lines) > max(size[1]-1, 1) {
					t.Fatalf("%v: %d lines", size, len(lines))
				}
				for _, line := range lines {
					if n := len([]rune(line)); n > max(size[0]-1, 1) || strings.ContainsAny(line, "\n\t") {
						t.Fatalf("%v: %d columns: %q", size, n, line)
					}
				}
			}
		}
	}
}

// What a host says of its stage cannot move the cursor.
func TestLinesOfAHostileHost(t *testing.T) {
	s := scriptOf(progress.Shape{Hosts: 1, Parallel: 1})
	s.start("a")
	s.tell(schema.Event{Kind: schema.HostStage, Host: "a", Stage: "\x1b[2J\rnothing"})
	if text := strings.Join(s.Lines(s.now, 80, 24, ui.Style{}), "\n"); strings.ContainsAny(text, "\x1b\r") {
		t.Errorf("found %q", text)
	}
}

// BenchmarkManyHosts is 3,000 hosts with twenty events each, drawn ten times a second
// of a run of six minutes.
func BenchmarkManyHosts(b *testing.B) {
	shape := progresstest.Shape(3000, 200)
	events := progresstest.Run(shape, 50)
	b.ReportAllocs()
	for b.Loop() {
		model, drawn, frames := progress.New(shape), progresstest.Began, 0
		for _, event := range events {
			model.Take(event)
			for drawn.Before(event.Time) {
				drawn = drawn.Add(100 * time.Millisecond)
				model.Lines(drawn, 200, 50, ui.Style{})
				frames++
			}
		}
		b.ReportMetric(float64(len(events)), "events/op")
		b.ReportMetric(float64(frames), "drawings/op")
	}
}
