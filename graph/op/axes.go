package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// axesArg is the list of axes that a node states: by attribute "axes" before
// the version of its schema that made them an input.
type axesArg struct {
	input int // which input holds them
	since int64
}

// run is the axes of one run; given is false if the node states none.
func (a axesArg) run(x *Call, since int64) (axes []int, given bool, err error) {
	if since < a.since {
		s := x.Node.Ints("axes")
		axes = make([]int, len(s))
		for i, v := range s {
			axes[i] = int(v)
		}
		return axes, s != nil, nil
	}
	if !x.Has(a.input) {
		return nil, false, nil
	}
	axes, err = Ints(x.In[a.input])
	if err != nil {
		return nil, true, x.InputError(a.input, "%v", err)
	}
	return axes, true, nil
}

// infer is the axes as far as they are known; known is false if they are
// computed by the graph, and count then is their number, or -1.
func (a axesArg) infer(c *Infer) (axes []int64, given, known bool, count int) {
	if c.Since < a.since {
		s := c.Node.Ints("axes")
		return s, s != nil, true, len(s)
	}
	if !c.Has(a.input) {
		return nil, false, true, 0
	}
	f := c.Input(a.input)
	if v, ok := f.Ints(); ok {
		return v, true, true, len(v)
	}
	count = -1
	if len(f.Shape) == 1 && f.Shape[0].IsKnown() {
		count = int(f.Shape[0].Value)
	}
	return nil, true, false, count
}

// ofNode is the axes of a node whose gradient is wanted: they must be known.
func (a axesArg) ofNode(n *graph.Node) (axes []int64, given bool, err error) {
	if n.Graph().Opset("") < a.since {
		s := n.Ints("axes")
		return s, s != nil, nil
	}
	v := n.Input(a.input)
	if v == nil {
		return nil, false, nil
	}
	t, err := ConstantOf(v)
	if err != nil {
		return nil, true, fmt.Errorf("input %d %q: %w", a.input, v.Name, err)
	}
	s, err := Ints(t)
	for _, x := range s {
		axes = append(axes, int64(x))
	}
	return axes, true, err
}

// ConstantOf is the constant that v is: an initializer, or the output of a
// node Constant or of nodes on constants that inference can compute.
func ConstantOf(v *graph.Value) (*tensor.Tensor, error) {
	if n := v.Producer(); n != nil && n.Op == "Constant" && graph.CanonicalDomain(n.Domain) == "" {
		return constantValue(n)
	}
	if f := factOf(v, factDepth); f.Const() != nil {
		return f.Const(), nil
	}
	return nil, fmt.Errorf("its value is not known before the model runs")
}

// axisSet marks the axes given, each once, in a shape of the given rank.
func axisSet(axes []int, rank int) ([]bool, error) {
	set := make([]bool, rank)
	for _, a := range axes {
		k, err := Axis(int64(a), rank)
		if err != nil {
			return nil, err
		}
		if set[k] {
			return nil, fmt.Errorf("axis %d is listed twice", k)
		}
		set[k] = true
	}
	return set, nil
}

// dimsAround are the products of the dimensions before axis and behind it, and
// the dimension itself.
func dimsAround(shape []int, axis int) (outer, size, inner int) {
	outer, inner = 1, 1
	for i, d := range shape {
		switch {
		case i < axis:
			outer *= d
		case i > axis:
			inner *= d
		}
	}
	return outer, shape[axis], inner
}
