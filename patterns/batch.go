package patterns

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
)

// LostBatch is where the images of a batch stop being apart on the way to class logits,
// though the model takes batches of any size.
type LostBatch struct {
	Image  string // the input
	Logits string // the tensor that holds them
	Node   *graph.Node
	// Mixed is set where the node joins the images to one; else it takes one of them, or
	// fits no more than one.
	Mixed bool
}

func (l *LostBatch) String() string {
	does := "leaves one image of it"
	if l.Mixed {
		does = "joins its images to one"
	}
	return fmt.Sprintf("the batch of %q is open, but node %v %s before the class logits %q: feed one image at a time", l.Image, l.Node, does, l.Logits)
}

// LostBatch is nil where the logits of h have a row for each image, or where what is known
// of the shapes does not say.
func (h *Head) LostBatch() *LostBatch {
	for _, l := range h.Levels {
		if lost := lostBatch(l); lost != nil {
			return lost
		}
	}
	return nil
}

func lostBatch(l Level) *LostBatch {
	shape := l.Source.Shape()
	if shape == nil {
		return nil
	}
	for _, image := range l.Source.Graph().Inputs {
		if image.Init != nil || len(image.Shape()) < 3 || image.Shape()[0].IsKnown() {
			continue
		}
		b := image.Shape()[0].Param
		mixed := slices.ContainsFunc(shape, func(d graph.Dim) bool { return multiple(d, b) })
		open := !shape.IsStatic() // it may have the regions of all images
		if n := l.Layout.Index(Batch); n >= 0 && n < len(shape) {
			open = !one(shape[n]) && !multiple(shape[n], b)
		} else if mixed {
			open = false
		}
		node := loses(l.Source, b)
		if node == nil || open && (b == "" || node.Op != "Slice") {
			continue
		}
		return &LostBatch{image.Name, l.Source.Name, node, mixed}
	}
	return nil
}

func one(d graph.Dim) bool { return d.IsKnown() && d.Value == 1 }

// multiple reports whether d is a size that is computed with the batch b.
func multiple(d graph.Dim, b string) bool {
	return b != "" && d.Param != b && strings.Contains(d.Param, b)
}

// loses is the node nearest to v, among those that v rests on, that reads images apart
// and gives none: its input has the batch b for an axis, or where that has no name an
// open first axis, and its output has not.
func loses(v *graph.Value, b string) *graph.Node {
	apart := func(v *graph.Value) bool {
		s := v.Shape()
		if b == "" {
			return len(s) > 0 && !s[0].IsKnown()
		}
		return slices.Contains(s, graph.Named(b))
	}
	seen := map[*graph.Value]bool{v: true}
	for todo := []*graph.Value{v}; len(todo) > 0; todo = todo[1:] {
		v := todo[0]
		n := v.Producer()
		if n == nil || v.Shape() == nil || apart(v) {
			continue
		}
		for _, in := range append(n.Captures(), n.Inputs...) {
			if in == nil || seen[in] || in.Shape() == nil || n.Op == "Shape" {
				continue
			}
			if apart(in) {
				return n
			}
			seen[in] = true
			todo = append(todo, in)
		}
	}
	return nil
}
