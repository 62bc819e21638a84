package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/nixfleet/nixfleet/vm-tests/lab"
)

// figure is one run of a command.
type figure struct {
	seconds float64
	cpu     float64 // seconds, of all cores
	rssKiB  int64
}

type bench struct {
	ctx     context.Context
	lab     *lab.Lab
	bin     string
	dir     string
	peers   []string // names of Ansible's strategies at hand
	figures map[string][]figure
}

// timed runs a command to its end and keeps its time and peak memory.
func (b *bench) timed(name string, cmd *exec.Cmd) error {
	var output bytes.Buffer
	cmd.Stderr = &output
	if cmd.Stdout == nil {
		cmd.Stdout = &output
	}
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, output.Bytes())
	}
	if name == "" {
		return nil
	}
	usage, _ := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	b.figures[name] = append(b.figures[name], figure{
		seconds: took.Seconds(),
		cpu:     (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(),
		rssKiB:  usage.Maxrss,
	})
	return nil
}

func (b *bench) nixfleet(name string, args ...string) error {
	return b.timed(name, b.lab.Command(b.ctx, filepath.Join(b.bin, "nixfleet"), args...))
}

func (b *bench) plan(edition int) string {
	return filepath.Join(b.dir, fmt.Sprintf("plan-%d.json", edition))
}

// prepare compiles the plans and writes the playbooks, and does everything once
// so that caches are as warm as they are in daily use.
func (b *bench) prepare(peers bool) error {
	for edition := range 3 {
		fleet := filepath.Join(b.dir, fmt.Sprintf("fleet-%d", edition))
		if err := writeFleet(fleet, edition); err != nil {
			return err
		}
		if err := b.nixfleet("", "compile", fleet, "--input", "inventory="+b.lab.InventoryFile(), "-o", b.plan(edition)); err != nil {
			return err
		}
	}
	if err := b.nixfleet("", "execute", b.plan(1), "--yes"); err != nil {
		return err
	}
	if peers {
		return b.prepareAnsible()
	}
	return nil
}

func (b *bench) prepareAnsible() error {
	if _, err := exec.LookPath("ansible-playbook"); err != nil {
		return nil
	}
	inventory := "[all]\n"
	for _, h := range b.lab.Hosts() {
		inventory += fmt.Sprintf("%s ansible_host=%s ansible_user=%s ansible_ssh_private_key_file=%s\n", h.Name, h.Addr, lab.User, b.lab.KeyFile)
	}
	files := map[string]string{
		"inventory.ini": inventory, "undo.yml": undoPlaybook, "work-1.yml": playbook(1), "work-2.yml": playbook(2),
		"ansible.cfg": "[defaults]\nforks=10\nretry_files_enabled=False\ndeprecation_warnings=False\ninterpreter_python=/usr/bin/python3\n[ssh_connection]\npipelining=True\nssh_args=-F " + b.lab.SSHConfig + " -o ControlMaster=auto -o ControlPersist=60s\n",
	}
	b.peers = []string{"ansible"}
	if strategy := mitogenStrategy(); strategy != "" {
		b.peers = append(b.peers, "mitogen")
		files["mitogen.cfg"] = strings.Replace(files["ansible.cfg"], "[defaults]\n", "[defaults]\nstrategy_plugins="+strategy+"\nstrategy=mitogen_linear\n", 1)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return b.ansible("", "ansible", "undo.yml")
}

func mitogenStrategy() string {
	out, err := exec.Command("dpkg", "-L", "ansible-mitogen").Output()
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); strings.HasSuffix(line, "/mitogen_linear.py") {
			return filepath.Dir(line)
		}
	}
	return ""
}

func (b *bench) ansible(name, flavour, book string) error {
	cmd := b.lab.Command(b.ctx, "ansible-playbook", "-i", filepath.Join(b.dir, "inventory.ini"), filepath.Join(b.dir, book))
	cmd.Dir = b.dir
	cmd.Env = append(cmd.Env, "ANSIBLE_CONFIG="+filepath.Join(b.dir, flavour+".cfg"))
	return b.timed(name, cmd)
}

