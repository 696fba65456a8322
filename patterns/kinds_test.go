package patterns_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// kind is a small model of one kind of head as exporters write it.
type kind struct {
	name  string
	build func(n *net) *graph.Value // gives the class logits; nil if nobody can say
	// classes of the head, its activation, and where each anchor's begin in the channels
	// of the tensor; unsure if the answer must be below 0.9, or a refusal.
	classes int
	act     patterns.Activation
	start   int
	unsure  bool
}

func (n *net) rows(v *graph.Value) *graph.Value {
	return n.transpose(n.reshape(v, 1, v.Shape()[1].Value, -1), 0, 2, 1)
}

func (n *net) sigmoid(v *graph.Value) *graph.Value { return n.do("Sigmoid", nil, v) }

func (n *net) input(name string, dtype tensor.DType, shape ...int) *graph.Value {
	x, err := n.m.Graph.AddInput(name, graph.TensorOf(dtype, graph.Static(shape...)))
	if err != nil {
		n.t.Fatal(err)
	}
	return x
}

// anchors is map v of na anchors as rows of the channels of one.
func (n *net) anchors(v *graph.Value, na int64) *graph.Value {
	c := v.Shape()[1].Value / na
	return n.reshape(n.transpose(n.reshape(v, 1, na, c, 16, 16), 0, 1, 3, 4, 2), 1, -1, c)
}

