package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nixfleet/nixfleet/executor/host/internal/effect"
	"github.com/nixfleet/nixfleet/executor/host/internal/unit"
	"github.com/nixfleet/nixfleet/schema"
)

// fakeRegistry is a store that knows hashes and nothing else.
type fakeRegistry map[schema.StorePath]schema.NarHash

func (r fakeRegistry) Hashes(_ context.Context, paths []schema.StorePath) (map[schema.StorePath]schema.NarHash, error) {
	found := map[schema.StorePath]schema.NarHash{}
	for _, path := range paths {
		if hash, ok := r[path]; ok {
			found[path] = hash
		}
	}
	return found, nil
}

// fakeSystemd reads units from the root directory as systemd does: only when told
// to. What a service does is written in its text: "ExecStart=run" goes on,
// "ExecStart=fail" fails, "ExecStart=exit" ends, "ExecStart=loop" ends again and again.
type fakeSystemd struct {
	root   string
	loaded map[schema.UnitName]string // texts as of the last daemon-reload
	state  map[schema.UnitName]unit.Status
	loops  map[schema.UnitName]bool
	// restarts are how often units were started again since they were asked to start.
	restarts map[schema.UnitName]uint32
	// skipped are units whose last start did nothing.
	skipped map[schema.UnitName]bool
	log     []string
	fault   effect.Fault
	// stopped are the units that were stopped, with the text that systemd had read.
	stopped []string
	// queue are the units that a boot has yet to start; nil at other times.
	queue map[schema.UnitName]bool
	// broken is a unit that fails whatever its text is.
	broken schema.UnitName
	// hangs says that it answers nothing any more.
	hangs bool
	// starts are how often each unit was started.
	starts map[schema.UnitName]int
	// ran are the text and the configuration with which each unit was started.
	ran map[schema.UnitName]string
}

var errHangs = errors.New("cannot ask systemd (ListUnitsByNames): context deadline exceeded")

var (
	inactive   = unit.Status{Load: "not-found", Active: "inactive", Sub: "dead"}
	unitFailed = unit.Status{Active: "failed", Sub: "failed"}
)

// maskedText stands for the text of a masked unit.
const maskedText = "(masked)"

func newFakeSystemd(root string) *fakeSystemd {
	return &fakeSystemd{root: root, starts: map[schema.UnitName]int{}, ran: map[schema.UnitName]string{}, loaded: map[schema.UnitName]string{}, loops: map[schema.UnitName]bool{}, skipped: map[schema.UnitName]bool{},
		restarts: map[schema.UnitName]uint32{},
		state:    map[schema.UnitName]unit.Status{"multi-user.target": {Load: "loaded", Active: "active", Sub: "active"}}}
}

// boot makes everything forgotten that a reboot makes forgotten, and starts what
// is enabled.
func (s *fakeSystemd) boot() {
	s.bootEarly()
	s.bootLate()
}

// bootEarly makes everything forgotten, reads what is enabled and is about to start it.
func (s *fakeSystemd) bootEarly() {
	fresh := newFakeSystemd(s.root)
	s.loaded, s.state, s.loops, s.restarts, s.skipped = fresh.loaded, fresh.state, fresh.loops, fresh.restarts, fresh.skipped
	s.queue = map[schema.UnitName]bool{}
	for _, name := range s.enabled() {
		s.textOf(name)
		s.queue[name] = true
	}
}

// bootLate starts what is about to start.
func (s *fakeSystemd) bootLate() {
	names := slices.Sorted(maps.Keys(s.queue))
	slices.SortStableFunc(names, func(a, b schema.UnitName) int { return rank(unit.Job{Unit: a}) - rank(unit.Job{Unit: b}) })
	for _, name := range names {
		s.start(name, unit.Start)
	}
	s.queue = nil
}

func (s *fakeSystemd) enabled() []schema.UnitName {
	links, _ := filepath.Glob(filepath.Join(s.root, "/etc/systemd/system/multi-user.target.wants/*"))
	names := make([]schema.UnitName, len(links))
	for i, link := range links {
		names[i] = schema.UnitName(filepath.Base(link))
	}
	return names
}

