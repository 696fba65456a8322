package patterns

import (
	"math"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// grid is a feature map and the class channels of the layer over it.
type grid struct {
	Map
	field *match.Field
	spans []match.Span
	// rows and columns are its size in the run; first is the number of its first cell.
	rows, columns, first int
}

// grids finds the feature maps of the head and the layers of its boxes.
func (t *trial) grids() {
	t.input = t.picture()
	of := map[*match.Field]*grid{}
	sizes := map[string]bool{}
	pooled := false
	for i, p := range t.head.parts {
		for _, r := range p.Roots {
			sizes[rule.MapSize(r.Field)] = true
			pooled = pooled || r.Field.Pooled
			if g := of[r.Field]; g != nil {
				g.spans = append(g.spans, r.Span)
				g.PerCell += perCell(r, t.head.Classes)
				continue
			}
			if g := t.grid(r, min(i, len(t.head.Levels)-1)); g != nil {
				of[r.Field] = g
				t.maps = append(t.maps, g)
			}
		}
	}
	t.pooled = pooled
	for _, r := range t.Boxes.All {
		if r.Field.Pooled == pooled && (pooled || len(t.maps) == 0 || sizes[rule.MapSize(r.Field)]) && !slices.Contains(t.boxes, r) {
			t.boxes = joinSpans(t.boxes, r)
		}
	}
	for _, g := range t.maps {
		g.Stride = t.stride(g, g.Rows, g.Columns)
	}
}

// joinSpans is list with r, as one with those channels of its layer that lie next to it.
func joinSpans(list []rule.Root, r rule.Root) []rule.Root {
	for i := range list {
		x := &list[i]
		if x.Field != r.Field {
			continue
		}
		if r.Span.Within(x.Span) {
			return list
		}
		if x.Span.Stride != r.Span.Stride || !x.Within() || !r.Within() {
			continue
		}
		if x.Span.Stop == r.Span.Start {
			x.Span.Stop = r.Span.Stop
			return list
		}
		if r.Span.Stop == x.Span.Start {
			x.Span.Start = r.Span.Start
			return list
		}
	}
	return append(list, r)
}

// stride is how many pixels of the picture lie between the cells of g, which has so many rows
// and columns: what the strides of the layers say, where that fits the sizes, else what the
// sizes say; 0 if neither does.
func (t *trial) stride(g *grid, rows, columns graph.Dim) float64 {
	r, c := t.size()
	if r < 1 || c < 1 || !rows.IsKnown() || !columns.IsKnown() {
		return g.field.Places.Stride
	}
	fits := func(s float64) bool {
		return math.Ceil(float64(r)/s) == float64(rows.Value) && math.Ceil(float64(c)/s) == float64(columns.Value)
	}
	if s := g.field.Places.Stride; s > 0 && (fits(s) || rows.Value < 4 || columns.Value < 4) {
		return s // small maps may be rounded down
	}
	if s := float64(c) / float64(columns.Value); s == float64(r)/float64(rows.Value) && s == math.Trunc(s) && columns.Value >= 4 {
		return s
	}
	return 0
}

// grid is the feature map that the layer of r lies over; nil if it lies over none.
func (t *trial) grid(r rule.Root, level int) *grid {
	m := r.Field.Places
	if len(m.Shape) != 4 || m.Chan != 1 && m.Chan != 3 {
		return nil
	}
	row := 2
	if m.Chan == 3 {
		row = 1
	}
	if f := r.Field; f != m && (f.Chan < 1 || f.Chan > 2 || m.Shape[row].IsKnown() && m.Shape[row+1].IsKnown() && f.Shape[3-f.Chan].Value != m.Shape[row].Value*m.Shape[row+1].Value) {
		return nil // queries that have looked at a map
	}
	g := &grid{field: r.Field, spans: []match.Span{r.Span}}
	g.Rows, g.Columns, g.Stride = m.Shape[row], m.Shape[row+1], m.Stride
	g.PerCell, g.Level = perCell(r, t.head.Classes), level
	if g.Rows == graph.Known(1) && g.Columns == graph.Known(1) && t.head.PerImage() {
		return nil
	}
	return g
}

// perCell is how many anchors of so many classes the channels of r hold; 0 if that is unknown.
func perCell(r rule.Root, classes int) int {
	n := r.Count()
	if k := r.Span.Stride; k > 0 && r.Field.Channels() > 0 {
		n *= r.Field.Channels() / k
	}
	if classes < 1 || n < 1 || n%int64(classes) != 0 {
		return 0
	}
	return int(n) / classes
}

// picture is the model's input of rank 4 and its axis of rows; nil if there is none.
func (s *site) picture() *picture {
	for _, v := range s.Model.Graph.Inputs {
		x := v.Shape()
		if v.Init != nil || len(x) != 4 {
			continue
		}
		few := func(d graph.Dim) bool { return d.IsKnown() && d.Value >= 1 && d.Value <= 4 }
		if few(x[3]) && !few(x[1]) {
			return &picture{v, 1}
		}
		return &picture{v, 2}
	}
	return nil
}

// picture is an input that is a picture.
type picture struct {
	value *graph.Value
	row   int // the axis of its rows; that of its columns is the next
}
