package interp

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
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

// randomLimit bounds the elements of a tensor that is made up.
const randomLimit = 1 << 28

// RandomInput makes up a value for input v: floats uniform in [0, 1), integers
// in [0, 8), booleans. Unknown dimensions take their sizes from dims, by the input's
// name and the axis ("images:0") or by their own name, or a default. The same v, dims
// and seed give the same tensor.
func RandomInput(v *graph.Value, dims map[string]int, seed uint64) (*tensor.Tensor, error) {
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
	if n, err := tensor.Count(shape); err == nil && n > randomLimit {
		return nil, fmt.Errorf("input %q: %v%v has more than %d elements, too many to be made up; give it with --input", v.Name, v.Type.DType, shape, randomLimit)
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
	for _, v := range inputs {
		for i, d := range v.Shape() {
			name := d.Param
			if name == "" {
				name = AxisName(v, i)
			}
			if !d.IsKnown() && !slices.Contains(names, name) {
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
		f := make([]float32, len(d))
		for i := range f {
			f[i] = r.Float32()
		}
		kernel.ToFloat16(d, f)
	case []tensor.BF16:
		f := make([]float32, len(d))
		for i := range f {
			f[i] = r.Float32()
		}
		kernel.ToBFloat16(d, f)
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
	var x []float64
	switch t.DType {
	case tensor.Float32:
		for _, v := range tensor.Data[float32](t) {
			x = append(x, float64(v))
		}
	case tensor.Float64:
		x = tensor.Data[float64](t)
	}
	if len(x) == 0 {
		return ""
	}
	lo, hi, sum := math.Inf(1), math.Inf(-1), 0.0
	for _, v := range x {
		lo, hi, sum = math.Min(lo, v), math.Max(hi, v), sum+v
	}
	if len(x) == 1 {
		return fmt.Sprintf("%.6g", x[0])
	}
	return fmt.Sprintf("min %.4g  mean %.4g  max %.4g", lo, sum/float64(len(x)), hi)
}
