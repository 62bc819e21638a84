// Package progresstest makes the events of runs that nobody ran, for tests: the same
// ones each time.
package progresstest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/nixfleet/nixfleet/cmd/internal/progress"
	"github.com/nixfleet/nixfleet/schema"
)

// Began is when every run of this package begins.
var Began = time.Date(2026, 3, 1, 10, 15, 0, 0, time.UTC)

// Shape is that of a run with so many hosts: a canary, a half, and the rest.
func Shape(hosts, parallel int) progress.Shape {
	names := make([]schema.HostName, hosts)
	for i := range names {
		names[i] = schema.HostName(fmt.Sprintf("web-%d", i+1))
	}
	canary := max(hosts/100, 1)
	half := max(hosts/2, canary+1)
	return progress.Shape{Hosts: hosts, Parallel: parallel, Waves: []progress.Wave{
		{Name: "canary", Hosts: names[:canary], Soak: 5 * time.Minute},
		{Name: "50%", Hosts: names[canary:half], Soak: 2 * time.Minute},
		{Name: "rest", Hosts: names[half:]},
	}}
}

// Run is the events of a run in which one host of fails ends badly; 0 stands for none.
// Every host has about twenty events.
func Run(shape progress.Shape, fails int) []schema.Event {
	s := &simulation{random: rand.New(rand.NewPCG(7, 7)), fails: fails, parallel: shape.Parallel}
	at := Began
	s.tell(at, schema.Event{Kind: schema.RunStarted, Version: schema.EventVersion, Hosts: shape.Hosts})
	for _, wave := range shape.Waves {
		s.tell(at, schema.Event{Kind: schema.WaveStarted, Wave: wave.Name})
		at = s.take(at, wave)
		if wave.Soak > 0 {
			end := at.Add(wave.Soak)
			s.tell(at, schema.Event{Kind: schema.WaveStage, Wave: wave.Name, Stage: schema.StageSoak, Until: &end})
			at = end
			s.tell(at, schema.Event{Kind: schema.WaveStage, Wave: wave.Name, Stage: schema.StageHealth})
		}
		s.tell(at, schema.Event{Kind: schema.WaveFinished, Wave: wave.Name})
	}
	s.tell(at, schema.Event{Kind: schema.RunFinished, Verdict: schema.Done})
	slices.SortStableFunc(s.events, func(a, b schema.Event) int { return a.Time.Compare(b.Time) })
	return s.events
}

type simulation struct {
	random          *rand.Rand
	fails, parallel int
	events          []schema.Event
}

func (s *simulation) tell(at time.Time, e schema.Event) {
	e.Time, e.Run = at, "20260301-101500-k3v9qd"
	s.events = append(s.events, e)
}

// take takes the hosts of a wave, and returns when the last has ended.
func (s *simulation) take(at time.Time, wave progress.Wave) time.Time {
	free := make([]time.Time, max(min(s.parallel, len(wave.Hosts)), 1))
	for i := range free {
		free[i] = at
	}
	end := at
	for i, host := range wave.Hosts {
		lane := 0
		for n := range free {
			if free[n].Before(free[lane]) {
				lane = n
			}
		}
		free[lane] = s.host(free[lane], host, wave.Name, s.fails > 0 && i%s.fails == s.fails-1)
		if free[lane].After(end) {
			end = free[lane]
		}
	}
	return end
}

var stages = []schema.Stage{
	schema.StageConnect, schema.StagePrepare, schema.StageCopy, schema.StagePayloads, schema.StageApply,
	schema.StageStaging, schema.StageStop, schema.StageFiles, schema.StageUnits, schema.StageHealth,
}

// host takes eight seconds or so; few take ten times that.
func (s *simulation) host(at time.Time, host schema.HostName, wave string, fails bool) time.Time {
	takes := time.Duration(6+4*s.random.Float64()) * time.Second
	if s.random.IntN(40) == 0 {
		takes *= 10
	}
	s.tell(at, schema.Event{Kind: schema.HostStarted, Host: host, Wave: wave})
	step := takes / time.Duration(len(stages))
	for i, stage := range stages {
		s.tell(at.Add(step*time.Duration(i)), schema.Event{Kind: schema.HostStage, Host: host, Stage: stage})
		if i >= 7 {
			for n := range 3 {
				s.tell(at.Add(step*time.Duration(i)), schema.Event{Kind: schema.HostChange, Host: host, Change: &schema.Change{
					Action: schema.Update, Kind: "file", Object: fmt.Sprintf("/etc/web/%d-%d.conf", i, n),
				}})
			}
		}
	}
	end := at.Add(takes)
	e := schema.Event{Kind: schema.HostFinished, Host: host, Outcome: schema.HostChanged, Seconds: takes.Seconds()}
	if fails {
		e.Outcome = schema.HostRolledBack
		e.Error = "unit nginx.service failed: its start ended with \"failed\"; result exit-code\nnginx: [emerg] bind() to 10.0.0." +
			fmt.Sprint(s.random.IntN(250)) + ":80 failed"
	}
	s.tell(end, e)
	return end
}
