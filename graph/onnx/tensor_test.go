package onnx

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// payload is one tensor with its elements raw and typed.
type payload struct {
	want  *tensor.Tensor
	raw   []byte
	typed *pb.TensorProto
}

func payloads() []payload {
	ints := func(x ...int32) *pb.TensorProto { return &pb.TensorProto{Int32Data: x} }
	return []payload{
		{tensor.Vector[float32](1, -2), []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}, &pb.TensorProto{FloatData: []float32{1, -2}}},
		{tensor.Vector(1.0, math.Inf(-1)), []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0xf0, 0xff}, &pb.TensorProto{DoubleData: []float64{1, math.Inf(-1)}}},
		{tensor.Vector[complex64](1 - 2i), []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}, &pb.TensorProto{FloatData: []float32{1, -2}}},
		{tensor.Vector(1 - 2i), []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0}, &pb.TensorProto{DoubleData: []float64{1, -2}}},
		{tensor.Vector[int8](-1, 127), []byte{255, 127}, ints(-1, 127)},
		{tensor.Vector[uint8](255, 1), []byte{255, 1}, ints(255, 1)},
		{tensor.Vector[int16](-2, 256), []byte{254, 255, 0, 1}, ints(-2, 256)},
		{tensor.Vector[uint16](65535), []byte{255, 255}, ints(65535)},
		{tensor.Vector[int32](-1, 1<<30), []byte{255, 255, 255, 255, 0, 0, 0, 64}, ints(-1, 1<<30)},
		{tensor.Vector[uint32](1 << 31), []byte{0, 0, 0, 128}, &pb.TensorProto{Uint64Data: []uint64{1 << 31}}},
		{tensor.Vector[int64](-1, 300), []byte{255, 255, 255, 255, 255, 255, 255, 255, 44, 1, 0, 0, 0, 0, 0, 0}, &pb.TensorProto{Int64Data: []int64{-1, 300}}},
		{tensor.Vector[uint64](1 << 63), []byte{0, 0, 0, 0, 0, 0, 0, 128}, &pb.TensorProto{Uint64Data: []uint64{1 << 63}}},
		{tensor.Vector(true, false), []byte{1, 0}, ints(1, 0)},
		{tensor.Vector[tensor.F16](0x3c00), []byte{0, 0x3c}, ints(0x3c00)},
		{tensor.Vector[tensor.BF16](0x3f80, 1), []byte{0x80, 0x3f, 1, 0}, ints(0x3f80, 1)},
		{tensor.Vector[tensor.F8E4M3](0x81), []byte{0x81}, ints(0x81)},
		{tensor.Vector[tensor.F8E4M3UZ](0x82), []byte{0x82}, ints(0x82)},
		{tensor.Vector[tensor.F8E5M2](0x83), []byte{0x83}, ints(0x83)},
		{tensor.Vector[tensor.F8E5M2UZ](0x84), []byte{0x84}, ints(0x84)},
		{tensor.Vector[tensor.F8E8M0](0x85), []byte{0x85}, ints(0x85)},
		{tensor.Vector[tensor.U4](1, 15, 7), []byte{0xf1, 7}, ints(0xf1, 7)},
		{tensor.Vector[tensor.I4](-8, 7, -1), []byte{0x78, 0xf}, ints(0x78, 0xf)},
		{tensor.Vector[tensor.F4E2M1](1, 15, 7), []byte{0xf1, 7}, ints(0xf1, 7)},
		{tensor.Vector[tensor.U2](0, 1, 2, 3, 2), []byte{0xe4, 2}, ints(0xe4, 2)},
		{tensor.Vector[tensor.I2](-2, 1, 0, -1, 1), []byte{0xc6, 1}, ints(0xc6, 1)},
		{tensor.Vector("a", "", "\xff"), nil, &pb.TensorProto{StringData: [][]byte{[]byte("a"), {}, {0xff}}}},
	}
}

