package loss

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	register(&Loss{
		Name: "ghm-c", Golden: "ghm_c", Activation: Sigmoid, Eps: true,
		Equation: "Σ βᵢ BCE(pᵢ, qᵢ), p = σ(z), β = N/(M·R), N the classes of all anchors, R those of them in the bin of g = |p − q| among M",
		Source:   "gradient harmonized classification loss, Li et al. (arXiv 1811.05181), eq. 3 (g), 7 and 8 (β and the loss), 9 to 12 (bins and the moving average)",
		When:     "dense heads with many easy anchors and some outliers: each range of gradients has the same part in the loss",
		Params: []Param{
			{Name: "bins", Default: 30, Lo: 1, Hi: 100, Whole: true, Doc: "M, bins of equal width for g in [0, 1]; g is taken to the nearer of q = 0 and q = 1"},
			{Name: "momentum", Default: 0, Hi: 0.9999, Doc: "of the moving average that takes the place of R, the paper's 0.75; 0 has the batch's own R and no state"},
		},
		Whole: &Whole{
			State: func(params map[string]float64, _ int) []State {
				if params["momentum"] == 0 {
					return nil
				}
				return []State{{Name: "bin_counts", Len: int(params["bins"]), Doc: "moving average of R"}}
			},
			Factor: density, Closed: closedDensity,
		},
		Terms: twoTerms,
		Build: (*Build).BCE, Gradient: gradBCE, Closed: closedBinaryCrossEntropy,
	})
}

// gradientEdges is where the bins after the first begin, in logits: g = σ(x) for
// x = z, or −z where the target is nearer to 1, so that g ≥ k/M is x ≥ logit(k/M).
// They are numbers of float32, so that an anchor is in the same bin in every
// precision.
func gradientEdges(bins int) []float64 {
	edges := make([]float64, bins-1)
	for k := range edges {
		g := float64(k+1) / float64(bins)
		edges[k] = float64(float32(math.Log(g / (1 - g))))
	}
	return edges
}

// density is β. Anchors are counted in integers, which holds for any number.
func density(b *Build) *graph.Value {
	bins, d := int(b.Param("bins")), b.raw.Type.DType
	one := func(x int32) *graph.Value { return op.Const(b.raw.Graph(), "count", tensor.Scalar(x)) }
	near := op.Cast(op.Less(b.Labels, b.Const(0.5)), d) // 1 where q is nearer to 0
	x := op.Mul(b.raw, op.Sub(b.Scale(near, 2), b.Const(1)))
	counted := op.Cast(b.OfCounted(op.Add(op.Mul(b.raw, b.Const(0)), b.Const(1))), tensor.Int32)
	above, index := []*graph.Value{op.ReduceSum(counted, []int64{0, 1, 2}, false)}, op.Mul(counted, one(0))
	for _, edge := range gradientEdges(bins) {
		in := op.Cast(op.Not(op.Less(x, b.Const(edge))), tensor.Int32)
		index = op.Add(index, in)
		above = append(above, op.ReduceSum(op.Mul(in, counted), []int64{0, 1, 2}, false))
	}
	var counts []*graph.Value
	for k, n := range above {
		if k+1 < bins {
			n = op.Sub(n, above[k+1])
		}
		counts = append(counts, op.Unsqueeze(op.Cast(n, d), 0))
	}
	r := op.Concat(0, counts...)
	if m := b.Param("momentum"); m > 0 {
		r = op.Add(b.Scale(b.State[0], m), b.Scale(r, 1-m))
		b.NewState[0] = r
	}
	some, none := b.split(op.Greater(r, b.Const(0)))
	total := op.Cast(above[0], d)
	β := op.Div(op.Mul(total, some), b.Scale(op.Add(r, none), float64(bins)))
	return op.Gather(β, index, 0)
}

func closedDensity(s *Scene) {
	bins, m, total := int(s.Param("bins")), s.Param("momentum"), 0.0
	r, edges := make([]float64, bins), gradientEdges(bins)
	bin := make([]int, len(s.Logits))
	for i, z := range s.Logits {
		x := z
		if s.Labels[i] >= 0.5 {
			x = -z
		}
		for _, edge := range edges {
			if x >= edge {
				bin[i]++
			}
		}
		if s.Counted[i/s.C] {
			r[bin[i]]++
			total++
		}
	}
	if m > 0 {
		for k := range r {
			r[k] = m*s.State[0][k] + (1-m)*r[k]
		}
		s.NewState = [][]float64{r}
	}
	s.Factor = make([]float64, len(s.Logits))
	for i, k := range bin {
		if r[k] > 0 {
			s.Factor[i] = total / (r[k] * float64(bins))
		}
	}
}
