// Package progress is how far a run is: what its events say, as values and as the few
// lines that a terminal has room for. It has no clock and writes nothing.
package progress

import (
	"slices"
	"strings"
	"time"

	"github.com/nixfleet/nixfleet/schema"
)

// Shape is what is known of a run before it begins.
type Shape struct {
	// Hosts is how many it takes, and Parallel how many at once.
	Hosts, Parallel int
	// Waves are those with hosts; none where a run has no waves.
	Waves []Wave
	// Zone is where times are told: of a plan its fleet's.
	Zone *time.Location
}

// Wave is a wave of a run.
type Wave struct {
	Name  string
	Hosts []schema.HostName
	Soak  time.Duration
}

// ShapeOf is the shape of an execution of a plan on some of its hosts; parallel is what
// the operator asks for, or 0.
func ShapeOf(plan *schema.Plan, hosts []schema.HostName, parallel int) Shape {
	chosen := make(map[schema.HostName]bool, len(hosts))
	for _, host := range hosts {
		chosen[host] = true
	}
	shape := Shape{Hosts: len(hosts), Parallel: max(plan.Index.Rollout.MaxParallel, 1), Zone: time.Local}
	if zone, err := time.LoadLocation(plan.Index.TimeZone); err == nil {
		shape.Zone = zone
	}
	if parallel > 0 {
		shape.Parallel = min(shape.Parallel, parallel)
	}
	for _, wave := range plan.Index.Rollout.Waves {
		taken := Wave{Name: wave.Name}
		taken.Soak, _ = time.ParseDuration(wave.Soak) // the compiler has read it too
		for _, host := range wave.Hosts {
			if chosen[host] {
				taken.Hosts = append(taken.Hosts, host)
			}
		}
		if len(taken.Hosts) > 0 {
			shape.Waves = append(shape.Waves, taken)
		}
	}
	return shape
}

// Model is a run as its events have told it so far.
type Model struct {
	shape   Shape
	began   time.Time
	waves   []wave
	waveOf  map[schema.HostName]int
	current int // the wave; -1 before the first
	// outcomes are those of hosts whose turn is over.
	outcomes map[schema.HostName]schema.Outcome
	counts   map[schema.Outcome]int
	leftOut  int
	changes  map[schema.HostName]int
	// flight are the hosts at work, and order their names, the first begun first.
	flight map[schema.HostName]*turn
	order  []schema.HostName
	// aside are the hosts that wait for a window, and until when; others work meanwhile.
	aside map[schema.HostName]time.Time
	// phase is what is done to the wave as a whole.
	phase  schema.Stage
	since  time.Time
	until  *time.Time
	halted string
	// seconds are the times of hosts, sorted.
	seconds []float64
}

type wave struct {
	name    string
	hosts   int
	began   time.Time
	ended   bool
	counts  map[schema.Outcome]int
	leftOut int           // hosts that were held without a turn
	soak    time.Duration // what is left of it to begin
}

type turn struct {
	began time.Time
	stage string
	until *time.Time
}

// New returns the model of a run that has not begun.
func New(shape Shape) *Model {
	m := &Model{
		shape: shape, current: -1, waveOf: map[schema.HostName]int{}, outcomes: map[schema.HostName]schema.Outcome{},
		counts: map[schema.Outcome]int{}, changes: map[schema.HostName]int{}, flight: map[schema.HostName]*turn{},
		aside: map[schema.HostName]time.Time{},
	}
	for i, w := range shape.Waves {
		m.waves = append(m.waves, wave{name: w.Name, hosts: len(w.Hosts), soak: w.Soak, counts: map[schema.Outcome]int{}})
		for _, host := range w.Hosts {
			m.waveOf[host] = i
		}
	}
	if len(m.waves) == 0 { // one that nobody names
		m.waves, m.current = []wave{{hosts: shape.Hosts, counts: map[schema.Outcome]int{}}}, 0
	}
	return m
}