// clone returns the same systemd on another root directory.
func (s *fakeSystemd) clone(root string) *fakeSystemd {
	return &fakeSystemd{
		root: root, loaded: maps.Clone(s.loaded), state: maps.Clone(s.state), loops: maps.Clone(s.loops), restarts: maps.Clone(s.restarts),
		skipped: maps.Clone(s.skipped), starts: maps.Clone(s.starts), ran: maps.Clone(s.ran),
	}
}

// textOf returns what systemd believes to be the unit's text: it reads a unit it
// does not know yet.
func (s *fakeSystemd) textOf(name schema.UnitName) (string, bool) {
	if text, ok := s.loaded[name]; ok {
		return text, true
	}
	for _, dir := range []string{schema.UnitDirectory, "/usr/lib/systemd/system"} {
		file := string(name)
		if before, after, ok := strings.Cut(file, "@"); ok {
			file = before + "@" + filepath.Ext(after)
		}
		if target, _ := os.Readlink(filepath.Join(s.root, dir, file)); target == "/dev/null" {
			s.loaded[name] = maskedText
			return maskedText, true
		}
		if text, err := os.ReadFile(filepath.Join(s.root, dir, file)); err == nil {
			s.loaded[name] = string(text)
			return string(text), true
		}
	}
	return "", false
}

func (s *fakeSystemd) status(name schema.UnitName) unit.Status {
	status, known := s.state[name]
	if !known {
		status = inactive
	}
	text, ok := s.textOf(name)
	switch {
	case text == maskedText:
		status.Load = "masked"
	case ok:
		status.Load = "loaded"
	}
	return status
}

func (s *fakeSystemd) List(_ context.Context, names []schema.UnitName) (map[schema.UnitName]unit.Status, error) {
	found := map[schema.UnitName]unit.Status{}
	if s.hangs && len(names) > 0 {
		return nil, errHangs
	}
	for _, name := range names {
		if name.IsTemplate() {
			return nil, fmt.Errorf("unit name %s is missing the instance name", name)
		}
		found[name] = s.status(name)
	}
	return found, nil
}

