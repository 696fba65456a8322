// Command onnxloss makes an exported ONNX object detector trainable: it
// finds the classification head, appends the training
// subgraph of a chosen loss, proves the result and writes it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/visible"
	"github.com/onnxloss/onnxloss/patterns"
	"github.com/urfave/cli/v2"
)

// Exit codes.
const (
	exitBad         = 1 // bad input, or the machine failed
	exitUsage       = 2
	exitNoHead      = 3 // no head, or several that cannot be told apart
	exitProof       = 4 // verification failed
	exitInterrupted = 130
)

func main() {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signals = append(signals, syscall.SIGHUP)
	}
	overseen := oversee(signals)
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	if !overseen { // which may get each signal twice
		context.AfterFunc(ctx, stop) // a second signal ends the program at once
	}
	code := make(chan int, 1)
	go func() { code <- run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr) }()
	select {
	case c := <-code:
		os.Exit(c)
	case <-ctx.Done():
	}
	select {
	case c := <-code:
		os.Exit(c)
	case <-time.After(patience):
		onnx.Abandon()
		fmt.Fprintln(os.Stderr, "onnxloss: interrupted")
		os.Exit(exitInterrupted)
	}
}

// patience is how long running work may take to stop by itself after a signal. Work that
// is still running then is waiting for another process, as when it opens a pipe, or has
// not checked its context yet; a write cut off there has changed nothing yet, or is done.
const patience = 60 * time.Millisecond

// run is the whole program, with its arguments and streams as parameters; it returns the
// exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := &sink{w: stdout}
	app := newApp(&source{stdin, ctx}, out, stderr)
	line, err := prepare(app, args)
	if err == nil {
		err = app.RunContext(ctx, line.args)
	}
	if out.err != nil && (err == nil || errors.Is(err, out.err)) {
		err = fmt.Errorf("standard output: %w", cause(out.err))
	}
	if err == nil {
		return 0
	}
	if line.json && !out.used {
		printError(out, err)
	}
	fmt.Fprintf(printable{stderr}, "onnxloss: %s\n", visibleMessage(err))
	return exitCode(err)
}

func newApp(stdin io.Reader, stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:   "onnxloss",
		Usage:  "make an exported ONNX object detector trainable",
		Reader: stdin, Writer: stdout, ErrWriter: stderr,
		EnableBashCompletion:      true,
		DisableSliceFlagSeparator: true, // file names may have commas
		HideVersion:               true,
		HideHelpCommand:           true,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              onUsageError,
		Action: func(c *cli.Context) error {
			if name := c.Args().First(); name != "" {
				names := commandNames(c.App)
				return usagef("no command is called %q; %s", name, didYouMean(name, names, "available: "+strings.Join(names, ", ")))
			}
			return cli.ShowAppHelp(c)
		},
		Commands: []*cli.Command{
			inspectCommand(), rewriteCommand(), verifyCommand(), compareCommand(), runCommand(),
			conformCommand(), lossesCommand(), opsCommand(), completionCommand(), versionCommand(),
		},
	}
	for _, c := range app.Commands {
		c.OnUsageError = onUsageError
		c.HideHelpCommand = true
		c.CustomHelpTemplate = commandHelp(c, textWidth(stdout, helpWidth))
	}
	app.CustomAppHelpTemplate = appHelp(app)
	return app
}

func commandNames(app *cli.App) []string {
	var names []string
	for _, c := range app.Commands {
		names = append(names, c.Name)
	}
	return names
}

