package rule

import "github.com/onnxloss/onnxloss/patterns/match"

// convention is the confidence of what most models do, where the graph is
// silent.
const convention = 0.88

// background finds which class of h stands for nothing: the one that is cut
// off behind the activation of p, else by convention, which it reports. A
// confidence that stands beside says what a background class would, so that
// there is none by convention.
func (s *Scene) backgroundOf(h *Finding, p *Part) (byConvention bool) {
	low, high := usedApart(p)
	apart := low >= 0
	switch {
	case p.Channels < 2 || p.Activation == Sigmoid && (p.Span != match.All || !p.Marks.Has(match.Output|match.NMSScore)):
		return false
	case low == 0 && high == p.Channels-1:
		h.setBackground(int(p.Channels)-1, "background class last: it is cut off behind the activation")
	case low == 1 && high == p.Channels:
		h.setBackground(0, "background class first: it is cut off behind the activation")
	case p.Activation == Sigmoid, apart: // each class is used by itself
	case p.Marks.Has(match.Factored|match.Product) || s.confident(p):
		return true
	case s.Queries(p.Roots[0].Field):
		h.setBackground(int(p.Channels)-1, "background class last: no-object, as set predictors have it")
	default:
		h.setBackground(0, "background class first: nothing cuts it off; most detectors with a softmax have it there")
		return true
	}
	return false
}

func (h *Finding) setBackground(class int, why string) {
	h.Background = class
	h.Evidence = append(h.Evidence, why)
}

// usedApart is the run [low, high) of p's classes that are used apart from all
// together behind its activation; low is -1 where none is.
func usedApart(p *Part) (low, high int64) {
	low = -1
	if p.field == nil {
		return low, 0
	}
	for _, x := range p.field.Facts {
		stop := x.Stop
		if stop < 0 || stop > p.Channels {
			stop = p.Channels
		}
		if x.Span == match.All || x.Start == 0 && stop == p.Channels {
			continue
		}
		if low < 0 || x.Start < low {
			low = x.Start
		}
		high = max(high, stop)
	}
	return low, high
}
