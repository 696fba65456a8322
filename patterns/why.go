package patterns

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// Account is what a tensor is, and why it is the head or is not.
type Account struct {
	Tensor string     `json:"tensor"`
	Type   graph.Type `json:"-"`
	// Head is the number of the head that the tensor is a level of, as the
	// report counts them; 0 if it is of none.
	Head int `json:"head"`
	// Role is what the tensor is, in a few words.
	Role string `json:"role"`
	// Made is what makes the tensor and Read what reads it, operators with
	// their nodes' names; Layers are the last layers with weights behind it.
	Made   string   `json:"made"`
	Read   []string `json:"read"`
	Layers []string `json:"layers"`
	// Reasons are the evidence, from the table of weights: what speaks for the
	// tensor's channels being classes, and what for another role.
	Reasons []Reason `json:"reasons"`
	// Against are the reasons against the parts.
	Against []string `json:"against"`
	// Parts are the runs of channels that the tensor's channels end as.
	Parts []*Candidate `json:"parts"`
}

// maxNear is how many readers, layers and parts an account lists.
const maxNear = 12

// NoTensorError is the error where a model has no tensor of a name, or several.
type NoTensorError struct {
	Name string
	// Same are the tensors that the name may stand for; Names are all that the
	// model has.
	Same, Names []string
}

func (e *NoTensorError) Error() string {
	if len(e.Same) > 0 {
		return fmt.Sprintf("%q stands for several tensors: %s", e.Name, strings.Join(e.Same[:min(len(e.Same), maxNear)], ", "))
	}
	return fmt.Sprintf("the model has no tensor %q", e.Name)
}

// Why says what the named tensor of m is, and why it is the head or is not. A
// tensor inside a function is named as paths name it, with the scope of the
// call, or without where that names but one. The error is a *NoTensorError if m has
// no such tensor.
func Why(m *graph.Model, tensor string, opts Options) (*Account, error) {
	x, err := weigh(m, opts)
	if err != nil {
		return nil, err
	}
	s, r, found := x.site, x.full(), x.found
	v, err := s.find(tensor)
	if err != nil {
		return nil, err
	}
	w := &Account{Tensor: s.nameOf(v), Type: s.typeOf(v), Made: s.made(v), Read: s.readers(v), Layers: []string{},
		Reasons: []Reason{}, Against: []string{}, Parts: []*Candidate{}}
	for i, h := range r.Heads {
		for k, l := range h.Levels {
			if l.Source == s.In.Of(v) {
				w.Head = i + 1
				w.Role = fmt.Sprintf("class logits of head %d, confidence %.2f", i+1, h.Confidence)
				if len(h.Levels) > 1 {
					w.Role = fmt.Sprintf("class logits of head %d, level %d of %d, confidence %.2f", i+1, k+1, len(h.Levels), h.Confidence)
				}
			}
		}
	}
	view := s.View(v)
	switch {
	case s.Static(v):
		w.Role = s.constant(v)
	case view == nil || len(view.Pieces) == 0:
		w.Role = "where its channels come from cannot be followed"
	default:
		s.account(w, v, found)
	}
	return w, nil
}

