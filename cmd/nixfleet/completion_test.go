package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestCompletionsInShells has each shell that is here load its script and complete a line.
func TestCompletionsInShells(t *testing.T) {
	for shell, script := range map[string]string{
		"bash": `source <(nixfleet completion bash)
complete -p nixfleet >/dev/null
ask() { COMP_WORDS=(nixfleet "$@"); COMP_CWORD=$#; COMPREPLY=(); _nixfleet; echo "${COMPREPLY[*]}"; }
ask comp; ask compile --no-b; ask completion ""`,
		// zsh completes on terminals only: what it would be given is written.
		"zsh": `autoload() { :; }; _files() { :; }; compdef() { :; }; compadd() { print -r -- ${(P)2}; }
source <(nixfleet completion zsh)
ask() { words=(nixfleet "$@"); CURRENT=$#words; _nixfleet; }
ask comp; ask compile --no-b; ask completion ""`,
		"fish": `nixfleet completion fish | source
complete -C "nixfleet comp"; echo; complete -C "nixfleet compile --no-b"; echo; complete -C "nixfleet completion "`,
	} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(shell); err != nil {
				if os.Getenv("CI") == "true" {
					t.Fatal(err) // vm-tests/apt-packages has it
				}
				t.Skip(err)
			}
			arguments := map[string][]string{"bash": {"--noprofile", "--norc", "-eu", "-c", script}, "zsh": {"-f", "-c", script}, "fish": {"--no-config", "-c", script}}
			command := exec.Command(shell, arguments[shell]...)
			command.Env = append(os.Environ(), "HOME="+t.TempDir())
			command.Dir = t.TempDir()
			out, err := command.CombinedOutput()
			words := strings.Fields(string(out))
			for _, want := range []string{"compile", "completion", "--no-build", "bash", "fish", "zsh"} {
				if !slices.Contains(words, want) {
					t.Errorf("%s is not completed (%v):\n%s", want, err, out)
				}
			}
		})
	}
}

// A file in zsh's $fpath is run when the first line is completed: it has to answer then.
func TestZshAsFile(t *testing.T) {
	if _, err := exec.LookPath("zsh"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/_nixfleet", []byte(completions["zsh"]), 0o644); err != nil {
		t.Fatal(err)
	}
	script := `_files() { :; }; compadd() { print -r -- ${(P)2}; }
fpath=($1 $fpath); autoload -Uz _nixfleet; words=(nixfleet comp); CURRENT=2; _nixfleet`
	out, err := exec.Command("zsh", "-f", "-c", script, "zsh", dir).CombinedOutput()
	if err != nil || !slices.Contains(strings.Fields(string(out)), "compile") {
		t.Errorf("%v\n%s", err, out)
	}
}
