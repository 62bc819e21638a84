package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// workflow is what the tests know of a workflow of GitHub Actions. What it does not
// know is a fault: a field that is passed over would be one that nobody tried.
type workflow struct {
	Name        string            `yaml:"name"`
	On          yaml.Node         `yaml:"on"`
	Permissions map[string]string `yaml:"permissions"`
	Concurrency yaml.Node         `yaml:"concurrency"`
	Defaults    struct {
		Run struct {
			Shell string `yaml:"shell"`
		} `yaml:"run"`
	} `yaml:"defaults"`
	Jobs yaml.Node `yaml:"jobs"`
}

type job struct {
	Needs       string            `yaml:"needs"`
	If          string            `yaml:"if"`
	RunsOn      string            `yaml:"runs-on"`
	Timeout     int               `yaml:"timeout-minutes"`
	Environment string            `yaml:"environment"`
	Permissions map[string]string `yaml:"permissions"`
	Steps       []step            `yaml:"steps"`
}

type step struct {
	Name  string            `yaml:"name"`
	If    string            `yaml:"if"`
	Uses  string            `yaml:"uses"`
	With  map[string]string `yaml:"with"`
	Env   map[string]string `yaml:"env"`
	Shell string            `yaml:"shell"`
	Run   string            `yaml:"run"`
}

type composite struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	Inputs      map[string]struct {
		Description string `yaml:"description"`
		Required    bool   `yaml:"required"`
	} `yaml:"inputs"`
	Runs struct {
		Using string `yaml:"using"`
		Steps []step `yaml:"steps"`
	} `yaml:"runs"`
}

// known are the actions that stand-ins are here for, with what they may be given.
var known = map[string][]string{
	"actions/checkout@v4":           {"fetch-depth"},
	"actions/upload-artifact@v4":    {"name", "path", "if-no-files-found"},
	"actions/download-artifact@v4":  {"name", "run-id", "github-token"},
	"cachix/install-nix-action@v31": nil,
}

// github stands for GitHub: a repository, artifacts of runs, and machines for jobs.
type github struct {
	t    *testing.T
	repo string
	dir  string
	// path has the stand-ins of programs, and then the machine's own.
	path    string
	context map[string]string // "vars.NIXFLEET_URL"
	runs    int
}

// result is what came of a run.
type result struct {
	id      int
	failed  string // the steps that failed, one of each job
	output  string
	summary string
}

// run runs a workflow of a commit.
func (g *github) run(name, commit string, context map[string]string) result {
	g.t.Helper()
	g.runs++
	r := result{id: g.runs}
	clone := filepath.Join(g.dir, fmt.Sprintf("run-%d", r.id), "definition")
	g.checkout(clone, commit)
	var w workflow
	g.read(filepath.Join(clone, ".github/workflows", name+".yml"), &w)
	if w.Permissions == nil || w.Defaults.Run.Shell != "bash" {
		g.t.Fatalf("%s: expected permissions, and bash, which ends where a pipe does", name)
	}
	all := maps.Clone(g.context)
	maps.Copy(all, context)
	all["github.run_id"] = fmt.Sprint(r.id)
	failed := map[string]bool{}
	for i := 0; i < len(w.Jobs.Content); i += 2 {
		id := w.Jobs.Content[i].Value
		var j job
		if err := decodeStrictly(&w.Jobs, i+1, &j); err != nil {
			g.t.Fatalf("%s: job %s: %v", name, id, err)
		}
		m := &machine{g: g, result: &r, commit: commit, context: all, shell: w.Defaults.Run.Shell, dir: filepath.Join(g.dir, fmt.Sprintf("run-%d", r.id), id)}
		if holds, always := m.condition(j.If); !holds || failed[j.Needs] && !always {
			failed[id] = failed[j.Needs] // what needs it is left out as well
			continue
		}
		failed[id] = m.work(j)
	}
	return r
}

