package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"golang.org/x/term"
)

// file is the file that w writes to, without the program's own wrappers; nil if there is
// none.
func file(w io.Writer) *os.File {
	switch w := w.(type) {
	case *sink:
		return file(w.w)
	case printable:
		return file(w.w)
	case *os.File:
		return w
	}
	return nil
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f := file(w)
	return f != nil && term.IsTerminal(int(f.Fd()))
}

// columns is the width of terminal w in characters; 0 if w is not a terminal.
func columns(w io.Writer) int {
	f := file(w)
	if f == nil {
		return 0
	}
	n, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return n
}

// leastWidth is the narrowest width to which text is wrapped.
const leastWidth = 40

// textWidth is the width to which text for w is wrapped: usual, or that of a narrower
// terminal.
func textWidth(w io.Writer, usual int) int {
	if n := columns(w); n > 0 {
		return max(min(usual, n), leastWidth)
	}
	return usual
}

// A wrapTable aligns tab-separated cells in columns. On a terminal the last column is
// wrapped at the end of the line.
type wrapTable struct {
	w       io.Writer
	columns int // 0 if lines have no end
	text    bytes.Buffer
}

func (t *wrapTable) Write(b []byte) (int, error) { return t.text.Write(b) }

// Flush writes the table.
func (t *wrapTable) Flush() error {
	defer t.text.Reset()
	if t.columns == 0 {
		w := tabwriter.NewWriter(t.w, 0, 4, gap, ' ', 0)
		w.Write(t.text.Bytes())
		return w.Flush()
	}
	var b strings.Builder
	for block := range strings.SplitSeq(strings.TrimSuffix(t.text.String(), "\n"), "\n\n") {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		wrapBlock(&b, strings.Split(block, "\n"), t.columns)
	}
	_, err := io.WriteString(t.w, b.String())
	return err
}

// gap is the number of spaces between columns, and narrow the least width of the last
// column; if less is left, it goes on lines of its own.
const gap, narrow = 2, 24

// wrapBlock writes rows of cells in columns, wrapped at so many columns.
func wrapBlock(b *strings.Builder, lines []string, columns int) {
	var widths []int
	for _, line := range lines {
		cells := strings.Split(line, "\t")
		for i, c := range cells[:len(cells)-1] {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c)+gap)
		}
	}
	for _, line := range lines {
		cells := strings.Split(line, "\t")
		left, last := cells[:len(cells)-1], cells[len(cells)-1]
		row, at := "", 0
		for i, c := range left {
			row += c + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
			at += widths[i]
		}
		if at+utf8.RuneCountInString(last) > columns && columns-at < narrow {
			b.WriteString(strings.TrimRight(row, " ") + "\n")
			row, at = "    ", 4
		}
		for _, part := range wrap(last, max(columns-at, narrow)) {
			b.WriteString(strings.TrimRight(row+part, " ") + "\n")
			row = strings.Repeat(" ", at)
		}
	}
}
