package patterns

import "github.com/onnxloss/onnxloss/patterns/match"

// role is what a part is for.
type role uint8

const (
	neutral role = iota
	class
	box
	objectness
	hidden
	distribution
	proposal // chooses regions or queries
	other    // a mask, an embedding
)

var roleNames = []string{"undecided", "class", "box", "objectness", "hidden", "distribution", "proposal", "other"}

func (r role) String() string { return roleNames[r] }

// weight is what a mark says for a role, in units where 1 is a hint, 3 is
// good evidence and 5 settles the matter unless contradicted.
type weight struct {
	mark match.Marks
	role role
	by   float64
	text string
}

// bounded is the evidence of what is done to a sigmoid's value, where nothing
// ranks it: a probability is compared and multiplied with others, and a number
// between bounds is brought to its scale.
var bounded = weight{match.Scale | match.Shift | match.ScaleChan | match.ShiftChan, box, 1.5,
	"between bounds that numbers scale or shift, as coordinates and angles are"}

// weights is the evidence of marks. What is listed for several marks counts
// once if any of them is there.
var weights = []weight{
	{match.NMSScore, class, 5, "scores of a non-maximum suppression"},
	{match.MaxChan | match.ArgMax, class, 3, "the greatest of its channels is taken"},
	{match.TopKChan, class, 2, "its greatest channels are ranked"},
	{match.TopK, class, 2, "its greatest values are ranked"},
	{match.Factored, class, 3, "multiplied with a one-channel confidence"},
	{match.Threshold, class, 1.5, "compared with a threshold"},
	{match.Product, class, 0.5, "multiplied with other data of the same width"},
	{match.SumChan, class, 0.5, "its channels are summed"},

	{match.NMSBox, box, 5, "boxes of a non-maximum suppression"},
	{match.Region, box, 5, "regions of an RoI pooling"},
	{match.ShiftRow, box, 4, "a grid that differs from row to row is added"},
	{match.ScaleRow, box, 4, "multiplied by strides or anchors that differ from row to row"},
	{match.ChanMix, box, 4, "added to another channel of its layer, as centres and sizes become corners"},
	{match.Power, box, 4, "raised to a power, as box sizes are"},
	{match.Exp, box, 4, "exponentiated, as box sizes are"},
	{match.Rectify, box, 2, "rectified, as distances are"},
	{match.Curve, other, 3, "a function of an angle, or bounds on both sides, as coefficients of masks have"},
	{match.ScaleChan, box, 1, "channels are scaled one by one, as box deltas are"},
	{match.Sum, box, 0.5, "other data is added"},
	{match.Shift, box, 1, "a number is added"},
	{match.Scale, box, 0.7, "multiplied by a number"},
	{match.Clip, box, 0.5, "limited"},

	{match.Norm, other, 3, "normalized, as an embedding is"},
	{match.Resize, other, 4, "resampled to another size, as masks are"},

	{match.Factor, objectness, 5, "one channel that scales all others"},
}

// tally weighs the marks m of a part of activation act: the score of each role
// and the reasons.
func tally(m match.Marks, act Activation) (score [8]float64, why map[role][]string) {
	why = map[role][]string{}
	add := func(w weight) {
		if m.Has(w.mark) {
			score[w.role] += w.by
			why[w.role] = append(why[w.role], w.text)
		}
	}
	for _, w := range weights {
		add(w)
	}
	if act == Sigmoid && score[class] < 1.5 {
		add(bounded)
	}
	return score, why
}
