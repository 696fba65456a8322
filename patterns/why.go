package patterns

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
)

// Account is why a tensor is the head, or is not.
type Account struct {
	Tensor string `json:"tensor"`
	// Head is the number of the head that the tensor is a level of, as the
	// report counts them; 0 if it is of none.
	Head int `json:"head"`
	// Role is what the tensor is, in a few words.
	Role string `json:"role"`
	// For and Against are the evidence, from the table of weights, each with
	// its weight: what speaks for the tensor's channels being classes and what
	// for another role.
	For     []string `json:"for"`
	Against []string `json:"against"`
	// Parts are the runs of channels that the tensor's channels end as.
	Parts []*Candidate `json:"parts"`
}

func (a *Account) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", a.Tensor, a.Role)
	for _, s := range a.For {
		b.WriteString("\n  + " + s)
	}
	for _, s := range a.Against {
		b.WriteString("\n  - " + s)
	}
	return b.String()
}

// Why says why the named tensor of m's main graph is the head, or is not. The
// error is a *NotFound if m has no such tensor.
func Why(m *graph.Model, tensor string, opts Options) (*Account, error) {
	s, r, found, _, err := search(m, opts)
	if err != nil {
		return nil, err
	}
	w := &Account{Tensor: tensor, For: []string{}, Against: []string{}, Parts: []*Candidate{}}
	for i, h := range r.Heads {
		for k, l := range h.Levels {
			if l.Source.Name == tensor {
				w.Head, w.Role = i+1, fmt.Sprintf("level %d of %d of head %d, confidence %.2f", k+1, len(h.Levels), i+1, h.Confidence)
			}
		}
	}
	v := s.called(tensor)
	switch {
	case v == nil:
		return nil, &NotFound{fmt.Sprintf("the main graph has no tensor %q", tensor), r.Candidates}
	case s.Static(v):
		w.Role = "known before any data: a constant, or a shape"
		return w, nil
	case s.View(v) == nil || len(s.View(v).Pieces) == 0:
		w.Role = "where its channels come from cannot be followed"
		return w, nil
	}
	s.account(w, v, found)
	return w, nil
}

// called is the analyzed value that stands for the named one.
func (s *site) called(name string) *graph.Value {
	for _, x := range slices.Concat(s.Model.Graph.Inputs, s.Model.Graph.Inits) {
		if o := s.in.Of(x); o != nil && o.Name == name {
			return x
		}
	}
	for x := range s.values() {
		if o := s.in.Of(x); o != nil && o.Name == name {
			return x
		}
	}
	return nil
}

// account weighs what is done with v's channels and finds the parts that they
// end as.
func (s *site) account(w *Account, v *graph.Value, found []*finding) {
	var marks match.Marks
	active, layer := false, false
	roots := map[*match.Field][]match.Span{}
	for i := range s.View(v).Pieces {
		p := &s.View(v).Pieces[i]
		pre, post := p.Field.At(p.Span())
		marks |= pre | post
		active, layer = active || p.Field.Active, layer || p.Field.Root != nil
		if f, t, ok := p.Root(match.All, -1); ok && f != nil {
			roots[f] = append(roots[f], t)
		}
	}
	for _, x := range evidence(marks, None) {
		switch line := fmt.Sprintf("%s (%s %+.1f)", x.text, x.role, x.by); {
		case x.role == class:
			w.For = append(w.For, line)
		default:
			w.Against = append(w.Against, line)
		}
	}
	for _, c := range s.candidates(found) {
		if s.shares(c, roots) {
			w.Parts = append(w.Parts, c)
			if c.Rejected != "" {
				w.Against = append(w.Against, fmt.Sprintf("%s: %s", c.Source.Name, c.Rejected))
			}
		}
	}
	if w.Role == "" {
		w.Role = s.place(v, w, marks, active, layer)
	}
}

// shares reports whether candidate c comes from the layers in roots.
func (s *site) shares(c *Candidate, roots map[*match.Field][]match.Span) bool {
	for _, r := range c.part.roots {
		for _, t := range roots[r.field] {
			if t.Meets(r.span) {
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
	case !layer:
		return "no layer makes it: data that enters the model, or what an unknown operator gives"
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
		return w.Parts[0].Role
	}
	return "nothing says that these channels are classes"
}
