package op

import (
	"fmt"
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// training is the domain of ONNX's preview of training operators.
const training = "ai.onnx.preview.training"

const noUpdateGrad = "it is a step of training, which nothing is trained through"

// optimizer is a row of the family (x′, s′…) = f(r, t, x, g, s…): r the rate, t
// the number of steps done, and for each of any number of parameters x its
// gradient g and its states s.
type optimizer struct {
	name, equation string
	states         int
	make           func(n *graph.Node) (update, error)
}

// update is one step for one element: it changes the states in place and gives
// what the parameter becomes. rate is r and t after whatever the whole step has
// in common.
type update struct {
	rate func(r, t float64) float64
	step func(rate, t, x, g float64, s []float64) float64
}

func init() {
	for _, o := range []optimizer{
		{"Adagrad", "g′ = λ·x + g; h = h + g′²; x = x − r/(1+t·decay)·g′/(√h + ε)", 1, adagrad},
		{"Adam", "g′ = λ·x + g; v = α·v + (1−α)·g′; h = β·h + (1−β)·g′²; x = (1−λ′)·(x − r·√(1−βᵗ)/(1−αᵗ)·v/(√h + ε))", 2, adam},
		{"Momentum", "g′ = λ·x + g; v = α·v + (β if t > 0 else 1)·g′; x = x − r·v, or x − r·(g′ + α·v)", 1, momentum},
	} {
		Register(&Op{
			Name: o.name, Domain: training, Equation: o.equation, Versions: []int64{1},
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{4 + o.states, -1}, Out: Arity{1 + o.states, -1}, NoGrad: noUpdateGrad,
			Infer: func(c *Infer) error {
				n, err := o.parameters(len(c.In))
				if err != nil {
					return err
				}
				for i := range n * (1 + o.states) {
					from := c.Input(2 + o.source(i, n))
					c.Set(i, from.DType, from.Shape)
				}
				return nil
			},
			Kernel: func(s *Spec) (Kernel, error) {
				u, err := o.make(s.Node)
				return func(x *Call) error { return o.run(x, u) }, err
			},
		})
	}
}

// parameters is how many parameters a node of so many inputs updates.
func (o optimizer) parameters(inputs int) (int, error) {
	each := 2 + o.states
	if inputs < 2+each || (inputs-2)%each != 0 {
		return 0, fmt.Errorf("%d inputs, want 2 plus %d per parameter", inputs, each)
	}
	return (inputs - 2) / each, nil
}

// source is the input, counted from the first parameter, that output i of a
// node with n parameters replaces: gradients have no output.
func (o optimizer) source(i, n int) int {
	if i < n {
		return i
	}
	return i + n
}

func (o optimizer) run(x *Call, u update) error {
	n, err := o.parameters(len(x.In))
	if err != nil {
		return err
	}
	r, err := scalarOf(x, 0)
	if err != nil {
		return err
	}
	t, err := scalarOf(x, 1)
	if err != nil {
		return err
	}
	rate := u.rate(r, t)
	for p := range n {
		if err := o.update(x, u, n, p, rate, t); err != nil {
			return err
		}
	}
	return nil
}

// update updates parameter p of n.
func (o optimizer) update(x *Call, u update, n, p int, rate, t float64) error {
	first := x.In[2+p]
	for i := range 2 + o.states {
		in := x.In[2+i*n+p]
		if in == nil || in.DType != first.DType || !sameShape(in.Shape, first.Shape) {
			return x.InputError(2+i*n+p, "%v, want %v as the parameter has", in, first)
		}
	}
	switch first.DType {
	case tensor.Float32:
		return updateElems[float32](o, x, u, n, p, rate, t)
	case tensor.Float64:
		return updateElems[float64](o, x, u, n, p, rate, t)
	}
	return x.InputError(2+p, "%v, want floats", first)
}

func updateElems[T float32 | float64](o optimizer, x *Call, u update, n, p int, rate, t float64) error {
	first := x.In[2+p]
	in, out := make([][]T, 2+o.states), make([][]T, 1+o.states)
	for i := range in {
		in[i] = tensor.Data[T](x.In[2+i*n+p])
	}
	for i := range out {
		y, err := x.New(i*n+p, first.DType, first.Shape...)
		if err != nil {
			return err
		}
		out[i] = tensor.Data[T](y)
	}
	x.Parallel(first.Len(), 1<<10, func(lo, hi int) {
		s := make([]float64, o.states)
		for i := lo; i < hi; i++ {
			for k := range s {
				s[k] = float64(in[2+k][i])
			}
			out[0][i] = T(u.step(rate, t, float64(in[0][i]), float64(in[1][i]), s))
			for k, v := range s {
				out[1+k][i] = T(v)
			}
		}
	})
	return nil
}

func adagrad(n *graph.Node) (update, error) {
	decay, epsilon, norm := float64(n.Float("decay_factor", 0)), float64(n.Float("epsilon", 1e-6)), float64(n.Float("norm_coefficient", 0))
	return update{
		rate: func(r, t float64) float64 { return r / (1 + t*decay) },
		step: func(rate, _, x, g float64, s []float64) float64 {
			g += norm * x
			s[0] += g * g
			return x - rate*g/(math.Sqrt(s[0])+epsilon)
		},
	}, nil
}

func adam(n *graph.Node) (update, error) {
	alpha, beta, epsilon := float64(n.Float("alpha", 0.9)), float64(n.Float("beta", 0.999)), float64(n.Float("epsilon", 1e-6))
	norm, post := float64(n.Float("norm_coefficient", 0)), float64(n.Float("norm_coefficient_post", 0))
	return update{
		rate: func(r, t float64) float64 {
			if t > 0 {
				r *= math.Sqrt(1-math.Pow(beta, t)) / (1 - math.Pow(alpha, t))
			}
			return r
		},
		step: func(rate, _, x, g float64, s []float64) float64 {
			g += norm * x
			s[0] = alpha*s[0] + (1-alpha)*g
			s[1] = beta*s[1] + (1-beta)*g*g
			return (1 - post) * (x - rate*s[0]/(math.Sqrt(s[1])+epsilon))
		},
	}, nil
}

func momentum(n *graph.Node) (update, error) {
	alpha, beta, norm := float64(n.Float("alpha", 0)), float64(n.Float("beta", 0)), float64(n.Float("norm_coefficient", 0))
	mode := n.Str("mode", "")
	if mode != "standard" && mode != "nesterov" {
		return update{}, attrError("mode", mode, "standard or nesterov")
	}
	return update{
		rate: func(r, _ float64) float64 { return r },
		step: func(rate, t, x, g float64, s []float64) float64 {
			g += norm * x
			b := beta
			if !(t > 0) {
				b = 1
			}
			s[0] = alpha*s[0] + b*g
			if mode == "nesterov" {
				return x - rate*(g+alpha*s[0])
			}
			return x - rate*s[0]
		},
	}, nil
}
