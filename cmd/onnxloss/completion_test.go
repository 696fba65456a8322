package main

import (
	"context"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/graph/thorough"
	"github.com/urfave/cli/v2"
)

// completed are command lines with the one line that completion makes of each.
var completed = map[string]string{
	"onnxloss insp":                            "onnxloss inspect ",
	"onnxloss rewrite --redu":                  "onnxloss rewrite --reduction ",
	"onnxloss rewrite --verify sam":            "onnxloss rewrite --verify sample ",
	"onnxloss rewrite --verify=sam":            "onnxloss rewrite --verify=sample ",
	"onnxloss verify --verify fu":              "onnxloss verify --verify full ",
	"onnxloss compare --losses ce,sigmoid-f":   "onnxloss compare --losses ce,sigmoid-focal ",
	"onnxloss compare --losses=ce,sigmoid-f":   "onnxloss compare --losses=ce,sigmoid-focal ",
	"onnxloss compare --reduction wei":         "onnxloss compare --reduction weighted-mean ",
	"onnxloss inspect --evidence graph,metada": "onnxloss inspect --evidence graph,metadata ",
	"onnxloss losses quality":                  "onnxloss losses quality-focal ",
	"onnxloss completion pow":                  "onnxloss completion powershell ",
	"onnxloss run some-mod":                    "onnxloss run some-model.onnx ",
}

// shellScripts complete the words in $LINE and print the line that results, each in its
// own shell.
var shellScripts = map[string]string{
	// Readline's part: the words are split at equals signs, and the one reply is taken.
	"bash": `source <(onnxloss completion bash)
read -ra COMP_WORDS <<< "${LINE//=/ = }"
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
_onnxloss
[[ ${#COMPREPLY[@]} != 0 ]] || COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
[[ ${#COMPREPLY[@]} = 1 ]] && printf '<%s>\n' "${LINE%"${COMP_WORDS[COMP_CWORD]}"}$COMPREPLY "`,
	"zsh": `zmodload zsh/zpty
zpty shell 'zsh -f -i'
zpty -w shell 'PS1=; autoload -U compinit; compinit -u -D; source <(onnxloss completion zsh)
report() { zle complete-word; print -r -- "<$BUFFER>"; zle send-break }; zle -N report; bindkey "^X" report'
zpty -w -n shell "$LINE"$'\x18'
while zpty -r shell line; do [[ $line != *'<onnxloss '*'>'* ]] || { print -r -- "<${${line##*<}%%>*}>"; break }; done`,
	"fish": `onnxloss completion fish | source
set -l found (complete -C $LINE | string split -f 1 \t)
test (count $found) = 1; and echo "<"(string replace -r '[^ ]*$' '' $LINE)$found" >"`,
	"pwsh": `onnxloss completion powershell | Out-String | Invoke-Expression
$r = [System.Management.Automation.CommandCompletion]::CompleteInput($env:LINE, $env:LINE.Length, $null)
if ($r.CompletionMatches.Count -eq 1) {
  $text = $r.CompletionMatches[0].CompletionText -replace '^\.[/\\]', ''
  '<' + $env:LINE.Substring(0, $r.ReplacementIndex) + $text + ' >'
}`,
}

// TestShells completes command lines in every shell that is installed.
func TestShells(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]string{"onnxloss": self, "some-model.onnx": "/dev/null"} {
		if err := os.Symlink(at, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	for shell, script := range shellScripts {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				t.Skip("not installed")
			}
			t.Parallel()
			lines := slices.Sorted(maps.Keys(completed))
			for i := 0; i < len(lines); i += thorough.Every(4) {
				line, want := lines[i], completed[lines[i]]
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				cmd := exec.CommandContext(ctx, shell, "-c", script)
				cmd.Dir, cmd.WaitDelay = dir, time.Second
				cmd.Env = append(os.Environ(), "LINE="+line, "HOME="+dir, "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
				out, _ := cmd.Output() // the exit code is that of the script's last test
				if got := strings.TrimSpace(string(out)); got != "<"+want+">" {
					t.Errorf("%q: got %q, want %q", line, got, want)
				}
			}
		})
	}
}

// open are the flags that take text with a value but have no short list of values.
var open = []string{
	"class-counts", "class-weights", "alpha-per-class", "gamma-per-class", "head-file", "html", "original", "output", "plot", "save-head", "svg", "trace", // files
	"max-memory", "modulate", "size", "slice", "title", "why",
}

// TestChoices: each flag that takes text either has a list of values to complete, all of
// which its help text names, or is known to have none.
func TestChoices(t *testing.T) {
	for _, c := range newApp(nil, io.Discard, io.Discard).Commands {
		for _, f := range c.Flags {
			s, ok := f.(*cli.StringFlag)
			if !ok || s.Hidden || slices.Contains(open, s.Name) || c.Name == "compare" && s.Name == "target" {
				continue
			}
			values := choices(c.Name, s.Name)
			if values == nil {
				t.Errorf("%s --%s: no values", c.Name, s.Name)
			}
			for _, v := range values {
				if s.Name != "losses" && !strings.Contains(s.Usage, v) {
					t.Errorf("%s --%s: the help does not name %s", c.Name, s.Name, v)
				}
			}
		}
	}
}
