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

// file is the file that w writes to, past what the program puts around it; nil if there
// is none.
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

// columns is how many letters fit into a line of w; 0 if it is no terminal.
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

// leastWidth is how narrow text is made at most.
const leastWidth = 40

// textWidth is where text to w is broken: after usual letters, or where a narrower
// terminal ends.
func textWidth(w io.Writer, usual int) int {
	if n := columns(w); n > 0 {
		return max(min(usual, n), leastWidth)
	}
	return usual
}

// A wrapTable aligns cells, which tabs separate, in columns. On a terminal the last column
// is broken where the line ends.
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

// gap is how many spaces lie between columns, and narrow how many letters of the last
// column a line must have room for; below that it gets lines of its own.
const gap, narrow = 2, 24

// wrapBlock writes lines of cells as columns, in lines of so many letters.
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
