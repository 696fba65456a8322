package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{
			Name: "SplitToSequence", Equation: "s = parts of x along axis, of the sizes or the size that split states, else single slices", Versions: []int64{11, 24},
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{1, 2}, Out: Arity{1, 1}, Infer: inferSplitToSequence, Kernel: makeSplitToSequence, NoGrad: notNumbers,
		},
		&Op{
			Name: "ConcatFromSequence", Equation: "y = the elements of s, one behind the other along axis, which is new if new_axis says so", Versions: []int64{11},
			Flow: flow.Flow{Pass: flow.Moved}, In: Arity{1, 1}, Out: Arity{1, 1}, Containers: true, Infer: inferConcatFromSequence, Kernel: makeConcatFromSequence, NoGrad: notNumbers,
		},
		&Op{
			Name: "SequenceMap", Equation: "sᵢ = body(xᵢ, …) for each element i; inputs that are tensors are the same for all", Versions: []int64{17},
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{1, -1}, Out: Arity{1, -1}, Containers: true, Infer: inferSequenceMap, Kernel: makeSequenceMap, NoGrad: notNumbers,
		},
	)
}

func inferSplitToSequence(c *Infer) error {
	x := c.Input(0)
	shape := x.Shape.Clone()
	if shape != nil {
		axis, err := Axis(c.Node.Int("axis", 0), len(shape))
		if err != nil {
			return c.InputError(0, "%v", err)
		}
		if shape[axis] = graph.Unknown(); !c.Has(1) {
			shape[axis] = graph.Known(1)
			if c.Node.Int("keepdims", 1) == 0 {
				shape = append(shape[:axis], shape[axis+1:]...)
			}
		}
	}
	c.Out[0].Type = sequenceOf(graph.TensorOf(x.DType, shape))
	return nil
}

func makeSplitToSequence(s *Spec) (Kernel, error) {
	axis, keep := s.Int("axis", 0), s.Int("keepdims", 1) != 0
	return func(x *Call) error {
		in := x.In[0]
		at, err := Axis(axis, in.Rank())
		if err != nil {
			return x.InputError(0, "%v", err)
		}
		sizes, err := partSizes(x, in.Shape[at])
		if err != nil {
			return err
		}
		seq := make([]*tensor.Tensor, len(sizes))
		strides := tensor.Strides(in.Shape)
		from := 0
		for i, n := range sizes {
			shape := append([]int{}, in.Shape...)
			shape[at] = n
			t, err := x.Temp(in.DType, shape...)
			if err != nil {
				return err
			}
			copyStrided(x, shape, t, 0, tensor.Strides(shape), in, from*strides[at], strides)
			if !keep && !x.Has(1) {
				if t, err = t.Reshape(append(shape[:at:at], shape[at+1:]...)...); err != nil {
					return err
				}
			}
			seq[i] = t
			from += n
		}
		x.Set(0, tensor.Sequence(in.DType, seq...))
		return nil
	}, nil
}

// partSizes is the sizes of the parts of an axis of n elements.
func partSizes(x *Call, n int) ([]int, error) {
	step := 1
	if x.Has(1) {
		sizes, err := Ints(x.In[1])
		if err != nil {
			return nil, x.InputError(1, "%v", err)
		}
		if x.In[1].Rank() > 0 {
			sum := 0
			for _, s := range sizes {
				if s < 0 || s > n {
					return nil, x.InputError(1, "size %d of %d elements", s, n)
				}
				sum += s
			}
			if sum != n {
				return nil, x.InputError(1, "the sizes add up to %d, want %d", sum, n)
			}
			return sizes, nil
		}
		if step = sizes[0]; step < 1 {
			return nil, x.InputError(1, "size %d, want at least 1", step)
		}
	}
	var sizes []int
	for ; n > 0; n -= step {
		sizes = append(sizes, min(step, n))
	}
	return sizes, nil
}

