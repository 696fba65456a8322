package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Build is one loss being built: the parts of the general form, over logits z
// and targets q. Each part is made once, when it is first asked for.
type Build struct {
	// Q are the targets [N, A, C], smoothed.
	Q *graph.Value
	// Classes is C.
	Classes int

	z      *graph.Value // logits [N, A, C], float32 or float64
	act    Activation
	params map[string]float64
	eps    float64
	parts  map[string]*graph.Value
	consts map[float64]*graph.Value
	mirror *mirror
}

func newBuild(z *graph.Value, act Activation, classes int, o Options) *Build {
	return &Build{
		Classes: classes, z: z, act: act, params: o.Params, eps: o.Eps,
		parts: map[string]*graph.Value{}, consts: map[float64]*graph.Value{},
	}
}

// Param is the value of a parameter of the loss.
func (b *Build) Param(name string) float64 { return b.params[name] }

// Positive is the positive term of every class, weight · q · (1−p)^γ · (−log p).
func (b *Build) Positive(weight, γ float64) *graph.Value {
	cost := b.CostOfP()
	if γ != 0 {
		cost = op.Mul(b.PowNotP(γ), cost)
	}
	return b.Scale(op.Mul(b.Q, cost), weight)
}

// Negative is the negative term of every class,
// weight · (1−q) · p^γ · (−log(1−p)).
func (b *Build) Negative(weight, γ float64) *graph.Value {
	cost := b.CostOfNotP()
	if γ != 0 {
		cost = op.Mul(b.PowP(γ), cost)
	}
	return b.Scale(op.Mul(b.NotQ(), cost), weight)
}

// NotQ is 1 − q.
func (b *Build) NotQ() *graph.Value {
	return b.part("1-q", func() *graph.Value { return op.Sub(b.Const(1), b.Q) })
}

// CostOfP is −log p, or −log(p + ε) in the form with ε.
func (b *Build) CostOfP() *graph.Value {
	return b.part("cost p", func() *graph.Value {
		if b.eps > 0 {
			return op.Neg(op.Log(op.Add(b.P(), b.Const(b.eps))))
		}
		return b.exact().costP
	})
}

// CostOfNotP is −log(1 − p), or −log(1 − p + ε) in the form with ε.
func (b *Build) CostOfNotP() *graph.Value {
	return b.part("cost 1-p", func() *graph.Value {
		if b.eps > 0 {
			return op.Neg(op.Log(op.Add(b.NotP(), b.Const(b.eps))))
		}
		return b.exact().costNotP
	})
}

// PlainCostOfP is CostOfP for a loss that asks for nothing else. Under a softmax
// it is LogSoftmax as the runtime has it, which most compute to an absolute
// precision only: in float32, 6e-8 where p is near 1.
func (b *Build) PlainCostOfP() *graph.Value {
	if b.act == Softmax && b.eps == 0 {
		return op.Neg(b.logSoftmax())
	}
	return b.CostOfP()
}

// P is the probability of every class.
func (b *Build) P() *graph.Value {
	return b.part("p", func() *graph.Value {
		if b.act == Softmax {
			return op.Exp(b.logSoftmax())
		}
		x := b.exact()
		return op.Add(op.Mul(x.upper, x.larger), op.Mul(x.lower, x.smaller))
	})
}

// NotP is 1 − p of every class, to full relative precision.
func (b *Build) NotP() *graph.Value {
	return b.part("1-p", func() *graph.Value {
		x := b.exact()
		return op.Add(op.Mul(x.upper, x.smaller), op.Mul(x.lower, x.larger))
	})
}

// PowP is p^γ, as exp(γ log p).
func (b *Build) PowP(γ float64) *graph.Value {
	return op.Exp(b.Scale(b.exact().costP, -γ))
}

// PowNotP is (1−p)^γ, as exp(γ log(1−p)).
func (b *Build) PowNotP(γ float64) *graph.Value {
	return op.Exp(b.Scale(b.exact().costNotP, -γ))
}

// Scale is x · c.
func (b *Build) Scale(x *graph.Value, c float64) *graph.Value {
	switch c {
	case 1:
		return x
	case -1:
		return op.Neg(x)
	}
	return op.Mul(x, b.Const(c))
}

// Const is the scalar x, in the element type of the loss; see exactly.
func (b *Build) Const(x float64) *graph.Value {
	if b.z == nil {
		return nil
	}
	if b.consts[x] == nil {
		b.consts[x] = exactly(b.z.Graph(), b.z.Type.DType, "const", nil, []float64{x})
	}
	return b.consts[x]
}

