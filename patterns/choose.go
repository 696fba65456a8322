package patterns

import (
	"fmt"
	"strconv"

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
	for _, p := range s.Parts {
		for _, x := range s.Sources(p) {
			if v := s.In.Of(x.Value); v != nil && v.Name == name || p.Value.Name == name {
				return s.forced(r, p)
			}
		}
	}
	return s.tensor(r, name)
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

// tensor makes a head of a tensor that is no candidate: its channels by where
// they come from.
func (s *site) tensor(r *Report, name string) (*Report, error) {
	var v *graph.Value
	for x := range s.values() {
		if o := s.In.Of(x); o != nil && o.Name == name {
			v = x
		}
	}
	if v == nil {
		return r, &NotFoundError{Reason: fmt.Sprintf("--head %s: the main graph has no such tensor", name), Candidates: r.Candidates}
	}
	w := s.View(v)
	if w == nil || len(w.Pieces) == 0 || w.ChanDim() < 0 {
		return r, &NotFoundError{Reason: fmt.Sprintf("--head %s: which axis has its classes cannot be followed from any layer", name), Candidates: r.Candidates}
	}
	dim := w.ChanDim()
	p := &rule.Part{Value: v, Dim: dim, Span: match.All, Activation: None, Channels: s.Size(v, dim), Roots: rule.RootsOf(w, match.All, dim), Role: rule.Class}
	if len(p.Roots) == 0 {
		return r, &NotFoundError{Reason: fmt.Sprintf("--head %s: no layer makes it", name), Candidates: r.Candidates}
	}
	f := s.Take([]*rule.Part{p}, s.OfUser(p.Channels), 1, "named by the user; the classes are the channels of the layer that makes it")
	if f == nil {
		return r, &NotFoundError{Reason: fmt.Sprintf("--head %s: not a tensor of the main graph", name), Candidates: r.Candidates}
	}
	r.Heads = []*Head{s.head(f)}
	return r, nil
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
