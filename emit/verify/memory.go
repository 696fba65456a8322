package verify

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Memory is about how many bytes Training holds where it runs the network: the
// weights, once, and at most so much of what is computed of images. The latter is
// -1 where sizes are not known before the run.
func Memory(m *graph.Model) (weights, activations int64, err error) {
	facts := op.InferModel(m)
	if err := facts.ReadErr(); err != nil {
		return 0, 0, err
	}
	for _, v := range m.Graph.Inits {
		weights += int64(v.Init.Len()) * int64(v.Init.DType.Size())
	}
	last := map[*graph.Value]int{} // the node behind which a value is not needed
	for i, n := range m.Graph.Nodes {
		for _, v := range n.Outputs {
			last[v] = i
		}
		for _, v := range append(n.Captures(), n.Inputs...) {
			last[v] = i
		}
	}
	for _, v := range m.Graph.Outputs {
		delete(last, v)
	}
	dead := make([]int64, len(m.Graph.Nodes))
	live := int64(0)
	for i, n := range m.Graph.Nodes {
		for _, v := range n.Outputs {
			if v == nil {
				continue
			}
			size, ok := bytesOf(facts.Of(v).Type)
			if !ok {
				return weights, -1, nil
			}
			live += size
			if k, ok := last[v]; ok {
				dead[k] += size
			}
		}
		activations = max(activations, live)
		live -= dead[i]
	}
	return weights, activations, nil
}

// images is how many images are drawn where their number is not fixed.
const images = 2

// bytesOf is the size of a tensor, with images for a first dimension that is not
// fixed.
func bytesOf(t graph.Type) (n int64, ok bool) {
	if t.Kind != graph.TensorKind || t.Shape == nil || t.DType == tensor.Invalid {
		return 0, false
	}
	n = int64(t.DType.Size())
	for i, d := range t.Shape {
		switch {
		case d.IsKnown():
			n *= d.Value
		case i == 0:
			n *= images
		default:
			return 0, false
		}
	}
	return n, true
}
