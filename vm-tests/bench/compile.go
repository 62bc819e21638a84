package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// compiled is a fleet that is compiled; where its hosts differ, each has texts of its own.
type compiled struct {
	hosts  int
	differ bool
	runs   int
}

func (c compiled) name() string { return fmt.Sprintf("%d %t", c.hosts, c.differ) }

// compiling measures compilations beside the bare evaluation of the same fleet.
// Ten thousand hosts, which take some minutes, are compiled where they are asked for.
func (b *bench) compiling(runs int, large bool) error {
	fleets := []compiled{{10, false, runs}, {10, true, runs}, {1000, false, runs}, {1000, true, runs}}
	if large {
		fleets = append(fleets, compiled{10000, false, 1}, compiled{10000, true, 1})
	}
	for _, c := range fleets {
		if err := writeManyHosts(b.compiled(c), c); err != nil {
			return err
		}
		for i := range c.runs {
			fmt.Fprintf(os.Stderr, "compiling %d hosts, round %d of %d\n", c.hosts, i+1, c.runs)
			if err := b.compileOnce(c, b.compiled(c)); err != nil {
				return err
			}
		}
	}
	b.printCompiling(os.Stdout, fleets)
	b.printGrowth(os.Stdout, large)
	return nil
}

// compiled is the directory of a fleet; its plan is beside it.
func (b *bench) compiled(c compiled) string {
	return filepath.Join(b.dir, "compiled-"+strings.ReplaceAll(c.name(), " ", "-"))
}

func (b *bench) planSize(c compiled) float64 {
	info, err := os.Stat(b.compiled(c) + ".json")
	if err != nil {
		return 0
	}
	return float64(info.Size())
}

// compileOnce takes turns, so that a noisy moment is shared.
func (b *bench) compileOnce(c compiled, fleet string) error {
	plan := fleet + ".json"
	type step struct {
		name string
		args []string
	}
	steps := []step{
		{"compile", []string{"nixfleet", "compile", "--quiet", "--no-build", "--no-cache", "path:" + fleet, "-o", plan}},
		{"eval", bareEvaluation(fleet)},
		{"first", []string{"nixfleet", "compile", "--quiet", "--no-build", "path:" + fleet, "-o", plan}},
		{"again", []string{"nixfleet", "compile", "--quiet", "--no-build", "path:" + fleet, "-o", plan}},
		{"show", []string{"nixfleet", "show", plan}},
		{"verify", []string{"nixfleet", "verify", plan}},
	}
	for _, step := range steps {
		if step.name == "eval" && c.hosts > 1000 {
			continue // one process would take some gigabytes
		}
		program := step.args[0]
		if program == "nixfleet" {
			program = filepath.Join(b.bin, program)
		}
		cmd := exec.CommandContext(b.ctx, program, step.args[1:]...)
		cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(b.dir, "cache"))
		if err := b.timed(step.name+" "+c.name(), cmd); err != nil {
			return err
		}
	}
	return nil
}

// bareEvaluation is what compiling has Nix do, in one process, and nothing else:
// the inventory comes as JSON.
func bareEvaluation(fleet string) []string {
	library, _ := filepath.Abs("nix/lib") // fails only where there is no working directory
	return []string{
		"nix", "--extra-experimental-features", "nix-command flakes", "eval", "--json", "--impure",
		"--no-update-lock-file", "--option", "eval-cache", "false", "path:" + fleet + "#nixfleet",
		"--apply", "output: import " + library + "/compile.nix { inherit output; request = { version = 1; inputs = { }; " +
			"inventory = { file = \"inventory\"; value = builtins.fromJSON (builtins.readFile " + fleet + "-inventory.json); }; }; }",
	}
}

// cpu returns the median of the processors' seconds.
func (b *bench) cpu(name string) float64 {
	return b.medianOf(name, func(f figure) float64 { return f.cpu })
}

// peak returns the most memory that a process of any run of a figure took, in MB.
func (b *bench) peak(name string) float64 {
	var most int64
	for _, f := range b.figures[name] {
		most = max(most, f.rssKiB)
	}
	return float64(most) / 1024
}

func (c compiled) kind() string {
	if c.differ {
		return "each different"
	}
	return "alike"
}

