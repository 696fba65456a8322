package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	const tau = 2 * math.Pi
	for _, w := range []struct {
		name, equation string
		f              func(t float64) float64
	}{
		{"HannWindow", "y[n] = sin²(πn/N)", func(t float64) float64 { return 0.5 - 0.5*math.Cos(tau*t) }},
		{"HammingWindow", "y[n] = 25/46 − 21/46·cos(2πn/N)", func(t float64) float64 { return 25.0/46 - 21.0/46*math.Cos(tau*t) }},
		{"BlackmanWindow", "y[n] = 0.42 − 0.5·cos(2πn/N) + 0.08·cos(4πn/N)", func(t float64) float64 {
			return 0.42 - 0.5*math.Cos(tau*t) + 0.08*math.Cos(2*tau*t)
		}},
	} {
		Register(&Op{
			Name: w.name, Equation: w.equation, Versions: []int64{17}, In: Arity{1, 1}, Out: Arity{1, 1},
			Flow:  flow.Flow{Pass: flow.Untraced},
			Infer: inferWindow, NoGrad: "the input is a size",
			Kernel: func(s *Spec) (Kernel, error) { return makeWindow(s, w.f) },
		})
	}
	Register(&Op{
		Name: "MelWeightMatrix", Equation: "y[f,m] = weight of frequency bin f in triangular mel band m", Versions: []int64{17},
		Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{5, 5}, Out: Arity{1, 1}, Infer: inferMel, Kernel: makeMel, NoGrad: "the inputs are sizes and the edges of a table",
	})
}

// outputDType is the attribute output_datatype.
func outputDType(n *graph.Node) (tensor.DType, error) {
	d := tensor.DType(n.Int("output_datatype", int64(tensor.Float32)))
	if !d.IsFloat() && !d.IsInt() {
		return d, attrError("output_datatype", d, "numbers")
	}
	return d, nil
}

func inferWindow(c *Infer) error {
	d, err := outputDType(c.Node)
	size := graph.Unknown()
	if e := c.Input(0).Elems(); len(e) == 1 {
		size = e[0].Dim()
	}
	c.Set(0, d, graph.Shape{size})
	return err
}

func makeWindow(s *Spec, f func(t float64) float64) (Kernel, error) {
	d, err := outputDType(s.Node)
	if err != nil {
		return nil, err
	}
	d = s.DType(d)
	periodic := s.Int("periodic", 1) != 0
	return func(x *Call) error {
		n, err := intOf(x, 0)
		if err != nil {
			return err
		}
		if n < 0 || n > tensor.MaxElems {
			return x.InputError(0, "size %d is out of range", n)
		}
		period := float64(n)
		if !periodic {
			period--
		}
		return fillFloats(x, d, []int{int(n)}, func(dst []float64) {
			for i := range dst {
				dst[i] = f(float64(i) / period)
			}
			if n == 1 && !periodic {
				dst[0] = 1 // where the equation has 0/0, as NumPy and PyTorch do
			}
		})
	}, nil
}

// fillFloats makes output 0, of type d, of what fill computes in float64.
func fillFloats(x *Call, d tensor.DType, shape []int, fill func(dst []float64)) error {
	t, err := x.Temp(tensor.Float64, shape...)
	if err != nil {
		return err
	}
	fill(tensor.Data[float64](t))
	out, err := convert(x, t, d, rounding{saturate: true, mode: "up"})
	if err != nil {
		return err
	}
	dropTemp(x, t, out)
	x.Set(0, out)
	return nil
}

func inferMel(c *Infer) error {
	d, err := outputDType(c.Node)
	shape := unknownShape(2)
	if n, ok := c.Input(1).Ints(); ok && len(n) == 1 && n[0] >= 0 {
		shape[0] = graph.Known(n[0]/2 + 1)
	}
	if n, ok := c.Input(0).Ints(); ok && len(n) == 1 && n[0] >= 0 {
		shape[1] = graph.Known(n[0])
	}
	c.Set(0, d, shape)
	return err
}

func makeMel(s *Spec) (Kernel, error) {
	d, err := outputDType(s.Node)
	if err != nil {
		return nil, err
	}
	d = s.DType(d)
	return func(x *Call) error {
		var n [3]int64
		for i := range n {
			v, err := intOf(x, i)
			if err != nil {
				return err
			}
			if n[i] = v; v < 1 || v > slideLimit {
				return x.InputError(i, "%d, want 1 to 2^20", v)
			}
		}
		lo, err := scalarOf(x, 3)
		if err != nil {
			return err
		}
		hi, err := scalarOf(x, 4)
		if err != nil {
			return err
		}
		bins := int(n[1]/2 + 1)
		return fillFloats(x, d, []int{bins, int(n[0])}, func(dst []float64) {
			melWeights(dst, bins, int(n[0]), float64(n[1]), float64(n[2]), lo, hi)
		})
	}, nil
}

// melWeights fills the matrix (bins, bands) for a transform of size points at
// rate samples a second, bands from lo to hi hertz.
func melWeights(dst []float64, bins, bands int, size, rate, lo, hi float64) {
	mel := func(hz float64) float64 { return 2595 * math.Log10(1+hz/700) }
	step := (mel(hi) - mel(lo)) / float64(bands+2)
	edge := make([]int, bands+2)
	for i := range edge {
		hz := 700 * (math.Pow(10, (mel(lo)+float64(i)*step)/2595) - 1)
		// Edges that are whole numbers, as the first often is, stay such in spite of rounding.
		slack := 1e-12 * (hz + 700)
		edge[i] = int(min(max(math.Floor((size+1)*(hz+slack)/rate), -1), float64(bins)))
	}
	clear(dst)
	for m := range bands {
		low, mid, high := edge[m], edge[m+1], edge[m+2]
		for f := max(low, 0); f <= min(mid, bins-1); f++ {
			if mid > low {
				dst[f*bands+m] = float64(f-low) / float64(mid-low)
			} else {
				dst[f*bands+m] = 1
			}
		}
		for f := max(mid, 0); f < min(high, bins); f++ {
			if high > mid {
				dst[f*bands+m] = float64(high-f) / float64(high-mid)
			}
		}
	}
}
