package onnx

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
)

// plain decodes a whole file by the generated types and brings it to a form
// in which models that say the same are equal.
func plain(t *testing.T, path string, b []byte) *pb.ModelProto {
	t.Helper()
	p := &pb.ModelProto{}
	if err := decode.Unmarshal(b, p); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	normalize(t, path, p.ProtoReflect())
	return p
}

func normalize(t *testing.T, path string, m protoreflect.Message) {
	if x, ok := m.Interface().(*pb.TensorProto); ok && x.GetDataLocation() != pb.TensorProto_EXTERNAL {
		b, err := proto.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		v, err := ParseTensor(b)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if b, err = AppendTensor(nil, x.GetName(), v); err == nil {
			err = decode.Unmarshal(b, x.ProtoReflect().New().Interface())
		}
		if err != nil {
			t.Fatal(err)
		}
		y := &pb.TensorProto{}
		decode.Unmarshal(b, y)
		x.FloatData, x.Int32Data, x.Int64Data, x.DoubleData, x.Uint64Data = nil, nil, nil, nil, nil
		x.StringData, x.RawData, x.DataLocation = y.StringData, y.RawData, nil
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				normalize(t, path, v.List().Get(i).Message())
			}
		case f.IsList():
		case f.Message() != nil:
			normalize(t, path, v.Message())
		case f.ContainingOneof() == nil && v.Equal(f.Default()):
			m.Clear(f)
		}
		return true
	})
}