func inferConcatFromSequence(c *Infer) error {
	t := elementType(c.Input(0).Type)
	shape := t.Shape.Clone()
	if shape != nil {
		rank := len(shape)
		isNew := c.Node.Int("new_axis", 0) != 0
		if isNew {
			rank++
		}
		axis, err := Axis(c.Node.Int("axis", 0), rank)
		if err != nil {
			return err
		}
		if isNew {
			shape = append(shape[:axis:axis], append(graph.Shape{graph.Unknown()}, shape[axis:]...)...)
		} else {
			shape[axis] = graph.Unknown()
		}
	}
	c.Set(0, t.DType, shape)
	return nil
}

func makeConcatFromSequence(s *Spec) (Kernel, error) {
	axis, isNew := s.Int("axis", 0), s.Int("new_axis", 0) != 0
	return func(x *Call) error {
		seq, err := sequenceIn(x, 0)
		if err != nil {
			return err
		}
		if len(seq) == 0 {
			return x.InputError(0, "the sequence is empty")
		}
		if isNew {
			st := stack{x: x}
			defer st.free()
			for _, t := range seq {
				if err := st.add(t); err != nil {
					return err
				}
			}
			return st.output(0, axis, false, tensor.Invalid, nil)
		}
		return joinParts(x, seq, axis)
	}, nil
}

// joinParts makes output 0 of parts along axis.
func joinParts(x *Call, parts []*tensor.Tensor, axis int64) error {
	first := parts[0]
	at, err := Axis(axis, first.Rank())
	if err != nil {
		return x.InputError(0, "%v", err)
	}
	shape := append([]int{}, first.Shape...)
	shape[at] = 0
	for i, t := range parts {
		if t.DType != first.DType || t.Rank() != first.Rank() {
			return x.InputError(0, "element %d is %v, element 0 is %v", i, t, first)
		}
		for d, n := range t.Shape {
			if d != at && n != first.Shape[d] {
				return x.InputError(0, "element %d is %v, element 0 is %v", i, t, first)
			}
		}
		if shape[at] += t.Shape[at]; shape[at] > tensor.MaxElems {
			return x.InputError(0, "the elements are too many")
		}
	}
	out, err := x.New(0, first.DType, shape...)
	if err != nil {
		return err
	}
	strides := tensor.Strides(shape)
	from := 0
	for _, t := range parts {
		copyStrided(x, t.Shape, out, from*strides[at], strides, t, 0, tensor.Strides(t.Shape))
		from += t.Shape[at]
	}
	return nil
}

func inferSequenceMap(c *Infer) error {
	g, err := bodyOf(c.Node, len(c.In), len(c.Out))
	if err != nil || c.Body == nil {
		return err
	}
	in := make([]Fact, len(c.In))
	for i := range in {
		t := c.Input(i).Type
		if t.Kind == graph.SequenceKind {
			t = elementType(t)
		}
		in[i].Type = t
	}
	out, err := c.Body(g, in)
	if err != nil {
		return err
	}
	for i := range c.Out {
		c.Out[i].Type = sequenceOf(out[i].Type)
	}
	return nil
}

func makeSequenceMap(s *Spec) (Kernel, error) {
	g, err := bodyOf(s.Node, len(s.Node.Inputs), len(s.Node.Outputs))
	if err != nil {
		return nil, err
	}
	body, err := s.Body("body")
	if err != nil {
		return nil, err
	}
	dtype := s.DType
	return func(x *Call) error {
		seq, err := sequenceIn(x, 0)
		if err != nil {
			return err
		}
		outs := make([][]*tensor.Tensor, len(x.Out))
		for i := range seq {
			if err := x.Context.Err(); err != nil {
				return err
			}
			args := append([]*tensor.Tensor{}, x.In...)
			for k, t := range args {
				if t == nil || !t.IsSequence() {
					continue
				}
				if len(t.Seq) != len(seq) {
					return x.InputError(k, "%d elements, want %d", len(t.Seq), len(seq))
				}
				args[k] = t.Seq[i]
			}
			res, err := body(x, args)
			if err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
			for k := range outs {
				outs[k] = append(outs[k], res[k])
			}
		}
		for k := range outs {
			d, _ := emptyStep(g.Outputs[k].Type)
			if d = dtype(d); len(outs[k]) > 0 {
				d = outs[k][0].DType
			}
			x.Set(k, tensor.Sequence(d, outs[k]...))
		}
		return nil
	}, nil
}
