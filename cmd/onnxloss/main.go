// Command onnxloss turns an exported ONNX object detector into something that
// can be trained: it finds the classification head, appends the training
// subgraph of a chosen loss, proves the result and writes it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/patterns"
	"github.com/urfave/cli/v2"
)

// The exit codes, by kind of failure.
const (
	exitBad    = 1 // bad input, or the machine failed
	exitUsage  = 2
	exitNoHead = 3 // no head, or several that cannot be told apart
	exitProof  = 4 // verification failed
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program, given its arguments and streams; it returns the
// exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	app := newApp(stdin, stdout, stderr)
	err := app.RunContext(ctx, sortArgs(app, args))
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "onnxloss: %v\n", err)
	return exitCode(err)
}

func newApp(stdin io.Reader, stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:  "onnxloss",
		Usage: "make an exported ONNX object detector trainable",
		Description: strings.TrimSpace(`
onnxloss reads an ONNX detector, finds its classification head, appends the
training subgraph of a focal-loss variant in plain ONNX operators, and proves
the result before it writes it.

Start with:   onnxloss inspect model.onnx
then:         onnxloss rewrite model.onnx -o train.onnx --loss modified-focal-sigmoid

MODEL may be - for standard input. Exit codes: 0 done, 1 bad input, 2 wrong
usage, 3 no head found or several that cannot be told apart, 4 the proof failed.`),
		Reader: stdin, Writer: stdout, ErrWriter: stderr,
		EnableBashCompletion: true,
		HideVersion:          true,
		HideHelpCommand:      true,
		ExitErrHandler:       func(*cli.Context, error) {},
		OnUsageError:         onUsageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usagef("there is no command %q; see onnxloss --help", c.Args().First())
			}
			return cli.ShowAppHelp(c)
		},
		Commands: []*cli.Command{
			inspectCommand(), rewriteCommand(), verifyCommand(), runCommand(),
			conformCommand(), lossesCommand(), opsCommand(),
		},
	}
	for _, c := range app.Commands {
		c.OnUsageError = onUsageError
		c.HideHelpCommand = true
	}
	return app
}

// usageError is a wrong call of the program.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

func onUsageError(c *cli.Context, err error, _ bool) error {
	name := "onnxloss"
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != name {
		name += " " + c.Command.Name
	}
	return usagef("%v; see %s --help", err, name)
}

func exitCode(err error) int {
	var usage *usageError
	var proof *verify.Failure
	var none *patterns.NotFound
	var several *patterns.Ambiguous
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &proof):
		return exitProof
	case errors.As(err, &none), errors.As(err, &several):
		return exitNoHead
	}
	return exitBad
}

// oneArg is the single positional argument, named what in messages.
func oneArg(c *cli.Context, what string) (string, error) {
	switch c.NArg() {
	case 0:
		return "", usagef("%s is missing; see onnxloss %s --help", what, c.Command.Name)
	case 1:
		return c.Args().First(), nil
	}
	return "", usagef("one %s, please, not %q; see onnxloss %s --help", what, c.Args().Slice(), c.Command.Name)
}
