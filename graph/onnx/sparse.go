package onnx

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// The numbers of a SparseTensorProto's fields that are located.
const (
	sparseValues  = protowire.Number(1)
	sparseIndices = protowire.Number(2)
)

var sparseFields = fieldSet(sparseValues, sparseIndices)

// sparseMessage is what a walk over a SparseTensorProto tells.
type sparseMessage struct {
	values, indices graph.Extent
	dims            []int
}

func (w *wire) sparseMessage(e graph.Extent) (*sparseMessage, error) {
	m := &sparseMessage{}
	b, err := w.split(e, sparseFields, func(f field) error {
		at := &m.values
		if f.num == sparseIndices {
			at = &m.indices
		}
		if !at.IsZero() {
			return w.errorf(f.rec.Off, "sparse tensor: field %d is given twice", f.num)
		}
		*at = f.body
		return w.message(f, "sparse tensor")
	})
	if err != nil {
		return nil, err
	}
	p := &pb.SparseTensorProto{}
	if err := decode.Unmarshal(b, p); err != nil {
		return nil, w.errorf(e.Off, "sparse tensor: %w", err)
	}
	if m.dims, err = dims(p.Dims); err == nil {
		_, err = tensor.Count(m.dims)
	}
	if err != nil {
		return nil, w.errorf(e.Off, "sparse tensor: %w", err)
	}
	if m.values.IsZero() || m.indices.IsZero() {
		return nil, w.errorf(e.Off, "sparse tensor without values or indices")
	}
	return m, nil
}

// sparse locates a sparse constant, which Load makes dense.
func (w *wire) sparse(src *graph.Source, e graph.Extent) (*graph.Data, error) {
	p, err := w.sparseMessage(e)
	if err != nil {
		return nil, err
	}
	d, err := w.data(src, p.values)
	if err != nil {
		return nil, err
	}
	if d.External == "" {
		indices, err := w.data(src, p.indices)
		if err != nil {
			return nil, err
		}
		d.External = indices.External
	}
	d.Dims, d.Origin = p.dims, e
	d.Stream = nil
	d.Load = func() (*tensor.Tensor, error) {
		t, err := loadSparse(src, e)
		return t, loadError(d, err)
	}
	return d, nil
}

// loadSparse decodes the sparse tensor at e and makes it dense.
func loadSparse(src *graph.Source, e graph.Extent) (*tensor.Tensor, error) {
	m, err := newWire(src, src.Size).sparseMessage(e)
	if err != nil {
		return nil, err
	}
	count, err := tensor.Count(m.dims)
	if err != nil {
		return nil, err
	}
	values, err := load(src, m.values)
	if err != nil {
		return nil, err
	}
	width := int64(max(values.DType.Size(), 1))
	if most := limits.Memory(src.Size + width*int64(values.Len())); int64(count) > most/width {
		return nil, fmt.Errorf("sparse tensor %v: expanding %d values to %d elements would exceed %d MB", m.dims, values.Len(), count, most/1e6)
	}
	indices, err := load(src, m.indices)
	if err != nil {
		return nil, err
	}
	at, err := linear(indices, m.dims, values.Len())
	if err != nil {
		return nil, err
	}
	return spread(values, at, m.dims)
}

// linear is the position of each of n values in a dense tensor of the given dims.
func linear(indices *tensor.Tensor, dims []int, n int) ([]int64, error) {
	if indices.DType != tensor.Int64 {
		return nil, fmt.Errorf("sparse tensor: indices are %v, want int64", indices)
	}
	count, _ := tensor.Count(dims)
	ix := tensor.Data[int64](indices)
	at := make([]int64, n)
	switch {
	case indices.Rank() == 1 && len(ix) == n:
		copy(at, ix)
	case indices.Rank() == 2 && indices.Shape[0] == n && indices.Shape[1] == len(dims):
		for i := range at {
			for j, d := range dims {
				x := ix[i*len(dims)+j]
				if x < 0 || x >= int64(d) {
					return nil, fmt.Errorf("sparse tensor: index %d is out of range on axis %d of %v", x, j, dims)
				}
				at[i] = at[i]*int64(d) + x
			}
		}
	default:
		return nil, fmt.Errorf("sparse tensor: indices are %v for %d values of %v", indices, n, dims)
	}
	for _, x := range at {
		if x < 0 || x >= int64(count) {
			return nil, fmt.Errorf("sparse tensor: index %d is out of range for %d elements", x, count)
		}
	}
	return at, nil
}

// spread puts values at their positions.
func spread(values *tensor.Tensor, at []int64, dims []int) (*tensor.Tensor, error) {
	t, err := tensor.Make(values.DType, dims...)
	if err != nil {
		return nil, err
	}
	switch values.DType {
	case tensor.Float32:
		scatter[float32](t, values, at)
	case tensor.Float64:
		scatter[float64](t, values, at)
	case tensor.Float16:
		scatter[tensor.F16](t, values, at)
	case tensor.BFloat16:
		scatter[tensor.BF16](t, values, at)
	case tensor.Int8:
		scatter[int8](t, values, at)
	case tensor.Int16:
		scatter[int16](t, values, at)
	case tensor.Int32:
		scatter[int32](t, values, at)
	case tensor.Int64:
		scatter[int64](t, values, at)
	case tensor.Uint8:
		scatter[uint8](t, values, at)
	case tensor.Uint16:
		scatter[uint16](t, values, at)
	case tensor.Uint32:
		scatter[uint32](t, values, at)
	case tensor.Uint64:
		scatter[uint64](t, values, at)
	case tensor.Bool:
		scatter[bool](t, values, at)
	case tensor.String:
		scatter[string](t, values, at)
	case tensor.Complex64:
		scatter[complex64](t, values, at)
	case tensor.Complex128:
		scatter[complex128](t, values, at)
	default:
		return nil, fmt.Errorf("sparse tensor of %v", values.DType)
	}
	return t, nil
}

func scatter[T tensor.Elem](t, values *tensor.Tensor, at []int64) {
	dst, src := tensor.Data[T](t), tensor.Data[T](values)
	for i, x := range at {
		dst[x] = src[i]
	}
}
