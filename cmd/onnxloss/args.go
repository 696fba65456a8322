package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

const completionFlag = "--generate-bash-completion"

// commandLine is one run's arguments in the form that package cli expects.
type commandLine struct {
	args []string
	json bool // --json is among them
}

// prepare puts arguments into the form that package cli expects. Errors are usage errors.
func prepare(app *cli.App, args []string) (commandLine, error) {
	if len(args) == 0 {
		args = []string{app.Name}
	}
	if n := len(args) - 1; args[n] == completionFlag {
		return commandLine{args: completion(app, args[:n])}, nil
	}
	if len(args) > 1 {
		switch args[1] {
		case "help":
			args = append(slices.Clone(args[:1]), args[2:]...)
			return commandLine{args: append(args, "--help")}, nil
		case "--version", "-v":
			args = slices.Concat(args[:1], []string{"version"}, args[2:])
		}
	}
	return sortArgs(app, args)
}

// sortArgs moves a command's flags before its positional arguments, because
// package cli stops parsing flags at the first positional argument. Giving a
// single-valued flag twice is an error.
func sortArgs(app *cli.App, args []string) (commandLine, error) {
	if len(args) < 3 {
		return commandLine{args: args}, nil
	}
	cmd := app.Command(args[1])
	if cmd == nil {
		return commandLine{args: args, json: slices.Contains(args, "--json")}, nil
	}
	var flags, rest []string
	var twice error
	seen := map[cli.Flag]bool{}
	sorted := commandLine{}
	todo := args[2:]
	for len(todo) > 0 {
		a := todo[0]
		todo = todo[1:]
		if a == "--" {
			rest = append(rest, todo...)
			break
		}
		if len(a) < 2 || a[0] != '-' {
			rest = append(rest, a)
			continue
		}
		if slices.Contains(cli.HelpFlag.Names(), strings.TrimLeft(a, "-")) {
			return commandLine{args: slices.Concat(args[:2], []string{"--help"})}, nil // cli takes what follows for a topic
		}
		if letters := shortFlags(cmd, a); letters != nil {
			todo = slices.Concat(letters, todo)
			continue
		}
		name, value, _ := strings.Cut(a, "=")
		f := findFlag(cmd, name)
		if f == jsonFlag && value != "false" {
			sorted.json = true
		}
		if seen[f] && single(f) && twice == nil {
			twice = usagef("%s takes one value but is given twice; see onnxloss %s --help", dashed(f.Names()[0]), cmd.Name)
		}
		seen[f] = true
		flags = append(flags, fullName(cmd, a))
		if !takesValue(cmd, a) {
			continue
		}
		if len(todo) == 0 {
			sorted.args = slices.Concat(args[:2], flags) // cli says that the last flag lacks its value
			return sorted, twice
		}
		flags = append(flags, todo[0])
		todo = todo[1:]
	}
	sorted.args = slices.Concat(args[:2], flags, []string{"--"}, rest)
	return sorted, twice
}

// shortFlags splits combined short flags of cmd such as -qo, of which only the last may
// take a value. It returns nil if a is anything else.
func shortFlags(cmd *cli.Command, a string) []string {
	if len(a) < 3 || a[1] == '-' || strings.Contains(a, "=") || findFlag(cmd, a) != nil {
		return nil
	}
	var flags []string
	for i, letter := range a[1:] {
		f := "-" + string(letter)
		if findFlag(cmd, f) == nil || i < len(a)-2 && takesValue(cmd, f) {
			return nil
		}
		flags = append(flags, f)
	}
	return flags
}

// single reports whether f takes one value.
func single(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok || !d.TakesValue() {
		return false
	}
	s, ok := f.(cli.DocGenerationSliceFlag)
	return !ok || !s.IsSliceFlag()
}

// takesValue reports whether the flag a, as typed, is followed by its
// value.
func takesValue(cmd *cli.Command, a string) bool {
	if strings.Contains(a, "=") {
		return false
	}
	d, ok := findFlag(cmd, a).(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

// fullName is a flag as typed, with any alias replaced by its first name,
// because package cli refuses two names of one flag.
func fullName(cmd *cli.Command, a string) string {
	name, value, given := strings.Cut(a, "=")
	f := findFlag(cmd, name)
	if f == nil {
		return a
	}
	if name = dashed(f.Names()[0]); given {
		name += "=" + value
	}
	return name
}

// findFlag is the flag of cmd that a names; nil if there is none.
func findFlag(cmd *cli.Command, a string) cli.Flag {
	name := strings.TrimPrefix(strings.TrimPrefix(a, "-"), "-")
	for _, f := range cmd.Flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}
