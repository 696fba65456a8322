package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "Where", Equation: "z = x where the condition holds, y elsewhere", Versions: []int64{9, 16}, In: Arity{3, 3}, Out: Arity{1, 1},
		Flow:  flow.Flow{Pass: flow.Chosen},
		Infer: inferWhere, Kernel: func(*Spec) (Kernel, error) { return runWhere, nil },

		Grad: func(c *Grad) error {
			dz := c.Dy[0]
			if c.Needs(1) {
				c.Set(1, Where(c.In(0), dz, Like(dz, 0)))
			}
			if c.Needs(2) {
				c.Set(2, Where(c.In(0), Like(dz, 0), dz))
			}
			return nil
		},
		Check: Check{Lo: -2, Hi: 2},
	})
}

func inferWhere(c *Infer) error {
	s, err := Broadcast(c.Input(1).Shape, c.Input(2).Shape)
	if err != nil {
		return err
	}
	if s, err = Broadcast(c.Input(0).Shape, s); err != nil {
		return err
	}
	c.Set(0, c.Input(1).DType, s)
	broadcastElems(c, func(e []symbol.Num) symbol.Num {
		switch {
		case e[0].Known && e[0].N != 0 || e[1] == e[2]:
			return e[1]
		case e[0].Known:
			return e[2]
		}
		return symbol.Num{}
	})
	return nil
}

func runWhere(x *Call) error {
	c, a, b := x.In[0], x.In[1], x.In[2]
	if c.DType != tensor.Bool {
		return x.InputError(0, "%v, want bool", c)
	}
	if a.DType != b.DType {
		return x.InputError(2, "%v, want %v as input 1 has", b, a.DType)
	}
	shape, err := BroadcastShapes(a.Shape, b.Shape)
	if err != nil {
		return err
	}
	if shape, err = BroadcastShapes(c.Shape, shape); err != nil {
		return err
	}
	out, err := x.New(0, a.DType, shape...)
	if err != nil {
		return err
	}
	mover{
		func(d, s []uint8) { where(x, shape, d, s, raw[uint8](b)) },
		func(d, s []uint16) { where(x, shape, d, s, raw[uint16](b)) },
		func(d, s []uint32) { where(x, shape, d, s, raw[uint32](b)) },
		func(d, s []uint64) { where(x, shape, d, s, raw[uint64](b)) },
		func(d, s []complex128) { where(x, shape, d, s, raw[complex128](b)) },
		func(d, s []string) { where(x, shape, d, s, tensor.Data[string](b)) },
	}.run(out, a)
	return nil
}

func where[E any](x *Call, shape []int, dst, a, b []E) {
	if len(dst) == 0 {
		return
	}
	sc, _ := kernel.BroadcastStrides(shape, x.In[0].Shape)
	sa, _ := kernel.BroadcastStrides(shape, x.In[1].Shape)
	sb, _ := kernel.BroadcastStrides(shape, x.In[2].Shape)
	kernel.Where(x.Parallel, shape, dst, tensor.Data[bool](x.In[0]), sc, a, sa, b, sb)
}

// Where is x where cond holds and y elsewhere, with broadcasting.
func Where(cond, x, y *graph.Value) *graph.Value { return apply("Where", nil, cond, x, y) }
