package patterns

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
)

// Regression is the boxes of a head: where its numbers lie, and how they are written.
type Regression struct {
	// Parts are the tensors that hold 4 numbers for each anchor, in the canonical order of
	// the logits: one, or one for each level. Where the graph decodes, they are decoded.
	Parts []Part
	// Decoded is set where the graph places the boxes in the picture.
	Decoded bool
	// Ordered is set where a run showed that row for row the boxes are of the cells of the
	// logits.
	Ordered bool
	Coding  Coding
	// PerClass is set where each region has a box for each class; Parts are then those.
	PerClass bool
	// Maps are the feature maps of the head, in the order of its logits.
	Maps []Map
	// Confidence is how sure Coding is.
	Confidence float64
	// Evidence is why, a sentence each.
	Evidence []string
}

// Coding is how the numbers of a box are written.
type Coding struct {
	Form BoxForm `json:"form"`
	// Columns name the four numbers where the form is known, x1 y1 x2 y2 for corners in the
	// usual order; nil otherwise.
	Columns []string `json:"columns,omitempty"`
	Unit    BoxUnit  `json:"unit"`
	// Bins is how many bins each number of a distribution has; else 0.
	Bins int `json:"bins,omitempty"`
}

// BoxForm is what the four numbers of a box are.
type BoxForm string

// The forms.
const (
	Corners     BoxForm = "corners"      // two opposite corners
	CenterSize  BoxForm = "center-size"  // centre, width and height
	CornerSize  BoxForm = "corner-size"  // the corner of least x and y, width and height
	RawBoxes    BoxForm = "raw"          // what a layer gives: the graph does not decode it
	Distributed BoxForm = "distribution" // raw, each of 4 distances as logits over bins
	UnknownForm BoxForm = "unknown"      // the graph does not say
)

// BoxUnit is what the numbers of a box are measured in.
type BoxUnit string

// The units.
const (
	Pixels      BoxUnit = "pixels"    // of the network's input
	Fractions   BoxUnit = "fractions" // of the input's width and height
	Cells       BoxUnit = "cells"     // of the feature map
	UnknownUnit BoxUnit = "unknown"   // the graph does not say, or does not decode
)

// Map is one feature map of a head.
type Map struct {
	// Rows and Columns are its size, names or unknown where it is dynamic.
	Rows, Columns graph.Dim
	// Stride is how many pixels of the network's input lie between two cells; 0 if unknown.
	Stride float64
	// PerCell is the number of anchors at each cell; 0 if unknown.
	PerCell int
	// Level is the level of the head that it is a part of.
	Level int
}

// String is the coding in words.
func (c Coding) String() string {
	switch c.Form {
	case Corners, CenterSize, CornerSize:
		unit := map[BoxUnit]string{Pixels: "pixels of the input", Fractions: "fractions of the input", Cells: "cells of the map"}[c.Unit]
		if unit == "" {
			unit = "an unknown unit"
		}
		form := map[BoxForm]string{Corners: "corners", CenterSize: "centre and size", CornerSize: "corner and size"}[c.Form]
		return fmt.Sprintf("%s %v in %s", form, c.Columns, unit)
	case Distributed:
		return fmt.Sprintf("not decoded: 4 distances as logits over %d bins", c.Bins)
	case RawBoxes:
		return "not decoded"
	}
	if c.Unit == Fractions {
		return "four numbers in [0, 1]; the graph does not say of what"
	}
	return "unknown"
}

// Boxes is the box regression of h; nil if it has none. Where a constant that they rest on could
// not be read, ReadErr is an error. Where h was found with a run of the
// network allowed, what lies behind its last layers is run by itself.
func (h *Head) Boxes() *Regression {
	if h.boxes == nil && h.site != nil && h.Box != nil {
		h.boxes = h.site.boxesOf(h)
	}
	return h.boxes
}

// ReadErr is the first error of reading a constant in a run of the network or a part of it: what
// is said of h would be more, or surer, without it.
func (h *Head) ReadErr() error {
	if h.site == nil {
		return nil
	}
	return h.site.ReadErr()
}

// boxesOf reads the boxes of h.
func (s *site) boxesOf(h *Head) *Regression {
	b := &Regression{Coding: Coding{Form: UnknownForm, Unit: UnknownUnit}, Confidence: unsureBoxes}
	t := &trial{site: s, head: h, out: b}
	t.grids()
	for _, g := range t.maps {
		b.Maps = append(b.Maps, g.Map)
	}
	if !s.opts.reads(Probe) {
		b.say("what lies behind the layers of the boxes was not run, so how they are written is not known")
		return b
	}
	if err := t.run(); err != nil {
		s.NoteUnread(err)
		b.say("what lies behind the layers of the boxes could not be run: %v", err)
		if len(t.boxes) > 0 {
			b.Parts, b.PerClass = t.layers(), t.perClass()
		}
		return b
	}
	t.read()
	return b
}

func (b *Regression) say(format string, args ...any) {
	b.Evidence = append(b.Evidence, fmt.Sprintf(format, args...))
}

// Words are the coding of the boxes in words.
func (b *Regression) Words() string {
	if b.PerClass {
		return b.Coding.String() + ", one for each class of a region"
	}
	return b.Coding.String()
}
