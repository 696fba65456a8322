package onnx

import (
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
)

func ptr[T any](x T) *T { return &x }

// strange adds fields to p that no type here knows: one of each wire type.
func strange[M proto.Message](p M) M {
	var b []byte
	b = protowire.AppendVarint(protowire.AppendTag(b, 200, protowire.VarintType), 300)
	b = protowire.AppendFixed32(protowire.AppendTag(b, 201, protowire.Fixed32Type), 7)
	b = protowire.AppendFixed64(protowire.AppendTag(b, 202, protowire.Fixed64Type), 8)
	b = protowire.AppendString(protowire.AppendTag(b, 203, protowire.BytesType), "kept \xff")
	b = protowire.AppendTag(b, 204, protowire.StartGroupType)
	b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), 1)
	b = protowire.AppendTag(b, 204, protowire.EndGroupType)
	p.ProtoReflect().SetUnknown(b)
	return p
}

func tensorType(d pb.TensorProto_DataType, dims ...any) *pb.TypeProto {
	s := &pb.TensorShapeProto{}
	for _, x := range dims {
		q := &pb.TensorShapeProto_Dimension{}
		switch x := x.(type) {
		case int:
			q.Value = &pb.TensorShapeProto_Dimension_DimValue{DimValue: int64(x)}
		case string:
			q.Value = &pb.TensorShapeProto_Dimension_DimParam{DimParam: x}
			q.Denotation = ptr("DATA_BATCH")
		}
		s.Dim = append(s.Dim, q)
	}
	return &pb.TypeProto{Value: &pb.TypeProto_TensorType{TensorType: &pb.TypeProto_Tensor{ElemType: ptr(int32(d)), Shape: s}}}
}

func value(name string, t *pb.TypeProto) *pb.ValueInfoProto {
	return &pb.ValueInfoProto{Name: &name, Type: t}
}

func floats(name string, x ...float32) *pb.TensorProto {
	return &pb.TensorProto{Name: &name, DataType: ptr(int32(1)), Dims: []int64{int64(len(x))}, FloatData: x}
}

func ints64(name string, x ...int64) *pb.TensorProto {
	return &pb.TensorProto{Name: &name, DataType: ptr(int32(7)), Dims: []int64{int64(len(x))}, Int64Data: x}
}

func node(op string, in, out []string, attrs ...*pb.AttributeProto) *pb.NodeProto {
	return &pb.NodeProto{OpType: &op, Input: in, Output: out, Attribute: attrs}
}

func attr(name string, kind pb.AttributeProto_AttributeType, fill func(*pb.AttributeProto)) *pb.AttributeProto {
	a := &pb.AttributeProto{Name: &name, Type: &kind}
	fill(a)
	return a
}

func names1(x ...string) []string { return x }

// smallModel is one node that adds an initializer to the input.
func smallModel() *pb.ModelProto {
	return &pb.ModelProto{
		IrVersion:   ptr(int64(8)),
		OpsetImport: []*pb.OperatorSetIdProto{{Domain: ptr(""), Version: ptr(int64(13))}},
		Graph: &pb.GraphProto{
			Name:        ptr("small"),
			Node:        []*pb.NodeProto{node("Add", names1("x", "w"), names1("y"))},
			Initializer: []*pb.TensorProto{floats("w", 1, 2)},
			Input:       []*pb.ValueInfoProto{value("x", tensorType(1, 2))},
			Output:      []*pb.ValueInfoProto{value("y", tensorType(1, 2))},
		},
	}
}