// unpackedForm rewrites the packed fields of an encoded TensorProto as one
// record an element.
func unpackedForm(t *testing.T, b []byte) []byte {
	var out []byte
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeField(b)
		_, elem := typedField(map[protowire.Number]tensor.DType{floatData: tensor.Float32, doubleData: tensor.Float64,
			int64Data: tensor.Int64, uint64Data: tensor.Uint64, int32Data: tensor.Int32}[num])
		if !payloadFields.has(num) || num == rawData || num == stringData || typ != protowire.BytesType {
			out = append(out, b[:n]...)
			b = b[n:]
			continue
		}
		_, _, tag := protowire.ConsumeTag(b)
		body, _ := protowire.ConsumeBytes(b[tag:])
		for len(body) > 0 {
			k := protowire.ConsumeFieldValue(num, elem, body)
			if k < 0 {
				t.Fatal(protowire.ParseError(k))
			}
			out = append(protowire.AppendTag(out, num, elem), body[:k]...)
			body = body[k:]
		}
		b = b[n:]
	}
	return out
}

// TestElements: every element type in every form the format has, and back.
func TestElements(t *testing.T) {
	seen := map[tensor.DType]bool{}
	for _, c := range payloads() {
		d := c.want.DType
		seen[d] = true
		head := &pb.TensorProto{DataType: ptr(int32(d)), Dims: []int64{int64(c.want.Len())}, Name: ptr("t")}
		typed := proto.Clone(head).(*pb.TensorProto)
		proto.Merge(typed, c.typed)
		forms := map[string][]byte{"packed": marshal(t, typed), "unpacked": unpackedForm(t, marshal(t, typed))}
		if c.raw != nil {
			head.RawData = c.raw
			forms["raw"] = marshal(t, head)
		}
		appended, err := AppendTensor(nil, "t", c.want)
		if err != nil {
			t.Fatal(err)
		}
		forms["appended"] = appended
		for form, b := range forms {
			got, err := ParseTensor(b)
			if err != nil || got.DType != d || !reflect.DeepEqual(got.Store().Data, c.want.Store().Data) {
				t.Errorf("%v %s: %v %v, want %v: %v", d, form, got, got, c.want.Store().Data, err)
			}
			for n := range b {
				ParseTensor(b[:n])
			}
		}
	}
	for d := tensor.Float32; d.Valid(); d++ {
		if !seen[d] {
			t.Errorf("%v is not tried", d)
		}
	}
}

// TestLongElements decodes more than one window of each kind.
func TestLongElements(t *testing.T) {
	const n = 200_000
	p := &pb.TensorProto{DataType: ptr(int32(tensor.Int64)), Dims: []int64{n}}
	f := &pb.TensorProto{DataType: ptr(int32(tensor.Float32)), Dims: []int64{n}}
	for i := range n {
		p.Int64Data = append(p.Int64Data, int64(i)*int64(i)*int64(i)*-7)
		f.FloatData = append(f.FloatData, float32(i))
	}
	for _, b := range [][]byte{marshal(t, p), unpackedForm(t, marshal(t, p))} {
		x, err := ParseTensor(b)
		if err != nil || !reflect.DeepEqual(tensor.Data[int64](x), p.Int64Data) {
			t.Errorf("int64: %v %v", x, err)
		}
	}
	for _, b := range [][]byte{marshal(t, f), unpackedForm(t, marshal(t, f))} {
		x, err := ParseTensor(b)
		if err != nil || !reflect.DeepEqual(tensor.Data[float32](x), f.FloatData) {
			t.Errorf("float32: %v %v", x, err)
		}
	}
}

func TestElementErrors(t *testing.T) {
	of := func(d tensor.DType, n int64, fill func(*pb.TensorProto)) *pb.TensorProto {
		p := &pb.TensorProto{DataType: ptr(int32(d)), Dims: []int64{n}, Name: ptr("t")}
		fill(p)
		return p
	}
	for _, c := range []struct {
		p    *pb.TensorProto
		want string
	}{
		{of(tensor.Float32, 2, func(p *pb.TensorProto) { p.RawData = []byte{1, 2, 3} }), `tensor "t": raw data of 3 bytes, want 8 for float32[2]`},
		{of(tensor.Float32, 2, func(p *pb.TensorProto) { p.FloatData = []float32{1} }), `4 bytes or strings of elements, want 8`},
		{of(tensor.Float32, 1<<32, func(p *pb.TensorProto) {}), `0 bytes or strings of elements, want 17179869184`},
		{of(tensor.Int64, 3, func(p *pb.TensorProto) { p.Int64Data = []int64{1, 2} }), "2 bytes or strings of elements, want 3"},
		{of(tensor.Int64, 2, func(p *pb.TensorProto) { p.Int64Data = []int64{1 << 40} }), "1 elements stored, want 2"},
		{of(tensor.Int64, 1, func(p *pb.TensorProto) { p.Int64Data = []int64{1, 2} }), "more elements stored than fit int64[1]"},
		{of(tensor.Int4, 2, func(p *pb.TensorProto) { p.Int32Data = []int32{1, 2} }), "more elements stored than fit int4[2]"},
		{of(tensor.String, 2, func(p *pb.TensorProto) { p.StringData = [][]byte{nil} }), "1 bytes or strings"},
		{of(tensor.String, 1, func(p *pb.TensorProto) { p.RawData = []byte{0} }), "raw data of 1 bytes"},
		{of(99, 1, func(p *pb.TensorProto) { p.RawData = []byte{0} }), "unknown element type 99"},
		{of(tensor.Int8, 1, func(p *pb.TensorProto) { p.Segment = &pb.TensorProto_Segment{} }), "segments"},
	} {
		if _, err := ParseTensor(marshal(t, c.p)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.p, err, c.want)
		}
	}
	wrong := append(marshal(t, of(tensor.Int64, 1, func(*pb.TensorProto) {})), 7<<3|5, 0, 0, 0, 0)
	if _, err := ParseTensor(wrong); err == nil || !strings.Contains(err.Error(), "wire type 5") {
		t.Error(err)
	}
}