// exactly is a constant of float type d. Numbers that float32 rounds are the
// sum of two constants, what it holds and what it lost: in float32 that is the
// rounded number, and where the graph is computed in float64, the number to 48
// bits.
func exactly(g *graph.Graph, d tensor.DType, name string, shape []int, x []float64) *graph.Value {
	if d == tensor.Float64 {
		return op.Const(g, name, tensor.Of(shape, append([]float64{}, x...)))
	}
	held, lost := make([]float32, len(x)), make([]float32, len(x))
	exact := true
	for i, v := range x {
		held[i] = float32(v)
		lost[i] = float32(v - float64(held[i]))
		exact = exact && lost[i] == 0
	}
	v := op.Const(g, name, tensor.Of(shape, held))
	if exact {
		return v
	}
	return op.Add(v, op.Const(g, name+"_low", tensor.Of(shape, lost)))
}

func (b *Build) part(name string, make func() *graph.Value) *graph.Value {
	if v := b.parts[name]; v != nil {
		return v
	}
	v := make()
	b.parts[name] = v
	return v
}

// mirror is the two probabilities of every class, p and 1 − p, sorted by size:
// the smaller is computed from the logits, the larger from the smaller.
type mirror struct {
	upper, lower    *graph.Value // 1 where p is the larger, 1 where it is the smaller; else 0
	smaller, larger *graph.Value
	costP, costNotP *graph.Value // −log p, −log(1−p)
}

func (b *Build) exact() *mirror {
	if b.mirror == nil {
		if b.act == Softmax {
			b.mirror = b.softmax()
		} else {
			b.mirror = b.sigmoid()
		}
	}
	return b.mirror
}

// sigmoid has the larger and the smaller of σ(z) and 1 − σ(z) as 1/(1+u) and
// u/(1+u), u = exp(−|z|). As z has its own factor for each sign, the derivative
// is that of softplus on either side of 0 and at 0, and tiny terms are never
// added to terms that cancel.
func (b *Build) sigmoid() *mirror {
	up, low := b.split(op.Greater(b.z, b.Const(0)))
	over, under := op.Mul(up, b.z), op.Mul(low, b.z) // max(z, 0), min(z, 0)
	u := op.Exp(op.Sub(under, over))
	w, t := b.log1p(u)
	return &mirror{
		upper: up, lower: low,
		smaller: op.Div(u, w), larger: op.Div(b.Const(1), w),
		costP: op.Sub(t, under), costNotP: op.Add(t, over),
	}
}

// dominant is log p above which a class's complement is summed afresh: p > 0.6.
// At most one class has that, rounding included.
const dominant = -0.5

// far takes a class out of a softmax. It is finite, so that products with 0 are
// 0.
const far = 1 << 100

// softmax has 1 − p of a dominant class by a softmax over the other classes:
// for any of these, log p with all classes less log p without the dominant
// one is log(1−p) of that one. The largest of the others is the one to ask.
func (b *Build) softmax() *mirror {
	log := b.logSoftmax()
	up, low := b.split(op.Greater(log, b.Const(dominant)))
	rest := op.LogSoftmax(op.Sub(b.z, b.Scale(up, far)), 2)
	best := op.Cast(op.Equal(op.ArgMax(rest, 2, true), b.classIndices()), b.z.Type.DType)
	logRest := op.ReduceSum(op.Mul(best, op.Sub(log, rest)), []int64{2}, true)

	logLow, logUp := op.Mul(low, log), op.Mul(up, logRest) // log of the smaller of p and 1−p, in two halves
	small := op.Exp(op.Add(logLow, logUp))
	w, logLarge := b.log1p(op.Neg(small))
	return &mirror{
		upper: up, lower: low, smaller: small, larger: w,
		costP:    op.Neg(op.Add(logLow, op.Mul(up, logLarge))),
		costNotP: op.Neg(op.Add(logUp, op.Mul(low, logLarge))),
	}
}

func (b *Build) logSoftmax() *graph.Value {
	return b.part("log softmax", func() *graph.Value { return op.LogSoftmax(b.z, 2) })
}

// split is a condition and its opposite as numbers, 1 or 0.
func (b *Build) split(cond *graph.Value) (yes, no *graph.Value) {
	yes = op.Cast(cond, b.z.Type.DType)
	return yes, op.Sub(b.Const(1), yes)
}

// log1p is 1 + x and log(1 + x) for −0.6 ≤ x ≤ 1. What rounding 1 + x lost is
// added to the logarithm, to full relative precision for small x.
func (b *Build) log1p(x *graph.Value) (w, log *graph.Value) {
	w = op.Add(b.Const(1), x)
	lost := op.Sub(x, op.Sub(w, b.Const(1)))
	return w, op.Add(op.Log(w), lost)
}

// classIndices is 0 … C−1, int64 [1, 1, C].
func (b *Build) classIndices() *graph.Value {
	return b.part("classes", func() *graph.Value {
		if b.z == nil {
			return nil
		}
		idx := make([]int64, b.Classes)
		for i := range idx {
			idx[i] = int64(i)
		}
		return op.Const(b.z.Graph(), "classes", tensor.Of([]int{1, 1, b.Classes}, idx))
	})
}
