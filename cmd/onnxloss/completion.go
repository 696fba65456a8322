package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/emit/curves"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/patterns"
	"github.com/urfave/cli/v2"
)

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a shell completion script",
		ArgsUsage: "SHELL",
		Description: `SHELL is bash, zsh, fish or powershell. The script completes commands, options and
their values. Add the line for your shell to the file that it reads at startup:

  source <(onnxloss completion bash)                                # ~/.bashrc
  source <(onnxloss completion zsh)                                 # ~/.zshrc, after compinit
  onnxloss completion fish | source                                 # ~/.config/fish/config.fish
  onnxloss completion powershell | Out-String | Invoke-Expression   # $PROFILE`,
		Action: func(c *cli.Context) error {
			shell, err := oneArg(c, "SHELL")
			if err != nil {
				return err
			}
			script, ok := completionScripts[shell]
			if !ok {
				return usagef("no completion for %q; available: %s", shell, strings.Join(shells(), ", "))
			}
			_, err = fmt.Fprint(c.App.Writer, script)
			return err
		},
	}
}

// completionScripts ask the program for words, and leave files to the shell if it offers
// none. In a list, they complete what follows the last comma; in --flag=VALUE the program
// repeats what stands before it, except for bash, whose words end at an equals sign.
var completionScripts = map[string]string{
	"bash": `_onnxloss() {
  local cur=${COMP_WORDS[COMP_CWORD]} words=("${COMP_WORDS[@]:0:COMP_CWORD}") list=
  [[ $cur != = ]] || cur=
  [[ ${words[COMP_CWORD-1]} != = ]] || words=("${words[@]:0:COMP_CWORD-1}")
  [[ $cur != -* ]] || words+=("$cur")
  [[ $cur != *,* ]] || list=${cur%,*},
  COMPREPLY=($(compgen -P "$list" -W "$("${words[@]}" --generate-bash-completion 2>/dev/null)" -- "${cur##*,}"))
}
complete -o bashdefault -o default -F _onnxloss onnxloss
`,
	"zsh": `_onnxloss() {
  local cur=${words[CURRENT]} asked=("${(@)words[1,CURRENT-1]}")
  [[ $cur != -* ]] || asked+=("$cur")
  local found=("${(@f)$("${asked[@]}" --generate-bash-completion 2>/dev/null)}")
  if [[ -z $found[1] ]]; then _files; return; fi
  [[ $cur == -* ]] || compset -P '*,'
  compadd -- $found
}
compdef _onnxloss onnxloss
`,
	"fish": `function __onnxloss_words
    set -l words (commandline -opc)
    set -l cur (commandline -ct)
    string match -q -- '-*' $cur; and set -a words $cur
    set -l list (string match -r -- '^[^-].*,' $cur)
    command $words --generate-bash-completion 2>/dev/null | while read -l word
        echo "$list$word"
    end
end
complete -c onnxloss -n 'count (__onnxloss_words) >/dev/null' -f -a '(__onnxloss_words)'
`,
	"powershell": `Register-ArgumentCompleter -Native -CommandName onnxloss -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
    if ($wordToComplete -like '-*') { $words += $wordToComplete }
    $list = ''
    if ($wordToComplete -match '^[^-].*,') { $list = $Matches[0] }
    $rest = @($words | Select-Object -Skip 1)
    & $words[0] @rest --generate-bash-completion 2>$null |
        Where-Object { "$list$_" -like "$wordToComplete*" } |
        ForEach-Object { [System.Management.Automation.CompletionResult]::new("$list$_", $_, 'ParameterValue', $_) }
}
`,
}

// shells lists the shells that there are scripts for.
func shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

// completion makes app print what may follow args, using package cli's protocol:
// the last of args is the word under the cursor if it begins with a hyphen,
// else the word before it.
func completion(app *cli.App, args []string) []string {
	if len(args) < 2 || app.Command(args[1]) == nil {
		app.BashComplete = func(c *cli.Context) {
			fmt.Fprintln(c.App.Writer, strings.Join(commandNames(c.App), "\n"))
		}
		return []string{app.Name, completionFlag}
	}
	cmd := app.Command(args[1])
	cmd.BashComplete = func(c *cli.Context) {
		for _, word := range following(cmd, args[2:]) {
			fmt.Fprintln(c.App.Writer, word)
		}
	}
	return []string{app.Name, cmd.Name, completionFlag}
}

// following is the words that may come after words.
func following(cmd *cli.Command, words []string) []string {
	last := ""
	if len(words) > 0 {
		last = words[len(words)-1]
	}
	flag, value, joined := strings.Cut(last, "=")
	switch {
	case strings.HasPrefix(last, "-") && joined && findFlag(cmd, flag) != nil:
		before := last[:len(last)-len(value)+strings.LastIndex(value, ",")+1]
		var words []string
		for _, word := range choices(cmd.Name, findFlag(cmd, flag).Names()[0]) {
			words = append(words, before+word)
		}
		return words
	case strings.HasPrefix(last, "-") && takesValue(cmd, last):
		return choices(cmd.Name, findFlag(cmd, last).Names()[0])
	case strings.HasPrefix(last, "-"):
		return matchingFlags(cmd, last)
	case cmd.Name == "losses":
		return lossNames()
	case cmd.Name == "completion":
		return shells()
	}
	return nil
}

func lossNames() []string {
	var names []string
	for _, l := range loss.All() {
		names = append(names, l.Name)
	}
	return names
}

// matchingFlags is the flags of cmd that begin with prefix.
func matchingFlags(cmd *cli.Command, prefix string) []string {
	var list []string
	for _, f := range cmd.Flags {
		for _, name := range f.Names() {
			if name = dashed(name); strings.HasPrefix(name, prefix) {
				list = append(list, name)
			}
		}
	}
	slices.Sort(list)
	return list
}

// choices is the values of an enumerated flag of a command; nil for any other flag.
func choices(command, flag string) []string {
	if command == "compare" {
		switch flag {
		case "target":
			return nil // a file
		case "reduction":
			return compareReductions
		}
	}
	switch flag {
	case "loss", "losses":
		return loss.Names(loss.Classification)
	case "box":
		return loss.Names(loss.Box)
	case "confidence":
		return loss.Names(loss.Confidence)
	case "form":
		return formNames()
	case "target":
		return []string{loss.Dense, loss.Index}
	case "reduction":
		return loss.Reductions()
	case "by":
		return []string{string(curves.Probability), string(curves.Logit)}
	case "dtype":
		if command == "rewrite" {
			return []string{"float16", "float32", "float64"}
		}
		return []string{"float32", "float64"}
	case "activation":
		return []string{string(patterns.Sigmoid), string(patterns.Softmax), string(patterns.None)}
	case "dump-plan":
		return passNames()
	case "evidence":
		words := []string{}
		for _, place := range patterns.Places() {
			words = append(words, string(place))
		}
		return words
	case "verify":
		if command == "rewrite" {
			return []string{verifyFull, verifySample, verifyNone}
		}
		return []string{verifyFull, verifySample}
	case "head":
		return []string{"all"}
	}
	return nil
}
