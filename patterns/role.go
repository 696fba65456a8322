package patterns

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
)

// use is what a run of channels is for, as far as marks alone say: runs with
// the same use are one.
func use(m match.Marks, act Activation) role {
	score, _ := tally(m, act)
	switch {
	case m&^match.Opaque == 0:
		return hidden
	case score[objectness] > 0:
		return objectness
	case score[other] >= 3 && score[class] < 5:
		return other
	case score[box] >= 2 && score[box] > score[class]-3:
		return box
	case score[class] >= 1.5:
		return class
	}
	return neutral
}

// boxLayer notes which channels of a layer certainly are boxes.
func (s *site) boxLayer(f *match.Field) {
	for _, d := range divide(f, false) {
		if d.marks.Has(match.Layer|match.Contract) && !d.marks.Has(match.Weighted) {
			continue
		}
		pre, _ := f.At(d.Span)
		score, _ := tally(d.marks, None)
		if pre.Has(match.Product|match.Factored) && pre.Has(match.Sum) {
			score[box] += 4 // scaled and shifted by data, as deltas of anchors or regions are
		}
		if score[box] >= 3.5 && score[box] > score[class] || isBins(d.marks) {
			s.addBoxes(root{f, d.Span})
		}
	}
}

// isBins reports whether marks m are those of distances given as a
// distribution over bins: a softmax whose weighted sum is taken.
func isBins(m match.Marks) bool {
	return m.Has(match.Weighted) || m.Has(match.Softmax) && m.Has(match.SumChan) && m.Has(match.ScaleChan)
}

// weigh gives p its role as far as its own marks say.
func (s *site) weigh(p *part) {
	score, why := tally(p.marks, p.act)
	p.score = score
	busy := match.NMSScore | match.MaxChan | match.ArgMax | match.TopK | match.TopKChan | match.Factored
	switch {
	case p.marks.Has(match.Layer|match.Contract) && !p.marks.Has(busy):
		p.role = hidden
		p.why = []string{"a later layer reads it"}
		if p.act == Softmax && p.marks.Has(match.Contract) {
			p.why = []string{"attention: it weighs other data"}
		}
	case p.act == Softmax && (p.marks.Has(match.Weighted) || p.marks.Has(match.ScaleChan) && p.marks.Has(match.SumChan)):
		p.role, p.why = distribution, []string{"a distribution over bins: its weighted sum is taken"}
	case p.act == None && p.marks.Has(match.Softmax|match.Sigmoid|match.SoftmaxRow) && !p.marks.Has(match.Factored):
		p.role, p.why = hidden, []string{"an activation follows: what leaves raw is a copy"}
	case p.act == Sigmoid && p.n == 4 && p.score[class] == 0 && s.refines(p.value):
		p.role, p.why = box, []string{"four numbers added to a reference, as boxes are refined"}
	default:
		p.role = use(p.marks, p.act)
		if p.role == neutral && p.marks.Has(match.Output) && p.score[box] == 0 {
			break
		}
		p.why = why[p.role]
	}
	if p.role == box && (p.n == 4 || p.score[box] > 2 && (p.act == None || p.n > 1)) {
		s.addBoxes(p.roots...)
	}
}

// refines reports whether v is the sum of two data of which one has been
// through an activation: an earlier box, to which a layer adds.
func (s *site) refines(v *graph.Value) bool {
	w := s.View(v)
	if w == nil || len(w.Pieces) == 0 {
		return false
	}
	n := w.Pieces[0].Field.Node
	if n == nil || n.Op != "Add" || s.Static(n.Input(0)) || s.Static(n.Input(1)) {
		return false
	}
	return slices.ContainsFunc(n.Inputs, func(x *graph.Value) bool {
		u := s.View(x)
		return u != nil && len(u.Pieces) > 0 && u.Pieces[0].Field.Active
	})
}

// propose sets parts aside that choose regions or queries for what follows:
// scores that leave the graph by no output, where others do, and all that lies
// before the regions whose pooled maps are classified row by row.
func (s *site) propose() {
	final, regions := false, false
	for _, p := range s.parts {
		final = final || p.marks.Has(match.Output|match.Opaque) && (p.role == class || p.role == neutral) && s.hasRows(p)
	}
	for _, f := range s.Fields {
		for _, x := range f.Facts {
			regions = regions || x.Pre.Has(match.Region)
		}
	}
	classified := slices.ContainsFunc(s.parts, func(p *part) bool {
		f := p.roots[0].field
		return f.Pooled && len(f.Shape) == 2 && p.n > 1 && (p.role == class || p.role == neutral)
	})
	for _, p := range s.parts {
		if final && p.role == class && !p.marks.Has(match.Output|match.Opaque) && (regions || !p.marks.Has(match.NMSScore)) {
			p.role, p.rejected = proposal, "proposes regions or queries: it reaches no output"
		}
		if f := p.roots[0].field; classified && f.Pooled && len(f.Shape) == 4 && mapSize(f) != "1 1 " && (p.role == class || p.role == neutral) {
			p.role, p.why = other, []string{"a map for each region, as masks are"}
		}
		if classified && !p.roots[0].field.Pooled && (p.role == class || p.role == neutral) {
			p.role, p.rejected = proposal, "proposes regions: what is pooled from them is classified behind"
		}
	}
}

// qualities sets softmaxes apart that read the logits of a distribution again,
// to say how sharp it is.
func (s *site) qualities() {
	bins := map[root]bool{}
	for _, p := range s.parts {
		if p.role == distribution {
			bins[p.roots[0]] = true
		}
	}
	for _, p := range s.parts {
		if p.act == Softmax && p.role != distribution && bins[p.roots[0]] {
			p.role, p.why = distribution, []string{"the distribution that a weighted sum is taken of, read again"}
		}
	}
}