// everywhere runs a command over OpenSSH on all hosts at once.
func (b *bench) everywhere(name, script string) error {
	var lines strings.Builder
	for _, h := range b.lab.Hosts() {
		fmt.Fprintf(&lines, "ssh -F '%s' %s %q & ", b.lab.SSHConfig, h.Name, script)
	}
	return b.timed(name, b.lab.Command(b.ctx, "sh", "-c", lines.String()+"wait"))
}

// round measures everything once, floors between our own figures. Peers take
// minutes a round, many times our own figures' spread: they are measured in the first.
func (b *bench) round(peers bool) error {
	restarts := "sudo sh -c 'systemctl daemon-reload; systemctl restart nf-bench-0 nf-bench-1 nf-bench-2'"
	steps := []func() error{
		func() error { return b.nixfleet("", "execute", b.plan(0), "--yes") },
		func() error { return b.nixfleet("first", "execute", b.plan(1), "--yes") },
		func() error { return b.everywhere("ssh true", "true") },
		func() error { return b.nixfleet("unchanged", "execute", b.plan(1), "--yes") },
		func() error { return b.everywhere("ssh restarts", restarts) },
		func() error { return b.nixfleet("changed", "execute", b.plan(2), "--yes") },
		func() error { return b.everywhere("ssh true", "true") },
		func() error { return b.nixfleet("unchanged", "execute", b.plan(2), "--yes") },
		func() error { return b.everywhere("ssh restarts", restarts) },
		func() error { return b.nixfleet("changed", "execute", b.plan(1), "--yes") },
		func() error { return b.timed("helper", exec.Command(filepath.Join(b.bin, "nixfleet-host"), "version")) },
	}
	for _, flavour := range b.peers {
		if !peers {
			break
		}
		steps = append(steps,
			func() error { return b.ansible("", flavour, "undo.yml") },
			func() error { return b.ansible(flavour+" first", flavour, "work-1.yml") },
			func() error { return b.ansible(flavour+" unchanged", flavour, "work-1.yml") },
			func() error { return b.ansible(flavour+" changed", flavour, "work-2.yml") },
		)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// median returns a figure's median seconds; 0 where it was not measured.
func (b *bench) median(name string) float64 {
	return b.medianOf(name, func(f figure) float64 { return f.seconds })
}

func (b *bench) medianOf(name string, of func(figure) float64) float64 {
	var all []float64
	for _, f := range b.figures[name] {
		all = append(all, of(f))
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func (b *bench) print(w io.Writer) {
	fmt.Fprintf(w, "%d hosts, %d files, %d units, a user and a group each; median seconds of %d rounds, peers' of one\n\n",
		len(b.lab.Hosts()), fileCount, unitCount, len(b.figures["first"]))
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "work\tnixfleet\tansible\tratio (goal 20)\tmitogen\tratio (goal 8)\tssh floor\tratio (goal)")
	for _, row := range []struct{ name, floor, goal string }{
		{"first", "", ""}, {"unchanged", "ssh true", "1.5"}, {"changed", "ssh restarts", "2"},
	} {
		ours := b.median(row.name)
		fmt.Fprintf(tab, "%s\t%.2f\t%s\t%s", row.name, ours, b.against("ansible "+row.name, ours), b.against("mitogen "+row.name, ours))
		if row.floor == "" {
			fmt.Fprintln(tab, "\t\t")
			continue
		}
		floor := b.median(row.floor)
		fmt.Fprintf(tab, "\t%.2f (%s)\t%.2f (%s)\n", floor, row.floor, ours/floor, row.goal)
	}
	tab.Flush()
	var peak int64
	for _, name := range []string{"first", "unchanged", "changed"} {
		for _, f := range b.figures[name] {
			peak = max(peak, f.rssKiB)
		}
	}
	fmt.Fprintf(w, "\ncontroller's peak memory: %.1f MB\n", float64(peak)/1024)
	if info, err := os.Stat(filepath.Join(b.bin, "nixfleet-host")); err == nil {
		fmt.Fprintf(w, "helper: %.1f MB (goal 8), %.0f ms to start\n", float64(info.Size())/1e6, b.median("helper")*1000)
	}
}

// against returns a peer's median and how many times ours it is; ours is
// seconds.
func (b *bench) against(peer string, ours float64) string {
	theirs := b.median(peer)
	if theirs == 0 {
		return "-\t-"
	}
	return fmt.Sprintf("%.2f\t%.1f", theirs, theirs/ours)
}