// find is the analyzed value that a name stands for.
func (s *site) find(name string) (*graph.Value, error) {
	var names, same []string
	var found []*graph.Value
	for v := range s.all() {
		own := s.nameOf(v)
		if own == name {
			return v, nil
		}
		names = append(names, own)
		if _, inner, scoped := strings.Cut(own, ":"); scoped && (inner == name || strings.HasSuffix(inner, ":"+name)) {
			same, found = append(same, own), append(found, v)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return nil, &NoTensorError{name, same, names}
}

// all are the values of the analyzed model, those of subgraphs too.
func (s *site) all() func(yield func(*graph.Value) bool) {
	return func(yield func(*graph.Value) bool) {
		graphs := []*graph.Graph{s.Model.Graph}
		for i := 0; i < len(graphs); i++ {
			for _, v := range graphs[i].Inputs {
				if !yield(v) {
					return
				}
			}
			for _, v := range graphs[i].Inits {
				if !v.IsInput() && !yield(v) {
					return
				}
			}
			for _, n := range graphs[i].Nodes {
				for _, o := range n.Outputs {
					if o != nil && !yield(o) {
						return
					}
				}
				graphs = append(graphs, n.Subgraphs()...)
			}
		}
	}
}

// made says what makes v.
func (s *site) made(v *graph.Value) string {
	switch n := v.Producer(); {
	case n != nil && n.Name != "":
		return fmt.Sprintf("%s %q", n.Op, n.Name)
	case n != nil:
		return n.Op
	case v.Init != nil:
		return "stored in the model"
	}
	return "an input"
}

// readers are the operators that read v, in the order of the graph.
func (s *site) readers(v *graph.Value) []string {
	list := []string{}
	uses := slices.SortedFunc(slices.Values(v.Uses()), func(a, b graph.Use) int {
		return s.orderOf(a.Node) - s.orderOf(b.Node)
	})
	for i, u := range uses {
		if i == maxNear && len(uses) > i+1 {
			return append(list, fmt.Sprintf("and %d more", len(uses)-i))
		}
		o := u.Node.Op
		if x := u.Node.Output(0); x != nil {
			o += " → " + s.nameOf(x)
		}
		list = append(list, o)
	}
	if slices.Contains(s.Model.Graph.Outputs, v) {
		list = append(list, "the caller: it is an output")
	}
	return list
}

func (s *site) orderOf(n *graph.Node) int {
	if o := n.Output(0); o != nil {
		return s.Order(o)
	}
	return 0
}

// said is what channels of each role are, in words.
var said = map[rule.Role]string{
	rule.Neutral: "channels of which nothing says that they are classes", rule.Class: "class logits", rule.Box: "boxes",
	rule.Objectness: "one confidence for all classes", rule.Hidden: "features", rule.Distribution: "distances as distributions over bins",
	rule.Proposal: "scores that choose regions or queries", rule.Other: "a mask, an embedding or the like",
}

// constant says what v, which is known before any data, is for.
func (s *site) constant(v *graph.Value) string {
	for _, u := range v.Uses() {
		for _, o := range u.Node.Outputs {
			f := s.Field(o)
			if f == nil || f.Kind != match.Weighing {
				continue
			}
			makes := "features"
			for _, p := range s.OfLayer[f] {
				if makes = said[p.Role]; p.Role == rule.Class {
					break
				}
			}
			return fmt.Sprintf("weights of the %s that makes %s: %s", u.Node.Op, s.nameOf(o), makes)
		}
	}
	if v.Producer() == nil {
		return "a constant"
	}
	return "known before any data: a constant, or a shape"
}

// account weighs what is done with v's channels and finds the parts that they
// end as.
func (s *site) account(w *Account, v *graph.Value, found []*rule.Finding) {
	var marks match.Marks
	active, layer := false, false
	roots := map[*match.Field][]match.Span{}
	for i := range s.View(v).Pieces {
		p := &s.View(v).Pieces[i]
		pre, post := p.Field.At(p.Span())
		marks |= pre | post
		active, layer = active || p.Field.Active, layer || p.Field.Root != nil
		f, t, ok := p.Root(match.All, -1)
		if !ok || f == nil {
			continue
		}
		if roots[f] == nil && len(w.Layers) < maxNear {
			w.Layers = append(w.Layers, fmt.Sprintf("%s → %s", s.made(f.Value), s.nameOf(f.Value)))
		}
		roots[f] = append(roots[f], t)
	}
	w.Reasons = reasonsOf(marks, None)
	for _, c := range s.candidates(found) {
		if s.shares(c, roots) && len(w.Parts) < maxNear {
			w.Parts = append(w.Parts, c)
			if c.Rejected != "" {
				w.Against = append(w.Against, fmt.Sprintf("%s, %s: %s", c.Source.Name, channels(c.Classes), c.Rejected))
			}
		}
	}
	if w.Role == "" {
		w.Role = s.place(v, w, marks, active, layer)
	}
}

// shares reports whether candidate c comes from the layers in roots.
func (s *site) shares(c *Candidate, roots map[*match.Field][]match.Span) bool {
	for _, r := range c.part.Roots {
		for _, t := range roots[r.Field] {
			if t.Meets(r.Span) {
				return true
			}
		}
	}
	return false
}

// place is where v lies, for one that is of no head.
func (s *site) place(v *graph.Value, w *Account, marks match.Marks, active, layer bool) string {
	mine := map[string]bool{}
	for _, c := range w.Parts {
		mine[c.Role] = true
	}
	switch {
	case !layer && v.Producer() != nil && isInteger(v):
		return "indices or labels: what was chosen, not how sure the network is"
	case !layer:
		return "no layer makes it: data that enters the model, or what an unknown operator gives"
	case active && len(mine) > 1:
		return "scores and others in one tensor: behind the activation"
	case active && mine["class"]:
		return "scores: an activation lies between the logits and it"
	case active:
		return "behind an activation"
	case len(mine) > 1:
		return "several kinds of channels in one tensor"
	case mine["class"]:
		return "the same class logits at another place"
	case marks.Has(match.Layer | match.Contract):
		return "a feature: a later layer reads it"
	case len(w.Parts) == 1:
		return said[w.Parts[0].part.Role]
	}
	return "nothing says that these channels are classes"
}
