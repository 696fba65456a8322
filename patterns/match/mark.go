package match

import "strings"

// Marks is a set of things that are done with channels.
type Marks uint64

// The marks. "Rows" are all dimensions of a value but the batch and its
// channels; "data" is what depends on the model's inputs.
const (
	Sigmoid    Marks = 1 << iota // a sigmoid follows
	Softmax                      // a softmax over the channels follows
	SoftmaxRow                   // a softmax over something else follows
	Exp                          // exp
	Rectify                      // a rectifier (ReLU and its like, softplus)
	Curve                        // tanh, sin, cos, arctan, erf and their like
	Root                         // square root
	Power                        // a power
	Clip                         // limits
	Scale                        // times a constant number
	Shift                        // plus a constant number
	ScaleChan                    // times constants, one for each channel
	ShiftChan                    // plus constants, one for each channel
	ScaleRow                     // times constants that differ from row to row: anchors, strides
	ShiftRow                     // plus constants that differ from row to row: grids
	Factored                     // each channel times the same one-channel data
	Factor                       // the one channel that others are multiplied with
	Product                      // times data of as many channels
	Sum                          // plus or minus data
	ChanMix                      // plus or minus another channel of the same layer
	MaxChan                      // the maximum over the channels
	ArgMax                       // the index of the greatest channel
	SumChan                      // the sum over the channels
	MaxRow                       // reduced over rows
	TopK                         // the greatest rows
	TopKChan                     // the greatest channels
	Threshold                    // compared with a number
	NMSScore                     // scores of a suppression
	NMSBox                       // boxes of a suppression
	Region                       // regions of an RoI pooling
	Output                       // leaves the graph
	Layer                        // read by a layer
	Contract                     // in a matrix product with other data
	Weighted                     // weighted sum over the channels to one number
	Index                        // becomes an index or a condition
	Resize                       // resampled in space
	Pool                         // pooled in space
	Norm                         // normalized
	Opaque                       // read by an operator that nothing is known of
)

var markNames = []string{"sigmoid", "softmax", "softmax-row", "exp", "rectify", "curve", "root", "power", "clip", "scale", "shift",
	"scale-chan", "shift-chan", "scale-row", "shift-row", "factored", "factor", "product", "sum", "chan-mix", "max-chan", "arg-max", "sum-chan",
	"max-row", "topk", "topk-chan", "threshold", "nms-score", "nms-box", "region", "output", "layer", "contract", "weighted", "index",
	"resize", "pool", "norm", "opaque"}

// Has reports whether m has any of w.
func (m Marks) Has(w Marks) bool { return m&w != 0 }

func (m Marks) String() string {
	var s []string
	for i, n := range markNames {
		if m&(1<<i) != 0 {
			s = append(s, n)
		}
	}
	return strings.Join(s, " ")
}

// Fact is what is done with a span of a field: before an activation (Pre, the
// activation itself included) and behind it (Post).
type Fact struct {
	Span
	Pre, Post Marks
}

// maxFacts bounds the facts of a field, with room for a suppression of each of
// many classes; where there are more, what is done with a span is taken to be
// done with all channels.
const maxFacts = 2048

// note adds marks to a span of f.
func (f *Field) note(s Span, pre, post Marks) {
	if s.Start == 0 && s.Stride == 0 && s.Stop == f.Channels() {
		s = All
	}
	i, ok := f.index[s]
	if !ok {
		if i = len(f.Facts); i >= maxFacts {
			i, f.Facts[0].Span = 0, All
			f.index[All] = 0
		} else {
			f.Facts = append(f.Facts, Fact{Span: s})
			if f.index == nil {
				f.index = map[Span]int{}
			}
			f.index[s] = i
		}
	}
	f.Facts[i].Pre |= pre
	f.Facts[i].Post |= post
}

// At is what is done with the channels of s: the marks of every fact that
// shares a channel with it.
func (f *Field) At(s Span) (pre, post Marks) {
	for _, x := range f.Facts {
		if x.Meets(s) {
			pre |= x.Pre
			post |= x.Post
		}
	}
	return pre, post
}

// Uses reports whether anything is done with the channels of s.
func (f *Field) Uses(s Span) bool {
	pre, post := f.At(s)
	return pre|post != 0
}

// Meets reports whether s and t share a channel, as far as can be said.
func (s Span) Meets(t Span) bool {
	if s == All || t == All {
		return true
	}
	if s.Stride != t.Stride {
		if s.Stride != 0 && t.Stride != 0 {
			return true
		}
		if s.Stride == 0 {
			s, t = t, s
		}
		// s repeats every s.Stride; t is one run.
		if t.Stop < 0 || t.Stop-t.Start >= s.Stride {
			return true
		}
		lo, hi := t.Start%s.Stride, t.Start%s.Stride+t.Stop-t.Start
		return lo < s.Stop && s.Start < hi || lo < s.Stop+s.Stride && s.Start+s.Stride < hi
	}
	return (t.Stop < 0 || s.Start < t.Stop) && (s.Stop < 0 || t.Start < s.Stop)
}

// Within reports whether every channel of s is one of t.
func (s Span) Within(t Span) bool {
	switch {
	case t == All || s == t:
		return true
	case s.Stop < 0 || s == All:
		return t.Stop < 0 && t.Stride == 0 && s.Start >= t.Start
	case t.Stride == 0:
		return s.Stride == 0 && s.Start >= t.Start && (t.Stop < 0 || s.Stop <= t.Stop)
	case s.Stride == t.Stride:
		return s.Start >= t.Start && s.Stop <= t.Stop
	case s.Stride == 0:
		lo := s.Start % t.Stride
		return lo >= t.Start && lo+s.Stop-s.Start <= t.Stop
	}
	return false
}
