package class

import (
	"math"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "ghm-c", Golden: "ghm_c",
		Equation: "Σ βᵢ BCE(pᵢ, qᵢ), p = σ(z), β = N/(M·R), N the classes of all anchors, R those of them in the bin of g = |p − q| among M",
		Source:   "gradient harmonized classification loss, Li et al. (arXiv 1811.05181), eq. 3 (g), 7 and 8 (β and the loss), 9 to 12 (bins and the moving average)",
		When:     "dense heads with many easy anchors and some outliers: each range of gradient norms contributes equally to the loss",
		Params: []loss.Param{
			{Name: "bins", Default: 30, Lo: 1, Hi: 100, Integer: true, Doc: "M, number of equal bins for g in [0, 1]; for soft q, g is the distance to the nearer of 0 and 1"},
			{Name: "momentum", Default: 0, Hi: 0.9999, Doc: "momentum of the moving average of R (the paper uses 0.75); 0 uses the batch's own R and no state"},
		},
		Logits: &loss.Logits{
			Activation: loss.Sigmoid, Eps: true,
			Statistics: &loss.Statistics{
				State: func(params map[string]float64, _ int) []loss.State {
					if params["momentum"] == 0 {
						return nil
					}
					return []loss.State{{Name: "bin_counts", Len: int(params["bins"]), Doc: "moving average of R"}}
				},
				Factor: density, Closed: closedDensity,
			},
			Terms:    loss.BothTerms,
			Build:    (*loss.Build).BCE,
			Gradient: (*loss.Build).BCEGradient,
			Closed:   (*loss.Point).BCE,
		},
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

// density is β. The bin of a class is told by how many edges it lies below. Its
// row's counts are whole floats; those of all anchors are integers, which holds for
// any number.
func density(b *loss.Build) *graph.Value {
	bins, d := int(b.Param("bins")), b.Logits().Type.DType
	near := op.Cast(op.Less(b.Labels, b.Const(0.5)), d) // 1 where q is nearer to 0
	x := op.Mul(b.Logits(), op.Sub(b.Scale(near, 2), b.Const(1)))
	index := b.Const(float64(bins - 1))
	var rows []*graph.Value // of each edge, how many classes of an anchor lie below
	for _, edge := range gradientEdges(bins) {
		below := op.Cast(op.Less(x, b.Const(edge)), d)
		index = op.Sub(index, below)
		rows = append(rows, op.ReduceSum(below, []int64{2}, true))
	}
	all := op.Add(b.Scale(op.ReduceSum(near, []int64{2}, true), 0), b.Const(float64(b.Classes)))
	below := op.Cast(b.OfCounted(op.Concat(2, append(rows, all)...)), tensor.Int32)
	below = op.ReduceSum(below, []int64{0, 1}, false) // of all anchors, [bins]
	r, total := below, below
	if bins > 1 {
		zero := op.Const(b.Logits().Graph(), "none_below", tensor.Of([]int{1}, []int32{0}))
		r = op.Sub(below, op.Concat(0, zero, op.Slice(below, 0, 0, -1)))
		total = op.Slice(below, 0, int64(bins-1), int64(bins))
	}
	r, total = op.Cast(r, d), op.Cast(total, d)
	if m := b.Param("momentum"); m > 0 {
		r = op.Add(b.Scale(b.State[0], m), b.Scale(r, 1-m))
		b.NewState[0] = r
	}
	some, none := b.Split(op.Greater(r, b.Const(0)))
	β := op.Div(op.Mul(total, some), b.Scale(op.Add(r, none), float64(bins)))
	if bins == 1 {
		return β
	}
	return op.Gather(β, op.Cast(index, tensor.Int32), 0)
}

func closedDensity(s *loss.Scene) {
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
