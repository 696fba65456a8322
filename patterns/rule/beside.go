package rule

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
)

// boxes are the parts of layers that certainly are boxes, by what is asked of
// them.
type boxes struct {
	All    []Root
	Of     map[*match.Field][]match.Span // by layer
	from   map[*graph.Value][]*match.Field
	Sized  map[string]*graph.Value           // the first that is visible of each size
	wide   map[string]map[int64]*match.Field // a layer of each size and number of channels
	sizes  map[string]bool                   // of their maps
	extent float64                           // of the largest of their maps
	Bins   map[string][]Root                 // those that may be distributions over bins, by the size of their maps
	Tensor *graph.Value                      // the first that is visible
}

// addBoxes notes that roots are boxes.
func (s *Scene) addBoxes(roots ...Root) {
	b := &s.Boxes
	if b.Of == nil {
		b.Of, b.from, b.Sized = map[*match.Field][]match.Span{}, map[*graph.Value][]*match.Field{}, map[string]*graph.Value{}
		b.sizes, b.wide, b.Bins = map[string]bool{}, map[string]map[int64]*match.Field{}, map[string][]Root{}
	}
	for _, r := range roots {
		f := r.Field
		b.All = append(b.All, r)
		b.Of[f] = append(b.Of[f], r.Span)
		if f.Node != nil {
			x := f.Node.Input(0)
			b.from[x] = append(b.from[x], f)
		}
		if k := MapSize(f); k != "" {
			b.sizes[k] = true
			b.extent = max(b.extent, extent(f))
			if r.sides() {
				b.Bins[k] = append(b.Bins[k], r)
			}
		}
		k := Spatial(f)
		if b.wide[k] == nil {
			b.wide[k] = map[int64]*match.Field{}
		}
		if b.wide[k][f.Channels()] == nil {
			b.wide[k][f.Channels()] = f
		}
		v := s.In.Of(f.Value)
		if v == nil {
			continue
		}
		if b.Tensor == nil {
			b.Tensor = v
		}
		if b.Sized[k] == nil {
			b.Sized[k] = v
		}
	}
}

func (s *Scene) HasBoxes() bool { return len(s.Boxes.All) > 0 }

// behindBox reports whether the layer of p makes boxes in the channels before.
func (s *Scene) behindBox(p *Part) bool {
	f, t := p.Roots[0].Field, p.Roots[0].Span
	if t.Start == 0 {
		return false
	}
	if slices.ContainsFunc(s.Boxes.Of[f], func(b match.Span) bool { return b.Stride == t.Stride && b.Stop == t.Start }) {
		return true
	}
	return slices.ContainsFunc(s.OfLayer[f], func(q *Part) bool {
		return (q.Role == Box || q.Role == Other) && q.Roots[0].Span.Stop == t.Start
	})
}

// besideBox reports whether a layer of boxes, the given ones among them, reads what layer
// f reads.
func (s *Scene) besideBox(f *match.Field, boxes []Root) bool {
	if f.Node == nil {
		return false
	}
	from := f.Node.Input(0)
	return slices.ContainsFunc(s.Boxes.from[from], func(b *match.Field) bool { return b != f }) ||
		slices.ContainsFunc(boxes, func(b Root) bool { return b.Field != f && b.Field.Node != nil && b.Field.Node.Input(0) == from })
}

// confident reports whether a one-channel sigmoid stands beside p on the same
// map.
func (s *Scene) confident(p *Part) bool {
	if s.ones.of == nil {
		s.ones = ones{map[*match.Field]bool{}, map[string]map[Root]bool{}}
		for _, q := range s.Parts {
			if (q.Channels == 1 && q.Role != Hidden && q.Role != Box || q.Role == Objectness) && q.Activation == Sigmoid {
				s.ones.add(q.Roots[0])
			}
		}
	}
	r := p.Roots[0]
	at := s.ones.at[MapSize(r.Field)]
	if p.Channels == 1 {
		return len(at) > 1 || len(at) == 1 && !at[r]
	}
	return s.ones.of[r.Field] || len(at) > 0
}

// confidences is how many one-channel sigmoids stand beside p on the same map.
func (s *Scene) confidences(p *Part) int {
	s.confident(p)
	return len(s.ones.at[MapSize(p.Roots[0].Field)])
}

// ones are the layers' channels that are one-channel sigmoids: by layer, and
// for those of maps by size.
type ones struct {
	of map[*match.Field]bool
	at map[string]map[Root]bool
}

func (o *ones) add(r Root) {
	o.of[r.Field] = true
	k := MapSize(r.Field)
	if k == "" || len(r.Field.Places.Shape) != 4 {
		return
	}
	if o.at[k] == nil {
		o.at[k] = map[Root]bool{}
	}
	o.at[k][r] = true
}