var kinds = []kind{
	{"a layer beside that regresses no boxes does not say how anchors divide", func(n *net) *graph.Value {
		v := n.rows(n.conv(n.x, 80))
		n.output(n.concat(2, n.do("Exp", nil, n.rows(n.conv(n.x, 4))), n.sigmoid(v)), n.conv(n.x, 32))
		return v
	}, 80, patterns.Sigmoid, 0, false},
	{"max-out background", func(n *net) *graph.Value {
		m := n.conv(n.x, 4)
		bg := n.do("ReduceMax", []*graph.Attr{graph.Ints("axes", 1), graph.Int("keepdims", 1)}, n.slice(m, 1, 0, 3, 1))
		v := n.rows(n.concat(1, bg, n.slice(m, 1, 3, 4, 1)))
		n.output(n.softmax(v, -1), n.rows(n.conv(n.x, 4)))
		return v
	}, 2, patterns.Softmax, 0, true},
	{"a learned scale on the maps", func(n *net) *graph.Value {
		v := n.rows(n.do("Mul", nil, n.conv(n.x, 7), n.input("temperature", tensor.Float32, 1)))
		n.output(n.do("Exp", nil, n.rows(n.conv(n.x, 4))), n.sigmoid(v))
		return v
	}, 7, patterns.Sigmoid, 0, false},
	{"open vocabulary: features times embeddings that are fed", func(n *net) *graph.Value {
		e := n.input("embeddings", tensor.Float32, 1, 8, 11)
		v := n.do("MatMul", nil, n.rows(n.conv(n.x, 8)), e)
		n.output(n.do("Exp", nil, n.rows(n.conv(n.x, 4))), n.sigmoid(v))
		return v
	}, 11, patterns.Sigmoid, 0, false},
	{"decoded rows of one sigmoid: boxes, objectness, classes", func(n *net) *graph.Value {
		v := n.anchors(n.conv(n.x, 3*13), 3)
		s := n.sigmoid(v)
		xy := n.do("Mul", nil, n.do("Add", nil, n.slice(s, 2, 0, 2, 1), n.weights(1, 768, 2)), n.floats(8))
		wh := n.do("Mul", nil, n.do("Pow", nil, n.slice(s, 2, 2, 4, 1), n.floats(2)), n.weights(1, 768, 2))
		n.output(n.concat(2, xy, wh, n.slice(s, 2, 4, 13, 1)))
		return v
	}, 8, patterns.Sigmoid, 5, false},
	{"a whole map of sigmoids with the decode outside, on three levels", func(n *net) *graph.Value {
		var first *graph.Value
		for x, l := n.x, 0; l < 3; x, l = n.half(x), l+1 {
			v := n.transpose(n.reshape(n.conv(x, 3*85), 1, 3, 85, int64(16>>l), int64(16>>l)), 0, 1, 3, 4, 2)
			n.output(n.sigmoid(v))
			if l == 0 {
				first = v
			}
		}
		return first
	}, 80, patterns.Sigmoid, 5, true},
	{"a whole map of sigmoids with the decode outside", func(n *net) *graph.Value {
		v := n.transpose(n.reshape(n.conv(n.x, 3*25), 1, 3, 25, 16, 16), 0, 1, 3, 4, 2)
		n.output(n.sigmoid(v))
		return v
	}, 20, patterns.Sigmoid, 5, true},
	{"boxes, objectness and classes joined raw", func(n *net) *graph.Value {
		v := n.conv(n.x, 20)
		n.output(n.concat(1, n.conv(n.x, 4), n.conv(n.x, 1), v))
		return v
	}, 20, patterns.None, 0, true},
	{"pairs of raw maps with channels last", func(n *net) *graph.Value {
		v := n.transpose(n.conv(n.x, 6*21), 0, 2, 3, 1)
		n.output(v, n.transpose(n.conv(n.x, 6*4), 0, 2, 3, 1))
		return v
	}, 21, patterns.None, 0, true},
	{"[1, 4, N] beside [1, C, N]", func(n *net) *graph.Value {
		v := n.reshape(n.conv(n.x, 9), 1, 9, -1)
		n.output(n.reshape(n.conv(n.x, 4), 1, 4, -1), v)
		return v
	}, 9, patterns.None, 0, true},
	{"[4, N] beside [C, N]", func(n *net) *graph.Value {
		v := n.reshape(n.conv(n.x, 9), 9, -1)
		n.output(n.reshape(n.conv(n.x, 4), 4, -1), v)
		return v
	}, 9, patterns.None, 0, true},
	{"implicit objectness, as YOLOF's", func(n *net) *graph.Value {
		cls, obj := n.reshape(n.conv(n.x, 5*20), 1, 5, 20, 16, 16), n.reshape(n.conv(n.x, 5), 1, 5, 1, 16, 16)
		lse := n.do("Log", nil, n.do("Add", nil, n.floats(1), n.do("Add", nil, n.do("Clip", nil, n.do("Exp", nil, cls), nil, n.floats(1e8)), n.do("Clip", nil, n.do("Exp", nil, obj), nil, n.floats(1e8)))))
		v := n.do("Sub", nil, n.do("Add", nil, cls, obj), lse)
		s := n.sigmoid(n.reshape(n.transpose(v, 0, 1, 3, 4, 2), 1, -1, 20))
		n.output(s, n.do("Exp", nil, n.anchors(n.conv(n.x, 20), 5)))
		return v
	}, 20, patterns.Sigmoid, 0, false},
	{"queries whose boxes leave through a sigmoid", func(n *net) *graph.Value {
		q := n.rows(n.conv(n.x, 8))
		v := n.do("Add", nil, n.do("MatMul", nil, q, n.weights(8, 91)), n.weights(91))
		n.output(v, n.sigmoid(n.do("MatMul", nil, q, n.weights(8, 4))))
		return v
	}, 91, patterns.None, 0, true},
	{"softmax written out", func(n *net) *graph.Value {
		v := n.rows(n.conv(n.x, 6))
		e := n.do("Exp", nil, v)
		n.output(n.do("Div", nil, e, n.do("ReduceSum", []*graph.Attr{graph.Int("keepdims", 1)}, e, n.ints(2))), n.do("Exp", nil, n.rows(n.conv(n.x, 4))))
		return v
	}, 6, patterns.Softmax, 0, true},
	{"softmax written out, with the greatest taken away first", func(n *net) *graph.Value {
		v := n.rows(n.conv(n.x, 6))
		top := n.do("ReduceMax", []*graph.Attr{graph.Ints("axes", 2), graph.Int("keepdims", 1)}, v)
		e := n.do("Exp", nil, n.do("Sub", nil, v, top))
		n.output(n.do("Div", nil, e, n.do("ReduceSum", []*graph.Attr{graph.Int("keepdims", 1)}, e, n.ints(2))), n.do("Exp", nil, n.rows(n.conv(n.x, 4))))
		return v
	}, 6, patterns.Softmax, 0, true},
	{"heat map beside sizes and offsets, channels last", func(n *net) *graph.Value {
		v := n.transpose(n.conv(n.x, 12), 0, 2, 3, 1)
		n.output(v, n.transpose(n.conv(n.x, 2), 0, 2, 3, 1), n.transpose(n.conv(n.x, 2), 0, 2, 3, 1))
		return v
	}, 12, patterns.None, 0, true},
	{"a clipped sigmoid beside offsets, depths and sizes", func(n *net) *graph.Value {
		v := n.conv(n.x, 3)
		n.output(n.do("Clip", nil, n.sigmoid(v), n.floats(1e-4), n.floats(1-1e-4)), n.conv(n.x, 2), n.conv(n.x, 1), n.conv(n.x, 3), n.conv(n.x, 8))
		return v
	}, 3, patterns.Sigmoid, 0, true},
	{"a sequence that is joined", func(n *net) *graph.Value {
		v := n.rows(n.conv(n.x, 7))
		seq := n.do("SequenceConstruct", nil, n.sigmoid(v), n.sigmoid(n.rows(n.conv(n.half(n.x), 7))))
		boxes := n.concat(1, n.rows(n.conv(n.x, 4)), n.rows(n.conv(n.half(n.x), 4)))
		n.output(n.do("ConcatFromSequence", []*graph.Attr{graph.Int("axis", 1)}, seq), n.do("Exp", nil, boxes))
		return v
	}, 7, patterns.Sigmoid, 0, false},
	{"classifier: pooled map and softmax at rank 4", func(n *net) *graph.Value {
		v := n.do("GlobalAveragePool", nil, n.conv(n.x, 10))
		n.output(n.softmax(v, 1))
		return v
	}, 10, patterns.Softmax, 0, false},
	{"classifier: [1, C, 1, 1]", func(n *net) *graph.Value {
		v := n.conv(n.do("GlobalAveragePool", nil, n.x), 10)
		n.output(n.softmax(v, 1))
		return v
	}, 10, patterns.Softmax, 0, false},
	{"classifier: log-softmax", func(n *net) *graph.Value {
		v := n.do("Gemm", nil, n.reshape(n.do("GlobalAveragePool", nil, n.x), 1, 8), n.weights(8, 10), n.weights(10))
		n.output(n.do("LogSoftmax", []*graph.Attr{graph.Int("axis", 1)}, v))
		return v
	}, 10, patterns.Softmax, 0, false},
	{"classifier: index of the greatest", func(n *net) *graph.Value {
		v := n.do("Gemm", nil, n.reshape(n.do("GlobalAveragePool", nil, n.x), 1, 8), n.weights(8, 10), n.weights(10))
		n.output(n.do("ArgMax", []*graph.Attr{graph.Int("axis", 1)}, v))
		return v
	}, 10, patterns.None, 0, false},
	{"classifier: a bare product behind a flatten", func(n *net) *graph.Value {
		v := n.do("Gemm", nil, n.do("Flatten", nil, n.half(n.half(n.x))), n.weights(128, 1000), n.weights(1000))
		n.output(v)
		return v
	}, 1000, patterns.None, 0, true},
	{"key points behind distributions and classes", func(n *net) *graph.Value {
		v := n.reshape(n.conv(n.x, 1), 1, 1, -1)
		bins := n.softmax(n.reshape(n.conv(n.x, 64), 1, 4, 16, -1), 2)
		dist := n.do("Conv", nil, n.transpose(bins, 0, 2, 1, 3), n.weights(1, 16, 1, 1))
		kp := n.reshape(n.conv(n.x, 51), 1, 17, 3, -1)
		pts := n.concat(2, n.do("Mul", nil, n.slice(kp, 2, 0, 2, 1), n.floats(8)), n.sigmoid(n.slice(kp, 2, 2, 3, 1)))
		n.output(n.concat(1, n.reshape(dist, 1, 4, -1), n.sigmoid(v), n.reshape(pts, 1, 51, -1)))
		return v
	}, 1, patterns.Sigmoid, 0, false},
	{"levels with different numbers of anchors", func(n *net) *graph.Value {
		a, b := n.conv(n.x, 4*21), n.conv(n.half(n.x), 6*21)
		all := n.concat(1, n.reshape(n.transpose(a, 0, 2, 3, 1), 1, -1), n.reshape(n.transpose(b, 0, 2, 3, 1), 1, -1))
		boxes := n.concat(1, n.reshape(n.transpose(n.conv(n.x, 16), 0, 2, 3, 1), 1, -1), n.reshape(n.transpose(n.conv(n.half(n.x), 24), 0, 2, 3, 1), 1, -1))
		v := n.reshape(all, 1, -1, 21)
		n.output(n.softmax(v, 2), n.reshape(boxes, 1, -1, 4))
		return v
	}, 21, patterns.Softmax, 0, true},
	{"softmax before opset 13 flattens", func(n *net) *graph.Value {
		n.m.SetOpset("", 11)
		v := n.reshape(n.transpose(n.conv(n.x, 6*21), 0, 2, 3, 1), -1, 21)
		n.output(n.do("Softmax", nil, v), n.do("Exp", nil, n.reshape(n.transpose(n.conv(n.x, 24), 0, 2, 3, 1), -1, 4)))
		return v
	}, 21, patterns.Softmax, 0, true},
	{"two groups of sigmoids behind the boxes", func(n *net) *graph.Value {
		all := n.rows(n.conv(n.x, 4+1+6+3))
		v := n.slice(all, 2, 5, 11, 1)
		n.output(n.do("Exp", nil, n.slice(all, 2, 0, 4, 1)), n.sigmoid(n.slice(all, 2, 4, 5, 1)), n.sigmoid(v), n.sigmoid(n.slice(all, 2, 11, 14, 1)))
		return v
	}, 6, patterns.Sigmoid, 0, true},
	{"key points in a raw map behind the classes", func(n *net) *graph.Value {
		n.output(n.rows(n.conv(n.x, 4+1+1+10)))
		return nil
	}, 1, patterns.None, 5, true},
	{"landmarks alone", func(n *net) *graph.Value {
		n.output(n.do("Gemm", nil, n.reshape(n.do("GlobalAveragePool", nil, n.x), 1, 8), n.weights(8, 196), n.weights(196)))
		return nil
	}, 0, patterns.None, 0, true},
	{"a quality score", func(n *net) *graph.Value {
		n.output(n.sigmoid(n.do("Gemm", nil, n.reshape(n.do("GlobalAveragePool", nil, n.x), 1, 8), n.weights(8, 1), n.weights(1))))
		return nil
	}, 0, patterns.None, 0, true},
	{"the index of the greatest reaches an output", func(n *net) *graph.Value {
		all := n.rows(n.conv(n.x, 4+7+5))
		v := n.slice(all, 2, 4, 11, 1)
		s := n.sigmoid(v)
		n.output(n.do("Exp", nil, n.slice(all, 2, 0, 4, 1)), n.do("ReduceMax", []*graph.Attr{graph.Ints("axes", 2)}, s), n.do("ArgMax", []*graph.Attr{graph.Int("axis", 2)}, s), n.sigmoid(n.slice(all, 2, 11, 16, 1)))
		return v
	}, 7, patterns.Sigmoid, 0, false},
	{"queries whose boxes leave through a sigmoid behind an addition", func(n *net) *graph.Value {
		q := n.rows(n.conv(n.x, 8))
		v := n.do("MatMul", nil, q, n.weights(8, 91))
		d := n.do("MatMul", nil, q, n.weights(8, 4))
		xy := n.do("Add", nil, n.slice(d, 2, 0, 2, 1), n.weights(1, 256, 2))
		n.output(n.sigmoid(v), n.sigmoid(n.concat(2, xy, n.slice(d, 2, 2, 4, 1))))
		return v
	}, 91, patterns.Sigmoid, 0, true},
	{"a weighted sum of levels by a softmax", func(n *net) *graph.Value {
		w := n.softmax(n.conv(n.x, 3), 1)
		mix := n.do("Add", nil, n.do("Mul", nil, n.x, n.slice(w, 1, 0, 1, 1)), n.do("Add", nil, n.do("Mul", nil, n.conv(n.x, 8), n.slice(w, 1, 1, 2, 1)), n.do("Mul", nil, n.conv(n.x, 8), n.slice(w, 1, 2, 3, 1))))
		v := n.conv(mix, 20)
		n.output(n.sigmoid(v), n.do("Exp", nil, n.conv(mix, 4)))
		return v
	}, 20, patterns.Sigmoid, 0, false},
	{"a learned scale for each level before the output", func(n *net) *graph.Value {
		v := n.conv(n.x, 9)
		n.output(n.sigmoid(v), n.do("Mul", nil, n.conv(n.x, 4), n.floats(1.3)), n.sigmoid(n.conv(n.half(n.x), 9)), n.do("Mul", nil, n.conv(n.half(n.x), 4), n.floats(0.7)))
		return v
	}, 9, patterns.Sigmoid, 0, false},
	{"scores that are ranked, compared and summed", func(n *net) *graph.Value {
		v := n.rows(n.conv(n.x, 6))
		s := n.sigmoid(v)
		best := n.many("TopK", 2, nil, n.reshape(s, -1), n.ints(10))
		n.output(n.do("Exp", nil, n.rows(n.conv(n.x, 4))), best[0], n.do("Greater", nil, s, n.floats(0.3)), n.do("ReduceSum", []*graph.Attr{graph.Int("keepdims", 0)}, s, n.ints(2)))
		return v
	}, 6, patterns.Sigmoid, 0, false},
	{"coefficients of masks, an embedding and masks beside", func(n *net) *graph.Value {
		v := n.conv(n.x, 10)
		up := n.do("Resize", []*graph.Attr{graph.String("mode", "linear")}, n.conv(n.x, 32), nil, n.floats(1, 1, 4, 4))
		n.output(n.do("Exp", nil, n.conv(n.x, 4)), n.sigmoid(v), n.do("Tanh", nil, n.conv(n.x, 32)), n.do("LpNormalization", []*graph.Attr{graph.Int("axis", 1)}, n.conv(n.x, 128)), n.sigmoid(up))
		return v
	}, 10, patterns.Sigmoid, 0, false},
	{"regions that are pooled and classified", func(n *net) *graph.Value {
		regions := n.reshape(n.transpose(n.conv(n.x, 4), 0, 2, 3, 1), 256, 4)
		t, err := tensor.Make(tensor.Int64, 256)
		if err != nil {
			n.t.Fatal(err)
		}
		pooled := n.do("RoiAlign", []*graph.Attr{graph.Int("output_height", 2), graph.Int("output_width", 2)}, n.x, regions, op.Const(n.m.Graph, "batch", t))
		flat := n.do("Flatten", nil, pooled)
		v := n.do("Gemm", nil, flat, n.weights(32, 5), n.weights(5))
		n.output(n.softmax(v, 1), n.do("Gemm", nil, flat, n.weights(32, 20), n.weights(20)))
		return v
	}, 5, patterns.Softmax, 0, true},
	{"boxes of three numbers", func(n *net) *graph.Value {
		v := n.rows(n.conv(n.x, 12))
		n.output(n.softmax(v, 2), n.do("Exp", nil, n.rows(n.conv(n.x, 3))))
		return v
	}, 12, patterns.Softmax, 0, true},
}