func (s *fakeSystemd) Instances(_ context.Context, template schema.UnitName) ([]schema.UnitName, error) {
	before, after, _ := strings.Cut(string(template), "@")
	var names []schema.UnitName
	for name, status := range s.state {
		if strings.HasPrefix(string(name), before+"@") && strings.HasSuffix(string(name), after) && status.Active != "inactive" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (s *fakeSystemd) Failed(context.Context) ([]schema.UnitName, error) {
	if s.hangs {
		return nil, errHangs
	}
	var names []schema.UnitName
	for name, status := range s.state {
		if status.Active == "failed" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Reboot says that the host goes down, and goes on.
func (s *fakeSystemd) Reboot(context.Context) error {
	return s.fault.Do("reboot", func() error {
		s.log = append(s.log, "reboot")
		return nil
	})
}

func (s *fakeSystemd) Unread(_ context.Context, names []schema.UnitName) (unread []schema.UnitName, err error) {
	fresh := newFakeSystemd(s.root)
	for _, name := range names {
		known, loaded := s.loaded[name]
		if text, _ := fresh.textOf(name); loaded && text != known {
			unread = append(unread, name)
		}
	}
	return unread, nil
}

func (s *fakeSystemd) Details(_ context.Context, name schema.UnitName) (unit.Details, error) {
	text, _ := s.textOf(name)
	details := unit.Details{Result: "success", Enablement: "disabled", Invocation: strconv.Itoa(s.starts[name]), Skipped: s.skipped[name], Restarts: s.restarts[name]}
	if name.Type() == "service" {
		details.Type = "simple"
	}
	if strings.Contains(text, "Type=oneshot") {
		details.Type = "oneshot"
	}
	if strings.Contains(text, "WantedBy=") || slices.Contains(s.enabled(), name) {
		details.Enablement = "enabled"
	}
	if s.state[name].Active == "failed" {
		details.Result, details.ExitCode, details.ExitStatus = "exit-code", 1, 1
	}
	if s.loops[name] {
		details.Restarts = 3
	}
	if before, isSocket := strings.CutSuffix(string(name), ".socket"); isSocket && text != "" {
		details.Triggers = []schema.UnitName{schema.UnitName(before + ".service")}
	}
	return details, nil
}

func (s *fakeSystemd) DaemonReload(context.Context) error {
	if s.hangs {
		return errHangs
	}
	return s.fault.Do("daemon-reload", func() error {
		s.log = append(s.log, "daemon-reload")
		clear(s.loaded)
		return nil
	})
}

func (s *fakeSystemd) ResetFailed(_ context.Context, name schema.UnitName) error {
	return s.fault.Do("reset-failed "+string(name), func() error {
		s.log = append(s.log, "reset-failed "+string(name))
		delete(s.restarts, name)
		if s.state[name].Active == "failed" {
			s.state[name] = unit.Status{Active: "inactive", Sub: "dead"}
		}
		return nil
	})
}

func (s *fakeSystemd) Journal(context.Context, schema.UnitName, string, int) ([]string, error) {
	return []string{"cannot open the port"}, nil
}

func (s *fakeSystemd) Run(_ context.Context, jobs []unit.Job) (results map[schema.UnitName]string, err error) {
	err = s.fault.Do("jobs", func() error {
		results = s.run(jobs)
		return nil
	})
	return results, err
}

func (s *fakeSystemd) Enqueue(_ context.Context, jobs []unit.Job) (map[schema.UnitName]string, error) {
	return nil, s.fault.Do("enqueue "+string(jobs[0].Verb), func() error {
		if s.queue == nil {
			s.run(jobs)
			return nil
		}
		for _, job := range jobs { // nothing has started yet, and nothing does before we end
			switch job.Verb {
			case unit.Start:
				s.queue[job.Unit] = true
			case unit.Stop:
				delete(s.queue, job.Unit)
			}
		}
		return nil
	})
}

func (s *fakeSystemd) run(jobs []unit.Job) map[schema.UnitName]string {
	results := map[schema.UnitName]string{}
	jobs = slices.Clone(jobs)
	slices.SortStableFunc(jobs, func(a, b unit.Job) int { return rank(a) - rank(b) })
	for i, job := range jobs { // what restarts stops first, all of it
		if job.Verb != unit.TryRestart {
			continue
		}
		if s.state[job.Unit].Runs() {
			text, _ := s.textOf(job.Unit)
			s.stop(job.Unit, text)
			jobs[i].Verb = unit.Start
		}
	}
	for _, job := range jobs {
		text, known := s.textOf(job.Unit)
		s.log = append(s.log, fmt.Sprintf("%s %s %q", job.Verb, job.Unit, firstLine(text)))
		switch job.Verb {
		case unit.Stop:
			if !known && !s.state[job.Unit].Runs() {
				results[job.Unit] = "Unit " + string(job.Unit) + " not loaded."
				continue
			}
			results[job.Unit] = s.stop(job.Unit, text)
		case unit.Reload:
			results[job.Unit] = "done"
		case unit.TryRestart:
			results[job.Unit] = "done"
		default:
			results[job.Unit] = s.start(job.Unit, job.Verb)
		}
	}
	return results
}

// rank orders the starts of sockets before all others: services are After= them.
func rank(job unit.Job) int {
	if job.Unit.Type() == "socket" && job.Verb != unit.Stop {
		return 0
	}
	return 1
}

// stop takes down what requires the unit as well. What a unit in auto-restart
// counted is only forgotten when it starts and ends once more, or is reset.
func (s *fakeSystemd) stop(name schema.UnitName, text string) string {
	if strings.Contains(text, "Unstoppable") && s.state[name].Runs() {
		return "timeout"
	}
	s.stopped = append(s.stopped, fmt.Sprintf("%s as %q", name, firstLine(text)))
	s.state[name] = unit.Status{Active: "inactive", Sub: "dead"}
	if strings.Contains(text, "BadEnd") {
		s.state[name] = unitFailed
	}
	for other, status := range s.state {
		if text, _ := s.textOf(other); strings.Contains(text, "Requires="+string(name)) && status.Runs() {
			s.state[other] = unit.Status{Active: "inactive", Sub: "dead"}
		}
	}
	return "done"
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func (s *fakeSystemd) start(name schema.UnitName, verb unit.Verb) string {
	text, ok := s.textOf(name)
	if s.state[name].Active == "active" && verb == unit.Start && ok && text != maskedText {
		return "done"
	}
	s.loops[name] = false
	conf, _ := os.ReadFile(filepath.Join(s.root, "/etc/web/web.conf"))
	s.starts[name]++
	s.ran[name] = fmt.Sprintf("%q with %q", firstLine(text), conf)
	switch {
	case !ok:
		return "Unit " + string(name) + " not found."
	case text == maskedText:
		return "Unit " + string(name) + " is masked."
	case name.Type() == "socket" && s.state[schema.UnitName(strings.TrimSuffix(string(name), "socket")+"service")].Runs():
		s.state[name] = unitFailed // "Socket service … already active, refusing."
		return "failed"
	case strings.Contains(text, "ExecStart=fail") && strings.Contains(text, "Restart=always"):
		s.state[name] = unit.Status{Active: "activating", Sub: "auto-restart"}
		s.restarts[name]++
	case strings.Contains(text, "ExecStart=fail"), name == s.broken:
		s.state[name] = unit.Status{Active: "failed", Sub: "failed"}
		return "failed"
	case strings.Contains(text, "Condition"):
		s.skipped[name] = true
		s.state[name] = unit.Status{Active: "inactive", Sub: "dead"}
	case strings.Contains(text, "ExecStart=exit"):
		s.state[name] = unit.Status{Active: "inactive", Sub: "dead"}
	case strings.Contains(text, "ExecStart=hang"):
		s.state[name] = unit.Status{Active: "activating", Sub: "start"}
		return "waiting"
	default:
		s.loops[name] = strings.Contains(text, "ExecStart=loop")
		s.state[name] = unit.Status{Active: "active", Sub: "running"}
	}
	return "done"
}

// fakeTools are shadow's tools on the root directory's files.
type fakeTools struct {
	root  string
	log   []string
	fail  string // a tool that fails
	fault effect.Fault
}

func (f *fakeTools) Run(_ context.Context, name string, args ...string) ([]byte, error) {
	f.log = append(f.log, name+" "+strings.Join(args, " "))
	if f.fail == name {
		return nil, fmt.Errorf("cannot run %s: exit status 10: cannot lock /etc/passwd", name)
	}
	options := map[string]string{}
	for i := 0; i < len(args)-1; i++ {
		if args[i] == "--system" || strings.HasSuffix(args[i], "create-home") {
			continue
		}
		options[args[i]] = args[i+1]
		i++
	}
	subject := ""
	if len(args) > 0 {
		subject = args[len(args)-1]
	}
	switch name {
	case "groupadd":
		f.edit("/etc/group", func(lines [][]string) [][]string {
			return append(lines, []string{subject, "x", number(options["--gid"], lines), ""})
		})
	case "useradd":
		f.edit("/etc/passwd", func(lines [][]string) [][]string {
			return append(lines, []string{subject, "x", number(options["--uid"], lines), f.gid(options["--gid"]),
				options["--comment"], options["--home-dir"], options["--shell"]})
		})
		f.join(subject, options["--groups"])
		if slices.Contains(args, "--create-home") {
			f.makeHome(subject, options["--home-dir"])
		}
	case "usermod":
		f.usermod(subject, options)
	case "userdel":
		f.userdel(subject)
	case "groupdel":
		f.edit("/etc/group", without(subject))
	case "sh":
		f.setSelections(args[3:])
	case "/usr/bin/nix-store":
		return []byte("nix-store (Nix) 2.8.0\n"), nil
	default:
		return nil, fmt.Errorf("cannot run %s: there is none", name)
	}
	return nil, nil
}

// makeHome makes a home with what is in /etc/skel, and its parents as root's. A
// home that is there stays as it is.
func (f *fakeTools) makeHome(user, home string) {
	dir := filepath.Join(f.root, home)
	if _, err := os.Stat(dir); err == nil {
		return
	}
	owner := 0
	f.edit("/etc/passwd", func(lines [][]string) [][]string {
		i := slices.IndexFunc(lines, func(l []string) bool { return l[0] == user })
		owner, _ = strconv.Atoi(lines[i][2])
		return lines
	})
	for _, err := range []error{
		os.MkdirAll(filepath.Dir(dir), 0o755), os.Mkdir(dir, 0o700), os.Chown(dir, owner, owner),
		os.WriteFile(filepath.Join(dir, ".bashrc"), []byte("skel"), 0o644), os.WriteFile(filepath.Join(dir, ".profile"), []byte("skel"), 0o644),
	} {
		if err != nil {
			panic(err)
		}
	}
}

// setSelections is dpkg --set-selections, with lines as "nginx:amd64 hold".
func (f *fakeTools) setSelections(lines []string) {
	data, err := os.ReadFile(filepath.Join(f.root, "/var/lib/dpkg/status"))
	if err != nil {
		panic(err)
	}
	paragraphs := strings.Split(string(data), "\n\n")
	for i, paragraph := range paragraphs {
		for _, line := range lines {
			instance, selection, _ := strings.Cut(line, " ")
			name, architecture, _ := strings.Cut(instance, ":")
			if strings.HasPrefix(paragraph, "Package: "+name+"\n") && strings.Contains(paragraph, "Architecture: "+architecture) {
				paragraphs[i] = regexp.MustCompile(`Status: \w+`).ReplaceAllString(paragraph, "Status: "+selection)
			}
		}
	}
	f.replace("/var/lib/dpkg/status", strings.Join(paragraphs, "\n\n"))
}

// userdel takes the group of that name along where it was the primary one and is empty.
func (f *fakeTools) userdel(subject string) {
	primary := ""
	f.edit("/etc/passwd", func(lines [][]string) [][]string {
		return slices.DeleteFunc(lines, func(l []string) bool {
			if l[0] == subject {
				primary = l[3]
			}
			return l[0] == subject
		})
	})
	f.join(subject, "")
	f.edit("/etc/group", func(lines [][]string) [][]string {
		return slices.DeleteFunc(lines, func(l []string) bool { return l[0] == subject && l[2] == primary && l[3] == "" })
	})
}

func (f *fakeTools) usermod(subject string, options map[string]string) {
	f.edit("/etc/passwd", func(lines [][]string) [][]string {
		for _, l := range lines {
			if l[0] != subject {
				continue
			}
			for option, column := range map[string]int{"--comment": 4, "--home": 5, "--shell": 6} {
				if value, ok := options[option]; ok {
					l[column] = value
				}
			}
			if group, ok := options["--gid"]; ok {
				l[3] = f.gid(group)
			}
		}
		return lines
	})
	if groups, ok := options["--groups"]; ok {
		f.join(subject, groups)
	}
}

func (f *fakeTools) join(user, groups string) {
	f.edit("/etc/group", func(lines [][]string) [][]string {
		for _, l := range lines {
			members := slices.DeleteFunc(strings.Split(l[3], ","), func(m string) bool { return m == user || m == "" })
			if slices.Contains(strings.Split(groups, ","), l[0]) {
				members = append(members, user)
			}
			l[3] = strings.Join(members, ",")
		}
		return lines
	})
}

func (f *fakeTools) edit(file string, change func([][]string) [][]string) {
	name := filepath.Join(f.root, file)
	data, err := os.ReadFile(name)
	if err != nil {
		panic(err)
	}
	var lines [][]string
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		lines = append(lines, strings.Split(line, ":"))
	}
	var out strings.Builder
	for _, l := range change(lines) {
		out.WriteString(strings.Join(l, ":") + "\n")
	}
	if out.String() != string(data) {
		f.replace(file, out.String())
	}
}

// replace writes a file as shadow and dpkg do: it is forced to the disk, the rename is not.
func (f *fakeTools) replace(file, content string) {
	name := filepath.Join(f.root, file)
	info, err := os.Stat(name)
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile(name+"+", []byte(content), 0o600); err != nil {
		panic(err)
	}
	if err := errors.Join(os.Chmod(name+"+", info.Mode()), os.Rename(name+"+", name)); err != nil {
		panic(err)
	}
	f.fault.Synced(file)
}

func (f *fakeTools) gid(group string) (gid string) {
	f.edit("/etc/group", func(lines [][]string) [][]string {
		for _, l := range lines {
			if l[0] == group {
				gid = l[2]
			}
		}
		return lines
	})
	return gid
}

func without(name string) func([][]string) [][]string {
	return func(lines [][]string) [][]string {
		return slices.DeleteFunc(lines, func(l []string) bool { return l[0] == name })
	}
}

func number(asked string, lines [][]string) string {
	if asked != "" {
		return asked
	}
	highest := 900
	for _, l := range lines {
		n, _ := strconv.Atoi(l[2])
		highest = max(highest, n)
	}
	return strconv.Itoa(highest + 1)
}

// sortedUnits returns the units that are not inactive.
func sortedUnits(s *fakeSystemd) []schema.UnitName {
	var names []schema.UnitName
	for name, status := range s.state {
		if status.Active != "inactive" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
