package match

import "github.com/onnxloss/onnxloss/graph"

// integral are the layers that compute with integers.
var integral = map[string]bool{
	"QLinearConv": true, "QLinearMatMul": true, "QGemm": true, "ConvInteger": true, "MatMulInteger": true, "MatMulNBits": true,
	"ConvIntegerToFloat": true, "MatMulIntegerToFloat": true, "DynamicQuantizeMatMul": true,
}

// Integral reports whether n is a layer that computes with integers.
func Integral(n *graph.Node) bool { return integral[n.Op] }

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
