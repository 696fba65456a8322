package picture

import "github.com/onnxloss/onnxloss/patterns"

// sizes are the widths and heights of boxes, and edges between them: from, to,
// and how straight and short the edge is to be.
type sizes struct {
	Sizes [][2]float64
	Edges [][3]int
}

// layout is where boxes have their centres, and edges their bends.
type layout struct {
	Width, Height float64
	Boxes         [][2]float64
	Lines         [][][2]float64
}

// mirror turns the picture so that the first of several class logits, or where
// there is but one of several features, lies to the left of the last.
func (l *layout) mirror(e *patterns.Excerpt) {
	for _, t := range []patterns.Tint{patterns.Logits, patterns.Feature} {
		first, last := -1, -1
		for i, b := range e.Blocks {
			if b.Tint == t {
				if first < 0 {
					first = i
				}
				last = i
			}
		}
		switch {
		case first == last:
			continue
		case l.Boxes[first][0] > l.Boxes[last][0]:
			l.turn()
		}
		return
	}
}

// turn exchanges left and right.
func (l *layout) turn() {
	for i := range l.Boxes {
		l.Boxes[i][0] = l.Width - l.Boxes[i][0]
	}
	for _, line := range l.Lines {
		for i := range line {
			line[i][0] = l.Width - line[i][0]
		}
	}
}
