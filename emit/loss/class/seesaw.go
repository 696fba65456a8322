package class

import (
	"math"
	"slices"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "seesaw", Golden: "seesaw",
		Equation: "−Σ qᵢ log pᵢ, p = softmax(z + log Sᵧ), Sᵧⱼ = min(1, nⱼ/nᵧ)^p · max(1, σⱼ/σᵧ)^q, σ = softmax(z), y the anchor's class, n the anchors of each class so far; S is constant",
		Source:   "seesaw loss, Wang et al. (arXiv 2008.10032), section 3.1; S is kept out of the gradient as in the authors' code",
		When:     "one class per anchor and a long tail of rare classes; the loss counts class frequencies itself",
		Params: []loss.Param{
			{Name: "mitigation", Default: 0.8, Hi: 10, Doc: "p, exponent of the mitigation factor, which protects rare classes; 0 turns it off"},
			{Name: "compensation", Default: 2, Hi: 10, Doc: "q, exponent of the compensation factor, which penalizes misclassified classes; 0 turns it off"},
			{Name: "floor", Default: 0, Lo: loss.MinEps, Hi: 1, Zero: true, Doc: "lower bound of σᵧ in the compensation factor; mmdetection uses 0.01, the paper none"},
		},
		Logits: &loss.Logits{
			Activation: loss.Softmax, Eps: true, Instead: "equalization-v2",
			Statistics: &loss.Statistics{
				State: func(_ map[string]float64, classes int) []loss.State {
					return []loss.State{{Name: "class_samples", Len: classes, Doc: "n, number of anchors per class before this step (those of this step are added before the loss is computed); exact up to 16.7 million in float32, and only ratios matter"}}
				},
				Shift: seesawShift, Closed: closedSeesawShift,
			},
			Terms:  loss.PositiveTerm,
			Build:  (*loss.Build).CrossEntropy,
			Closed: (*loss.Point).CrossEntropy,
		},
	})
}

// seesawShift is log S of the anchor's class, the first of those with the
// greatest label; 0 where it has none, or a masked one.
func seesawShift(b *loss.Build) *graph.Value {
	all := op.ReduceSum(b.OfCounted(b.Labels), []int64{0, 1}, false)
	b.NewState[0] = op.Add(b.State[0], all)
	own := op.Cast(op.Equal(op.ArgMax(b.Labels, 2, true), b.ClassIndices()), all.Type.DType)
	ofOwn := func(x *graph.Value) *graph.Value { return op.ReduceSum(op.Mul(own, x), []int64{2}, true) }

	shift := b.Const(0)
	if p := b.Param("mitigation"); p != 0 {
		n := op.Log(atLeast(b, b.NewState[0], 1))
		shift = b.Scale(op.Relu(op.Sub(ofOwn(n), n)), -p)
	}
	if q := b.Param("compensation"); q != 0 {
		z := b.Logits()
		least := ofOwn(z)
		if floor := b.Param("floor"); floor > 0 {
			z = op.LogSoftmax(z, 2)
			least = atLeast(b, ofOwn(z), math.Log(floor))
		}
		shift = op.Add(shift, b.Scale(op.Relu(op.Sub(z, least)), q))
	}
	some := op.And(op.Greater(op.ReduceMax(b.Labels, []int64{2}, true), b.Const(0)), b.Unmasked(ofOwn(b.Logits())))
	return b.StopGradient(op.Mul(op.Cast(some, all.Type.DType), shift))
}

// atLeast is x, or least where that is greater. (Max broadcasts from opset 8 on.)
func atLeast(b *loss.Build, x *graph.Value, least float64) *graph.Value {
	return op.Add(op.Relu(op.Sub(x, b.Const(least))), b.Const(least))
}

func closedSeesawShift(s *loss.Scene) {
	n := append([]float64{}, s.State[0]...)
	for i, q := range s.Labels {
		if s.Counted[i/s.C] {
			n[i%s.C] += q
		}
	}
	s.NewState = [][]float64{n}
	s.Shift = make([]float64, len(s.Logits))
	for i := range s.N * s.A {
		z, labels := s.Logits[i*s.C:][:s.C], s.Labels[i*s.C:][:s.C]
		y := slices.Index(labels, slices.Max(labels))
		if labels[y] <= 0 || loss.IsMasked(z[y]) {
			continue
		}
		least := z[y]
		if floor := s.Param("floor"); floor > 0 {
			own, _ := loss.SoftmaxLogs(z, y)
			least += max(0, math.Log(floor)-own)
		}
		for j := range z {
			rare := math.Log(max(n[j], 1)) - math.Log(max(n[y], 1))
			s.Shift[i*s.C+j] = s.Param("mitigation")*min(0, rare) + s.Param("compensation")*max(0, z[j]-least)
		}
	}
}
