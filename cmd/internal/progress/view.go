package progress

import (
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

// View is a run at a moment.
type View struct {
	// Number is the wave's, from 1, of Waves; 0 before the first.
	Number, Waves int
	Wave          WaveView
	// Done are the hosts whose turn came and is over, of Hosts: not those that were held
	// without one.
	Done, Hosts int
	Counts      map[schema.Outcome]int
	// Phase is what is done to the wave as a whole, for how long, and for how long it
	// still will be at most, where that is known.
	Phase      schema.Stage
	PhaseFor   time.Duration
	PhaseLeft  time.Duration
	PhaseKnown bool
	// Turns are the hosts at work, those that take the longest first; AtWork is how many
	// there are in all.
	Turns  []Turn
	AtWork int
	// Waiting are the hosts whose turn is to come.
	Waiting int
	// Aside is how many wait for a window, and Opens how long until the first does.
	Aside int
	Opens time.Duration
	// For is how long the run goes on.
	For time.Duration
	// Median is the time of the host in the middle; 0 while none is done.
	Median time.Duration
	// Left is the estimate of what is left; of use where Known says so.
	Left  time.Duration
	Known bool
	// Halted is why nothing more begins.
	Halted string
}

// WaveView is a wave at a moment.
type WaveView struct {
	Name        string
	Done, Hosts int
	Counts      map[schema.Outcome]int
	For         time.Duration
	Ended       bool
}

// Turn is a host at work.
type Turn struct {
	Host  schema.HostName
	Stage string
	For   time.Duration
	// Left is when its stage ends at the latest, where Limited says so.
	Left    time.Duration
	Limited bool
}

// At is the run at a moment, with at most so many hosts at work.
func (m *Model) At(now time.Time, most int) View {
	v := View{
		Waves: len(m.waves), Number: m.current + 1, Done: counted(m.counts) - m.leftOut, Hosts: m.shape.Hosts, Counts: m.counts,
		Phase: m.phase, AtWork: len(m.order), Median: m.median(), Halted: m.halted,
	}
	if !m.began.IsZero() {
		v.For = now.Sub(m.began)
	}
	if m.current >= 0 {
		v.Wave = m.wave(m.current, now)
	}
	if m.phase != "" {
		v.PhaseFor = now.Sub(m.since)
		v.PhaseLeft, v.PhaseKnown = until(now, m.until)
	}
	for _, host := range m.order[:min(most, len(m.order))] {
		t := m.flight[host]
		turn := Turn{Host: host, Stage: t.stage, For: now.Sub(t.began)}
		turn.Left, turn.Limited = until(now, t.until)
		v.Turns = append(v.Turns, turn)
	}
	for _, end := range m.aside {
		if left := max(end.Sub(now), 0); v.Aside == 0 || left < v.Opens {
			v.Opens = left
		}
		v.Aside++
	}
	v.Waiting = max(m.shape.Hosts-counted(m.counts)-v.AtWork-v.Aside, 0)
	v.Left, v.Known = m.left(now)
	return v
}

// WaveNamed is a wave at a moment; false where there is none of that name.
func (m *Model) WaveNamed(name string, now time.Time) (view WaveView, number int, found bool) {
	i := m.find(name)
	if i < 0 {
		return WaveView{}, 0, false
	}
	return m.wave(i, now), i + 1, true
}

func (m *Model) wave(i int, now time.Time) WaveView {
	w := m.waves[i]
	v := WaveView{Name: w.name, Done: counted(w.counts) - w.leftOut, Hosts: w.hosts, Counts: w.counts, Ended: w.ended}
	if !w.began.IsZero() {
		v.For = now.Sub(w.began)
	}
	return v
}

func until(now time.Time, end *time.Time) (left time.Duration, known bool) {
	if end == nil {
		return 0, false
	}
	return max(end.Sub(now), 0), true
}

func (m *Model) median() time.Duration {
	if len(m.seconds) == 0 {
		return 0
	}
	return time.Duration(m.seconds[len(m.seconds)/2] * float64(time.Second))
}

// left estimates the rest of the run: hosts take as long as the one in the middle
// has, as many at once as are now, or in later waves as may be; soaks take their time.
// Nobody knows how long gates and the waits of a halted run are.
func (m *Model) left(now time.Time) (time.Duration, bool) {
	if len(m.seconds) == 0 || m.halted != "" {
		return 0, false
	}
	median, total := m.median(), time.Duration(0)
	if m.current >= 0 {
		total = m.restOfWave(now, median)
	}
	for i := max(m.current+1, 0); i < len(m.waves); i++ {
		hosts := m.waves[i].hosts - counted(m.waves[i].counts)
		lanes := max(min(m.shape.Parallel, hosts), 1)
		total += median*time.Duration((hosts+lanes-1)/lanes) + m.waves[i].soak
	}
	return total, true
}

func (m *Model) restOfWave(now time.Time, median time.Duration) time.Duration {
	w := &m.waves[m.current]
	if w.ended {
		return 0
	}
	rest := w.soak
	if left, known := until(now, m.until); known {
		rest += left
	}
	var work, longest time.Duration
	for _, t := range m.flight {
		left := max(median-now.Sub(t.began), 0)
		work += left
		longest = max(longest, left)
	}
	for _, end := range m.aside {
		longest = max(longest, end.Sub(now)+median)
	}
	waiting := w.hosts - counted(w.counts) - len(m.flight) - len(m.aside)
	if waiting <= 0 {
		return rest + longest
	}
	work += median * time.Duration(waiting)
	return rest + max(work/time.Duration(max(len(m.flight), 1)), median, longest)
}

// counted is how many hosts were counted.
func counted(counts map[schema.Outcome]int) int {
	n := 0
	for _, hosts := range counts {
		n += hosts
	}
	return n
}
