package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/onnxloss/onnxloss/graph/visible"
)

// A style is how a terminal shows a piece of text: the parameters of its SGR
// sequence (ECMA-48, 8.3.117).
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

// page writes styled output: with escape sequences to a
// terminal, unless NO_COLOR is set (no-color.org), and without them elsewhere.
type page struct {
	w       io.Writer
	colours bool
	width   int // where long text is broken
}

func newPage(c *cli.Context) *page {
	w := c.App.Writer
	if c.Bool("json") || taken(c) {
		w = c.App.ErrWriter
	}
	if c.Bool("quiet") {
		w = io.Discard
	}
	return &page{w, isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", textWidth(w, pageWidth)}
}

// in is text in style s, on one line, with invisible characters escaped: names in a model may be
// any bytes.
func (p *page) in(s style, text string) string {
	text = visible.Text(text)
	if !p.colours || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// line writes a line of finished text, without trailing spaces.
func (p *page) line(parts ...string) {
	fmt.Fprintln(p.w, strings.TrimRight(strings.Join(parts, ""), " "))
}

// cell is a piece of a row.
type cell struct {
	text  string
	style style
}

// pageWidth is the greatest width of wrapped text; a narrower terminal gets narrower lines.
const pageWidth = 110

// wrapped writes text after a label, on as many lines as needed.
func (p *page) wrapped(indent string, s style, label, text string) {
	room := p.width - len(indent) - utf8.RuneCountInString(label)
	for _, l := range wrap(visible.Text(text), max(room, leastWidth)) {
		p.line(indent, p.in(s, label), p.in(plain, l))
		label = strings.Repeat(" ", utf8.RuneCountInString(label))
	}
}

// rows writes cells in columns, each row after indent. A column is as wide as
// its widest cell; the last is not padded, and wrapped if it is too long.
func (p *page) rows(indent string, rows [][]cell) {
	var widths []int
	for _, r := range rows {
		for i, c := range r {
			c.text = visible.Text(c.text)
			r[i] = c
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if i < len(r)-1 {
				widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
			}
		}
	}
	for _, r := range rows {
		var b strings.Builder
		at := utf8.RuneCountInString(indent)
		b.WriteString(indent)
		for i, c := range r {
			text := c.text
			if i < len(r)-1 {
				pad := widths[i] - utf8.RuneCountInString(text) + 2
				b.WriteString(p.in(c.style, text) + strings.Repeat(" ", pad))
				at += widths[i] + 2
				continue
			}
			lines := []string{text}
			if i > 1 {
				lines = wrap(text, max(p.width-at-2, leastWidth))
			}
			b.WriteString(p.in(c.style, lines[0]))
			for _, l := range lines[1:] {
				b.WriteString("\n" + strings.Repeat(" ", at+2) + p.in(c.style, l))
			}
		}
		p.line(b.String())
	}
}

// short is visible text of at most n characters, with the middle elided.
func short(text string, n int) string {
	text = visible.Text(text)
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	r := []rune(text)
	tail := (n - 1) * 2 / 3
	return string(r[:n-1-tail]) + "…" + string(r[len(r)-tail:])
}
