package main

import (
	"bytes"
	"testing"
	"time"
)

// TestWrapTable: on a terminal the last column is broken where the line ends; elsewhere a
// row is a line.
func TestWrapTable(t *testing.T) {
	const text = "name\ttext\nshort\tone two three four five six seven\nlonger\tx\n"
	for columns, want := range map[int]string{
		0:  "name    text\nshort   one two three four five six seven\nlonger  x\n",
		20: "name    text\nshort\n    one two three four five\n    six seven\nlonger  x\n",
		32: "name    text\nshort   one two three four five\n        six seven\nlonger  x\n",
		99: "name    text\nshort   one two three four five six seven\nlonger  x\n",
	} {
		var b bytes.Buffer
		w := &wrapTable{w: &b, columns: columns}
		w.Write([]byte(text))
		if err := w.Flush(); err != nil || b.String() != want {
			t.Errorf("%d columns: %v, got\n%swant\n%s", columns, err, b.String(), want)
		}
	}
}

// TestProgressLine: the stage, the time, and what is left of it.
func TestProgressLine(t *testing.T) {
	p := &progress{verb: "verifying"}
	if got, want := p.line(2*time.Second), "verifying, 2s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p.stage(1, 4, "fingerprint")
	if got, want := p.line(2*time.Second), "verifying 1 of 4: fingerprint, 2s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p.stage(3, 4, "the \x1b loss")
	if got, want := p.line(10*time.Second), `verifying 3 of 4: the \x1b loss, 10s, about 10s left`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
