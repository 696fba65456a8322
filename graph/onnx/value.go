package onnx

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// ReadValue reads a file that holds one value of type t: a TensorProto, a
// SequenceProto or an OptionalProto. Where t says bfloat16 and the file has
// uint16, as ONNX's test data has, the bits are taken for bfloat16. Errors
// begin with the path.
func ReadValue(path string, t graph.Type) (*tensor.Tensor, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	src := &graph.Source{ReaderAt: f, Size: info.Size(), Path: path}
	src.External = (&folders{beside: []string{filepath.Dir(path)}}).open
	v, err := parseValue(src, t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}

// ParseTensor decodes a TensorProto.
func ParseTensor(b []byte) (*tensor.Tensor, error) {
	return ParseValue(b, graph.Type{Kind: graph.TensorKind})
}

// ParseValue decodes what ReadValue reads.
func ParseValue(b []byte, t graph.Type) (*tensor.Tensor, error) {
	return parseValue(&graph.Source{ReaderAt: bytes.NewReader(b), Size: int64(len(b))}, t)
}

func parseValue(src *graph.Source, t graph.Type) (*tensor.Tensor, error) {
	p := &valueParser{newWire(src, src.Size), src}
	if name, ok := valueMessages[t.Kind]; ok {
		if err := p.weigh(name); err != nil {
			return nil, err
		}
	}
	return p.value(graph.Extent{Len: src.Size}, t, 0)
}

// valueMessages is the message that holds a value of each kind.
var valueMessages = map[graph.Kind]protoreflect.Name{
	graph.Untyped: "TensorProto", graph.TensorKind: "TensorProto", graph.SparseKind: "SparseTensorProto",
	graph.SequenceKind: "SequenceProto", graph.OptionalKind: "OptionalProto",
}

type valueParser struct {
	*wire
	src *graph.Source
}

func (p *valueParser) value(e graph.Extent, t graph.Type, depth int) (*tensor.Tensor, error) {
	if depth > limits.Depth {
		return nil, p.errorf(e.Off, "values nested deeper than %d", limits.Depth)
	}
	switch t.Kind {
	case graph.TensorKind, graph.Untyped:
		v, err := load(p.src, e)
		if err == nil && t.DType == tensor.BFloat16 && v.DType == tensor.Uint16 {
			bits := &tensor.Store{Data: make([]tensor.BF16, v.Len())}
			for i, x := range tensor.Data[uint16](v) {
				bits.Data.([]tensor.BF16)[i] = tensor.BF16(x)
			}
			v = tensor.OnStore(tensor.BFloat16, v.Shape, bits)
		}
		return v, err
	case graph.SparseKind:
		return loadSparse(p.src, e)
	case graph.SequenceKind:
		return p.sequence(e, depth)
	case graph.OptionalKind:
		return p.optional(e, depth)
	}
	return nil, fmt.Errorf("values of type %v are not supported", t)
}

// The fields of SequenceProto and OptionalProto by number: both have values of
// the same kinds in the same order.
var valueKinds = map[protowire.Number]graph.Kind{
	3: graph.TensorKind, 4: graph.SparseKind, 5: graph.SequenceKind, 6: graph.MapKind, 7: graph.OptionalKind,
}

var valueFields = fieldSet(3, 4, 5, 6, 7)

func (p *valueParser) sequence(e graph.Extent, depth int) (*tensor.Tensor, error) {
	var elems []*tensor.Tensor
	b, err := p.split(e, valueFields, func(f field) error {
		v, err := p.member(f, depth)
		elems = append(elems, v)
		return err
	})
	head := &pb.SequenceProto{}
	if err == nil {
		err = decode.Unmarshal(b, head)
	}
	if err != nil {
		return nil, err
	}
	d := tensor.Invalid
	if len(elems) > 0 {
		d = elems[0].DType
	}
	return tensor.Sequence(d, elems...), nil
}

func (p *valueParser) optional(e graph.Extent, depth int) (*tensor.Tensor, error) {
	v := tensor.None()
	_, err := p.split(e, valueFields, func(f field) (err error) {
		v, err = p.member(f, depth)
		return err
	})
	return v, err
}

func (p *valueParser) member(f field, depth int) (*tensor.Tensor, error) {
	if err := p.message(f, "value"); err != nil {
		return nil, err
	}
	return p.value(f.body, graph.Type{Kind: valueKinds[f.num]}, depth+1)
}
