package patterns

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// choose narrows the report to the head that the user names: a number as the
// report counts them, "all", or a tensor.
func (s *site) choose(r *Report, name string) (*Report, error) {
	if name == "all" {
		if len(r.Heads) == 0 {
			return r, &NotFoundError{Reason: s.refusal(), Candidates: r.Candidates}
		}
		return r, nil
	}
	if s.opts.Slice != nil {
		return s.levels(r, name)
	}
	for _, h := range r.Heads {
		for _, l := range h.Levels {
			if l.Source.Name == name {
				r.Heads = []*Head{h}
				return r, nil
			}
		}
	}
	if n, err := strconv.Atoi(name); err == nil {
		return s.numbered(r, n)
	}
	if p := s.partOf(name); p != nil {
		return s.forced(r, p)
	}
	return s.levels(r, name)
}

// partOf is the part whose channels lie in the named tensor; nil if there is none.
func (s *site) partOf(name string) *rule.Part {
	for _, p := range s.Parts {
		for _, x := range s.Sources(p) {
			if v := s.In.Of(x.Value); v != nil && v.Name == name || p.Value.Name == name {
				return p
			}
		}
	}
	return nil
}

// numbered takes head n, or where there are no heads candidate n.
func (s *site) numbered(r *Report, n int) (*Report, error) {
	if n >= 1 && n <= len(r.Heads) {
		r.Heads = r.Heads[n-1 : n]
		return r, nil
	}
	if len(r.Heads) == 0 && n >= 1 && n <= len(r.Candidates) {
		c := r.Candidates[n-1]
		for _, p := range s.Parts {
			for _, x := range s.Sources(p) {
				if s.In.Of(x.Value) == c.Source && p.Activation == c.Activation {
					return s.forced(r, p)
				}
			}
		}
	}
	heads := "has no heads"
	if k := len(r.Heads); k == 1 {
		heads = "has 1 head"
	} else if k > 1 {
		heads = fmt.Sprintf("has %d heads", k)
	}
	return r, &NotFoundError{Reason: fmt.Sprintf("--head %d: the model %s", n, heads), Heads: lines(r.Heads), Candidates: r.Candidates}
}

// forced makes a head of part p because the user says so.
func (s *site) forced(r *Report, p *rule.Part) (*Report, error) {
	p.Role = rule.Class
	set := []*rule.Part{p}
	for _, q := range s.Parts {
		if q != p && q.Channels == p.Channels && q.Activation == p.Activation && q.Role == p.Role {
			set = append(set, q)
		}
	}
	for _, t := range s.Together(set) {
		for _, q := range t {
			if q == p {
				if f := s.Take(t, s.OfUser(p.Channels), 1, "named by the user"); f != nil {
					r.Heads = []*Head{s.head(f)}
					return r, nil
				}
			}
		}
	}
	return r, &NotFoundError{Reason: "no tensor of the main graph holds these channels", Candidates: r.Candidates}
}

// levels makes a head of the tensors in names, with commas between them: its levels, in
// that order. Their channels are followed from the layers that make them, or found by the
// slice or the number of classes that the user gives.
func (s *site) levels(r *Report, names string) (*Report, error) {
	refuse := func(err error) (*Report, error) {
		return r, &NotFoundError{Reason: fmt.Sprintf("--head %s: %v", names, err), Candidates: r.Candidates}
	}
	list := []string{names}
	if s.value(names) == nil {
		list = strings.Split(names, ",")
	}
	d := &HeadRecord{Activation: s.opts.Activation, Evidence: []string{"named by the user"}}
	for i, name := range list {
		p, act, err := s.named(name)
		if err != nil {
			return refuse(err)
		}
		d.Levels = append(d.Levels, p.record())
		switch {
		case s.opts.Activation != "":
		case i > 0 && act != d.Activation:
			return refuse(fmt.Errorf("%s is followed by %s, %s by %s; --activation decides", list[0], d.Activation, name, act))
		default:
			d.Activation = act
		}
	}
	h, err := s.decided(d)
	if err != nil {
		return refuse(err)
	}
	s.companions(h)
	r.Heads = []*Head{h}
	return r, nil
}

// named is the class channels of the tensor that the user names, and the activation that
// follows it.
func (s *site) named(name string) (Part, Activation, error) {
	v := s.value(name)
	if v == nil {
		return Part{}, "", fmt.Errorf("the main graph has no tensor %q", name)
	}
	act := None
	if p := s.partOf(name); p != nil {
		act = p.Activation
		if s.opts.Slice == nil {
			return s.part(s.Sources(p)[0], cmp.Or(s.OfUser(p.Channels), p.Group)), act, nil
		}
	}
	dim, err := s.classAxis(v)
	if err != nil {
		return Part{}, "", err
	}
	x := rule.Source{Value: v, Dim: dim}
	n := s.Size(v, dim)
	if k := s.opts.Slice; k != nil {
		x.Slice = &match.Span{Start: int64(k.Start), Stop: int64(k.Stop), Stride: int64(k.Stride)}
		if whole := int64(k.Stride); n >= 0 && (int64(k.Stop) > n || whole > 0 && n%whole != 0) {
			return Part{}, "", fmt.Errorf("%s has %d channels, which --slice %v does not divide", name, n, k)
		}
	}
	return s.part(x, s.OfUser(n)), act, nil
}

// classAxis is the axis of v that has the class channels: that of the channels of the layer
// behind, else the only one that fits what the user says of slice and classes.
func (s *site) classAxis(v *graph.Value) (int, error) {
	if w := s.View(v); w != nil && len(w.Pieces) > 0 && w.ChanDim() >= 0 {
		return w.ChanDim(), nil
	}
	var fit []int
	for d := range s.Shape(v) {
		n, k := s.Size(v, d), s.opts.Slice
		switch {
		case n < 0:
		case k != nil && n >= int64(k.Stop) && (k.Stride == 0 || n%int64(k.Stride) == 0),
			k == nil && s.opts.Classes > 0 && (n == int64(s.opts.Classes) || n == int64(s.opts.Classes)+1):
			fit = append(fit, d)
		}
	}
	if len(fit) != 1 {
		return 0, fmt.Errorf("which axis of %s has its classes cannot be followed from any layer; --classes N says it, where one axis has that length", v.Name)
	}
	return fit[0], nil
}

// value is the analyzed value of the main graph's tensor of a name; nil if there is none.
func (s *site) value(name string) *graph.Value {
	for v := range s.values() {
		if o := s.In.Of(v); o != nil && o.Name == name {
			return v
		}
	}
	return nil
}

// values are all values of the main graph that a node makes.
func (s *site) values() func(yield func(*graph.Value) bool) {
	return func(yield func(*graph.Value) bool) {
		for _, n := range s.Model.Graph.Nodes {
			for _, o := range n.Outputs {
				if o != nil && !yield(o) {
					return
				}
			}
		}
	}
}