func TestSparseErrors(t *testing.T) {
	for _, c := range []struct {
		p    *pb.SparseTensorProto
		want string
	}{
		{&pb.SparseTensorProto{Values: floats("v", 1), Indices: ints64("", 6), Dims: []int64{2, 3}}, "index 6 is out of range for 6 elements"},
		{&pb.SparseTensorProto{Values: floats("v", 1), Indices: ints64("", -1), Dims: []int64{2, 3}}, "index -1 is out of range for 6"},
		{&pb.SparseTensorProto{Values: floats("v", 1, 2), Indices: ints64("", 1), Dims: []int64{2, 3}}, "for 2 values"},
		{&pb.SparseTensorProto{Values: floats("v", 1), Indices: &pb.TensorProto{DataType: ptr(int32(7)), Dims: []int64{1, 2}, Int64Data: []int64{1, 3}}, Dims: []int64{2, 3}}, "index 3 is out of range on axis 1"},
		{&pb.SparseTensorProto{Values: floats("v", 1), Indices: floats("", 1), Dims: []int64{2, 3}}, "want int64"},
		{&pb.SparseTensorProto{Values: floats("v", 1), Indices: ints64("", 1), Dims: []int64{1 << 30}}, "to 1073741824 elements"},
	} {
		if _, err := ParseValue(marshal(t, c.p), graph.Type{Kind: graph.SparseKind}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.p, err, c.want)
		}
	}
	p := &pb.SparseTensorProto{Values: floats("v", 7), Indices: &pb.TensorProto{DataType: ptr(int32(7)), Dims: []int64{1, 2}, Int64Data: []int64{1, 2}}, Dims: []int64{2, 3}}
	if x, err := ParseValue(marshal(t, p), graph.Type{Kind: graph.SparseKind}); err != nil || tensor.Data[float32](x)[5] != 7 {
		t.Error(x, err)
	}
}

func TestSequences(t *testing.T) {
	seq := &pb.SequenceProto{TensorValues: []*pb.TensorProto{floats("", 1), floats("", 2, 3)}}
	x, err := ParseValue(marshal(t, seq), graph.Type{Kind: graph.SequenceKind})
	if err != nil || len(x.Seq) != 2 || x.Seq[1].String() != "float32[2]" || x.DType != tensor.Float32 {
		t.Error(x, err)
	}
	x, err = ParseValue(marshal(t, &pb.OptionalProto{SequenceValue: seq}), graph.Type{Kind: graph.OptionalKind})
	if err != nil || len(x.Seq) != 2 {
		t.Error(x, err)
	}
	if x, err = ParseValue(nil, graph.Type{Kind: graph.OptionalKind}); err != nil || !x.IsNone() {
		t.Error(x, err)
	}
	deep := &pb.SequenceProto{}
	for range limits.Depth + 1 {
		deep = &pb.SequenceProto{SequenceValues: []*pb.SequenceProto{deep}}
	}
	if _, err = ParseValue(marshal(t, deep), graph.Type{Kind: graph.SequenceKind}); err == nil || !strings.Contains(err.Error(), "nested deeper") {
		t.Error(err)
	}
	if _, err := AppendTensor(nil, "", tensor.None()); err == nil {
		t.Error("the empty optional is no tensor")
	}
}
