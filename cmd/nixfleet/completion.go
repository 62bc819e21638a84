package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/nixfleet/nixfleet/cmd/internal/ui"
)

// completions are the shells' scripts: each asks the program itself, which
// answers with one word a line.
var completions = map[string]string{
	"bash": `_nixfleet() {
  local cur="${COMP_WORDS[COMP_CWORD]}" words=("${COMP_WORDS[@]:0:COMP_CWORD}")
  [[ "$cur" == -* ]] && words+=("$cur")
  mapfile -t COMPREPLY < <(compgen -W "$("${words[@]}" --generate-bash-completion 2>/dev/null)" -- "$cur")
}
complete -o bashdefault -o default -F _nixfleet nixfleet
`,
	"zsh": `#compdef nixfleet
_nixfleet() {
  local -a found
  if [[ "${words[CURRENT]}" == -* ]]; then
    found=("${(@f)$(${words[1,CURRENT]} --generate-bash-completion 2>/dev/null)}")
  else
    found=("${(@f)$(${words[1,CURRENT-1]} --generate-bash-completion 2>/dev/null)}")
  fi
  found=(${found:#})
  compadd -a found
  _files
}
# A file of $fpath is the function when it is called first.
if [[ "${funcstack[1]}" == _nixfleet ]]; then _nixfleet "$@"; else compdef _nixfleet nixfleet; fi
`,
	"fish": `complete -c nixfleet -a '(set -l cur (commandline -ct); set -l words (commandline -opc); string match -q -- "-*" $cur; and set -a words $cur; $words --generate-bash-completion 2>/dev/null)'
`,
}

func completionCommand() *cli.Command {
	shells := []string{"bash", "fish", "zsh"}
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a shell completion script",
		ArgsUsage: strings.Join(shells, "|"),
		Description: `Examples: source <(nixfleet completion bash)
          nixfleet completion zsh >"${fpath[1]}/_nixfleet"
          nixfleet completion fish >~/.config/fish/completions/nixfleet.fish`,
		BashComplete: func(c *cli.Context) { fmt.Fprintln(c.App.Writer, strings.Join(shells, "\n")) },
		Action: func(c *cli.Context) error {
			shell, err := ui.OneArgument(c, "bash", "a shell")
			if err != nil {
				return err
			}
			if !slices.Contains(shells, shell) {
				return ui.Usagef("there is no completion for the shell %q: expected one of %s", shell, strings.Join(shells, ", "))
			}
			_, err = fmt.Fprint(c.App.Writer, completions[shell])
			return err
		},
	}
}
