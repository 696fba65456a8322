package patterns_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// TestNoImage holds what a classifier of rows of numbers is called.
func TestNoImage(t *testing.T) {
	m := graph.New(13)
	x, err := m.Graph.AddInput("row", graph.TensorOf(tensor.Float32, graph.Static(1, 16)))
	if err != nil {
		t.Fatal(err)
	}
	n := &net{t, m, x}
	n.output(n.softmax(n.do("MatMul", nil, x, n.weights(16, 3)), 1))
	r, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := r.Heads[0]
	if !h.PerImage() || h.OfImages() || !slices.Contains(h.Evidence, "one row per sample and no boxes: a classifier of what is no image") {
		t.Errorf("per image %t, of images %t, evidence %q", h.PerImage(), h.OfImages(), h.Evidence)
	}
}

// TestAddedScores holds that of heads whose scores are added, as the stages of a
// cascade, none is sure to be the one.
func TestAddedScores(t *testing.T) {
	n := newNet(t)
	score := func() *graph.Value { return n.softmax(n.transpose(n.conv(n.x, 5), 0, 2, 3, 1), 3) }
	mean := n.do("Mul", nil, n.do("Add", nil, score(), score()), n.floats(0.5))
	n.output(n.do("ReduceMax", []*graph.Attr{graph.Ints("axes", 3)}, mean), n.do("Exp", nil, n.conv(n.x, 4)))
	r, err := patterns.Locate(n.m, patterns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Heads) != 2 || r.Heads[0].Confidence >= 0.9 {
		t.Errorf("%d heads, the first at %g; want 2 below 0.9", len(r.Heads), r.Heads[0].Confidence)
	}
}