// usageError is a wrong invocation of the program.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// onUsageError rewords the errors of packages cli and flag.
func onUsageError(c *cli.Context, err error, _ bool) error {
	name := "onnxloss"
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != name {
		name += " " + c.Command.Name
	}
	text := err.Error()
	if flag, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		text = "there is no flag " + dashed(flag)
		if near := nearest(flag, flagNames(c.Command)); near != nil {
			return usagef("%s; did you mean --%s? See %s --help", text, strings.Join(near, ", --"), name)
		}
	} else if flag, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		text = dashed(flag) + " needs a value"
	} else if value, rest, ok := strings.Cut(strings.TrimPrefix(text, "invalid value "), " for flag -"); ok {
		flag, reason, _ := strings.Cut(rest, ": ")
		if want := wanted(c.Command, flag); want != "" && reason == "parse error" {
			reason = "expected " + want
		}
		text = fmt.Sprintf("%s %s: %s", dashed(flag), value, reason)
	}
	return usagef("%s; see %s --help", text, name)
}

// flagNames lists the first names of c's flags, without hyphens.
func flagNames(c *cli.Command) []string {
	var names []string
	for _, f := range c.Flags {
		names = append(names, f.Names()[0])
	}
	return names
}

// wanted is what a flag of c takes if it is a number; else "".
func wanted(c *cli.Command, flag string) string {
	for _, f := range c.Flags {
		if slices.Contains(f.Names(), flag) {
			switch f.(type) {
			case *cli.Float64Flag:
				return "a number"
			case *cli.IntFlag, *cli.Int64Flag:
				return "a whole number"
			case *cli.Uint64Flag:
				return "a whole number of at least 0"
			}
		}
	}
	return ""
}

// dashed is a flag with its hyphens.
func dashed(name string) string {
	name = strings.TrimLeft(name, "-")
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

func exitCode(err error) int {
	var usage *usageError
	var proof *verify.FailedError
	var none *patterns.NotFoundError
	var several *patterns.AmbiguousError
	switch {
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &proof):
		return exitProof
	case errors.As(err, &none), errors.As(err, &several):
		return exitNoHead
	}
	return exitBad
}

// errorDoc is an error in JSON.
type errorDoc struct {
	Code    int    `json:"code"` // the exit code
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

// errorKinds names the exit codes.
var errorKinds = map[int]string{exitBad: "bad input", exitUsage: "usage", exitNoHead: "no head", exitProof: "proof failed", exitInterrupted: "interrupted"}

// printError writes err to w as JSON.
func printError(w io.Writer, err error) error {
	code := exitCode(err)
	return encodeJSON(w, map[string]errorDoc{"error": {code, errorKinds[code], message(err)}})
}

// message is an error for people: errors of the operating system start with
// the file rather than the name of a system call.
func message(err error) string {
	text := err.Error()
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		text = strings.Replace(text, p.Error(), p.Path+": "+p.Err.Error(), 1)
	}
	var link *onnx.LinkError
	if errors.As(err, &link) {
		text += fmt.Sprintf("; --%s %s allows this", linksFlag.Name, quote(filepath.Dir(link.Target)))
	}
	var memory *verify.MemoryError
	if errors.As(err, &memory) {
		text += "; --verify sample proves the loss without running the network, --max-memory raises the limit"
	}
	return text
}

// visibleMessage is message with invisible characters escaped. Line breaks in it are those of
// errors about heads, in which names are visible text.
func visibleMessage(err error) string {
	text := message(err)
	own := ""
	var none *patterns.NotFoundError
	var several *patterns.AmbiguousError
	if errors.As(err, &none) {
		own = none.Error()
	} else if errors.As(err, &several) {
		own = several.Error()
	}
	before, after, ok := strings.Cut(text, own)
	if own == "" || !ok {
		return visible.Text(text)
	}
	return visible.Text(before) + own + visible.Text(after)
}

// oneArg is the single positional argument, named what in messages.
func oneArg(c *cli.Context, what string) (string, error) {
	switch first := c.Args().First(); {
	case first == "" && c.NArg() < 2:
		return "", usagef("%s is missing; see onnxloss %s --help", what, c.Command.Name)
	case c.NArg() == 1:
		return first, nil
	}
	return "", usagef("expected one %s, got %d: %s; see onnxloss %s --help", what, c.NArg(), quoteAll(c.Args().Slice()), c.Command.Name)
}
