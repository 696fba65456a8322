package rule

import "github.com/onnxloss/onnxloss/patterns/match"

// Role is what a part is for.
type Role uint8

const (
	Neutral Role = iota
	Class
	Box
	Objectness
	Hidden
	Distribution
	Proposal // chooses regions or queries
	Other    // a mask, an embedding
)

var roleNames = []string{"undecided", "class", "box", "objectness", "hidden", "distribution", "proposal", "other"}

func (r Role) String() string { return roleNames[r] }

// The numbers of single rules, in the units of weights or as confidences. Each was set so that the
// answers to the models of package variant and to the real ones are right.
const (
	deltas            = 4.0  // boxes: scaled and shifted by data, as deltas of anchors or regions are
	enoughForBoxes    = 3.5  // the least weight of what makes a layer that of boxes
	picks             = 3.0  // classes: a softmax beside boxes
	picksBesideScores = 1.0  // the same, where other channels are used as scores
	rareColumn        = 1.5  // classes: channels of rare events; against others beside them
	cutOff            = 1.0  // classes: a background that is cut off
	closest           = 0.2  // the least margin between two columns beside boxes
	closestReading    = 0.3  // the least margin between two readings of raw maps
	leastReading      = 1.0  // the least weight of a reading
	besideAlone       = 0.96 // the most that a place beside boxes makes sure
	unlikely          = 0.5  // the most of what contradicts
	looked            = 0.85 // the most of a head found with a number of the metadata in mind
	contradicted      = 0.6  // the most of a head that other evidence than the graph contradicts

	oddsOfWeight = 0.35 // how far a weight of 1 shifts the logarithm of a confidence's odds
	mostAgreed   = 0.97 // the most that agreement makes sure
)

// Weight is what a mark says for a role, in units where 1 is a hint, 3 is
// good evidence and 5 settles the matter unless contradicted.
type Weight struct {
	mark match.Marks
	Role Role
	By   float64
	Text string
	// unless are marks beside which mark says nothing of the role.
	unless match.Marks
}

// bounded is the evidence of what is done to a sigmoid's value, where nothing
// ranks it: a probability is compared and multiplied with others, and a number
// between bounds is brought to its scale.
var bounded = Weight{match.Scale | match.Shift | match.ScaleChan | match.ShiftChan, Box, 1.5,
	"between bounds that numbers scale or shift, as coordinates and angles are", 0}

// Table is the evidence of marks. What is listed for several marks counts
// once if any of them is there.
var Table = []Weight{
	{match.NMSScore, Class, 5, "scores of a non-maximum suppression", 0},
	{match.MaxChan | match.ArgMax, Class, 3, "the greatest of its channels is taken", 0},
	{match.TopKChan, Class, 2, "its greatest channels are ranked", 0},
	{match.TopK, Class, 2, "its greatest values are ranked", 0},
	{match.Factored, Class, 3, "multiplied with a one-channel confidence", match.Factor},
	{match.Threshold, Class, 1.5, "compared with a threshold", 0},
	{match.Product, Class, 0.5, "multiplied with other data of the same width", 0},
	{match.SumChan, Class, 0.5, "its channels are summed", 0},

	{match.NMSBox, Box, 5, "boxes of a non-maximum suppression", 0},
	{match.Region, Box, 5, "regions of an RoI pooling", 0},
	{match.ShiftRow, Box, 4, "a grid that differs from row to row is added", 0},
	{match.ScaleRow, Box, 4, "multiplied by strides or anchors that differ from row to row", 0},
	{match.ChanMix, Box, 4, "added to another channel of its layer, as centres and sizes become corners", 0},
	{match.Power, Box, 4, "raised to a power, as box sizes are", match.Product | match.Factored | match.Factor},
	{match.Exp, Box, 4, "exponentiated, as box sizes are", 0},
	{match.Rectify, Box, 2, "rectified, as distances are", 0},
	{match.Curve, Other, 3, "a function of an angle, or bounds on both sides, as coefficients of masks have", 0},
	{match.ScaleChan, Box, 1, "channels are scaled one by one, as box deltas are", 0},
	{match.Sum, Box, 0.5, "other data is added", 0},
	{match.Shift, Box, 1, "a number is added", 0},
	{match.Scale, Box, 0.7, "multiplied by a number", 0},
	{match.Clip, Box, 0.5, "limited", 0},

	{match.Norm, Other, 3, "normalized, as an embedding is", 0},
	{match.Resize, Other, 4, "resampled to another size, as masks are", 0},

	{match.Factor, Objectness, 5, "one channel that scales all others", match.Factored},
}

// normal is the evidence of channels that are divided by what is computed of
// all of them.
var normal = Weight{match.Factor, Other, 3, "divided by its own length, as an embedding is", 0}

// Weigh is what the marks m of a part of activation act say.
func Weigh(m match.Marks, act Activation) []Weight {
	var list []Weight
	ranked := 0.0
	for _, w := range Table {
		if m.Has(w.mark) && !m.Has(w.unless) {
			list = append(list, w)
			if w.Role == Class {
				ranked += w.By
			}
		}
	}
	if m.Has(match.Factored) && m.Has(normal.mark) {
		list = append(list, normal)
	}
	if act == Sigmoid && ranked < 1.5 && m.Has(bounded.mark) {
		list = append(list, bounded)
	}
	return list
}

// tally weighs the marks m of a part of activation act: the score of each role
// and the reasons.
func tally(m match.Marks, act Activation) (score [8]float64, why map[Role][]string) {
	why = map[Role][]string{}
	for _, w := range Weigh(m, act) {
		score[w.Role] += w.By
		why[w.Role] = append(why[w.Role], w.Text)
	}
	return score, why
}
