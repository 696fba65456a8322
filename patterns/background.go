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
	first, last := cutOff(p)
	switch {
	case p.n < 2 || p.act == Sigmoid && (p.span != match.All || !p.marks.Has(match.Output|match.NMSScore)):
		return false
	case last > first:
		h.setBackground(int(p.n)-1, "background class last: it is cut off behind the activation")
	case first > 0:
		h.setBackground(0, "background class first: it is cut off behind the activation")
	case p.act == Sigmoid:
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

// cutOff weighs whether the first or the last of p's classes is left out
// behind its activation.
func cutOff(p *part) (first, last int) {
	if p.field == nil {
		return 0, 0
	}
	if p.act == Sigmoid && p.field.Uses(match.Span{Start: 0, Stop: 1}) && p.field.Uses(match.Span{Start: p.n - 1, Stop: p.n}) {
		return 0, 0
	}
	for _, x := range p.field.Facts {
		switch {
		case x.Span == match.All || x.Stop >= 0 && x.Start == 0 && x.Stop == p.n:
		case x.Start == 1 && (x.Stop < 0 || x.Stop == p.n):
			first += 2
		case x.Start == 0 && x.Stop == p.n-1:
			last += 2
		case x.Start >= 1:
			first++
		}
	}
	return first, last
}
