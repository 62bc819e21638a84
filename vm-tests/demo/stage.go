package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/nixfleet/nixfleet/vm-tests/lab"
)

// The change that the demo makes, in the fleet's own words.
const (
	editedFile = "modules/web.nix"
	oldText    = "Hello from"
	newText    = "Good day from"
)

type stage struct {
	ctx   context.Context
	bin   string
	dir   string
	fleet string
	lab   *lab.Lab
}

func (s *stage) say(text string) {
	fmt.Fprintf(os.Stderr, "\n%s\n", "== "+text)
}

func (s *stage) file(name string) string { return filepath.Join(s.dir, name) }

// inventory returns the fleet's own inventory as a tree.
func (s *stage) inventory() (map[string]any, error) {
	text, err := os.ReadFile(filepath.Join(s.fleet, "inventory", "prod.yaml"))
	if err != nil {
		return nil, err
	}
	tree := map[string]any{}
	return tree, yaml.Unmarshal(text, &tree)
}

func (s *stage) hostNames() ([]string, error) {
	tree, err := s.inventory()
	if err != nil {
		return nil, err
	}
	hosts, ok := tree["hosts"].(map[string]any)
	if !ok {
		return nil, errors.New("the fleet's inventory has no hosts")
	}
	return slices.Sorted(maps.Keys(hosts)), nil
}

// writeInventory writes the fleet's inventory with the throwaway hosts' addresses
// and keys in place of the real ones.
func (s *stage) writeInventory() error {
	tree, err := s.inventory()
	if err != nil {
		return err
	}
	for name, fields := range tree["hosts"].(map[string]any) {
		host := s.lab.Host(name)
		fields := fields.(map[string]any)
		fields["addr"], fields["hostKeys"] = host.Addr, []string{host.HostKey}
		fields["user"], fields["base"] = lab.User, "debian"
	}
	text, err := yaml.Marshal(tree)
	if err != nil {
		return err
	}
	return os.WriteFile(s.file("lab.yaml"), text, 0o644)
}

// play goes through the demo's acts.
func (s *stage) play() error {
	acts := []struct {
		title string
		act   func() error
	}{
		{"Compiling the fleet: evaluate the intent, build the closures, freeze the result", func() error { return s.compile("plan.json") }},
		{"What an approver reads", func() error { return s.nixfleet("show", s.file("plan.json")) }},
		{"Executing exactly that", func() error { return s.execute("plan.json") }},
		{"What the hosts serve now", s.visit},
		{"Executing the same plan again: nothing changes, nothing restarts", func() error { return s.execute("plan.json") }},
		{fmt.Sprintf("One edit: %q becomes %q in %s", oldText, newText, editedFile), s.edit},
		{"The difference between the plans", s.difference},
		{"Executing the change", func() error { return s.execute("plan-2.json") }},
		{"What the hosts serve now", s.visit},
	}
	for _, act := range acts {
		s.say(act.title)
		err := act.act()
		// A command that finishes its work after Ctrl-C may well succeed; the demo ends all the same.
		if s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) compile(plan string) error {
	if err := s.writeInventory(); err != nil {
		return err
	}
	return s.nixfleet("compile", s.fleet, "--input", "inventory="+s.file("lab.yaml"), "-o", s.file(plan))
}

func (s *stage) execute(plan string) error {
	return s.nixfleet("execute", s.file(plan), "--yes", "--state-dir", s.file("state"))
}

// nixfleet runs the built command where the hosts can be reached, on this
// terminal.
func (s *stage) nixfleet(args ...string) error {
	fmt.Fprintf(os.Stderr, "$ nixfleet %s\n", strings.ReplaceAll(strings.Join(args, " "), s.dir+"/", ""))
	cmd := s.command(filepath.Join(s.bin, "nixfleet"), args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("nixfleet %s: %w", args[0], err)
	}
	return nil
}

// command prepares a program that gets a Ctrl-C of the terminal by itself and is
// waited for.
func (s *stage) command(name string, args ...string) *exec.Cmd {
	return s.lab.Command(context.WithoutCancel(s.ctx), name, args...)
}

// visit asks the web hosts for their page.
func (s *stage) visit() error {
	for _, host := range s.lab.Hosts() {
		if !strings.HasPrefix(host.Name, "web") {
			continue
		}
		page, err := s.get("http://" + host.Addr + ":8080/")
		if err != nil {
			return fmt.Errorf("%s does not answer: %w", host.Name, err)
		}
		fmt.Printf("%s: %s\n", host.Name, bytes.TrimSpace(page))
	}
	return nil
}

// get fetches a page from within the lab's network.
func (s *stage) get(url string) ([]byte, error) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: s.lab.Dial}}
	answer, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}

func (s *stage) edit() error {
	name := filepath.Join(s.fleet, editedFile)
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	edited := bytes.Replace(text, []byte(oldText), []byte(newText), 1)
	if bytes.Equal(edited, text) {
		return fmt.Errorf("%s has no %q to change", editedFile, oldText)
	}
	if err := os.WriteFile(name, edited, 0o644); err != nil {
		return err
	}
	return s.compile("plan-2.json")
}

// difference shows the two plans' texts side by side, and asks the hosts what
// the second would change.
func (s *stage) difference() error {
	for _, plan := range []string{"plan.json", "plan-2.json"} {
		out, err := s.command(filepath.Join(s.bin, "nixfleet"), "show", "--contents", s.file(plan)).Output()
		if err != nil {
			return err
		}
		if err := os.WriteFile(s.file(plan+".txt"), out, 0o644); err != nil {
			return err
		}
	}
	diff := exec.Command("diff", "-U1", "--label", "plan.json", "--label", "plan-2.json", s.file("plan.json.txt"), s.file("plan-2.json.txt"))
	diff.Stdout, diff.Stderr = os.Stdout, os.Stderr
	if err := diff.Run(); err == nil {
		return errors.New("the edit made no difference")
	}
	return s.nixfleet("execute", s.file("plan-2.json"), "--dry-run")
}

func (s *stage) farewell() {
	fmt.Fprintf(os.Stderr, `
The hosts stay up. Reach them, and end them, with:

  bin/lab exec --lab %[1]s web-1 -- systemctl status --no-pager
  bin/lab run --lab %[1]s -- bin/nixfleet compile %[2]s --input inventory=%[3]s -o %[4]s
  bin/lab run --lab %[1]s -- bin/nixfleet execute %[4]s
  make lab-down; rm -r %[5]s

The fleet is in %[2]s, the inventory of these hosts in %[3]s.
`, s.lab.ID, s.fleet, s.file("lab.yaml"), s.file("plan-3.json"), s.dir)
}