// TestLayouts holds source, layout, slice and rows of small detectors, one for
// each way in which class channels lie.
func TestLayouts(t *testing.T) {
	for _, c := range []struct {
		name   string
		build  func(n *net) *graph.Value // gives the tensor to be found
		layout patterns.Layout
		slice  patterns.Slice
		rows   int64
		act    patterns.Activation
		bg     int
	}{
		{"anchors in the channels, sigmoid, nothing else", func(n *net) *graph.Value {
			v := n.conv(n.x, 9*20)
			n.output(n.do("Sigmoid", nil, v), n.conv(n.x, 9*4))
			return v
		}, "NCHW", patterns.Slice{Start: 0, Stop: 20, Stride: 20}, 9 * 256, patterns.Sigmoid, -1},
		{"mixed channels in groups, split behind the sigmoid", func(n *net) *graph.Value {
			v := n.transpose(n.reshape(n.conv(n.x, 3*13), 1, 3, 13, 16, 16), 0, 1, 3, 4, 2)
			s := n.do("Sigmoid", nil, v)
			n.output(n.do("Pow", nil, n.slice(s, 4, 0, 4, 1), n.floats(2)), n.do("Mul", nil, n.slice(s, 4, 5, 13, 1), n.slice(s, 4, 4, 5, 1)))
			return v
		}, "NAHWC", patterns.Slice{Start: 5, Stop: 13, Stride: 13}, 3 * 256, patterns.Sigmoid, -1},
		{"softmax with the last class cut off", func(n *net) *graph.Value {
			v := n.transpose(n.reshape(n.conv(n.x, 11), 1, 11, -1), 0, 2, 1)
			n.output(n.slice(n.softmax(v, -1), 2, 0, 10, 1), n.do("Exp", nil, n.conv(n.x, 4)))
			return v
		}, "NRC", patterns.Slice{Start: 0, Stop: 11, Stride: 11}, 256, patterns.Softmax, 10},
		{"softmax with the first class cut off", func(n *net) *graph.Value {
			v := n.transpose(n.conv(n.x, 11), 0, 2, 3, 1)
			n.output(n.slice(n.softmax(v, -1), 3, 1, 11, 1), n.do("Exp", nil, n.conv(n.x, 4)))
			return v
		}, "NHWC", patterns.Slice{Start: 0, Stop: 11, Stride: 11}, 256, patterns.Softmax, 0},
		{"classes first, joined with boxes before the split", func(n *net) *graph.Value {
			all := n.reshape(n.concat(1, n.conv(n.x, 64), n.conv(n.x, 7)), 1, 71, -1)
			parts := n.many("Split", 2, []*graph.Attr{graph.Int("axis", 1)}, all, n.ints(64, 7))
			bins := n.softmax(n.reshape(parts[0], 1, 4, 16, -1), 2)
			dist := n.do("Conv", nil, n.transpose(bins, 0, 2, 1, 3), n.weights(1, 16, 1, 1))
			n.output(n.concat(1, n.reshape(dist, 1, 4, -1), n.do("Sigmoid", nil, parts[1])))
			return parts[1]
		}, "NCR", patterns.Slice{Start: 0, Stop: 7, Stride: 7}, 256, patterns.Sigmoid, -1},
		{"a sigmoid written out", func(n *net) *graph.Value {
			v := n.conv(n.x, 6)
			e := n.do("Exp", nil, n.do("Neg", nil, v))
			n.output(n.do("Reciprocal", nil, n.do("Add", nil, e, n.floats(1))), n.do("Exp", nil, n.conv(n.x, 4)))
			return v
		}, "NCHW", patterns.Slice{Start: 0, Stop: 6, Stride: 6}, 256, patterns.Sigmoid, -1},
		{"a segmentation at another size beside", func(n *net) *graph.Value {
			v := n.conv(n.x, 4)
			up := n.do("ConvTranspose", []*graph.Attr{graph.Ints("strides", 2, 2)}, n.x, n.weights(8, 8, 2, 2))
			n.output(n.do("Exp", nil, n.conv(n.x, 4)), n.do("Sigmoid", nil, v), n.do("Sigmoid", nil, n.conv(up, 3)))
			return v
		}, "NCHW", patterns.Slice{Start: 0, Stop: 4, Stride: 4}, 256, patterns.Sigmoid, -1},
		{"an angle in bins behind the classes", func(n *net) *graph.Value {
			rows := func(v *graph.Value) *graph.Value {
				return n.transpose(n.reshape(v, 1, v.Shape()[1].Value, -1), 0, 2, 1)
			}
			v := rows(n.conv(n.x, 6))
			s := n.do("Sigmoid", nil, n.concat(2, rows(n.conv(n.x, 4)), rows(n.conv(n.x, 1)), v, rows(n.conv(n.x, 180))))
			bin := n.do("ArgMax", []*graph.Attr{graph.Int("axis", 2)}, n.slice(s, 2, 11, 191, 1))
			angle := n.do("Mul", nil, n.do("Sub", nil, n.do("Cast", []*graph.Attr{graph.Int("to", int64(tensor.Float32))}, bin), n.floats(90)), n.floats(0.0175))
			n.output(n.concat(2, n.do("Mul", nil, n.slice(s, 2, 0, 4, 1), n.floats(64)), angle), n.do("Mul", nil, n.slice(s, 2, 5, 11, 1), n.slice(s, 2, 4, 5, 1)))
			return v
		}, "NRC", patterns.Slice{Start: 0, Stop: 6, Stride: 6}, 256, patterns.Sigmoid, -1},
		{"two sigmoids of which the first is cut off", func(n *net) *graph.Value {
			v := n.reshape(n.transpose(n.conv(n.x, 3*2), 0, 2, 3, 1), 1, -1, 2)
			boxes := n.reshape(n.transpose(n.conv(n.x, 3*4), 0, 2, 3, 1), 1, -1, 4)
			n.output(n.do("Exp", nil, boxes), n.slice(n.do("Sigmoid", nil, v), 2, 1, 2, 1))
			return v
		}, "NRC", patterns.Slice{Start: 0, Stop: 2, Stride: 2}, 3 * 256, patterns.Sigmoid, 0},
		{"sigmoids of which those in the middle have a use of their own", func(n *net) *graph.Value {
			v := n.transpose(n.conv(n.x, 6), 0, 2, 3, 1)
			s := n.do("Sigmoid", nil, v)
			n.output(n.do("Exp", nil, n.conv(n.x, 4)), s, n.slice(s, 3, 0, 3, 1))
			return v
		}, "NHWC", patterns.Slice{Start: 0, Stop: 6, Stride: 6}, 256, patterns.Sigmoid, -1},
		{"scores ranked over rows and classes at once, of which fewer than the classes are taken", func(n *net) *graph.Value {
			v := n.reshape(n.transpose(n.conv(n.x, 80), 0, 2, 3, 1), 256, 80)
			k := n.ints(100)
			best := n.many("TopK", 2, nil, n.do("Sigmoid", nil, n.reshape(v, -1)), k)
			at := n.slice(best[1], 0, 0, 20, 1)
			boxes := n.reshape(n.transpose(n.do("Exp", nil, n.conv(n.x, 4)), 0, 2, 3, 1), 256, 4)
			n.output(n.do("Gather", nil, boxes, n.do("Div", nil, at, n.ints(80))), n.slice(best[0], 0, 0, 20, 1), n.do("Mod", nil, at, n.ints(80)))
			return v
		}, "RC", patterns.Slice{Start: 0, Stop: 80, Stride: 80}, 256, patterns.Sigmoid, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNet(t)
			want := c.build(n)
			r, err := patterns.Locate(n.m, patterns.Options{})
			if err != nil {
				t.Fatal(err)
			}
			h := r.Heads[0]
			l := h.Levels[0]
			if l.Source != want || l.Layout != c.layout || l.Slice != c.slice || l.Anchors != graph.Known(c.rows) {
				t.Errorf("%s %s %v %v, want %s %s %v %d", l.Source.Name, l.Layout, l.Slice, l.Anchors, want.Name, c.layout, c.slice, c.rows)
			}
			if h.Activation != c.act || h.Background != c.bg || h.Classes != c.slice.Len() || len(h.Levels) != 1 {
				t.Errorf("%s", asJSON(t, r))
			}
		})
	}
}

func TestReportIsTheInterfaceJSON(t *testing.T) {
	n := newNet(t)
	v := n.conv(n.x, 9*20)
	n.output(n.do("Sigmoid", nil, v), n.conv(n.x, 9*4))
	r, err := patterns.Locate(n.m, patterns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Heads []struct {
			Source     string
			ClassAxis  int
			Classes    int
			ClassSlice struct{ Start, Stop, Stride int }
			Background *int
			Levels     []struct {
				Source  string
				Anchors int
			}
			Confidence float64
			Evidence   []string
		}
		Candidates []struct{ Source, Role, Rejected string }
	}
	if err := json.Unmarshal([]byte(asJSON(t, r)), &doc); err != nil {
		t.Fatal(err)
	}
	h := doc.Heads[0]
	if h.Source != v.Name || h.ClassAxis != 1 || h.Classes != 20 || h.ClassSlice.Stride != 20 || h.Background != nil ||
		h.Levels[0].Anchors != 9*256 || h.Confidence <= 0.5 || len(h.Evidence) == 0 {
		t.Errorf("%+v", doc)
	}
	if len(doc.Candidates) != 2 || doc.Candidates[1].Rejected == "" && doc.Candidates[0].Rejected == "" {
		t.Errorf("%+v", doc.Candidates)
	}
}
