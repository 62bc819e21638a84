package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"text/tabwriter"

	"github.com/nixfleet/nixfleet/schema"
)

var (
	scaleHosts    = []int{10, 100, 1000}
	scaleParallel = []int{20, 100, 500}
)

// scaled is one line of the table: an execution on so many hosts, so many at once. Work
// is the times of the hosts' work; 0 where they are as the plan says.
type scaled struct {
	hosts, parallel, work int
	ours, bare            []watched
	floor                 []float64 // the seconds that both ends of ours take of all processors
	most                  int       // connections at once
}

func (c *scaled) kind() string {
	switch c.work {
	case 0:
		return "unchanged"
	case 1:
		return "changed"
	}
	return fmt.Sprintf("changed, %d times the work", c.work)
}

// scale measures executions on simulated hosts: a process of its own, so that the
// controller's figures are the controller's.
func (b *bench) scale(runs int) (err error) {
	most := slices.Max(scaleHosts)
	hosts, err := b.simulate(most)
	if err != nil {
		return err
	}
	defer func() {
		if closed := hosts.close(); err == nil {
			err = closed
		}
	}()
	s := &scaling{bench: b, hosts: hosts, alone: map[bool]float64{}}
	for _, count := range scaleHosts {
		if err := s.compile(count); err != nil {
			return err
		}
	}
	if err := s.measureAlone(); err != nil {
		return err
	}
	for _, count := range scaleHosts {
		for _, parallel := range scaleParallel {
			rounds := runs
			if count >= 50*parallel {
				rounds = 1 // a minute long, in which noise evens out
			}
			if err := s.measure(count, parallel, rounds, 1, 0); err != nil {
				return err
			}
		}
	}
	// Five hundred logins at once are work for some processors. Where hosts take longer,
	// it is seen whether anything else is in the way.
	if err := s.measure(most, slices.Max(scaleParallel), runs, 5); err != nil {
		return err
	}
	s.print(os.Stdout)
	return nil
}

type scaling struct {
	*bench
	hosts *simulated
	// alone is what a host takes by itself besides its work, in seconds: one that is
	// changed, and one that is not.
	alone map[bool]float64
	lines []*scaled
}

func (s *scaling) plan(count int) string {
	return filepath.Join(s.hosts.dir, fmt.Sprintf("plan-%d.json", count))
}

func (s *scaling) compile(count int) error {
	fleet := filepath.Join(s.hosts.dir, fmt.Sprintf("fleet-%d", count))
	if err := s.hosts.writeFleet(fleet, count); err != nil {
		return err
	}
	cmd := exec.CommandContext(s.ctx, filepath.Join(s.bin, "nixfleet"), "compile", "--quiet", "path:"+fleet, "-o", s.plan(count))
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(s.dir, "cache"))
	return s.timed("", cmd)
}

// execute executes the plan once, and returns what was seen from both sides.
func (s *scaling) execute(count, parallel int) (watched, seenByHosts, error) {
	if err := os.RemoveAll(s.records()); err != nil {
		return watched{}, seenByHosts{}, err
	}
	cmd := exec.CommandContext(s.ctx, filepath.Join(s.bin, "nixfleet"), "execute", s.plan(count), "--yes",
		"--parallel", fmt.Sprint(parallel), "--state-dir", s.records())
	cmd.Env = s.environment()
	took, err := watch(cmd)
	if err != nil {
		return took, seenByHosts{}, err
	}
	seen, err := s.hosts.order("look")
	if err == nil && (len(seen.Faults) > 0 || seen.Changed != count) {
		err = fmt.Errorf("expected %d hosts to be changed without a fault, found %d, and %v", count, seen.Changed, seen.Faults)
	}
	return took, seen, err
}

func (s *scaling) records() string { return filepath.Join(s.hosts.dir, "state") }

func (s *scaling) environment() []string {
	return []string{"HOME=" + s.hosts.home(), "PATH=" + os.Getenv("PATH")}
}

// measureAlone takes hosts one after the other.
func (s *scaling) measureAlone() error {
	if _, err := s.hosts.order("reset"); err != nil {
		return err
	}
	for _, changed := range []bool{true, false} {
		if _, _, err := s.execute(10, 1); err != nil {
			return err
		}
		record, err := s.record()
		if err != nil {
			return err
		}
		var besides []float64
		for _, host := range s.hosts.Hosts[:10] {
			seconds := record.Hosts[schema.HostName(host.Name)].Seconds
			if changed {
				seconds -= host.Work
			}
			besides = append(besides, seconds)
		}
		slices.Sort(besides)
		s.alone[changed] = besides[len(besides)/2]
	}
	return nil
}

// record reads the record of the execution.
func (s *scaling) record() (*schema.Record, error) {
	files, err := filepath.Glob(filepath.Join(s.records(), "runs", "*.json"))
	if err != nil || len(files) != 1 {
		return nil, fmt.Errorf("expected one record, found %d", len(files))
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return nil, err
	}
	var record schema.Record
	return &record, json.Unmarshal(text, &record)
}

