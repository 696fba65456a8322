package variant_test

import (
	"math"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/thorough"
	"github.com/onnxloss/onnxloss/patterns/variant"
)

// TestMutationsKeepTheMeaning holds the values of the key's tensors, and the
// outputs, to what they were.
func TestMutationsKeepTheMeaning(t *testing.T) {
	for k, m := range variant.Mutations() {
		t.Run(m.Name, func(t *testing.T) {
			vs := variant.All()
			for i := k; i < len(vs); i += 37 * thorough.Every(8) {
				v := vs[i]
				if err := v.Build(); err != nil {
					t.Fatal(err)
				}
				outputs := func() (names []string) {
					for _, x := range v.Model.Graph.Outputs {
						names = append(names, x.Name)
					}
					return names
				}
				names := sources(v)
				selects := custom(v) || rounds[m.Name] && (v.Choice == nil || !v.Choice.Is(variant.Post, "none"))
				if rounds[m.Name] && quantized(v) {
					continue // a rounding may go the other way
				}
				if !selects && m.Name != "order" {
					names = append(names, outputs()...)
				}
				if len(names) == 0 {
					continue
				}
				before := run(t, v, names)
				if err := m.Apply(v, variant.Source(m.Name)); err != nil {
					t.Fatalf("%v: %v", v, err)
				}
				later := sources(v)
				if !selects && m.Name != "order" {
					later = append(later, outputs()...)
				}
				if gone := len(names) - len(later); gone > 0 {
					names, later = outputs(), outputs() // an answer lies in a function
				}
				compare(t, v, names, later, before, run(t, v, later))
			}
		})
	}
}

// rounds are the mutations that change values in their last digits.
var rounds = map[string]bool{"fold norms": true, "gemms": true, "softmaxes": true, "sigmoids": true}

// quantized reports whether v rounds to integers.
func quantized(v *variant.Variant) bool {
	return slices.ContainsFunc(v.Model.Graph.Nodes, func(n *graph.Node) bool { return n.Op == "QuantizeLinear" })
}

// compare holds the values that names had to those that later have.
func compare(t *testing.T, v *variant.Variant, names, later []string, before, after map[string]*tensor.Tensor) {
	t.Helper()
	for k := range names {
		a, b := before[names[k]], after[later[k]]
		if a == nil {
			continue
		}
		if d := apartBy(a, b); !(d < 1e-4*(1+largest(a))) {
			t.Errorf("%v: %q, then %q, differs by %v", v, names[k], later[k], d)
		}
	}
}

// apartBy is the greatest difference of two tensors.
func apartBy(a, b *tensor.Tensor) float64 {
	if a == nil || b == nil || a.DType != b.DType || !slices.Equal(a.Shape, b.Shape) {
		return math.Inf(1)
	}
	if a.DType != tensor.Float32 {
		if slices.Equal(tensor.Data[int64](a), tensor.Data[int64](b)) {
			return 0
		}
		return math.Inf(1)
	}
	x, y := tensor.Data[float32](a), tensor.Data[float32](b)
	d := 0.0
	for i := range x {
		d = max(d, math.Abs(float64(x[i]-y[i])))
	}
	return d
}

// largest is the greatest magnitude in a float32 tensor; 0 for other types.
func largest(t *tensor.Tensor) float64 {
	m := 0.0
	if t.DType == tensor.Float32 {
		for _, x := range tensor.Data[float32](t) {
			m = max(m, math.Abs(float64(x)))
		}
	}
	return m
}
