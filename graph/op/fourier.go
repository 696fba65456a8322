package op

import (
	"math"
	"math/cmplx"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

const noFourierGrad = "linear, but its adjoint needs a one-sided transform's missing half; heads and losses have no transforms"

func init() {
	Register(
		&Op{
			Name: "DFT", Equation: "y[k] = Σ_n x[n]·exp(−2πi·kn/N) along axis; exp(+…)/N if inverse", Versions: []int64{17, 20}, Upgrades: Upgrades{20: upgradeDFT},
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{1, 3}, Out: Arity{1, 1}, Half: true, Infer: inferDFT, Kernel: makeDFT, NoGrad: noFourierGrad,
		},
		&Op{
			Name: "STFT", Equation: "y[f,k] = Σ_n signal[f·step+n]·window[n]·exp(−2πi·kn/N)", Versions: []int64{17},
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{2, 4}, Out: Arity{1, 1}, Half: true, Infer: inferSTFT, Kernel: makeSTFT, NoGrad: noFourierGrad,
		},
	)
}

// fourier is the discrete Fourier transform of v, of any length, by halving as
// long as that goes: n·(log n + odd part) steps.
func fourier(v []complex128, inverse bool) []complex128 {
	n := len(v)
	if n <= 1 {
		return append([]complex128{}, v...)
	}
	sign := -2 * math.Pi
	if inverse {
		sign = -sign
	}
	turn := func(k int) complex128 { return cmplx.Rect(1, sign*float64(k%n)/float64(n)) }
	out := make([]complex128, n)
	if n%2 == 1 {
		table := make([]complex128, n)
		for k := range table {
			table[k] = turn(k)
		}
		for k := range out {
			for i, x := range v {
				out[k] += x * table[k*i%n]
			}
		}
		return out
	}
	half := make([]complex128, n)
	for i := range n / 2 {
		half[i], half[n/2+i] = v[2*i], v[2*i+1]
	}
	even, odd := fourier(half[:n/2], inverse), fourier(half[n/2:], inverse)
	for k := range n / 2 {
		t := turn(k) * odd[k]
		out[k], out[k+n/2] = even[k]+t, even[k]-t
	}
	return out
}

// maxOddTransform bounds the odd part of a transform's length, which takes
// steps quadratic in it.
const maxOddTransform = 1 << 14

func checkTransform(n int) error {
	odd := n
	for odd > 0 && odd%2 == 0 {
		odd /= 2
	}
	if n < 1 || odd > maxOddTransform {
		return attrError("dft_length", n, "a positive length whose odd part is at most 2^14")
	}
	return nil
}

// transform is a DFT node at plan time.
type transform struct {
	inverse, oneSided bool
	axis              int64
	axisInput         bool
}

// transformOf reads the attributes; the axis of version 20 is input 2.
func transformOf(n *graph.Node, since int64) transform {
	t := transform{inverse: n.Int("inverse", 0) != 0, oneSided: n.Int("onesided", 0) != 0, axis: n.Int("axis", 1)}
	if since >= 20 {
		t.axis, t.axisInput = -2, true
	}
	return t
}

func inferDFT(c *Infer) error {
	t := transformOf(c.Node, c.Since)
	x := c.Input(0)
	shape := x.Shape.Clone()
	if shape == nil {
		c.Set(0, x.DType, nil)
		return nil
	}
	if t.axisInput && c.Has(2) {
		v, ok := c.Input(2).Ints()
		if !ok || len(v) != 1 {
			c.Set(0, x.DType, unknownShape(len(shape)))
			return nil
		}
		t.axis = v[0]
	}
	axis, err := Axis(t.axis, len(shape))
	if err != nil {
		return c.InputError(0, "%v", err)
	}
	if c.Has(1) {
		shape[axis] = graph.Unknown()
		if e := c.Input(1).Elems(); len(e) == 1 {
			shape[axis] = e[0].Dim()
		}
	}
	last := graph.Known(2)
	if t.oneSided {
		if t.inverse {
			last = graph.Known(1)
			if d := shape[axis]; !c.Has(1) && d.IsKnown() {
				shape[axis] = graph.Known(max(2*(d.Value-1), 1))
			} else if !c.Has(1) {
				shape[axis] = graph.Unknown()
			}
		} else if shape[axis].IsKnown() {
			shape[axis] = graph.Known(shape[axis].Value/2 + 1)
		} else {
			shape[axis] = graph.Unknown()
		}
	}
	shape[len(shape)-1] = last
	c.Set(0, x.DType, shape)
	return nil
}

func makeDFT(s *Spec) (Kernel, error) {
	t := transformOf(s.Node, s.Since)
	return byFloat(
		func(x *Call) error { return runDFT[float32](x, t) },
		func(x *Call) error { return runDFT[float64](x, t) }), nil
}

func runDFT[T float32 | float64](x *Call, t transform) error {
	in := x.In[0]
	rank := in.Rank()
	if rank < 2 || in.Shape[rank-1] < 1 || in.Shape[rank-1] > 2 {
		return x.InputError(0, "shape %v, want real and imaginary parts, or real ones alone, in the last axis", in.Shape)
	}
	if t.axisInput && x.Has(2) {
		var err error
		if t.axis, err = intOf(x, 2); err != nil {
			return err
		}
	}
	axis, err := Axis(t.axis, rank-1)
	if t.axis < 0 {
		axis, err = Axis(t.axis, rank)
	}
	if err != nil || axis == rank-1 {
		return x.InputError(0, "axis %d of shape %v", t.axis, in.Shape)
	}
	n := in.Shape[axis]
	if x.Has(1) {
		v, err := intOf(x, 1)
		if err != nil {
			return err
		}
		if v < 1 || v > 1<<28 {
			return x.InputError(1, "length %d is out of range", v)
		}
		n = int(v)
	}
	size, parts := n, 2
	switch {
	case t.oneSided && t.inverse:
		parts = 1
		if !x.Has(1) {
			n = max(2*(in.Shape[axis]-1), 1)
			size = n
		}
	case t.oneSided:
		size = n/2 + 1
	}
	if err := checkTransform(n); err != nil {
		return err
	}
	shape := append([]int{}, in.Shape...)
	shape[axis], shape[rank-1] = size, parts
	out, err := x.New(0, in.DType, shape...)
	if err != nil {
		return err
	}
	dftLines(x, t, tensor.Data[T](out), tensor.Data[T](in), in.Shape, axis, n, size, parts)
	return nil
}

// dftLines transforms each line of x along axis, cut or filled up with zeros
// to n points, and writes the first size results.
func dftLines[T float32 | float64](c *Call, t transform, dst, x []T, shape []int, axis, n, size, parts int) {
	rank := len(shape)
	inner, from, width := tensor.Elements(shape[axis+1:rank-1]), shape[axis], shape[rank-1]
	outer := tensor.Elements(shape[:axis])
	c.Parallel(outer*inner, max(1, 1<<12/max(n, 1)), func(lo, hi int) {
		for l := lo; l < hi; l++ {
			o, i := l/inner, l%inner
			line := make([]complex128, n)
			for k := range min(n, from) {
				at := ((o*from+k)*inner + i) * width
				v := complex(float64(x[at]), 0)
				if width == 2 {
					v = complex(float64(x[at]), float64(x[at+1]))
				}
				line[k] = v
				if t.oneSided && t.inverse && k > 0 && k < n-k {
					line[n-k] = cmplx.Conj(v)
				}
			}
			res := fourier(line, t.inverse)
			for k := range size {
				v := res[k]
				if t.inverse {
					v /= complex(float64(n), 0)
				}
				at := ((o*size+k)*inner + i) * parts
				dst[at] = T(real(v))
				if parts == 2 {
					dst[at+1] = T(imag(v))
				}
			}
		}
	})
}

func inferSTFT(c *Infer) error {
	x := c.Input(0)
	shape := graph.Shape{graph.Unknown(), graph.Unknown(), graph.Unknown(), graph.Known(2)}
	if len(x.Shape) > 0 {
		shape[0] = x.Shape[0]
	}
	length := graph.Unknown()
	if e := c.Input(3).Elems(); len(e) == 1 {
		length = e[0].Dim()
	} else if s := c.Input(2).Shape; len(s) == 1 {
		length = s[0]
	}
	step, ok := c.Input(1).Ints()
	if length.IsKnown() {
		shape[2] = length
		if c.Node.Int("onesided", 1) != 0 {
			shape[2] = graph.Known(length.Value/2 + 1)
		}
		if ok && len(step) == 1 && step[0] > 0 && len(x.Shape) > 1 && x.Shape[1].IsKnown() && x.Shape[1].Value >= length.Value {
			shape[1] = graph.Known((x.Shape[1].Value-length.Value)/step[0] + 1)
		}
	}
	c.Set(0, x.DType, shape)
	return nil
}

func makeSTFT(s *Spec) (Kernel, error) {
	oneSided := s.Int("onesided", 1) != 0
	return byFloat(
		func(x *Call) error { return runSTFT[float32](x, oneSided) },
		func(x *Call) error { return runSTFT[float64](x, oneSided) }), nil
}

func runSTFT[T float32 | float64](x *Call, oneSided bool) error {
	in := x.In[0]
	width := 1
	if in.Rank() == 3 {
		width = in.Shape[2]
	}
	if in.Rank() < 2 || in.Rank() > 3 || width < 1 || width > 2 {
		return x.InputError(0, "shape %v, want [batch, length] or [batch, length, 1 or 2]", in.Shape)
	}
	if err := sameType(x, 2); err != nil {
		return err
	}
	step, err := intOf(x, 1)
	if err != nil {
		return err
	}
	n := int64(in.Shape[1])
	window := dataOr[T](x, 2)
	if window != nil {
		n = int64(len(window))
	}
	if x.Has(3) {
		if n, err = intOf(x, 3); err != nil {
			return err
		}
	}
	if step < 1 || n < 1 || n > int64(in.Shape[1]) || window != nil && int64(len(window)) != n {
		return x.InputError(1, "step %d, frames of %d, window of %d for a signal of %d", step, n, len(window), in.Shape[1])
	}
	if err := checkTransform(int(n)); err != nil {
		return err
	}
	frames, size := (in.Shape[1]-int(n))/int(min(step, int64(in.Shape[1])))+1, int(n)
	if oneSided {
		size = size/2 + 1
	}
	out, err := x.New(0, in.DType, in.Shape[0], frames, size, 2)
	if err != nil {
		return err
	}
	dst, src := tensor.Data[T](out), tensor.Data[T](in)
	x.Parallel(in.Shape[0]*frames, max(1, 1<<12/int(n)), func(lo, hi int) {
		for f := lo; f < hi; f++ {
			line := make([]complex128, n)
			first := f/frames*in.Shape[1] + f%frames*int(step)
			for k := range line {
				v := complex(float64(src[(first+k)*width]), 0)
				if width == 2 {
					v = complex(float64(src[(first+k)*2]), float64(src[(first+k)*2+1]))
				}
				if window != nil {
					v *= complex(float64(window[k]), 0)
				}
				line[k] = v
			}
			for k, v := range fourier(line, false)[:size] {
				dst[(f*size+k)*2], dst[(f*size+k)*2+1] = T(real(v)), T(imag(v))
			}
		}
	})
	return nil
}

// upgradeDFT: the axis, of which 1 was the default, becomes an input.
func upgradeDFT(u *Upgrade) error {
	a, err := u.attr("axis")
	if err != nil {
		return err
	}
	axis := int64(1)
	if a != nil {
		axis = a.I
	}
	u.Node.SetInput(2, u.Const("axis", tensor.Scalar(axis)))
	return nil
}
