// Package random generates values for the inputs of graphs: of the declared types, with
// unknown dimensions set by the caller or to a default.
package random

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Default sizes of unknown dimensions: 1 for the first axis, imageSize for the other axes of
// rank-4 inputs, which are images, and otherSize for the rest.
const (
	imageSize = 256
	otherSize = 16
)

// Input generates a value for input v: uniform floats in [0, 1), integers in [0, 8), or
// booleans. Unknown dimensions are looked up in sizes by the input's name and the axis
// ("images:0", see AxisName) or by their own name, and default to fixed sizes. The same v,
// sizes and seed give the same tensor.
//
// Before allocating, Input asks fits whether n elements of type d are allowed, and returns
// its error; nil allows everything. See interp.Fits and Plan.Fits. The error is a
// *TypeError if v has a type that cannot be generated.
func Input(v *graph.Value, sizes map[string]int, seed uint64, fits func(d tensor.DType, n int) error) (*tensor.Tensor, error) {
	shape, err := shapeOf(v, sizes)
	if err != nil {
		return nil, fmt.Errorf("input %q: %w", v.Name, err)
	}
	n, err := tensor.Count(shape)
	if err != nil {
		return nil, fmt.Errorf("input %q: %w", v.Name, err)
	}
	if fits != nil {
		if err := fits(v.Type.DType, n); err != nil {
			return nil, fmt.Errorf("input %q: %v%v: %w", v.Name, v.Type.DType, shape, err)
		}
	}
	t, err := tensor.Make(v.Type.DType, shape...)
	if err != nil {
		return nil, fmt.Errorf("input %q: %w", v.Name, err)
	}
	h := fnv.New64a()
	h.Write([]byte(v.Name))
	if err := fill(t, rand.New(rand.NewPCG(seed, h.Sum64()))); err != nil {
		return nil, fmt.Errorf("input %q: %w", v.Name, err)
	}
	return t, nil
}

// TypeError is the error if Input cannot generate values of the input's type.
type TypeError struct{ Type string }

func (e *TypeError) Error() string { return "cannot generate a value of type " + e.Type }

// shapeOf is the shape of the value to generate.
func shapeOf(v *graph.Value, sizes map[string]int) ([]int, error) {
	if v.Type.Kind != graph.TensorKind || v.Shape() == nil {
		return nil, &TypeError{v.Type.String()}
	}
	shape := v.Shape().Ints()
	for i, d := range v.Shape() {
		if d.IsKnown() {
			continue
		}
		n, ok := sizes[AxisName(v, i)]
		if !ok && d.Param != "" {
			n, ok = sizes[d.Param]
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
	return shape, nil
}

// AxisName is the key of axis i of input v in the sizes of Input.
func AxisName(v *graph.Value, i int) string { return fmt.Sprintf("%s:%d", v.Name, i) }

// DimNames are the keys of the unknown dimensions of inputs in the sizes of Input: their
// own names, or AxisName for those without one, in order.
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

func fill(t *tensor.Tensor, r *rand.Rand) error {
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
		inPieces(d, r, tensor.ToFloat16)
	case []tensor.BF16:
		inPieces(d, r, tensor.ToBFloat16)
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
		return &TypeError{t.DType.String()}
	}
	return nil
}

// inPieces draws float32 numbers in pieces and converts them.
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

func fillInts[T ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64](d []T, r *rand.Rand) {
	for i := range d {
		d[i] = T(r.IntN(8))
	}
}