// Take takes an event in.
func (m *Model) Take(e schema.Event) {
	if m.began.IsZero() { // whoever looks on at another's run sees no beginning
		m.began = e.Time
	}
	switch e.Kind {
	case schema.WaveStarted:
		m.startWave(e)
	case schema.WaveStage:
		m.startPhase(e)
	case schema.WaveFinished:
		m.phase, m.until = "", nil
		if i := m.find(e.Wave); i >= 0 {
			m.waves[i].ended = true
		}
	case schema.RunHalted:
		m.halted = e.Error
	case schema.HostStarted:
		m.begin(e.Host, e.Time, schema.StageConnect)
	case schema.HostReturning:
		m.begin(e.Host, e.Time, schema.StageRollback)
	case schema.HostStage:
		m.stage(e)
	case schema.HostChange:
		m.changes[e.Host]++
	case schema.HostFinished:
		m.finish(e)
	case schema.HostUnwell:
		m.judge(e.Host, schema.HostUnhealthy)
	case schema.HostReturned:
		m.end(e.Host)
		m.judge(e.Host, e.Outcome)
	}
}

func (m *Model) find(name string) int {
	return slices.IndexFunc(m.waves, func(w wave) bool { return w.name == name })
}

func (m *Model) startWave(e schema.Event) {
	m.phase, m.until = "", nil
	if i := m.find(e.Wave); i >= 0 {
		m.current, m.waves[i].began = i, e.Time
	}
}

func (m *Model) startPhase(e schema.Event) {
	m.phase, m.since, m.until = e.Stage, e.Time, e.Until
	if i := m.find(e.Wave); i >= 0 {
		if e.Stage == schema.StageSoak && e.Until == nil && m.waves[i].soak > 0 {
			end := e.Time.Add(m.waves[i].soak)
			m.until = &end
		}
		m.waves[i].soak = 0
	}
}

func (m *Model) stage(e schema.Event) {
	t := m.flight[e.Host]
	switch {
	case t == nil:
	case e.Stage == schema.StageWindow && e.Until != nil:
		m.end(e.Host)
		m.aside[e.Host] = *e.Until
	default:
		t.stage, t.until = InWords(e), e.Until
	}
}

// InWords is the stage that an event reports, with the name of the hook if it is one.
func InWords(e schema.Event) string { return strings.TrimSpace(string(e.Stage) + " " + e.Note) }

func (m *Model) begin(host schema.HostName, at time.Time, stage schema.Stage) {
	delete(m.aside, host)
	if m.flight[host] == nil {
		m.order = append(m.order, host)
	}
	m.flight[host] = &turn{began: at, stage: string(stage)}
}

func (m *Model) end(host schema.HostName) {
	if m.flight[host] == nil {
		return
	}
	delete(m.flight, host)
	i := slices.Index(m.order, host)
	m.order = slices.Delete(m.order, i, i+1)
}

func (m *Model) finish(e schema.Event) {
	if _, judged := m.outcomes[e.Host]; e.Outcome == schema.HostHeld && !judged && m.flight[e.Host] == nil {
		m.leftOut++
		m.waves[m.waveOf[e.Host]].leftOut++
	}
	m.end(e.Host)
	delete(m.aside, e.Host)
	m.judge(e.Host, e.Outcome)
	switch e.Outcome {
	case schema.HostHeld, schema.HostRefused, schema.HostUnreachable: // nothing was done to it
	default:
		i, _ := slices.BinarySearch(m.seconds, e.Seconds)
		m.seconds = slices.Insert(m.seconds, i, e.Seconds)
	}
}

// judge counts what became of a host in the place of what became of it before.
func (m *Model) judge(host schema.HostName, outcome schema.Outcome) {
	counts := m.waves[m.waveOf[host]].counts
	if before, judged := m.outcomes[host]; judged {
		m.counts[before]--
		counts[before]--
	}
	m.outcomes[host] = outcome
	m.counts[outcome]++
	counts[outcome]++
}

// Shape is what was known of the run before it began.
func (m *Model) Shape() Shape { return m.shape }

// Halted is why nothing more begins; empty while something may.
func (m *Model) Halted() string { return m.halted }

// Changes is how many changes were told of a host.
func (m *Model) Changes(host schema.HostName) int { return m.changes[host] }
