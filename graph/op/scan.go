package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "Scan", Equation: "state, y[t] = body(state, x[t]) for each step t along the scan axes",
		Flow:     flow.Flow{Pass: flow.Untraced},
		Versions: []int64{8, 9, 11, 16, 19, 21, 23, 24, 25}, Upgrades: Upgrades{9: refuseUpgrade("version 8 scans each image of a batch by itself")}, In: Arity{0, -1}, Out: Arity{1, -1},
		Infer: inferScan, Kernel: makeScan, NoGrad: "the number of steps, and so the graph of the adjoint, is not known before the run",
	})
}

// scan is a Scan node at plan time.
type scan struct {
	node          *graph.Node
	graph         *graph.Graph
	body          Body
	dtype         func(tensor.DType) tensor.DType
	batched       bool // version 8: axis 0 is a batch, axis 1 the steps
	first         int  // number of the first state's input
	states, scans int
	inAxes        []int64
	outAxes       []int64
	inBack        []bool
	outBack       []bool
}

func scanOf(n *graph.Node, since int64) (*scan, error) {
	s := &scan{node: n, batched: since < 9}
	if s.batched {
		s.first = 1
	}
	scans := n.Int("num_scan_inputs", 0)
	if scans < 1 || scans > int64(len(n.Inputs)-s.first) {
		return nil, attrError("num_scan_inputs", scans, "1 to the number of inputs")
	}
	s.scans = int(scans)
	s.states = len(n.Inputs) - s.first - s.scans
	var err error
	if s.graph, err = bodyOf(n, s.states+s.scans, s.states); err != nil {
		return nil, err
	}
	outs := len(s.graph.Outputs) - s.states
	if len(n.Outputs) > len(s.graph.Outputs) {
		return nil, fmt.Errorf("%d outputs, want at most %d as the body has", len(n.Outputs), len(s.graph.Outputs))
	}
	for _, i := range n.Inputs[s.first:] {
		if i == nil {
			return nil, fmt.Errorf("an input is missing")
		}
	}
	for _, a := range []struct {
		name string
		n    int
		dst  *[]int64
	}{{"scan_input_axes", s.scans, &s.inAxes}, {"scan_output_axes", outs, &s.outAxes}} {
		*a.dst = make([]int64, a.n)
		if list := n.Ints(a.name); len(list) > 0 {
			if len(list) != a.n {
				return nil, attrError(a.name, list, fmt.Sprintf("%d axes", a.n))
			}
			*a.dst = list
		}
	}
	names := [2]string{"scan_input_directions", "scan_output_directions"}
	if s.batched {
		names[0] = "directions"
	}
	for i, dst := range []*[]bool{&s.inBack, &s.outBack} {
		*dst = make([]bool, [2]int{s.scans, outs}[i])
		for k, v := range n.Ints(names[i]) {
			if k >= len(*dst) {
				return nil, attrError(names[i], n.Ints(names[i]), "one for each")
			}
			(*dst)[k] = v != 0
		}
	}
	return s, nil
}

func inferScan(c *Infer) error {
	s, err := scanOf(c.Node, c.Since)
	if err != nil || c.Body == nil {
		return err
	}
	in := make([]Fact, s.states+s.scans)
	steps, batch := graph.Unknown(), graph.Unknown()
	for i := range in {
		t := c.Input(s.first + i).Type
		shape := t.Shape.Clone()
		if s.batched && len(shape) > 0 {
			batch, shape = shape[0], shape[1:]
		}
		if i < s.states {
			in[i].Type = withoutShape(t)
			continue
		}
		if shape != nil {
			axis, err := Axis(s.inAxes[i-s.states], len(shape))
			if err != nil {
				return c.InputError(s.first+i, "%v", err)
			}
			if !steps.IsKnown() {
				steps = shape[axis]
			}
			shape = append(shape[:axis], shape[axis+1:]...)
		}
		in[i].Type = graph.TensorOf(t.DType, shape)
	}
	out, err := c.Body(s.graph, in)
	if err != nil {
		return err
	}
	for i := range c.Out {
		if i < s.states {
			c.Out[i].Type = withoutShape(out[i].Type)
			if !s.batched {
				c.Out[i].Type = commonType(c.Input(s.first+i).Type, out[i].Type)
			}
			continue
		}
		t := stackedType(out[i].Type, steps)
		if axis := s.outAxes[i-s.states]; axis != 0 && t.Shape != nil {
			at, err := Axis(axis, len(t.Shape))
			if err != nil {
				return err
			}
			copy(t.Shape[:at], t.Shape[1:at+1])
			t.Shape[at] = steps
		}
		if s.batched {
			t = stackedType(t, batch)
		}
		c.Out[i].Type = t
	}
	return nil
}

