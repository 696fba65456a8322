package emit

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Targets creates tensors for all inputs other than images, for a trainer to fill and feed
// with a batch: targets of 0 (class 0 for index targets), weights and a normalizer of 1,
// states as before the first step. Sizes follow from batch, tensors by the names of inputs
// and outputs: the images, and the logits too if the graph does not fix the number of
// anchors. It fails if a size remains unknown.
func (m *Manifest) Targets(batch map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	targets, sizes := map[string]*tensor.Tensor{}, m.Sizes(batch)
	for _, p := range m.Inputs {
		if p.Role == RoleImage {
			continue
		}
		t, err := p.zeros(sizes)
		if err != nil {
			return nil, err
		}
		switch {
		case p.Role == RoleTargetWeight || p.Role == RoleNormalizer:
			fill(t, 1)
		case p.Initial != nil:
			fill(t, *p.Initial)
		}
		targets[p.Name] = t
	}
	return targets, nil
}

// zeros is a tensor of zeros for the port, with symbolic dimensions of these sizes.
func (p *Port) zeros(sizes map[string]int) (*tensor.Tensor, error) {
	d, ok := tensor.ParseDType(p.DType)
	if !ok || p.Shape == nil {
		return nil, fmt.Errorf("input %q: the manifest does not give its type and shape", p.Name)
	}
	shape := make([]int, len(*p.Shape))
	for i, dim := range *p.Shape {
		n, known := numeric(dim)
		if !known {
			if n, known = sizes[fmt.Sprint(dim)]; !known {
				return nil, fmt.Errorf("input %q: the batch does not determine its dimension %q; add the logits to it", p.Name, dim)
			}
		}
		shape[i] = n
	}
	return tensor.Make(d, shape...)
}

// fill sets all elements of a float32 or float64 tensor, the types of weights and states.
func fill(t *tensor.Tensor, x float64) {
	switch t.DType {
	case tensor.Float32:
		for i := range tensor.Data[float32](t) {
			tensor.Data[float32](t)[i] = float32(x)
		}
	case tensor.Float64:
		for i := range tensor.Data[float64](t) {
			tensor.Data[float64](t)[i] = x
		}
	}
}
