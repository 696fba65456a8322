package op_test

import (
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// TestNamesSurviveComputedShapes builds what exporters write around a head,
// whose shapes the graph computes, and looks at what is known of the result.
func TestNamesSurviveComputedShapes(t *testing.T) {
	vec := func(g *graph.Graph, v ...int64) *graph.Value { return op.Const(g, "c", tensor.Vector(v...)) }
	scalar := func(g *graph.Graph, v int64) *graph.Value { return op.Const(g, "c", tensor.Scalar(v)) }
	dim := func(x *graph.Value, i int64) *graph.Value { // Shape, Gather, Unsqueeze
		return op.Unsqueeze(op.Gather(op.Shape(x), scalar(x.Graph(), i), 0), 0)
	}
	for _, c := range []struct {
		what  string
		build func(g *graph.Graph, x *graph.Value) *graph.Value
		want  string
	}{
		{"anchors taken out of the channels", func(g *graph.Graph, x *graph.Value) *graph.Value {
			s := op.Concat(0, dim(x, 0), vec(g, 3), vec(g, 9), dim(x, 2), dim(x, 3))
			return op.Transpose(op.ReshapeTo(x, s), 0, 1, 3, 4, 2)
		}, "float32[N,3,h,w,9]"},
		{"one dimension left open", func(g *graph.Graph, x *graph.Value) *graph.Value {
			s := op.Concat(0, dim(x, 0), vec(g, -1), vec(g, 9), dim(x, 2), dim(x, 3))
			return op.ReshapeTo(x, s)
		}, "float32[N,3,9,h,w]"},
		{"everything but the batch in one dimension", func(g *graph.Graph, x *graph.Value) *graph.Value {
			return op.Reshape(op.Transpose(x, 0, 2, 3, 1), 0, -1, 9)
		}, "float32[N,3*h*w,9]"},
		{"a channel count computed in floats", func(g *graph.Graph, x *graph.Value) *graph.Value {
			c := op.Cast(dim(x, 1), tensor.Float32)
			c = op.Cast(op.Floor(op.Div(c, op.Like(c, 9))), tensor.Int64)
			return op.ReshapeTo(x, op.Concat(0, dim(x, 0), c, vec(g, 9, -1)))
		}, "float32[N,3,9,h*w]"},
		{"a shape sliced and joined", func(g *graph.Graph, x *graph.Value) *graph.Value {
			s := op.Shape(x)
			return op.ReshapeTo(x, op.Concat(0, op.Slice(s, 0, 0, 1), vec(g, -1), op.Slice(s, 0, 2, 4)))
		}, "float32[N,27,h,w]"},
		{"a shape multiplied", func(g *graph.Graph, x *graph.Value) *graph.Value {
			s := op.Concat(0, dim(x, 0), vec(g, 27), op.Mul(dim(x, 2), dim(x, 3)))
			return op.ReshapeTo(x, s)
		}, "float32[N,27,h*w]"},
		{"expansion with −1 for a kept dimension", func(g *graph.Graph, x *graph.Value) *graph.Value {
			s := op.Concat(0, dim(x, 0), vec(g, -1), dim(x, 2), dim(x, 3))
			ones := op.ConstantOfShape(op.Shape(s), tensor.Int64, 1)
			s = op.Where(op.Equal(s, vec(g, -1)), ones, s)
			return op.Expand(op.Const(g, "one", tensor.Of([]int{1, 5, 1, 1}, make([]float32, 5))), s)
		}, "float32[N,5,h,w]"},
		{"channels split and joined", func(g *graph.Graph, x *graph.Value) *graph.Value {
			p := op.Split(x, 1, 2, 25)
			return op.Concat(1, p[1], p[0], p[0])
		}, "float32[N,29,h,w]"},
		{"padding and cutting", func(g *graph.Graph, x *graph.Value) *graph.Value {
			return op.Slice(op.Pad(x, 0, 0, 1, 1, 0, 0, 2, 2), 2, 1, 1<<62)
		}, "float32[N,27,h + 2,w + 3]"},
		{"levels joined", func(g *graph.Graph, x *graph.Value) *graph.Value {
			a := op.Reshape(op.Transpose(x, 0, 2, 3, 1), 0, -1, 27)
			return op.Concat(1, a, op.Slice(a, 1, 2, 1<<62))
		}, "float32[N,2*h*w - 2,27]"},
		{"the grid of a level", func(g *graph.Graph, x *graph.Value) *graph.Value {
			w := op.Squeeze(dim(x, 3), 0)
			return op.Range(scalar(g, 0), w, scalar(g, 1))
		}, "int64[w]"},
	} {
		for _, opset := range []int64{11, 13, 17, 21} {
			m := graph.New(opset)
			x, err := m.Graph.AddInput("x", graph.TensorOf(tensor.Float32,
				graph.Shape{graph.Named("N"), graph.Known(27), graph.Named("h"), graph.Named("w")}))
			if err != nil {
				t.Fatal(err)
			}
			y := c.build(m.Graph, x)
			if err := m.Graph.Err(); err != nil {
				t.Errorf("%s, opset %d: %v", c.what, opset, err)
				continue
			}
			forget(m.Graph)
			if errs := op.InferModel(m).Errs(); errs != nil {
				t.Errorf("%s, opset %d: %v", c.what, opset, errs[0])
			}
			if got := y.Type.String(); got != c.want {
				t.Errorf("%s, opset %d: %s, want %s", c.what, opset, got, c.want)
			}
		}
	}
}
