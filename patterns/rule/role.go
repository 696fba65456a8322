package rule

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
)

// use is what a run of channels is for, as far as marks alone say: runs with
// the same use are one.
func use(m match.Marks, act Activation) Role {
	score, _ := tally(m, act)
	switch {
	case m&^match.Opaque == 0:
		return Hidden
	case score[Objectness] > 0:
		return Objectness
	case score[Other] >= 3 && score[Class] < 5:
		return Other
	case score[Box] >= 2 && score[Box] > score[Class]-3:
		return Box
	case score[Class] >= 1.5:
		return Class
	}
	return Neutral
}

// boxLayer notes which channels of a layer certainly are boxes.
func (s *Scene) boxLayer(f *match.Field) {
	for _, d := range divide(f, false) {
		if d.marks.Has(match.Layer|match.Contract) && !d.marks.Has(match.Weighted) {
			continue
		}
		pre, _ := f.At(d.Span)
		score, _ := tally(d.marks, None)
		if pre.Has(match.Product|match.Factored) && pre.Has(match.Sum) {
			score[Box] += 4 // scaled and shifted by data, as deltas of anchors or regions are
		}
		if score[Box] >= 3.5 && score[Box] > score[Class] || isBins(d.marks) {
			s.addBoxes(Root{f, d.Span})
		}
	}
}

// isBins reports whether marks m are those of distances given as a
// distribution over bins: a softmax whose weighted sum is taken.
func isBins(m match.Marks) bool {
	return m.Has(match.Weighted) || m.Has(match.Softmax) && m.Has(match.SumChan) && m.Has(match.ScaleChan)
}

// weigh gives p its role as far as its own marks say.
func (s *Scene) weigh(p *Part) {
	score, why := tally(p.Marks, p.Activation)
	p.score = score
	busy := match.NMSScore | match.MaxChan | match.ArgMax | match.TopK | match.TopKChan | match.Factored
	switch {
	case p.Marks.Has(match.Layer|match.Contract) && !p.Marks.Has(busy):
		p.Role = Hidden
		p.Why = []string{"a later layer reads it"}
		if p.Activation == Softmax && p.Marks.Has(match.Contract) {
			p.Why = []string{"attention: it weighs other data"}
		}
	case p.Activation == Softmax && (p.Marks.Has(match.Weighted) || p.Marks.Has(match.ScaleChan) && p.Marks.Has(match.SumChan)):
		p.Role, p.Why = Distribution, []string{"a distribution over bins: its weighted sum is taken"}
	case p.Activation == None && p.Marks.Has(match.Softmax|match.Sigmoid|match.SoftmaxRow) && !p.Marks.Has(match.Factored):
		p.Role, p.Why = Hidden, []string{"an activation follows: what leaves raw is a copy"}
	case p.Activation == Sigmoid && p.Channels == 4 && p.score[Class] == 0 && s.refines(p.Value):
		p.Role, p.Why = Box, []string{"four numbers added to a reference, as boxes are refined"}
	default:
		p.Role = use(p.Marks, p.Activation)
		if p.Role == Neutral && p.Marks.Has(match.Output) && p.score[Box] == 0 {
			break
		}
		p.Why = why[p.Role]
	}
	if p.Role == Box && (p.Channels == 4 || p.score[Box] > 2 && (p.Activation == None || p.Channels > 1)) {
		s.addBoxes(p.Roots...)
	}
}

// refines reports whether v is the sum of two data of which one has been
// through an activation: an earlier box, to which a layer adds.
func (s *Scene) refines(v *graph.Value) bool {
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
func (s *Scene) propose() {
	final, regions := false, false
	for _, p := range s.Parts {
		final = final || p.Marks.Has(match.Output|match.Opaque) && (p.Role == Class || p.Role == Neutral) && s.hasRows(p)
	}
	for _, f := range s.Fields {
		for _, x := range f.Facts {
			regions = regions || x.Pre.Has(match.Region)
		}
	}
	classified := slices.ContainsFunc(s.Parts, func(p *Part) bool {
		f := p.Roots[0].Field
		return f.Pooled && len(f.Shape) == 2 && p.Channels > 1 && (p.Role == Class || p.Role == Neutral)
	})
	for _, p := range s.Parts {
		if final && p.Role == Class && !p.Marks.Has(match.Output|match.Opaque) && (regions || !p.Marks.Has(match.NMSScore)) {
			p.Role, p.Rejected = Proposal, "proposes regions or queries: it reaches no output"
		}
		if f := p.Roots[0].Field; classified && f.Pooled && len(f.Shape) == 4 && MapSize(f) != "1 1 " && (p.Role == Class || p.Role == Neutral) {
			p.Role, p.Why = Other, []string{"a map for each region, as masks are"}
		}
		if classified && !p.Roots[0].Field.Pooled && (p.Role == Class || p.Role == Neutral) {
			p.Role, p.Rejected = Proposal, "proposes regions: what is pooled from them is classified behind"
		}
	}
}

// qualities sets softmaxes apart that read the logits of a distribution again,
// to say how sharp it is.
func (s *Scene) qualities() {
	bins := map[Root]bool{}
	for _, p := range s.Parts {
		if p.Role == Distribution {
			bins[p.Roots[0]] = true
		}
	}
	for _, p := range s.Parts {
		if p.Activation == Softmax && p.Role != Distribution && bins[p.Roots[0]] {
			p.Role, p.Why = Distribution, []string{"the distribution that a weighted sum is taken of, read again"}
		}
	}
}
