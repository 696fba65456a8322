package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

const completionFlag = "--generate-bash-completion"

// prepare is the arguments as package cli wants them.
func prepare(app *cli.App, args []string) []string {
	if len(args) == 0 {
		args = []string{app.Name}
	}
	if n := len(args) - 1; args[n] == completionFlag {
		return completion(app, args[:n])
	}
	if len(args) > 1 && args[1] == "help" {
		args = append(slices.Clone(args[:1]), args[2:]...)
		return append(args, "--help")
	}
	return sortArgs(app, args)
}

// sortArgs moves the flags of a command before its positional arguments, since
// package cli stops looking for flags at the first argument that is none.
func sortArgs(app *cli.App, args []string) []string {
	if len(args) < 3 {
		return args
	}
	cmd := app.Command(args[1])
	if cmd == nil {
		return args
	}
	var flags, rest []string
	for i := 2; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			rest = append(rest, args[i+1:]...)
			break
		}
		if len(a) < 2 || a[0] != '-' {
			rest = append(rest, a)
			continue
		}
		if slices.Contains(cli.HelpFlag.Names(), strings.TrimLeft(a, "-")) {
			return slices.Concat(args[:2], []string{"--help"}) // cli takes what follows for a topic
		}
		flags = append(flags, fullName(cmd, a))
		if !takesValue(cmd, a) {
			continue
		}
		if i++; i == len(args) {
			return slices.Concat(args[:2], flags) // cli says that the last flag lacks its value
		}
		flags = append(flags, args[i])
	}
	return slices.Concat(args[:2], flags, []string{"--"}, rest)
}

// takesValue reports whether the flag a, as it was typed, is followed by its
// value.
func takesValue(cmd *cli.Command, a string) bool {
	if strings.Contains(a, "=") {
		return false
	}
	d, ok := findFlag(cmd, a).(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

// fullName is a flag as it was typed with its first name in place of another,
// since package cli refuses two names of one flag.
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

// findFlag is the flag of cmd that was typed as a; nil if there is none.
func findFlag(cmd *cli.Command, a string) cli.Flag {
	name := strings.TrimPrefix(strings.TrimPrefix(a, "-"), "-")
	for _, f := range cmd.Flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}
