package policy

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/compiler/internal/diagnostic"
)

// request is what the process that evaluates is asked, as JSON.
type request struct {
	// Root is the fleet's directory: files are named from there, and nothing else is read.
	Root string `json:"root"`
	// Policies are asked about Plan; Tests bring plans of their own.
	Policies []string `json:"policies,omitempty"`
	Tests    []string `json:"tests,omitempty"`
	Plan     any      `json:"plan"`
	Previous any      `json:"previous"`
	Tables   tables   `json:"tables"`
	Date     *string  `json:"date"`
}

// event is a line of its answer.
type event struct {
	Doing      string                 `json:"doing,omitempty"` // begins: where it ends here, that is why
	File       string                 `json:"file,omitempty"`  // of what it is doing
	Violations []Violation            `json:"violations,omitempty"`
	Case       *Case                  `json:"case,omitempty"`
	Fault      *diagnostic.Diagnostic `json:"fault,omitempty"`
	Trace      string                 `json:"trace,omitempty"`
	Done       bool                   `json:"done,omitempty"`
}

// Serve evaluates the policies that it reads from in and answers on out, line by line.
func Serve(in io.Reader, out io.Writer) error {
	var asked request
	if err := json.NewDecoder(in).Decode(&asked); err != nil {
		return fmt.Errorf("cannot read what to evaluate: %w", err)
	}
	root, err := os.OpenRoot(asked.Root)
	if err != nil {
		return fmt.Errorf("cannot open the fleet: %w", err)
	}
	defer root.Close()
	s := &server{answer: json.NewEncoder(out), asked: &asked}
	s.machine = newMachine(root, &asked, traces{s}, s.begin)
	for _, file := range asked.Policies {
		s.policy(file)
	}
	for _, file := range asked.Tests {
		s.test(file)
	}
	s.tell(event{Done: true})
	return s.err
}

type server struct {
	asked   *request
	machine *machine
	answer  *json.Encoder
	err     error // of the answer
	file    string
	begun   string // the rule of it that is being asked, or was last
}

// start says which file is next.
func (s *server) start(file string) {
	s.file, s.begun = file, ""
	s.tell(event{Doing: "reading it", File: file})
}

func (s *server) tell(e event) {
	if err := s.answer.Encode(e); s.err == nil {
		s.err = err
	}
}

func (s *server) fault(d diagnostic.Diagnostic) { s.tell(event{Fault: &d}) }

// traces tells what std.trace writes.
type traces struct{ s *server }

func (t traces) Write(data []byte) (int, error) {
	t.s.tell(event{Trace: strings.TrimSpace(strings.TrimPrefix(string(data), "TRACE: "))})
	return len(data), nil
}

// policy asks the rules of a policy together, and again without one that throws, so
// that it hides no other.
func (s *server) policy(file string) {
	s.start(file)
	rules, fault := s.rules(file)
	if fault != nil {
		s.fault(*fault)
		return
	}
	for len(rules) > 0 {
		var results map[string]json.RawMessage
		err := s.machine.ask("check", file, &results, rules, s.asked.Date)
		if err != nil {
			s.fault(faultOf(err, file, s.begun))
			if s.begun == "" {
				return
			}
			rules = without(rules, s.begun)
			continue
		}
		for _, rule := range rules {
			violations, fault := s.known(results[rule], file, rule)
			if fault != nil {
				s.fault(*fault)
			}
			s.tell(event{Violations: violations})
		}
		return
	}
}

func without(rules []string, one string) []string {
	return slices.DeleteFunc(rules, func(rule string) bool { return rule == one })
}

// begin is told by the program which rule it comes to.
func (s *server) begin(rule string) {
	s.begun = rule
	s.tell(event{Doing: "the rule " + rule, File: s.file})
}

// rules are the names of a policy's rules.
func (s *server) rules(file string) ([]string, *diagnostic.Diagnostic) {
	wrong := func(rule, format string, args ...any) ([]string, *diagnostic.Diagnostic) {
		d := wrongResult(file, rule, format, args...)
		d.Hint = "a policy is an object of rules, as { noRoot: function(plan, previous, given) […] }; helpers are local, or hidden with ::"
		return nil, &d
	}
	var found any
	if err := s.machine.ask("rules", file, &found, aloneName(file)); err != nil {
		d := faultOf(err, file, "")
		return nil, &d
	}
	table, isObject := found.(map[string]any)
	if !isObject {
		return wrong("", "the policy is %s; expected an object of rules", article(fmt.Sprint(found)))
	}
	if len(table) == 0 {
		return wrong("", "the policy has no rules")
	}
	rules := sortedKeys(table)
	for _, rule := range rules {
		if count, isFunction := table[rule].(float64); !isFunction {
			return wrong(rule, "the rule is %s; expected a function", article(fmt.Sprint(table[rule])))
		} else if count > 3 {
			return wrong(rule, "the rule has %v parameters; expected at most three: plan, previous, given", count)
		}
	}
	return rules, nil
}

// aloneName is what a policy's only rule is called where the policy is the rule.
func aloneName(file string) string { return strings.TrimSuffix(path.Base(file), path.Ext(file)) }

// known reads violations and refuses those of hosts that no plan has.
func (s *server) known(result json.RawMessage, file, rule string) ([]Violation, *diagnostic.Diagnostic) {
	violations, fault := readViolations(result, file, rule)
	for _, v := range violations {
		if v.Host == "" || hasHost(string(v.Host), s.asked.Plan, s.asked.Previous) {
			continue
		}
		d := wrongResult(file, rule, "the rule speaks of a host %q that no plan has", v.Host)
		return nil, &d
	}
	return violations, fault
}

func hasHost(name string, plans ...any) bool {
	for _, plan := range plans {
		tree, _ := plan.(map[string]any)
		hosts, _ := tree["hosts"].(map[string]any)
		if _, ok := hosts[name]; ok {
			return true
		}
	}
	return false
}

func article(kind string) string {
	switch kind {
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "null":
		return "null"
	}
	return "a " + kind
}
