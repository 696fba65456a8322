package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/onnxloss/onnxloss/graph/visible"
)

// sink keeps the first error of writing to w, because printing lines does not check
// errors.
type sink struct {
	w    io.Writer
	used bool // something was written
	err  error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.used = true
	if s.err == nil {
		s.err = err
	}
	return n, err
}

// source is standard input, whose reads end with the context.
type source struct {
	r   io.Reader
	ctx context.Context
}

func (s *source) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	buf := make([]byte, len(p)) // p is the caller's again when the context ends
	go func() {
		n, err := s.r.Read(buf)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return copy(p, buf[:r.n]), r.err
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}
}

// target is w, until the context ends.
type target struct {
	w   io.Writer
	ctx context.Context
}

func (t *target) Write(p []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
	return t.w.Write(p)
}

// cause is an error of the operating system without the file name.
func cause(err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		return p.Err
	case errors.As(err, &l):
		return l.Err
	}
	return err
}

// say prints a line of the human-readable answer: not at all with --quiet, and to
// standard error if standard output is used for JSON or a model.
func say(c *cli.Context, format string, args ...any) {
	if !c.Bool("quiet") {
		printf(answer(c), format+"\n", args...)
	}
}

// printf prints args, in which line breaks are escaped, since names in a model may be any
// bytes. Line breaks in format are kept.
func printf(w io.Writer, format string, args ...any) {
	fmt.Fprintf(w, format, visible.Args(args)...)
}

// answer is where the human-readable answer goes.
func answer(c *cli.Context) io.Writer {
	if c.Bool("json") || taken(c) {
		return printable{c.App.ErrWriter}
	}
	return printable{c.App.Writer}
}

// taken reports whether a flag writes its own output to standard output.
func taken(c *cli.Context) bool {
	return slices.ContainsFunc([]string{"output", "svg", "html"}, func(flag string) bool { return c.String(flag) == "-" })
}

// printable keeps invisible characters, which names in a model may contain, from a
// terminal: the last line of defence behind printf.
type printable struct{ w io.Writer }

func (p printable) Write(b []byte) (int, error) {
	var clean strings.Builder
	for line := range bytes.Lines(b) {
		text, ended := bytes.CutSuffix(line, []byte("\n"))
		clean.WriteString(visible.Text(string(text)))
		if ended {
			clean.WriteByte('\n')
		}
	}
	if _, err := io.WriteString(p.w, clean.String()); err != nil {
		return 0, err
	}
	return len(b), nil
}

// note prints a message to standard error, unless --quiet is given.
func note(c *cli.Context, format string, args ...any) {
	if !c.Bool("quiet") {
		printf(printable{c.App.ErrWriter}, format+"\n", args...)
	}
}
