package onnx

import (
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
)

// TestBrokenTensors: elements that are not as many as type and dimensions say are an error
// of reading, wherever the tensor lies and whoever reads it.
func TestBrokenTensors(t *testing.T) {
	external := func(x *pb.TensorProto, pairs ...string) {
		x.FloatData, x.DataLocation = nil, pb.TensorProto_EXTERNAL.Enum()
		for i := 0; i < len(pairs); i += 2 {
			x.ExternalData = append(x.ExternalData, &pb.StringStringEntryProto{Key: ptr(pairs[i]), Value: ptr(pairs[i+1])})
		}
	}
	for _, c := range []struct {
		want  string
		plant func(x *pb.TensorProto)
	}{
		{"", func(*pb.TensorProto) {}},
		{"", func(x *pb.TensorProto) { external(x, "location", "none") }},
		{"12 bytes or strings of elements, want 8", func(x *pb.TensorProto) { x.FloatData = append(x.FloatData, 1) }},
		{"0 bytes or strings of elements, want 8", func(x *pb.TensorProto) { x.FloatData = nil }},
		{"raw data of 7 bytes, want 8", func(x *pb.TensorProto) { x.FloatData, x.RawData = nil, make([]byte, 7) }},
		{"raw data of 9 bytes, want 8", func(x *pb.TensorProto) { x.FloatData, x.RawData = nil, make([]byte, 9) }},
		{"unknown element type 99", func(x *pb.TensorProto) { x.DataType = ptr(int32(99)) }},
		{"unknown element type 0", func(x *pb.TensorProto) { x.DataType = ptr(int32(0)) }},
		{"raw data of 8 bytes, want 0 for string", func(x *pb.TensorProto) {
			x.FloatData, x.RawData, x.DataType = nil, make([]byte, 8), ptr(int32(pb.TensorProto_STRING))
		}},
		{"location is given twice", func(x *pb.TensorProto) { external(x, "location", "a", "location", "b") }},
		{"offset is given twice", func(x *pb.TensorProto) { external(x, "location", "a", "offset", "0", "offset", "8") }},
		{"raw data of 4 bytes, want 8", func(x *pb.TensorProto) { external(x, "location", "a", "length", "4") }},
	} {
		for where, of := range map[string]func(p *pb.ModelProto) *pb.TensorProto{
			"initializer": func(p *pb.ModelProto) *pb.TensorProto { return p.Graph.Initializer[0] },
			"attribute": func(p *pb.ModelProto) *pb.TensorProto {
				x := &pb.TensorProto{Name: ptr("v"), DataType: ptr(int32(1)), Dims: []int64{2}, FloatData: []float32{1, 2}}
				n := &pb.NodeProto{OpType: ptr("Constant"), Output: []string{"dead"}}
				n.Attribute = []*pb.AttributeProto{{Name: ptr("value"), Type: pb.AttributeProto_TENSOR.Enum(), T: x}}
				p.Graph.Node = append(p.Graph.Node, n)
				return x
			},
		} {
			p := smallModel()
			c.plant(of(p))
			b := marshal(t, p)
			m, err := ReadAt(strings.NewReader(string(b)), int64(len(b)), "m.onnx")
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%s: got %v, want %q", where, err, c.want)
			}
			if err == nil {
				m.Close()
			}
		}
	}
}
