package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The work of a host: 20 files, 3 units that restart when files change, a user and a group.
const (
	fileCount = 20
	unitCount = 3
)

func fileContent(i, edition int) string {
	return fmt.Sprintf("setting = %d\nedition = %d\n%s", i, edition, strings.Repeat("# a line as configuration files have them\n", 20))
}

func unitText(tool string, i int) string {
	return fmt.Sprintf("[Unit]\nDescription=%s bench %d\n[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n", tool, i)
}

func unitName(tool string, i int) string { return fmt.Sprintf("%s-bench-%d.service", tool, i) }

// writeFleet writes a fleet that does the work; edition 0 does nothing.
func writeFleet(dir string, edition int) error {
	var module strings.Builder
	module.WriteString("{\n")
	if edition > 0 {
		module.WriteString("  nixfleet.users.nfbench = { system = true; group = \"nfbench\"; home = \"/var/lib/nfbench\"; };\n")
		for i := range fileCount {
			fmt.Fprintf(&module, "  nixfleet.files.\"/etc/nfbench/file-%d.conf\" = { text = %s; restartUnits = [ %q ]; };\n",
				i, nixString(fileContent(i, edition)), unitName("nf", i%unitCount))
		}
		for i := range unitCount {
			fmt.Fprintf(&module, "  nixfleet.systemd.units.%q = { enabled = true; text = %s; };\n", unitName("nf", i), nixString(unitText("nf", i)))
		}
	}
	module.WriteString("}\n")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	flake := "{ outputs = _: { nixfleet = { nixfleet, ... }: nixfleet.mkFleet { modules = [ ./module.nix ]; }; }; }\n"
	if err := os.WriteFile(filepath.Join(dir, "flake.nix"), []byte(flake), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "module.nix"), []byte(module.String()), 0o644)
}

func nixString(text string) string {
	return strings.ReplaceAll(fmt.Sprintf("%q", text), "${", `\${`)
}

// playbook returns the same work as an Ansible playbook, a task a resource.
func playbook(edition int) string {
	var p strings.Builder
	p.WriteString("- hosts: all\n  become: yes\n  gather_facts: no\n  tasks:\n")
	task := func(name, module string, args map[string]string, notify string) {
		fmt.Fprintf(&p, "  - name: %s\n    %s:\n", name, module)
		for _, key := range []string{"name", "group", "system", "home", "create_home", "path", "state", "dest", "content", "mode", "daemon_reload", "enabled"} {
			if value, ok := args[key]; ok {
				fmt.Fprintf(&p, "      %s: %q\n", key, value)
			}
		}
		if notify != "" {
			fmt.Fprintf(&p, "    notify: restart %s\n", notify)
		}
	}
	task("group", "group", map[string]string{"name": "anbench", "system": "yes"}, "")
	task("user", "user", map[string]string{"name": "anbench", "group": "anbench", "system": "yes", "home": "/var/lib/anbench", "create_home": "no"}, "")
	task("directory", "file", map[string]string{"path": "/etc/anbench", "state": "directory", "mode": "0755"}, "")
	for i := range fileCount {
		task(fmt.Sprintf("file %d", i), "copy", map[string]string{
			"dest": fmt.Sprintf("/etc/anbench/file-%d.conf", i), "content": fileContent(i, edition), "mode": "0644",
		}, unitName("an", i%unitCount))
	}
	for i := range unitCount {
		task("unit "+unitName("an", i), "copy", map[string]string{
			"dest": "/etc/systemd/system/" + unitName("an", i), "content": unitText("an", i), "mode": "0644",
		}, "")
	}
	for i := range unitCount {
		args := map[string]string{"name": unitName("an", i), "enabled": "yes", "state": "started"}
		if i == 0 {
			args["daemon_reload"] = "yes"
		}
		task("run "+unitName("an", i), "systemd", args, "")
	}
	p.WriteString("  handlers:\n")
	for i := range unitCount {
		fmt.Fprintf(&p, "  - name: restart %s\n    systemd:\n      name: %s\n      state: restarted\n", unitName("an", i), unitName("an", i))
	}
	return p.String()
}

// undoPlaybook removes what playbook made, untimed, so that a first apply can be measured again.
const undoPlaybook = `- hosts: all
  become: yes
  gather_facts: no
  tasks:
  - shell: systemctl disable --now an-bench-0 an-bench-1 an-bench-2; rm -rf /etc/anbench /etc/systemd/system/an-bench-*; systemctl daemon-reload; userdel anbench; groupdel anbench; true
`