func makeScan(spec *Spec) (Kernel, error) {
	s, err := scanOf(spec.Node, spec.Since)
	if err != nil {
		return nil, err
	}
	s.dtype = spec.DType
	if s.body, err = spec.Body("body"); err != nil {
		return nil, err
	}
	if s.batched {
		return s.runBatch, nil
	}
	return func(x *Call) error {
		steps, err := s.steps(x, x.In)
		if err != nil {
			return err
		}
		state, stacks, err := s.walk(x, x.In, steps)
		defer freeStacks(stacks)
		if err != nil {
			return err
		}
		for i, t := range state {
			x.Set(i, t)
		}
		for k := range stacks {
			d, shape := emptyStep(s.graph.Outputs[s.states+k].Type)
			if err := stacks[k].output(s.states+k, s.outAxes[k], s.outBack[k], s.dtype(d), shape); err != nil {
				return fmt.Errorf("output %d: %w", s.states+k, err)
			}
		}
		return nil
	}, nil
}

func freeStacks(stacks []stack) {
	for i := range stacks {
		stacks[i].free()
	}
}

// steps is the number of steps that all scan inputs have.
func (s *scan) steps(x *Call, in []*tensor.Tensor) (int, error) {
	steps := -1
	for k := range s.scans {
		i := s.states + k
		axis, err := Axis(s.inAxes[k], in[i].Rank())
		if err != nil {
			return 0, x.InputError(s.first+i, "%v", err)
		}
		if n := in[i].Shape[axis]; steps < 0 {
			steps = n
		} else if n != steps {
			return 0, x.InputError(s.first+i, "%d steps, want %d", n, steps)
		}
	}
	return steps, nil
}

// walk runs the body over the steps of in: states, then scan inputs.
func (s *scan) walk(x *Call, in []*tensor.Tensor, steps int) (state []*tensor.Tensor, stacks []stack, err error) {
	stacks = make([]stack, len(s.graph.Outputs)-s.states)
	for k := range stacks {
		stacks[k].x = x
	}
	state = append(state, in[:s.states]...)
	for t := range steps {
		if err := x.Context.Err(); err != nil {
			return nil, stacks, err
		}
		args := append([]*tensor.Tensor{}, state...)
		for k := range s.scans {
			at := t
			if s.inBack[k] {
				at = steps - 1 - t
			}
			part, err := sliceAt(x, in[s.states+k], s.inAxes[k], at)
			if err != nil {
				return nil, stacks, err
			}
			args = append(args, part)
		}
		out, err := s.body(x, args)
		if err != nil {
			return nil, stacks, fmt.Errorf("step %d: %w", t, err)
		}
		copy(state, out[:s.states])
		for k := range stacks {
			if err := stacks[k].add(out[s.states+k]); err != nil {
				return nil, stacks, err
			}
		}
	}
	return state, stacks, nil
}

// sliceAt is slice number i of t along axis, without that axis.
func sliceAt(x *Call, t *tensor.Tensor, axis int64, i int) (*tensor.Tensor, error) {
	at, err := Axis(axis, t.Rank())
	if err != nil {
		return nil, err
	}
	strides := tensor.Strides(t.Shape)
	shape := append(append([]int{}, t.Shape[:at]...), t.Shape[at+1:]...)
	from := append(append([]int{}, strides[:at]...), strides[at+1:]...)
	out, err := x.Temp(t.DType, shape...)
	if err != nil {
		return nil, err
	}
	copyStrided(x, shape, out, 0, tensor.Strides(shape), t, i*strides[at], from)
	return out, nil
}
