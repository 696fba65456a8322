package rule

import (
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
