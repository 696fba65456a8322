package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	for _, s := range []struct {
		name, equation string
		effect         flow.Effect
		f32            func(par kernel.Parallel, dst, x []float32, outer, axis, inner int)
		f64            func(par kernel.Parallel, dst, x []float64, outer, axis, inner int)
		grad           func(y, dy *graph.Value, sum func(*graph.Value) *graph.Value) *graph.Value
	}{
		{"Softmax", "y = exp(x) / Σ exp(x)", flow.Softmax, kernel.Softmax[float32], kernel.Softmax[float64],
			func(y, dy *graph.Value, sum func(*graph.Value) *graph.Value) *graph.Value {
				return Mul(y, Sub(dy, sum(Mul(dy, y))))
			}},
		{"LogSoftmax", "y = x − ln Σ exp(x)", flow.Softmax, kernel.LogSoftmax[float32], kernel.LogSoftmax[float64],
			func(y, dy *graph.Value, sum func(*graph.Value) *graph.Value) *graph.Value {
				return Sub(dy, Mul(Exp(y), sum(dy)))
			}},
		{"Hardmax", "y = 1 at the first greatest x, 0 elsewhere", flow.Peak, kernel.Hardmax[float32], kernel.Hardmax[float64], nil},
	} {
		o := &Op{
			Name: s.name, Equation: s.equation + ", along an axis; before version 13 over it and all behind it", Versions: []int64{1, 11, 13}, Upgrades: Upgrades{13: upgradeSoftmax},
			In: Arity{1, 1}, Out: Arity{1, 1}, Half: true, Infer: inferSoftmax, Check: Check{Lo: -3, Hi: 3},
			Flow: flow.Flow{Pass: flow.Mapped, Effect: s.effect},
			Kernel: func(sp *Spec) (Kernel, error) {
				axis, flat := softmaxAxis(sp.Node, sp.Since)
				return func(x *Call) error {
					switch x.In[0].DType {
					case tensor.Float32:
						return softmaxTo(x, axis, flat, s.f32)
					case tensor.Float64:
						return softmaxTo(x, axis, flat, s.f64)
					}
					return x.InputError(0, "%v, want floats", x.In[0])
				}, nil
			},
		}
		if s.grad == nil {
			o.NoGrad = piecewiseConstant
		} else {
			o.Grad = func(c *Grad) error { return gradSoftmax(c, s.grad) }
		}
		Register(o)
	}
}

// softmaxAxis is the node's axis, and whether all axes from it on are meant.
func softmaxAxis(n *graph.Node, since int64) (axis int64, flat bool) {
	if since < 13 {
		return n.Int("axis", 1), true
	}
	return n.Int("axis", -1), false
}

func inferSoftmax(c *Infer) error {
	axis, flat := softmaxAxis(c.Node, c.Since)
	if s := c.Input(0).Shape; s != nil && !(flat && axis == int64(len(s))) {
		if _, err := Axis(axis, max(len(s), 1)); err != nil {
			return err
		}
	}
	return SameAsInput(c)
}

func softmaxTo[T float32 | float64](x *Call, axis int64, flat bool, f func(par kernel.Parallel, dst, x []T, outer, axis, inner int)) error {
	in := x.In[0]
	shape := in.Shape
	if len(shape) == 0 {
		shape = []int{1}
	}
	out, err := x.New(0, in.DType, in.Shape...)
	if err != nil {
		return err
	}
	outer, n, inner := len(tensor.Data[T](out)), 1, 1
	if !(flat && axis == int64(len(shape))) {
		k, err := Axis(axis, len(shape))
		if err != nil {
			return err
		}
		outer, n, inner = dimsAround(shape, k)
	}
	if flat {
		n, inner = n*inner, 1
	}
	if out.Len() > 0 {
		f(x.Parallel, tensor.Data[T](out), tensor.Data[T](in), outer, n, inner)
	}
	return nil
}

func gradSoftmax(c *Grad, rule func(y, dy *graph.Value, sum func(*graph.Value) *graph.Value) *graph.Value) error {
	row := Lookup("", c.Node.Op)
	axis, flat := softmaxAxis(c.Node, row.Since(c.Node.Graph().Opset("")))
	axes := []int64{axis}
	if flat {
		if c.In(0).Shape() == nil {
			return InputError(c.Node, 0, "its rank is not known, which the gradient needs")
		}
		k, err := Axis(axis, len(c.In(0).Shape()))
		if err != nil {
			return err
		}
		axes = nil
		for i := k; i < len(c.In(0).Shape()); i++ {
			axes = append(axes, int64(i))
		}
	}
	sum := func(v *graph.Value) *graph.Value { return ReduceSum(v, axes, true) }
	c.Set(0, rule(c.Out(0), c.Dy[0], sum))
	return nil
}

// Softmax is exp(x) / Σ exp(x) along one axis.
func Softmax(x *graph.Value, axis int64) *graph.Value { return alongAxis("Softmax", x, axis) }

// LogSoftmax is x − ln Σ exp(x) along one axis.
func LogSoftmax(x *graph.Value, axis int64) *graph.Value { return alongAxis("LogSoftmax", x, axis) }

// alongAxis applies an operator of the softmax family along one axis. Before
// version 13 these take all axes from theirs on together, so that only the
// last one will do, and another is brought there and back.
func alongAxis(name string, x *graph.Value, axis int64) *graph.Value {
	if x == nil {
		return nil
	}
	if x.Graph().Opset("") >= 13 {
		return apply(name, []*graph.Attr{graph.Int("axis", axis)}, x)
	}
	rank := len(x.Shape())
	k, err := Axis(axis, rank)
	if err != nil {
		x.Graph().Fail(fmt.Errorf("building %s of %v: %w", name, x, err))
		return nil
	}
	last := []*graph.Attr{graph.Int("axis", int64(rank-1))}
	if k == rank-1 {
		return apply(name, last, x)
	}
	perm := make([]int64, rank)
	for i := range perm {
		perm[i] = int64(i)
	}
	perm[k], perm[rank-1] = perm[rank-1], perm[k]
	return Transpose(apply(name, last, Transpose(x, perm...)), perm...)
}

// upgradeSoftmax: all axes from axis on, of which 1 was the default, become one axis.
func upgradeSoftmax(u *Upgrade) error {
	a, err := u.attr("axis")
	if err != nil {
		return err
	}
	axis := int64(1)
	if a != nil {
		axis = a.I
	}
	n, x := u.Node, u.Node.Input(0)
	if rank := len(x.Shape()); x.Shape() != nil && (axis == int64(rank-1) || axis == -1) {
		n.SetAttr(graph.Int("axis", -1))
		return nil
	}
	y := n.Outputs[0]
	n.SetInput(0, u.Insert("Flatten", []*graph.Attr{graph.Int("axis", axis)}, x))
	n.SetAttr(graph.Int("axis", -1))
	shape := u.Insert("Shape", nil, x)
	return u.after("Reshape", y, shape)
}
