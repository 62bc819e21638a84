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
func (b *bench) compiling(runs int) error {
	fleets := []compiled{{10, false, runs}, {10, true, runs}, {1000, false, runs}, {1000, true, runs}, {10000, false, 1}, {10000, true, 1}}
	for _, c := range fleets {
		fleet := filepath.Join(b.dir, "compiled-"+strings.ReplaceAll(c.name(), " ", "-"))
		if err := writeManyHosts(fleet, c); err != nil {
			return err
		}
		for i := range c.runs {
			fmt.Fprintf(os.Stderr, "compiling %d hosts, round %d of %d\n", c.hosts, i+1, c.runs)
			if err := b.compileOnce(c, fleet); err != nil {
				return err
			}
		}
	}
	b.printCompiling(os.Stdout, fleets)
	return nil
}

// compileOnce takes turns, so that a noisy moment is shared.
func (b *bench) compileOnce(c compiled, fleet string) error {
	plan := fleet + ".json"
	for _, step := range []struct {
		name string
		args []string
	}{
		{"compile", []string{"nixfleet", "compile", "--quiet", "--no-build", "--no-cache", "path:" + fleet, "-o", plan}},
		{"eval", bareEvaluation(fleet)},
		{"first", []string{"nixfleet", "compile", "--quiet", "--no-build", "path:" + fleet, "-o", plan}},
		{"again", []string{"nixfleet", "compile", "--quiet", "--no-build", "path:" + fleet, "-o", plan}},
		{"show", []string{"nixfleet", "show", plan}},
		{"verify", []string{"nixfleet", "verify", plan}},
	} {
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

// peak returns the most memory that any run of a figure took, in MB.
func (b *bench) peak(name string) float64 {
	var most int64
	for _, f := range b.figures[name] {
		most = max(most, f.rssKiB)
	}
	return float64(most) / 1024
}

func (b *bench) printCompiling(w io.Writer, fleets []compiled) {
	fmt.Fprintf(w, "\ncompile --no-build: hosts of %d files, %d units, a user and a group each; median seconds\n\n", fileCount, unitCount)
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "hosts\t\tcompile\tbare nix eval\tratio (goal 1.3)\tpeak MB\tbare MB\tunchanged\tshow\tverify\tplan MB")
	sizes := map[string]int64{}
	for _, c := range fleets {
		ours, bare := b.median("compile "+c.name()), b.median("eval "+c.name())
		info, err := os.Stat(filepath.Join(b.dir, "compiled-"+strings.ReplaceAll(c.name(), " ", "-")+".json"))
		if err != nil {
			continue
		}
		sizes[c.name()] = info.Size()
		kind := "alike"
		if c.differ {
			kind = "each different"
		}
		fmt.Fprintf(tab, "%d\t%s\t%.2f\t%.2f\t%.2f\t%.0f\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\n", c.hosts, kind, ours, bare, ours/bare,
			b.peak("compile "+c.name()), b.peak("eval "+c.name()), b.median("again "+c.name()),
			b.median("show "+c.name()), b.median("verify "+c.name()), float64(info.Size())/1e6)
	}
	tab.Flush()
	small, large := sizes[compiled{hosts: 10}.name()], sizes[compiled{hosts: 1000}.name()]
	if small > 0 {
		fmt.Fprintf(w, "\nplan of 1000 hosts alike: %.1f times the size of 10\n", float64(large)/float64(small))
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
	if err := os.MkdirAll(filepath.Join(dir, "inventory"), 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"flake.nix":           "{ outputs = _: { nixfleet = { nixfleet, ... }: nixfleet.mkFleet { modules = [ ./module.nix ]; }; }; }\n",
		"module.nix":          module.String(),
		"inventory/prod.yaml": inventory.String(),
		"../" + filepath.Base(dir) + "-inventory.json": string(asJSON),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