// decodeStrictly refuses fields that the type does not have, which a node cannot do itself.
func decodeStrictly(node *yaml.Node, i int, into any) error {
	data, err := yaml.Marshal(node.Content[i])
	if err != nil {
		return err
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(data)))
	decoder.KnownFields(true)
	return decoder.Decode(into)
}

func (g *github) read(file string, into any) {
	g.t.Helper()
	opened, err := os.Open(file)
	if err != nil {
		g.t.Fatal(err)
	}
	defer opened.Close()
	decoder := yaml.NewDecoder(opened)
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		g.t.Fatalf("%s: %v", file, err)
	}
}

func (g *github) checkout(dir, commit string) {
	g.t.Helper()
	g.git("", "clone", "-q", g.repo, dir)
	g.git(dir, "checkout", "-q", "--detach", commit)
}

func (g *github) git(dir string, args ...string) string {
	g.t.Helper()
	command := exec.Command("git", append([]string{"-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "advice.detachedHead=false"}, args...)...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	if err != nil {
		g.t.Fatalf("git %s: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// machine is where a job runs.
type machine struct {
	g       *github
	result  *result
	commit  string
	context map[string]string
	shell   string
	dir     string
	failed  bool
}

func (m *machine) workspace() string { return filepath.Join(m.dir, "work") }

// work does the steps of a job, and reports whether one failed.
func (m *machine) work(j job) bool {
	if j.RunsOn == "" || j.Timeout == 0 {
		m.g.t.Fatalf("a job without a machine, or without an end: %+v", j)
	}
	m.context = maps.Clone(m.context)
	m.context["github.workspace"] = m.workspace()
	for _, dir := range []string{"work", "temp", "home"} {
		m.must(os.MkdirAll(filepath.Join(m.dir, dir), 0o755))
	}
	for _, s := range j.Steps {
		m.step(s, m.shell)
	}
	if summary, err := os.ReadFile(filepath.Join(m.dir, "summary")); err == nil {
		m.result.summary += string(summary)
	}
	return m.failed
}

func (m *machine) must(err error) {
	m.g.t.Helper()
	if err != nil {
		m.g.t.Fatal(err)
	}
}

func (m *machine) step(s step, shell string) {
	holds, always := m.condition(s.If)
	if !holds || m.failed && !always {
		return
	}
	with := map[string]string{}
	for key, value := range s.With {
		with[key] = m.expand(value)
	}
	var err error
	switch local, isLocal := strings.CutPrefix(s.Uses, "./"); {
	case isLocal:
		m.composite(local, with)
		return
	case s.Uses != "":
		err = m.action(s.Uses, with)
	default:
		err = m.script(s, shell)
	}
	if err != nil {
		m.failed = true
		if m.result.failed != "" {
			m.result.failed += "; "
		}
		m.result.failed += s.Name + s.Uses
		m.result.output += err.Error() + "\n"
	}
}

// composite does the steps of an action of the repository's own.
func (m *machine) composite(name string, with map[string]string) {
	var action composite
	m.g.read(filepath.Join(m.workspace(), name, "action.yml"), &action)
	inside := *m
	inside.context = map[string]string{} // it sees its inputs, and no secret
	for key, input := range action.Inputs {
		if _, given := with[key]; !given && input.Required {
			m.g.t.Fatalf("%s: %s is not given", name, key)
		}
		inside.context["inputs."+key] = with[key]
	}
	for key := range with {
		if _, has := action.Inputs[key]; !has {
			m.g.t.Fatalf("%s has no input %s", name, key)
		}
	}
	for _, s := range action.Runs.Steps {
		inside.step(s, s.Shell) // there is no default here
	}
	m.failed = inside.failed
}

// action is what the actions of others do.
func (m *machine) action(uses string, with map[string]string) error {
	may, isKnown := known[uses]
	for key := range with {
		if !slices.Contains(may, key) {
			isKnown = false
		}
	}
	if !isKnown {
		m.g.t.Fatalf("nobody knows here what %s does with %v", uses, with)
	}
	artifact := func(run string) string { return filepath.Join(m.g.dir, "artifacts", run, with["name"]) }
	switch name, _, _ := strings.Cut(uses, "@"); name {
	case "actions/checkout":
		m.must(os.RemoveAll(m.workspace()))
		m.g.checkout(m.workspace(), m.commit)
	case "actions/upload-artifact":
		return m.upload(strings.Fields(with["path"]), artifact(fmt.Sprint(m.result.id)), with["if-no-files-found"])
	case "actions/download-artifact":
		run := with["run-id"]
		if run == "" {
			run = fmt.Sprint(m.result.id)
		} else if with["github-token"] == "" {
			return fmt.Errorf("an artifact of another run needs a token")
		}
		if _, err := os.Stat(artifact(run)); err != nil {
			return err
		}
		return m.copy(artifact(run)+"/.", m.workspace())
	}
	return nil
}

// upload keeps files: a single directory's as they are in it, others as they are in the workspace.
func (m *machine) upload(paths []string, artifact, missing string) error {
	m.must(os.MkdirAll(artifact, 0o755))
	for _, path := range paths {
		from := filepath.Join(m.workspace(), path)
		info, err := os.Stat(from)
		if err != nil && missing == "ignore" {
			continue
		}
		if err != nil {
			return err
		}
		if info.IsDir() && len(paths) == 1 {
			from += "/."
		}
		if err := m.copy(from, artifact); err != nil {
			return err
		}
	}
	return nil
}

func (m *machine) copy(from, to string) error {
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// script runs a step's commands as a runner does.
func (m *machine) script(s step, shell string) error {
	if shell != "bash" {
		m.g.t.Fatalf("a step without a shell: %s", s.Run)
	}
	file := filepath.Join(m.dir, "step.sh")
	m.must(os.WriteFile(file, []byte(m.expand(s.Run)), 0o644))
	command := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", file)
	command.Dir = m.workspace()
	path := m.g.path
	if more, err := os.ReadFile(filepath.Join(m.dir, "path")); err == nil {
		path = strings.ReplaceAll(string(more), "\n", ":") + path
	}
	command.Env = []string{
		"CI=true", "GITHUB_ACTIONS=true", "PATH=" + path, "HOME=" + filepath.Join(m.dir, "home"), "NIX_CONFIG=substituters =",
		"RUNNER_TEMP=" + filepath.Join(m.dir, "temp"), "GITHUB_WORKSPACE=" + m.workspace(), "GITHUB_PATH=" + filepath.Join(m.dir, "path"),
		"GITHUB_STEP_SUMMARY=" + filepath.Join(m.dir, "summary"), "STANDINS=" + filepath.Join(m.g.dir, "standins"),
	}
	for key, value := range s.Env {
		command.Env = append(command.Env, key+"="+m.expand(value))
	}
	out, err := command.CombinedOutput()
	m.result.output += string(out)
	return err
}

var expression = regexp.MustCompile(`\$\{\{\s*(.*?)\s*\}\}`)

func (m *machine) expand(text string) string {
	return expression.ReplaceAllStringFunc(text, func(found string) string { return m.value(expression.FindStringSubmatch(found)[1]) })
}

func (m *machine) value(name string) string {
	value, has := m.context[name]
	if !has {
		m.g.t.Fatalf("nobody knows here what %q is", name)
	}
	return value
}

// condition reads an `if`: terms that all must hold.
func (m *machine) condition(text string) (holds, always bool) {
	holds = true
	for term := range strings.SplitSeq(text, "&&") {
		term = strings.TrimSpace(term)
		left, right, compares := strings.Cut(term, " == ")
		switch {
		case term == "always()":
			always = true
		case compares:
			holds = holds && m.value(left) == m.value(right)
		case term != "":
			m.g.t.Fatalf("nobody knows here what %q means", text)
		}
	}
	return holds, always
}