// richModel has something of everything that the format knows.
func richModel() *pb.ModelProto {
	sparse := func(name string) *pb.SparseTensorProto {
		return strange(&pb.SparseTensorProto{Values: strange(floats(name, 3, 4)), Indices: ints64("", 1, 5), Dims: []int64{2, 3}})
	}
	inner := &pb.GraphProto{
		Name: ptr("then"), Node: []*pb.NodeProto{node("Add", names1("x", "c"), names1("i"))},
		Initializer: []*pb.TensorProto{floats("c", 1, 2)}, Output: []*pb.ValueInfoProto{value("i", tensorType(1, "N"))},
	}
	other := &pb.GraphProto{
		Name: ptr("else"), Node: []*pb.NodeProto{node("Mul", names1("x", "w"), names1("i"))},
		Output: []*pb.ValueInfoProto{value("i", tensorType(1, "N"))},
	}
	first := strange(node("Call", names1("x", "", "w"), names1("a", "", "b"),
		strange(attr("f", pb.AttributeProto_FLOAT, func(a *pb.AttributeProto) { a.F = ptr(float32(0)) })),
		attr("i", pb.AttributeProto_INT, func(a *pb.AttributeProto) { a.I = ptr(int64(-1)) }),
		attr("s", pb.AttributeProto_STRING, func(a *pb.AttributeProto) { a.S = []byte("\xff\x00") }),
		attr("t", pb.AttributeProto_TENSOR, func(a *pb.AttributeProto) { a.T = strange(ints64("", 1, -2)) }),
		attr("fs", pb.AttributeProto_FLOATS, func(a *pb.AttributeProto) { a.Floats = []float32{1, 2} }),
		attr("is", pb.AttributeProto_INTS, func(a *pb.AttributeProto) { a.Ints = []int64{1, -2} }),
		attr("ss", pb.AttributeProto_STRINGS, func(a *pb.AttributeProto) { a.Strings = [][]byte{{}, []byte("z")} }),
		attr("ts", pb.AttributeProto_TENSORS, func(a *pb.AttributeProto) { a.Tensors = []*pb.TensorProto{floats("p", 1), floats("q", 2)} }),
		attr("st", pb.AttributeProto_SPARSE_TENSOR, func(a *pb.AttributeProto) { a.SparseTensor = sparse("sv") }),
		attr("sts", pb.AttributeProto_SPARSE_TENSORS, func(a *pb.AttributeProto) { a.SparseTensors = []*pb.SparseTensorProto{sparse("sw")} }),
		attr("tp", pb.AttributeProto_TYPE_PROTO, func(a *pb.AttributeProto) { a.Tp = tensorType(1, "N") }),
		attr("tps", pb.AttributeProto_TYPE_PROTOS, func(a *pb.AttributeProto) {
			a.TypeProtos = []*pb.TypeProto{{Value: &pb.TypeProto_OpaqueType{OpaqueType: &pb.TypeProto_Opaque{Name: ptr("o")}}}}
		}),
	))
	first.Name, first.Domain, first.Overload, first.DocString = ptr("call"), ptr("local"), ptr("v2"), ptr("doc")
	first.MetadataProps = []*pb.StringStringEntryProto{strange(&pb.StringStringEntryProto{Key: ptr("k"), Value: ptr("v")})}
	first.DeviceConfigurations = []*pb.NodeDeviceConfigurationProto{{ConfigurationId: ptr("two"), PipelineStage: ptr(int32(0)),
		ShardingSpec: []*pb.ShardingSpecProto{{TensorName: ptr("x"), Device: []int64{0, 1}}}}}
	choose := node("If", names1("flag"), names1("y"),
		attr("then_branch", pb.AttributeProto_GRAPH, func(a *pb.AttributeProto) { a.G = inner }),
		attr("else_branch", pb.AttributeProto_GRAPH, func(a *pb.AttributeProto) { a.G = strange(other) }))
	seq := &pb.TypeProto{Value: &pb.TypeProto_SequenceType{SequenceType: &pb.TypeProto_Sequence{ElemType: tensorType(1)}}}
	opt := &pb.TypeProto{Value: &pb.TypeProto_OptionalType{OptionalType: &pb.TypeProto_Optional{ElemType: seq}}}
	dict := &pb.TypeProto{Value: &pb.TypeProto_MapType{MapType: &pb.TypeProto_Map{KeyType: ptr(int32(7)), ValueType: tensorType(1)}}}
	few := &pb.TypeProto{Value: &pb.TypeProto_SparseTensorType{SparseTensorType: &pb.TypeProto_SparseTensor{ElemType: ptr(int32(1))}}}
	g := strange(&pb.GraphProto{
		Name: ptr("rich"), DocString: ptr(""),
		Node: []*pb.NodeProto{first, choose, node("Identity", names1("S"), names1("z"))},
		Initializer: []*pb.TensorProto{
			strange(floats("w", 1, 2)),
			{Name: ptr("raw"), DataType: ptr(int32(10)), Dims: []int64{2}, RawData: []byte{1, 2, 3, 4}, DocString: ptr("half")},
			{Name: ptr("text"), DataType: ptr(int32(8)), StringData: [][]byte{[]byte("hello")}},
		},
		SparseInitializer: []*pb.SparseTensorProto{sparse("S")},
		Input: []*pb.ValueInfoProto{strange(value("x", tensorType(1, "N"))), value("flag", tensorType(9)), value("w", tensorType(1, 2)),
			value("q", seq), value("o", opt), value("d", dict), value("few", few)},
		Output:    []*pb.ValueInfoProto{value("y", tensorType(1, "N", -1)), value("a", nil), value("z", tensorType(1, 2, 3))},
		ValueInfo: []*pb.ValueInfoProto{strange(value("b", tensorType(1, 4))), value("nobody", tensorType(1))},
		QuantizationAnnotation: []*pb.TensorAnnotation{strange(&pb.TensorAnnotation{TensorName: ptr("b"),
			QuantParameterTensorNames: []*pb.StringStringEntryProto{{Key: ptr("SCALE_TENSOR"), Value: ptr("w")}}})},
		MetadataProps: []*pb.StringStringEntryProto{{Key: ptr("g"), Value: ptr("h")}},
	})
	return strange(&pb.ModelProto{
		IrVersion: ptr(int64(11)), ProducerName: ptr("rich"), ProducerVersion: ptr(""), Domain: ptr("d"), ModelVersion: ptr(int64(0)), DocString: ptr("m"),
		OpsetImport:   []*pb.OperatorSetIdProto{{Version: ptr(int64(17))}, strange(&pb.OperatorSetIdProto{Domain: ptr("local"), Version: ptr(int64(1))})},
		MetadataProps: []*pb.StringStringEntryProto{strange(&pb.StringStringEntryProto{Key: ptr("a"), Value: ptr("b")})},
		Graph:         g,
		TrainingInfo:  []*pb.TrainingInfoProto{strange(&pb.TrainingInfoProto{Algorithm: &pb.GraphProto{Name: ptr("train"), Initializer: []*pb.TensorProto{floats("lr", 1)}}})},
		Configuration: []*pb.DeviceConfigurationProto{{Name: ptr("two"), NumDevices: ptr(int32(2)), Device: names1("0", "1")}},
		Functions:     []*pb.FunctionProto{richFunction()},
	})
}

func richFunction() *pb.FunctionProto {
	return strange(&pb.FunctionProto{
		Name: ptr("Call"), Domain: ptr("local"), Overload: ptr("v2"), DocString: ptr("f"),
		Input: names1("p", "q", "r"), Output: names1("s", "t", "u"), Attribute: names1("f"),
		AttributeProto: []*pb.AttributeProto{attr("k", pb.AttributeProto_INT, func(a *pb.AttributeProto) { a.I = ptr(int64(2)) })},
		OpsetImport:    []*pb.OperatorSetIdProto{{Domain: ptr(""), Version: ptr(int64(17))}},
		Node: []*pb.NodeProto{
			node("Elu", names1("p"), names1("s"), attr("alpha", pb.AttributeProto_FLOAT, func(a *pb.AttributeProto) { a.RefAttrName = ptr("f") })),
			strange(node("Split", names1("r"), names1("t", "u"))),
		},
		ValueInfo:     []*pb.ValueInfoProto{strange(value("s", tensorType(1, "N")))},
		MetadataProps: []*pb.StringStringEntryProto{{Key: ptr("fm"), Value: ptr("x")}},
	})
}

func marshal(t testing.TB, p proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
