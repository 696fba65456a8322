package class

import (
	"math"
	"slices"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "ohem-ce", Golden: "ohem_ce", Reduction: loss.Positives,
		Equation: "−Σ qᵢ log pᵢ, p = softmax(z), for all positives and, in each image, those negatives that have the highest losses, r for each positive",
		Source:   "hard negative mining, Liu et al., SSD (arXiv 1512.02325), section 2.2, with the confidence loss of eq. 3; r = 3",
		When:     "SSD heads, where nearly all anchors are background; an image without positives has no loss",
		Params:   []loss.Param{{Name: "neg_ratio", Default: 3, Hi: 1e9, Doc: "r, negatives per positive; among equal losses the first ones are selected"}},
		Logits: &loss.Logits{
			Activation: loss.Softmax, Eps: true, Instead: "bce", Background: true,
			Statistics: &loss.Statistics{
				Select: func(b *loss.Build, per *graph.Value) *graph.Value {
					negative := b.OfCounted(op.Sub(b.Const(1), b.Foreground))
					// The others rank with negatives that have no loss.
					rank := op.Cast(ranks(op.Mul(negative, per)), per.Type.DType)
					limit := b.Scale(op.ReduceSum(b.Foreground, []int64{1}, true), b.Param("neg_ratio"))
					hard := op.Cast(op.Less(rank, limit), per.Type.DType)
					return op.Add(b.Foreground, op.Mul(negative, hard))
				},
				Sorts:        true,
				ClosedSelect: closedHardNegatives,
			},
			Terms:  loss.PositiveTerm,
			Build:  (*loss.Build).CrossEntropy,
			Closed: (*loss.Point).CrossEntropy,
		},
	})
}

// ranks is the rank of every element of key [N, A] in its row, from 0 for the
// greatest; of equal ones the first has the better. Where a size is dynamic, it
// is sorted with one more, 0: on an empty tensor ONNX Runtime's TopK divides by 0.
func ranks(key *graph.Value) *graph.Value {
	empty := key != nil && !key.Shape().IsStatic()
	if empty {
		key = op.Pad(key, 0, 0, 1, 1)
	}
	order := op.Cast(op.Order(key, 1), tensor.Float32)
	rank := op.Order(op.Neg(order), 1)
	if empty {
		rank = op.Slice(op.Slice(rank, 0, 0, -1), 1, 0, -1)
	}
	return rank
}

// closedHardNegatives is 1 for the positives and the hard negatives, else 0.
func closedHardNegatives(s *loss.Scene, per []float64) []float64 {
	chosen := make([]float64, len(per))
	s.Undecided = make([]bool, len(per))
	for n := range s.N {
		var negatives []int
		positives := 0
		for i := n * s.A; i < (n+1)*s.A; i++ {
			switch {
			case s.Foreground[i] && s.Counted[i]:
				chosen[i] = 1
				positives++
			case s.Counted[i]:
				negatives = append(negatives, i)
			}
		}
		slices.SortStableFunc(negatives, func(i, k int) int {
			switch a, b := max(per[i], 0), max(per[k], 0); {
			case a > b:
				return -1
			case a < b:
				return 1
			}
			return 0
		})
		k := min(len(negatives), int(math.Ceil(s.Param("neg_ratio")*float64(positives))))
		for _, i := range negatives[:k] {
			chosen[i] = 1
		}
		undecide(s, negatives, k, per)
	}
	return chosen
}

// undecide marks the negatives whose losses are those around rank k, to float32,
// unless they are all the same.
func undecide(s *loss.Scene, sorted []int, k int, per []float64) {
	if k == 0 || k == len(sorted) || per[sorted[k-1]] == per[sorted[k]] && per[sorted[0]] == per[sorted[k]] {
		return
	}
	last, next := per[sorted[k-1]], per[sorted[k]]
	near := 1e-6 + 1e-5*math.Abs(last)
	if last-next > near {
		return
	}
	for _, i := range sorted {
		s.Undecided[i] = math.Abs(per[i]-last) <= near
	}
}