func TestKinds(t *testing.T) {
	for _, k := range slices.Concat(kinds, ruleKinds) {
		t.Run(k.name, func(t *testing.T) {
			n := newNet(t)
			want := k.build(n)
			r, err := patterns.Locate(n.m, patterns.Options{})
			var none *patterns.NotFoundError
			var several *patterns.AmbiguousError
			switch {
			case k.unsure && (errors.As(err, &none) || errors.As(err, &several)):
				t.Logf("refused: %v", err)
				return
			case err != nil:
				t.Fatal(err)
			}
			h := r.Heads[0]
			if want == nil {
				if h.Confidence >= 0.9 {
					t.Errorf("a head at %g where there is none or nobody can say", h.Confidence)
				}
				return
			}
			t.Logf("%d classes, %s, %s %v at %g: %q", h.Classes, h.Activation, h.Levels[0].Source.Name, h.Levels[0].Slice, h.Confidence, h.Evidence)
			if h.Classes != k.classes || h.Activation != k.act || h.Levels[0].Slice.Start != k.start {
				t.Errorf("%d classes, %s, from %d; want %d, %s, %d (%s)", h.Classes, h.Activation, h.Levels[0].Slice.Start, k.classes, k.act, k.start, want.Name)
			}
			if sure := h.Confidence >= 0.9; sure == k.unsure {
				t.Errorf("confidence %g", h.Confidence)
			}
		})
	}
}
