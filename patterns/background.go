package patterns

import "github.com/onnxloss/onnxloss/patterns/match"

// convention is the confidence of what most models do, where the graph is
// silent.
const convention = 0.88

// background finds which class of h stands for nothing: the one that is cut
// off behind the activation of p, else by convention, which it reports. A
// confidence that stands beside says what a background class would, so that
// there is none by convention.
func (s *site) background(h *finding, p *part) (byConvention bool) {
	first, last, apart := uses(p)
	switch {
	case p.n < 2 || p.act == Sigmoid && (p.span != match.All || !p.marks.Has(match.Output|match.NMSScore)):
		return false
	case first && !last && p.act == Sigmoid && p.marks.Has(match.TopK|match.TopKChan):
		return false // the first of the ranked, whose places are no channels
	case first && !last:
		h.setBackground(int(p.n)-1, "background class last: it is cut off behind the activation")
	case apart && !first:
		h.setBackground(0, "background class first: it is cut off behind the activation")
	case p.act == Sigmoid, apart: // each class is used by itself
	case p.marks.Has(match.Factored|match.Product) || s.confident(p):
		return true
	case s.Queries(p.roots[0].field):
		h.setBackground(int(p.n)-1, "background class last: no-object, as set predictors have it")
	default:
		h.setBackground(0, "background class first: nothing cuts it off; most detectors with a softmax have it there")
		return true
	}
	return false
}

func (h *finding) setBackground(class int, why string) {
	h.Background = class
	h.Evidence = append(h.Evidence, why)
}

// uses says whether the first and the last of p's classes are used apart from
// all together behind its activation, and whether any class is.
func uses(p *part) (first, last, apart bool) {
	if p.field == nil {
		return false, false, false
	}
	for _, x := range p.field.Facts {
		if x.Span == match.All || x.Start == 0 && (x.Stop < 0 || x.Stop == p.n) {
			continue
		}
		apart = true
		first = first || x.Start == 0
		last = last || x.Stop < 0 || x.Stop >= p.n
	}
	return first, last, apart
}
