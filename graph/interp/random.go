package interp

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/kernel"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// The sizes that RandomInput gives to dimensions that are not known: 1 for the
// first axis, imageSize for the other axes of rank-4 inputs, which hold
// images, and otherSize for the rest.
const (
	imageSize = 256
	otherSize = 16
)

// RandomInput makes up a value for input v: floats uniform in [0, 1), integers
// in [0, 8), booleans. Unknown dimensions take their sizes from dims, by the input's
// name and the axis ("images:0") or by their own name, or a default. The same v, dims
// and seed give the same tensor. It takes no more memory than a run may by default.
func RandomInput(v *graph.Value, dims map[string]int, seed uint64) (*tensor.Tensor, error) {
	return RandomInputWithin(v, dims, seed, 0)
}

// RandomInputWithin is RandomInput within most bytes, beyond which the error wraps
// ErrMemory; 0 is the default of Options.MaxMemory.
func RandomInputWithin(v *graph.Value, dims map[string]int, seed uint64, most int64) (*tensor.Tensor, error) {
	if most == 0 {
		most = defaultMemory()
	}
	return randomInput(v, dims, seed, most, false)
}

// randomInput is RandomInput for a run that may take most bytes; 0 is no bound.
func randomInput(v *graph.Value, dims map[string]int, seed uint64, most int64, double bool) (*tensor.Tensor, error) {
	if v.Type.Kind != graph.TensorKind || v.Shape() == nil {
		return nil, fmt.Errorf("input %q: a value of type %v cannot be made up; give it with --input", v.Name, v.Type)
	}
	shape := v.Shape().Ints()
	for i, d := range v.Shape() {
		if d.IsKnown() {
			continue
		}
		n, ok := dims[AxisName(v, i)]
		if !ok && d.Param != "" {
			n, ok = dims[d.Param]
		}
		switch {
		case ok:
			shape[i] = n
		case i == 0:
			shape[i] = 1
		case len(shape) == 4:
			shape[i] = imageSize
		default:
			shape[i] = otherSize
		}
	}
	n, err := tensor.Count(shape)
	if err != nil {
		return nil, fmt.Errorf("input %q: %w", v.Name, err)
	}
	if size := feedSize(v.Type.DType, n, double); most != 0 && size > most {
		return nil, fmt.Errorf("input %q: %v%v: %w: %d bytes wanted, %d allowed", v.Name, v.Type.DType, shape, ErrMemory, size, max(most, 0))
	}
	t, err := tensor.Make(v.Type.DType, shape...)
	if err != nil {
		return nil, fmt.Errorf("input %q: %w", v.Name, err)
	}
	h := fnv.New64a()
	h.Write([]byte(v.Name))
	if err := fillRandom(t, rand.New(rand.NewPCG(seed, h.Sum64()))); err != nil {
		return nil, fmt.Errorf("input %q: %w", v.Name, err)
	}
	return t, nil
}

// AxisName is what stands for axis i of input v among the sizes of RandomInput.
func AxisName(v *graph.Value, i int) string { return fmt.Sprintf("%s:%d", v.Name, i) }

// DimNames is what names the unknown dimensions of inputs in the sizes of RandomInput:
// their own names, and those of the axes that have none, in order.
func DimNames(inputs []*graph.Value) []string {
	var names []string
	seen := map[string]bool{}
	for _, v := range inputs {
		for i, d := range v.Shape() {
			name := d.Param
			if name == "" {
				name = AxisName(v, i)
			}
			if !d.IsKnown() && !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}

func fillRandom(t *tensor.Tensor, r *rand.Rand) error {
	switch d := t.Store().Data.(type) {
	case []float32:
		for i := range d {
			d[i] = r.Float32()
		}
	case []float64:
		for i := range d {
			d[i] = r.Float64()
		}
	case []tensor.F16:
		inPieces(d, r, kernel.ToFloat16)
	case []tensor.BF16:
		inPieces(d, r, kernel.ToBFloat16)
	case []bool:
		for i := range d {
			d[i] = r.IntN(2) == 1
		}
	case []int64:
		fillInts(d, r)
	case []int32:
		fillInts(d, r)
	case []int16:
		fillInts(d, r)
	case []int8:
		fillInts(d, r)
	case []uint8:
		fillInts(d, r)
	case []uint16:
		fillInts(d, r)
	case []uint32:
		fillInts(d, r)
	case []uint64:
		fillInts(d, r)
	default:
		return fmt.Errorf("elements of type %v cannot be made up; give it with --input", t.DType)
	}
	return nil
}

// inPieces draws float32 and has them converted.
func inPieces[T any](d []T, r *rand.Rand, convert func(dst []T, src []float32)) {
	var buf [1024]float32
	for len(d) > 0 {
		f := buf[:min(len(buf), len(d))]
		for i := range f {
			f[i] = r.Float32()
		}
		convert(d[:len(f)], f)
		d = d[len(f):]
	}
}

func fillInts[T kernel.Integer](d []T, r *rand.Rand) {
	for i := range d {
		d[i] = T(r.IntN(8))
	}
}

// fewNumbers is how many integers are shown one by one.
const fewNumbers = 8

// Summary is a few figures of a tensor's elements, for people: least, mean and
// greatest of floats, a few int64 one by one.
func Summary(t *tensor.Tensor) string {
	if t.DType == tensor.Int64 && t.Len() <= fewNumbers {
		return strings.Trim(fmt.Sprint(tensor.Data[int64](t)), "[]")
	}
	var lo, hi, sum float64
	switch t.DType {
	case tensor.Float32:
		lo, hi, sum = range3(tensor.Data[float32](t))
	case tensor.Float64:
		lo, hi, sum = range3(tensor.Data[float64](t))
	default:
		return ""
	}
	switch t.Len() {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("%.6g", sum)
	}
	return fmt.Sprintf("min %.4g  mean %.4g  max %.4g", lo, sum/float64(t.Len()), hi)
}

// range3 is the least, the greatest and the sum of x.
func range3[T float32 | float64](x []T) (lo, hi, sum float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range x {
		lo, hi, sum = math.Min(lo, float64(v)), math.Max(hi, float64(v)), sum+float64(v)
	}
	return lo, hi, sum
}
