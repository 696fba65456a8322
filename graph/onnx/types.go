package onnx

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// typeOf is what a TypeProto states. Its nesting is bounded by the decoder.
func typeOf(p *pb.TypeProto) graph.Type {
	switch v := p.GetValue().(type) {
	case *pb.TypeProto_TensorType:
		return graph.TensorOf(tensor.DType(v.TensorType.GetElemType()), shapeOf(v.TensorType.GetShape()))
	case *pb.TypeProto_SparseTensorType:
		return graph.Type{Kind: graph.SparseKind, DType: tensor.DType(v.SparseTensorType.GetElemType()),
			Shape: shapeOf(v.SparseTensorType.GetShape())}
	case *pb.TypeProto_SequenceType:
		return graph.Type{Kind: graph.SequenceKind, Elem: elemOf(v.SequenceType.GetElemType())}
	case *pb.TypeProto_OptionalType:
		return graph.Type{Kind: graph.OptionalKind, Elem: elemOf(v.OptionalType.GetElemType())}
	case *pb.TypeProto_MapType:
		return graph.Type{Kind: graph.MapKind, DType: tensor.DType(v.MapType.GetKeyType()), Elem: elemOf(v.MapType.GetValueType())}
	case *pb.TypeProto_OpaqueType:
		return graph.Type{Kind: graph.OpaqueKind}
	}
	return graph.Type{}
}

func elemOf(p *pb.TypeProto) *graph.Type {
	if p == nil {
		return nil
	}
	t := typeOf(p)
	return &t
}

// shapeOf is the stated shape; nil where none is. A negative number, which
// some exporters write, is an unknown dimension.
func shapeOf(p *pb.TensorShapeProto) graph.Shape {
	if p == nil {
		return nil
	}
	s := make(graph.Shape, len(p.Dim))
	for i, d := range p.Dim {
		s[i] = graph.Unknown()
		switch v := d.GetValue().(type) {
		case *pb.TensorShapeProto_Dimension_DimValue:
			if v.DimValue >= 0 {
				s[i] = graph.Known(v.DimValue)
			}
		case *pb.TensorShapeProto_Dimension_DimParam:
			s[i] = graph.Named(v.DimParam)
		}
	}
	return s
}

// typeProto is the inverse of typeOf; nil for an untyped value.
func typeProto(t graph.Type) *pb.TypeProto {
	elem := func() *pb.TypeProto {
		if t.Elem == nil {
			return nil
		}
		return typeProto(*t.Elem)
	}
	dtype := int32(t.DType)
	p := &pb.TypeProto{}
	switch t.Kind {
	case graph.TensorKind:
		p.Value = &pb.TypeProto_TensorType{TensorType: &pb.TypeProto_Tensor{ElemType: &dtype, Shape: shapeProto(t.Shape)}}
	case graph.SparseKind:
		p.Value = &pb.TypeProto_SparseTensorType{SparseTensorType: &pb.TypeProto_SparseTensor{ElemType: &dtype, Shape: shapeProto(t.Shape)}}
	case graph.SequenceKind:
		p.Value = &pb.TypeProto_SequenceType{SequenceType: &pb.TypeProto_Sequence{ElemType: elem()}}
	case graph.OptionalKind:
		p.Value = &pb.TypeProto_OptionalType{OptionalType: &pb.TypeProto_Optional{ElemType: elem()}}
	case graph.MapKind:
		p.Value = &pb.TypeProto_MapType{MapType: &pb.TypeProto_Map{KeyType: &dtype, ValueType: elem()}}
	case graph.OpaqueKind:
		p.Value = &pb.TypeProto_OpaqueType{OpaqueType: &pb.TypeProto_Opaque{}}
	default:
		return nil
	}
	return p
}

func shapeProto(s graph.Shape) *pb.TensorShapeProto {
	if s == nil {
		return nil
	}
	p := &pb.TensorShapeProto{Dim: make([]*pb.TensorShapeProto_Dimension, len(s))}
	for i, d := range s {
		q := &pb.TensorShapeProto_Dimension{}
		switch {
		case d.IsKnown():
			q.Value = &pb.TensorShapeProto_Dimension_DimValue{DimValue: d.Value}
		case d.Param != "":
			q.Value = &pb.TensorShapeProto_Dimension_DimParam{DimParam: d.Param}
		}
		p.Dim[i] = q
	}
	return p
}