// measure measures executions one after the other that find the hosts with so much
// work to do, each beside bare SSH.
func (s *scaling) measure(count, parallel, rounds int, work ...int) error {
	lines := make([]*scaled, len(work))
	for i := range lines {
		lines[i] = &scaled{hosts: count, parallel: parallel, work: work[i]}
	}
	s.lines = append(s.lines, lines...)
	for i := range rounds {
		fmt.Fprintf(os.Stderr, "%d simulated hosts, %d at once, round %d of %d\n", count, parallel, i+1, rounds)
		if _, err := s.hosts.order("reset"); err != nil {
			return err
		}
		for _, line := range lines {
			if err := s.once(line); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *scaling) once(line *scaled) error {
	before, err := s.hosts.order(fmt.Sprint("work ", max(line.work, 1)))
	if err != nil {
		return err
	}
	ours, seen, err := s.execute(line.hosts, line.parallel)
	if err != nil {
		return err
	}
	line.ours, line.most = append(line.ours, ours), max(line.most, seen.Most)
	line.floor = append(line.floor, (ours.cpu+seen.CPU-before.CPU)/float64(runtime.NumCPU()))
	bare, err := s.bare(line)
	line.bare = append(line.bare, bare)
	return err
}

func (s *scaling) bare(line *scaled) (watched, error) {
	self, err := os.Executable()
	if err != nil {
		return watched{}, err
	}
	command, again := "look", ""
	if line.work > 0 {
		command, again = "work", "true"
	}
	took, err := watch(exec.CommandContext(s.ctx, self, "bare", "--hosts", s.hosts.list(), "--key", s.hosts.key(),
		"--first", fmt.Sprint(line.hosts), "--parallel", fmt.Sprint(line.parallel), "--line", command, "--again", again))
	if err != nil {
		return took, err
	}
	_, err = s.hosts.order("look")
	return took, err
}

// ideals returns the sum of what the hosts take alone, shared among so many at once,
// and what it comes to where hosts are taken whole, in their order, at no cost.
func (s *scaling) ideals(line *scaled) (shared, whole float64) {
	free := make([]float64, line.parallel) // when each of so many is free
	for _, host := range s.hosts.Hosts[:line.hosts] {
		takes := s.alone[line.work > 0] + float64(line.work)*host.Work
		shared += takes / float64(line.parallel)
		next := 0
		for i := range free {
			if free[i] < free[next] {
				next = i
			}
		}
		free[next] += takes
		whole = max(whole, free[next])
	}
	return shared, whole
}

func (s *scaling) print(w io.Writer) {
	fmt.Fprintf(w, `
executions on simulated hosts in another process: 20 ms there and back, 12 ms to start a helper, 30 ms to look, and where a host is changed
five texts, a store path of 60 KB, 0.3 to 1 s of work and a confirmation over a second connection. Alone, a host takes %.2f s, and where it
is changed %.2f s besides its work. Ideal is what hosts would take that are taken in their order, whole and at no cost; bare ssh the same
library that does nothing but log in as often and wait as long; floor what controller and hosts take of the %d processors that they have to
themselves at best, below which nothing can come. Best of rounds.

`, s.alone[false], s.alone[true], runtime.NumCPU())
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "hosts\tat once\t\tseconds\tsum/at once\tideal\tratio (goal 1.2)\tbare ssh\tratio\tfloor\tCPU s\tbare\tpeak MB\tbare\topen files\tconnections")
	for _, line := range s.lines {
		shared, whole := s.ideals(line)
		ours, bare := best(line.ours), best(line.bare)
		fmt.Fprintf(tab, "%d\t%d\t%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.0f\t%.0f\t%d\t%d\n",
			line.hosts, line.parallel, line.kind(), ours.seconds, shared, whole, ours.seconds/whole, bare.seconds, ours.seconds/bare.seconds,
			slices.Min(line.floor), ours.cpu, bare.cpu, float64(ours.peakKiB)/1024, float64(bare.peakKiB)/1024, ours.files, line.most)
	}
	tab.Flush()
	s.printMemory(w)
}

// printMemory says what each connected host adds.
func (s *scaling) printMemory(w io.Writer) {
	hosts, few, many := slices.Max(scaleHosts), slices.Min(scaleParallel), slices.Max(scaleParallel)
	fmt.Fprintf(w, "\neach of %d connected hosts adds to the peak with %d:\n", many, few)
	for _, work := range []int{1, 0} {
		less, more := s.line(hosts, few, work), s.line(hosts, many, work)
		adds := func(few, many []watched) float64 {
			return float64(best(many).peakKiB-best(few).peakKiB) * 1.024 / float64(more.parallel-less.parallel)
		}
		fmt.Fprintf(w, "  %s: %.0f KB (goal 200), bare ssh %.0f KB\n", more.kind(), adds(less.ours, more.ours), adds(less.bare, more.bare))
	}
}

func (s *scaling) line(hosts, parallel, work int) *scaled {
	i := slices.IndexFunc(s.lines, func(l *scaled) bool { return l.hosts == hosts && l.parallel == parallel && l.work == work })
	return s.lines[i]
}

// best returns the quickest run with the least of everything but memory and files,
// of which it returns the most: what disturbs a run makes it slower.
func best(runs []watched) watched {
	b := runs[0]
	for _, r := range runs[1:] {
		b.seconds, b.cpu = min(b.seconds, r.seconds), min(b.cpu, r.cpu)
		b.peakKiB, b.files = max(b.peakKiB, r.peakKiB), max(b.files, r.files)
	}
	return b
}
