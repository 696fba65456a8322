package onnxgo

import (
	"fmt"

	gorgonia "gorgonia.org/tensor"

	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// elements is what both sides do with one element type.
type elements struct {
	dtype gorgonia.Dtype
	from  func(*gorgonia.Dense) (*tensor.Tensor, error)
	to    func(*tensor.Tensor) gorgonia.Tensor
	// wide is the elements as float64, and narrow the inverse; both report
	// whether every element is kept. They are nil for what is no number.
	wide   func(*tensor.Tensor) ([]float64, bool)
	narrow func([]int, []float64) (*tensor.Tensor, bool)
}

var elementTypes = map[tensor.DType]elements{
	tensor.Float32:    numbers[float32](gorgonia.Float32),
	tensor.Float64:    numbers[float64](gorgonia.Float64),
	tensor.Int8:       numbers[int8](gorgonia.Int8),
	tensor.Int16:      numbers[int16](gorgonia.Int16),
	tensor.Int32:      numbers[int32](gorgonia.Int32),
	tensor.Int64:      numbers[int64](gorgonia.Int64),
	tensor.Uint8:      numbers[uint8](gorgonia.Uint8),
	tensor.Uint16:     numbers[uint16](gorgonia.Uint16),
	tensor.Uint32:     numbers[uint32](gorgonia.Uint32),
	tensor.Uint64:     numbers[uint64](gorgonia.Uint64),
	tensor.Bool:       others[bool](gorgonia.Bool),
	tensor.String:     others[string](gorgonia.String),
	tensor.Complex64:  others[complex64](gorgonia.Complex64),
	tensor.Complex128: others[complex128](gorgonia.Complex128),
}

func others[T tensor.Elem](d gorgonia.Dtype) elements {
	return elements{dtype: d, from: from[T], to: to[T]}
}

func numbers[T interface {
	tensor.Elem
	kernel.Number
}](d gorgonia.Dtype) elements {
	e := others[T](d)
	e.wide = func(t *tensor.Tensor) ([]float64, bool) {
		wide := make([]float64, t.Len())
		ok := true
		for i, x := range tensor.Data[T](t) {
			wide[i] = float64(x)
			ok = ok && T(wide[i]) == x
		}
		return wide, ok
	}
	e.narrow = func(shape []int, wide []float64) (*tensor.Tensor, bool) {
		data := make([]T, len(wide))
		ok := true
		for i, x := range wide {
			data[i] = T(x)
			ok = ok && float64(data[i]) == x
		}
		return tensor.Of(shape, data), ok
	}
	return e
}

// dtypeOf is the ONNX type of gorgonia's; Invalid if there is none.
func dtypeOf(d gorgonia.Dtype) tensor.DType {
	for t, e := range elementTypes {
		if e.dtype == d {
			return t
		}
	}
	return tensor.Invalid
}

// fromGorgonia is t as a contiguous tensor. It shares t's elements where they
// are contiguous and in row-major order already; the interpreter only reads
// them.
func fromGorgonia(t gorgonia.Tensor) (*tensor.Tensor, error) {
	if s, ok := t.(interface{ Dense() *gorgonia.Dense }); ok {
		t = s.Dense()
	}
	d, ok := t.(*gorgonia.Dense)
	if !ok {
		return nil, fmt.Errorf("a tensor of type %T, want *tensor.Dense", t)
	}
	if d.IsMasked() {
		return nil, fmt.Errorf("a masked tensor")
	}
	e, ok := elementTypes[dtypeOf(d.Dtype())]
	if !ok {
		return nil, fmt.Errorf("ONNX has no elements of type %v", d.Dtype())
	}
	return e.from(d)
}

func from[T tensor.Elem](d *gorgonia.Dense) (*tensor.Tensor, error) {
	shape, strides := d.Shape(), d.Strides()
	data, ok := d.Data().([]T)
	if !ok { // one element, of shape () or (1)
		x, ok := d.Data().(T)
		if !ok {
			return nil, fmt.Errorf("elements of type %T", d.Data())
		}
		data = []T{x}
	}
	n, err := tensor.Count(shape)
	if err != nil {
		return nil, err
	}
	if n == len(data) && (len(strides) != len(shape) || rowMajor(shape, strides)) {
		return tensor.Of(shape, data), nil
	}
	if len(strides) != len(shape) {
		return nil, fmt.Errorf("shape %v with strides %v", shape, strides)
	}
	return gather(shape, strides, data)
}

func rowMajor(shape, strides []int) bool {
	for i, s := range tensor.Strides(shape) {
		if shape[i] > 1 && strides[i] != s {
			return false
		}
	}
	return true
}

// gather copies the elements of a transposed tensor or a view in row-major
// order.
func gather[T tensor.Elem](shape, strides []int, data []T) (*tensor.Tensor, error) {
	n, err := tensor.Count(shape)
	if err != nil {
		return nil, err
	}
	out := make([]T, n)
	index := make([]int, len(shape))
	at := 0
	for i := range out {
		if at < 0 || at >= len(data) {
			return nil, fmt.Errorf("shape %v with strides %v over %d elements", shape, strides, len(data))
		}
		out[i] = data[at]
		for k := len(shape) - 1; k >= 0; k-- {
			index[k]++
			at += strides[k]
			if index[k] < shape[k] {
				break
			}
			at -= strides[k] * shape[k]
			index[k] = 0
		}
	}
	return tensor.Of(shape, out), nil
}

// toGorgonia is a copy of t, which the caller may write to.
func toGorgonia(t *tensor.Tensor) (gorgonia.Tensor, error) {
	e, ok := elementTypes[t.DType]
	if !ok || t.IsSequence() || t.IsNone() {
		return nil, fmt.Errorf("gorgonia has no tensor for %v", t)
	}
	return e.to(t), nil
}

func to[T tensor.Elem](t *tensor.Tensor) gorgonia.Tensor {
	data := append([]T{}, tensor.Data[T](t)...)
	if t.Rank() == 0 {
		return gorgonia.New(gorgonia.FromScalar(data[0]))
	}
	return gorgonia.New(gorgonia.WithShape(t.Shape...), gorgonia.WithBacking(data))
}

// asType is t with elements of type d, if each has the same value there.
func asType(t *tensor.Tensor, d tensor.DType) (*tensor.Tensor, error) {
	source, target := elementTypes[t.DType], elementTypes[d]
	if t.DType == d || d == tensor.Invalid {
		return t, nil
	}
	if source.wide != nil && target.narrow != nil {
		wide, kept := source.wide(t)
		u, same := target.narrow(t.Shape, wide)
		if kept && same {
			return u, nil
		}
	}
	return nil, fmt.Errorf("%v, want elements of type %v", t, d)
}
