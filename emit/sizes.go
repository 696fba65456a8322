package emit

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Sizes maps the symbolic dimensions of the graph's inputs and outputs to their sizes in a
// run with these tensors, given by the names of inputs and outputs.
func (m *Manifest) Sizes(tensors map[string]*tensor.Tensor) map[string]int {
	sizes := map[string]int{}
	for _, ports := range [][]Port{m.Inputs, m.Outputs} {
		for _, p := range ports {
			t := tensors[p.Name]
			if t == nil || p.Shape == nil || len(*p.Shape) != t.Rank() {
				continue
			}
			for i, d := range *p.Shape {
				if _, known := numeric(d); !known {
					sizes[fmt.Sprint(d)] = t.Shape[i]
				}
			}
		}
	}
	return sizes
}

// Fixed is the numbers of classes that heads were given whose network leaves them open,
// under the names that these have in the network.
func (m *Manifest) Fixed() map[string]int {
	fixed := map[string]int{}
	for _, h := range m.Heads {
		if h.OpenClasses != "" {
			fixed[h.OpenClasses] = h.Classes
		}
	}
	return fixed
}

// numeric is the value of a port's fixed dimension, an int or a number read from JSON.
func numeric(d any) (n int, ok bool) {
	switch d := d.(type) {
	case int64:
		return int(d), true
	case float64:
		return int(d), true
	}
	return 0, false
}