func (b *bench) printCompiling(w io.Writer, fleets []compiled) {
	fmt.Fprintf(w, "\ncompile --no-build: hosts of %d files, %d units, a user and a group each; median seconds; goals for 1000 hosts;\nthe ratio of work is of processor time, which a busy machine disturbs less\n\n", fileCount, unitCount)
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "hosts\t\tcompile\tbare nix eval\tratio (goal 1.3)\tof work\tunchanged (goal 1)\tshow (goal 1)\tverify (goal 1)\tpeak MB\tbare MB\tplan MB")
	for _, c := range fleets {
		ours := b.median("compile " + c.name())
		bare, ratio, work, memory := "-", "-", "-", "-"
		if theirs := b.median("eval " + c.name()); theirs > 0 {
			bare, ratio = fmt.Sprintf("%.2f", theirs), fmt.Sprintf("%.2f", ours/theirs)
			work = fmt.Sprintf("%.2f", b.cpu("compile "+c.name())/b.cpu("eval "+c.name()))
			memory = fmt.Sprintf("%.0f", b.peak("eval "+c.name()))
		}
		fmt.Fprintf(tab, "%d\t%s\t%.2f\t%s\t%s\t%s\t%.2f\t%.2f\t%.2f\t%.0f\t%s\t%.2f\n", c.hosts, c.kind(), ours, bare, ratio, work,
			b.median("again "+c.name()), b.median("show "+c.name()), b.median("verify "+c.name()),
			b.peak("compile "+c.name()), memory, b.planSize(c)/1e6)
	}
	tab.Flush()
}

// printGrowth says how time, memory and plans grow with the fleet.
func (b *bench) printGrowth(w io.Writer, large bool) {
	small, thousand := b.planSize(compiled{hosts: 10}), b.planSize(compiled{hosts: 1000})
	fmt.Fprintf(w, "\nplan of 1000 hosts alike: %.2f times the size of 10 (goal 3)\n", thousand/small)
	if !large {
		fmt.Fprintln(w, "10000 hosts: BENCH_LARGE=1 make bench")
		return
	}
	for _, differ := range []bool{false, true} {
		few, many := compiled{1000, differ, 0}, compiled{10000, differ, 0}
		fmt.Fprintf(w, "10000 hosts, %s: %.1f times the time of 1000 and %.1f times the memory of a process (goal: linear, 10)\n", many.kind(),
			b.median("compile "+many.name())/b.median("compile "+few.name()), b.peak("compile "+many.name())/b.peak("compile "+few.name()))
	}
}

// writeManyHosts writes a fleet whose hosts are in an inventory, as large ones are.
func writeManyHosts(dir string, c compiled) error {
	var module, inventory strings.Builder
	module.WriteString("{ host, ... }: {\n  nixfleet.users.nfbench = { system = true; group = \"nfbench\"; home = \"/var/lib/nfbench\"; };\n")
	for i := range fileCount {
		text := nixString(fileContent(i, 1))
		if c.differ {
			text = "host.name + " + text
		}
		fmt.Fprintf(&module, "  nixfleet.files.\"/etc/nfbench/file-%d.conf\" = { text = %s; restartUnits = [ %q ]; };\n", i, text, unitName("nf", i%unitCount))
	}
	for i := range unitCount {
		fmt.Fprintf(&module, "  nixfleet.systemd.units.%q = { enabled = true; text = %s; };\n", unitName("nf", i), nixString(unitText("nf", i)))
	}
	module.WriteString("}\n")
	inventory.WriteString("defaults: { base: ubuntu }\nhosts:\n")
	hosts := map[string]map[string]string{}
	for i := range c.hosts {
		name, addr := fmt.Sprintf("web-%d", i), fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
		fmt.Fprintf(&inventory, "  %s: { addr: %s }\n", name, addr)
		hosts[name] = map[string]string{"addr": addr}
	}
	asJSON, err := json.Marshal(map[string]any{"defaults": map[string]string{"base": "ubuntu"}, "hosts": hosts})
	if err != nil {
		return err
	}
	return writeFiles(dir, map[string]string{
		"flake.nix":           "{ outputs = _: { nixfleet = { nixfleet, ... }: nixfleet.mkFleet { modules = [ ./module.nix ]; }; }; }\n",
		"module.nix":          module.String(),
		"inventory/prod.yaml": inventory.String(),
		"../" + filepath.Base(dir) + "-inventory.json": string(asJSON),
	})
}

// writeFiles writes a fleet with an inventory.
func writeFiles(dir string, files map[string]string) error {
	if err := os.MkdirAll(filepath.Join(dir, "inventory"), 0o755); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
