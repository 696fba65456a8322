package patterns

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
)

// boxes are the parts of layers that certainly are boxes, by what is asked of
// them.
type boxes struct {
	all    []root
	of     map[*match.Field][]match.Span // by layer
	from   map[*graph.Value][]*match.Field
	sized  map[string]*graph.Value           // the first that is visible of each size
	wide   map[string]map[int64]*match.Field // a layer of each size and number of channels
	sizes  map[string]bool                   // of their maps
	extent float64                           // of the largest of their maps
	bins   map[string][]root                 // those that may be distributions over bins, by the size of their maps
	tensor *graph.Value                      // the first that is visible
}

// addBoxes notes that roots are boxes.
func (s *site) addBoxes(roots ...root) {
	b := &s.boxes
	if b.of == nil {
		b.of, b.from, b.sized = map[*match.Field][]match.Span{}, map[*graph.Value][]*match.Field{}, map[string]*graph.Value{}
		b.sizes, b.wide, b.bins = map[string]bool{}, map[string]map[int64]*match.Field{}, map[string][]root{}
	}
	for _, r := range roots {
		f := r.field
		b.all = append(b.all, r)
		b.of[f] = append(b.of[f], r.span)
		if f.Node != nil {
			x := f.Node.Input(0)
			b.from[x] = append(b.from[x], f)
		}
		if k := mapSize(f); k != "" {
			b.sizes[k] = true
			b.extent = max(b.extent, extent(f))
			if r.sides() {
				b.bins[k] = append(b.bins[k], r)
			}
		}
		k := spatial(f)
		if b.wide[k] == nil {
			b.wide[k] = map[int64]*match.Field{}
		}
		if b.wide[k][f.Channels()] == nil {
			b.wide[k][f.Channels()] = f
		}
		v := s.in.Of(f.Value)
		if v == nil {
			continue
		}
		if b.tensor == nil {
			b.tensor = v
		}
		if b.sized[k] == nil {
			b.sized[k] = v
		}
	}
}

func (s *site) hasBoxes() bool { return len(s.boxes.all) > 0 }

// behindBox reports whether the layer of p makes boxes in the channels before.
func (s *site) behindBox(p *part) bool {
	f, t := p.roots[0].field, p.roots[0].span
	if t.Start == 0 {
		return false
	}
	if slices.ContainsFunc(s.boxes.of[f], func(b match.Span) bool { return b.Stride == t.Stride && b.Stop == t.Start }) {
		return true
	}
	return slices.ContainsFunc(s.ofLayer[f], func(q *part) bool {
		return (q.role == box || q.role == other) && q.roots[0].span.Stop == t.Start || s.rawBox(q, p)
	})
}

// rawBox reports whether q is four numbers that leave raw in front of p, whose
// layer makes both and which a sigmoid follows: boxes, in front of confidences.
func (s *site) rawBox(q, p *part) bool {
	t, u := q.roots[0].span, p.roots[0].span
	if q.act != None || q.role != neutral || q.n != 4 || p.act != Sigmoid || t.Stop != u.Start || t.Stride != u.Stride || t.Start != 0 {
		return false
	}
	q.role, q.why = box, []string{"four raw numbers in front of what a sigmoid follows, of one layer"}
	p.doubt = max(p.doubt, 1-convention)
	s.addBoxes(q.roots...)
	return true
}

// besideBox reports whether a box layer reads what layer f reads.
func (s *site) besideBox(f *match.Field) bool {
	return f.Node != nil && slices.ContainsFunc(s.boxes.from[f.Node.Input(0)], func(b *match.Field) bool { return b != f })
}

// confident reports whether a one-channel sigmoid stands beside p on the same
// map.
func (s *site) confident(p *part) bool {
	if s.ones.of == nil {
		s.ones = ones{map[*match.Field]bool{}, map[string]map[root]bool{}}
		for _, q := range s.parts {
			if (q.n == 1 && q.role != hidden && q.role != box || q.role == objectness) && q.act == Sigmoid {
				s.ones.add(q.roots[0])
			}
		}
	}
	r := p.roots[0]
	at := s.ones.at[mapSize(r.field)]
	if p.n == 1 {
		return len(at) > 1 || len(at) == 1 && !at[r]
	}
	return s.ones.of[r.field] || len(at) > 0
}

// confidences is how many one-channel sigmoids stand beside p on the same map.
func (s *site) confidences(p *part) int {
	s.confident(p)
	return len(s.ones.at[mapSize(p.roots[0].field)])
}

// ones are the layers' channels that are one-channel sigmoids: by layer, and
// for those of maps by size.
type ones struct {
	of map[*match.Field]bool
	at map[string]map[root]bool
}

func (o *ones) add(r root) {
	o.of[r.field] = true
	k := mapSize(r.field)
	if k == "" || len(r.field.Places.Shape) != 4 {
		return
	}
	if o.at[k] == nil {
		o.at[k] = map[root]bool{}
	}
	o.at[k][r] = true
}

// companions finds the objectness and the box tensor of h.
func (s *site) companions(h *finding) {
	if s.objectness == nil {
		s.objectness = []sized{}
		for _, p := range s.parts {
			if p.role == objectness {
				if x := s.part(s.sources(p)[0], 0); x.Source != nil {
					s.objectness = append(s.objectness, sized{x, p.extent()})
				}
			}
		}
	}
	if len(s.objectness) == len(h.Levels) {
		h.Objectness = matched(s.objectness, h)
	}
	h.Distributions = s.distributions(h)
	h.Box = s.boxes.sized[spatial(h.parts[0].roots[0].field)]
	if h.Box == nil {
		h.Box = s.boxes.tensor
	}
}

// sized is an objectness with the size of its map.
type sized struct {
	Part
	extent float64
}

// matched are the objectness maps in the order of the head's levels, which may
// be that of a Concat.
func matched(o []sized, h *finding) []Part {
	var r []Part
	of := map[float64][]Part{}
	for _, x := range o {
		of[x.extent] = append(of[x.extent], x.Part)
	}
	for _, q := range h.parts {
		if x := of[q.extent()]; len(x) > 0 {
			r, of[q.extent()] = append(r, x[0]), x[1:]
		}
	}
	if len(r) == len(o) {
		return r
	}
	r = nil
	for _, x := range o {
		r = append(r, x.Part)
	}
	return r
}
