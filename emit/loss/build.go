package loss

import (
	"fmt"
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Build is a loss under construction: the parts of the general form for logits z
// and targets q. Each part is created once, when first used.
type Build struct {
	// Q are the targets [N, A, C], smoothed.
	Q *graph.Value
	// Classes is C.
	Classes int
	// For losses with Statistics only: Labels are the targets before smoothing, 0 for
	// ignored anchors.
	Labels *graph.Value
	// Counted is 1 for each anchor included in statistics, which is not ignored and has a
	// weight above 0, and 0 for the others, [N, A]. Nil if all are included.
	Counted *graph.Value
	// Foreground is 1 for each counted positive and 0 for other anchors, [N, A]; see
	// Positives.
	Foreground *graph.Value
	// State is the loss's state before this batch; the loss sets NewState to the state
	// after it.
	State, NewState []*graph.Value

	weights []*graph.Value // of the classes' losses, for the derivative

	raw    *graph.Value // logits [N, A, C], float32 or float64
	z      *graph.Value // the logits after adjustment
	act    Activation
	params map[string]float64
	each   map[string][]float64 // parameters with one number per class
	eps    float64
	parts  map[string]*graph.Value
	powers map[power]*graph.Value
	consts map[float64]*graph.Value
}

func newBuild(z *graph.Value, act Activation, classes int, o Options) *Build {
	return &Build{
		Classes: classes, raw: z, z: z, act: act, params: o.Params, each: o.PerClass, eps: o.Eps,
		parts: map[string]*graph.Value{}, powers: map[power]*graph.Value{}, consts: map[float64]*graph.Value{},
	}
}

// Param is the value of a parameter of the loss.
func (b *Build) Param(name string) float64 { return b.params[name] }

// Each is the numbers of a parameter with one per class; nil if it has a single number.
func (b *Build) Each(name string) []float64 { return b.each[name] }

// Logits are the logits [N, A, C] before any adjustment, with finite numbers for masked classes.
func (b *Build) Logits() *graph.Value { return b.raw }

// Positive is the positive term of every class, weight · q · (1−p)^γ · (−log p).
func (b *Build) Positive(weight, γ float64) *graph.Value {
	return b.Part(fmt.Sprint("positive ", weight, γ), func() *graph.Value {
		return op.Mul(b.PositiveWeight(weight, γ), b.CostOfP())
	})
}

// Negative is the negative term of every class,
// weight · (1−q) · p^γ · (−log(1−p)).
func (b *Build) Negative(weight, γ float64) *graph.Value {
	return b.Part(fmt.Sprint("negative ", weight, γ), func() *graph.Value {
		return op.Mul(b.NegativeWeight(weight, γ), b.CostOfNotP())
	})
}

// PositiveWeight is weight · q · (1−p)^γ.
func (b *Build) PositiveWeight(weight, γ float64) *graph.Value {
	return b.Part(fmt.Sprint("positive weight ", weight, γ), func() *graph.Value {
		w := b.Scale(b.Q, weight)
		if γ != 0 {
			w = op.Mul(w, b.PowNotP(γ))
		}
		return w
	})
}

// NegativeWeight is weight · (1−q) · p^γ.
func (b *Build) NegativeWeight(weight, γ float64) *graph.Value {
	return b.Part(fmt.Sprint("negative weight ", weight, γ), func() *graph.Value {
		w := b.Scale(b.NotQ(), weight)
		if γ != 0 {
			w = op.Mul(w, b.PowP(γ))
		}
		return w
	})
}

// NotQ is 1 − q.
func (b *Build) NotQ() *graph.Value {
	return b.Part("1-q", func() *graph.Value { return op.Sub(b.Const(1), b.Q) })
}

// NoClass is 1 − Σ q over the anchor's classes, [N, A, 1].
func (b *Build) NoClass() *graph.Value {
	return op.Sub(b.Const(1), op.ReduceSum(b.Q, []int64{2}, true))
}

// CostOfP is −log p, or −log(p + ε) with Options.Eps.
func (b *Build) CostOfP() *graph.Value {
	if b.eps > 0 {
		return b.Part("cost p+ε", func() *graph.Value { return op.Neg(op.Log(op.Add(b.P(), b.Const(b.eps)))) })
	}
	return b.exactCostOfP()
}

// CostOfNotP is −log(1 − p), or −log(1 − p + ε) with Options.Eps.
func (b *Build) CostOfNotP() *graph.Value {
	if b.eps > 0 {
		return b.Part("cost 1-p+ε", func() *graph.Value { return op.Neg(op.Log(op.Add(b.NotP(), b.Const(b.eps)))) })
	}
	return b.exactCostOfNotP()
}

// PlainCostOfP is CostOfP for a loss that uses no other part. For a softmax it is the
// runtime's LogSoftmax, which most compute only to an absolute precision: 6e-8 in float32
// for p near 1.
func (b *Build) PlainCostOfP() *graph.Value {
	if b.act == Softmax && b.eps == 0 {
		return op.Sub(b.never(), b.logSoftmax())
	}
	return b.CostOfP()
}

// P is the probability of every class.
func (b *Build) P() *graph.Value {
	return b.Part("p", func() *graph.Value {
		if b.act == Softmax {
			return b.softmaxP()
		}
		return b.sigmoidP()
	})
}

// NotP is 1 − p of every class, to full relative precision.
func (b *Build) NotP() *graph.Value {
	return b.Part("1-p", func() *graph.Value {
		if b.act == Softmax {
			return b.softmaxNotP()
		}
		return b.sigmoidNotP()
	})
}

func (b *Build) exactCostOfP() *graph.Value {
	return b.Part("cost p", func() *graph.Value {
		if b.act == Softmax {
			return b.softmaxCostOfP()
		}
		return b.sigmoidCostOfP()
	})
}

func (b *Build) exactCostOfNotP() *graph.Value {
	return b.Part("cost 1-p", func() *graph.Value {
		if b.act == Softmax {
			return b.softmaxCostOfNotP()
		}
		return b.sigmoidCostOfNotP()
	})
}

// PowP is p^γ.
func (b *Build) PowP(γ float64) *graph.Value {
	return b.Part(fmt.Sprint("p^", γ), func() *graph.Value { return b.powProbability(b.P, b.exactCostOfP, γ) })
}

// PowNotP is (1−p)^γ.
func (b *Build) PowNotP(γ float64) *graph.Value {
	return b.Part(fmt.Sprint("(1-p)^", γ), func() *graph.Value { return b.powProbability(b.NotP, b.exactCostOfNotP, γ) })
}

// Powers up to this are computed as products.
const maxProducts = 16

// smallest is the least normal float32.
const smallest = 0x1p-126

// IsPower reports whether x^k is a product.
func IsPower(k float64) bool { return k == math.Trunc(k) && k >= 1 && k <= maxProducts }

// IsEven is IsPower for powers that take away the sign.
func IsEven(k float64) bool { return IsPower(k) && math.Mod(k, 2) == 0 }

// Pow is x^k for 0 ≤ x ≤ 1 and k > 0. For small whole k it uses products, and x may be any
// number. Otherwise it is exp(k log x), and 0 with derivative 0 if x is below the smallest
// normal float32.
func (b *Build) Pow(x *graph.Value, k float64) *graph.Value {
	if IsPower(k) {
		return b.power(x, int(k))
	}
	some, none := b.Split(op.Greater(x, b.Const(smallest)))
	log := op.Log(op.Add(op.Mul(some, x), none))
	return op.Mul(some, op.Exp(b.Scale(log, k)))
}

// PowTarget is Pow of a value that depends on targets only: as there is no derivative with
// respect to targets, half-integer powers may use square roots.
func (b *Build) PowTarget(x *graph.Value, k float64) *graph.Value {
	whole := math.Trunc(k)
	switch {
	case k-whole != 0.5 || whole > maxProducts:
		return b.Pow(x, k)
	case whole == 0:
		return op.Sqrt(x)
	}
	return op.Mul(b.power(x, int(whole)), op.Sqrt(x))
}

// PowEach is x^k for 0 ≤ x ≤ 1 with one k per class, computed like Pow for fractional k.
func (b *Build) PowEach(x *graph.Value, k []float64) *graph.Value {
	some, none := b.Split(op.Greater(x, b.Const(smallest)))
	log := op.Log(op.Add(op.Mul(some, x), none))
	zero := make([]float64, len(k)) // 1 where k is 0: x^0 is 1 for x = 0 too
	for i, v := range k {
		if v == 0 {
			zero[i] = 1
		}
	}
	return op.Mul(op.Add(some, op.Mul(none, b.PerClass("is_zero", zero))), op.Exp(op.Mul(log, b.PerClass("gammas", k))))
}

// power computes x^k by products, k ≥ 1.
func (b *Build) power(x *graph.Value, k int) *graph.Value {
	if k == 1 {
		return x
	}
	y := b.powers[power{x, k}]
	if y == nil {
		y = b.power(x, k/2)
		y = op.Mul(y, y)
		if k%2 == 1 {
			y = op.Mul(y, x)
		}
		b.powers[power{x, k}] = y
	}
	return y
}

// power is x^k.
type power struct {
	x *graph.Value
	k int
}

// powProbability is a power of a probability or its complement: by products, or from its
// cost, which is accurate near 0.
func (b *Build) powProbability(of, cost func() *graph.Value, γ float64) *graph.Value {
	if IsPower(γ) {
		return b.power(of(), int(γ))
	}
	return op.Exp(b.Scale(cost(), -γ))
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

// exactly is a constant of float type d. A number that float32 rounds becomes the sum of
// two constants, the rounded number and the remainder: in float32 that is the rounded
// number, and if the graph is computed in float64, the number to 48 bits.
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

// Part is the part of the loss called name, created by make on first use.
func (b *Build) Part(name string, make func() *graph.Value) *graph.Value {
	if v := b.parts[name]; v != nil {
		return v
	}
	v := make()
	b.parts[name] = v
	return v
}

// Split is a condition and its negation as numbers, 1 or 0.
func (b *Build) Split(cond *graph.Value) (yes, no *graph.Value) {
	yes = op.Cast(cond, b.z.Type.DType)
	return yes, op.Sub(b.Const(1), yes)
}

// ClassIndices is 0 … C−1, int64 [1, 1, C].
func (b *Build) ClassIndices() *graph.Value {
	return b.Part("classes", func() *graph.Value {
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
