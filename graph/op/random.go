package op

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"sync/atomic"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

const samples = "its results are random samples, not a function of the inputs"

func init() {
	drawn := func(name, equation string, versions []int64, draw func(s *Spec) (func(r *rand.Rand) float64, error)) {
		Register(
			&Op{Name: name, Equation: equation + ", of the given shape", Versions: versions, In: Arity{0, 0}, Out: Arity{1, 1},
				Flow: flow.Flow{Pass: flow.Untraced}, Infer: func(c *Infer) error {
					s := graph.Shape{}
					for _, d := range c.Node.Ints("shape") {
						s = append(s, graph.Known(d))
					}
					c.Set(0, tensor.DType(c.Node.Int("dtype", int64(tensor.Float32))), s)
					return nil
				},
				Kernel: func(s *Spec) (Kernel, error) {
					d := s.DType(tensor.DType(s.Int("dtype", int64(tensor.Float32))))
					shape := attrInts(s.Node, "shape")
					return makeDraw(s, draw, func(*Call) (tensor.DType, []int) { return d, shape })
				},
				NoGrad: noInputs},
			&Op{Name: name + "Like", Equation: equation + ", of the shape of x", Versions: versions, In: Arity{1, 1}, Out: Arity{1, 1},
				Flow: flow.Flow{Pass: flow.Untraced}, Infer: func(c *Infer) error {
					c.Set(0, tensor.DType(c.Node.Int("dtype", int64(c.Input(0).DType))), c.Input(0).Shape)
					return nil
				},
				Kernel: func(s *Spec) (Kernel, error) {
					d := s.DType(tensor.DType(s.Int("dtype", 0)))
					return makeDraw(s, draw, func(x *Call) (tensor.DType, []int) {
						if d == tensor.Invalid {
							return x.In[0].DType, x.In[0].Shape
						}
						return d, x.In[0].Shape
					})
				},
				NoGrad: "its results depend on the shape of x alone"})
	}
	drawn("RandomNormal", "y = normal samples of the given mean and deviation", []int64{1, 22}, func(s *Spec) (func(r *rand.Rand) float64, error) {
		mean, scale := s.Float("mean", 0), s.Float("scale", 1)
		return func(r *rand.Rand) float64 { return mean + scale*r.NormFloat64() }, nil
	})
	drawn("RandomUniform", "y = uniform samples between low and high", []int64{1, 22}, func(s *Spec) (func(r *rand.Rand) float64, error) {
		low, high := s.Float("low", 0), s.Float("high", 1)
		return func(r *rand.Rand) float64 { return low + (high-low)*r.Float64() }, nil
	})
	Register(
		&Op{Name: "Bernoulli", Equation: "y = 1 with probability x, else 0", Versions: []int64{15, 22}, In: Arity{1, 1}, Out: Arity{1, 1},
			Flow: flow.Flow{Pass: flow.Untraced}, Infer: func(c *Infer) error {
				c.Set(0, tensor.DType(c.Node.Int("dtype", int64(c.Input(0).DType))), c.Input(0).Shape)
				return nil
			},
			Kernel: makeBernoulli, NoGrad: samples},
		&Op{Name: "Multinomial", Equation: "y = classes drawn with probabilities proportional to exp(x), row by row", Versions: []int64{7, 22}, In: Arity{1, 1}, Out: Arity{1, 1},
			Flow: flow.Flow{Pass: flow.Untraced}, Infer: func(c *Infer) error {
				s := unknownShape(2)
				if in := c.Input(0).Shape; len(in) == 2 {
					s[0] = in[0]
				}
				s[1] = graph.Known(c.Node.Int("sample_size", 1))
				c.Set(0, tensor.DType(c.Node.Int("dtype", int64(tensor.Int32))), s)
				return nil
			},
			Kernel: makeMultinomial, NoGrad: samples},
	)
}

// sampler gives a generator for each run of a node: the seed is attribute seed
// and the node's name, so that a plan repeats itself, and every run of the node
// in it, in a loop for example, draws other numbers.
func sampler(s *Spec) func() *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(s.Node.String()))
	seed := uint64(math.Float32bits(float32(s.Float("seed", 0))))<<32 ^ h.Sum64()
	var runs atomic.Uint64
	return func() *rand.Rand { return rand.New(rand.NewPCG(seed, runs.Add(1))) }
}

func makeDraw(s *Spec, draw func(s *Spec) (func(r *rand.Rand) float64, error), what func(x *Call) (tensor.DType, []int)) (Kernel, error) {
	next := sampler(s)
	f, err := draw(s)
	if err != nil {
		return nil, err
	}
	return func(x *Call) error {
		d, shape := what(x)
		if !d.IsFloat() {
			return fmt.Errorf("samples of type %v, want floats", d)
		}
		return drawTo(x, d, shape, next(), f)
	}, nil
}

// drawTo fills output 0 with samples.
func drawTo(x *Call, d tensor.DType, shape []int, r *rand.Rand, f func(r *rand.Rand) float64) error {
	t, err := x.Temp(tensor.Float64, shape...)
	if err != nil {
		return err
	}
	for i := range tensor.Data[float64](t) {
		tensor.Data[float64](t)[i] = f(r)
	}
	out, err := convert(x, t, d, rounding{saturate: true})
	if err != nil {
		return err
	}
	dropTemp(x, t, out)
	x.Set(0, out)
	return nil
}

func makeBernoulli(s *Spec) (Kernel, error) {
	next := sampler(s)
	d := s.DType(tensor.DType(s.Int("dtype", 0)))
	return func(x *Call) error {
		p, err := convert(x, x.In[0], tensor.Float64, rounding{})
		if err != nil {
			return x.InputError(0, "%v", err)
		}
		defer dropTemp(x, p, x.In[0])
		to := d
		if to == tensor.Invalid {
			to = x.In[0].DType
		}
		k := -1
		return drawTo(x, to, x.In[0].Shape, next(), func(r *rand.Rand) float64 {
			k++
			return float64(truth(r.Float64() < tensor.Data[float64](p)[k]).N)
		})
	}, nil
}

func makeMultinomial(s *Spec) (Kernel, error) {
	next := sampler(s)
	d := tensor.DType(s.Int("dtype", int64(tensor.Int32)))
	size := int(s.Int("sample_size", 1))
	return func(x *Call) error {
		in := x.In[0]
		if in.Rank() != 2 || in.Shape[1] < 1 {
			return x.InputError(0, "shape %v, want [batch, classes]", in.Shape)
		}
		logits, err := convert(x, in, tensor.Float64, rounding{})
		if err != nil {
			return x.InputError(0, "%v", err)
		}
		defer dropTemp(x, logits, in)
		classes := in.Shape[1]
		k, sums := -1, make([]float64, classes)
		return drawTo(x, d, []int{in.Shape[0], size}, next(), func(r *rand.Rand) float64 {
			if k++; k%size == 0 {
				cumulative(sums, tensor.Data[float64](logits)[k/size*classes:][:classes])
			}
			at := r.Float64() * sums[classes-1]
			for i, c := range sums {
				if at < c {
					return float64(i)
				}
			}
			return float64(classes - 1)
		})
	}, nil
}

// cumulative fills sums with the running sums of exp(x), scaled.
func cumulative(sums, x []float64) {
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, v)
	}
	sum := 0.0
	for i, v := range x {
		sum += math.Exp(v - top)
		sums[i] = sum
	}
}
