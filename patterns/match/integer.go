package match

import "github.com/onnxloss/onnxloss/graph"

// Integral reports whether n is a layer that computes with integers.
func Integral(n *graph.Node) bool { return flowOf(n).Integers }

// Weights are the constant weights of the layer that makes f; nil if f is no
// layer, or its weights are data.
func (a *Analysis) Weights(f *Field) *graph.Value {
	if f.Kind != Weighing || f.Node == nil {
		return nil
	}
	for _, i := range operands(f.Node) {
		if v := f.Node.Input(i); v != nil && a.Static(v) {
			return v
		}
	}
	return nil
}
