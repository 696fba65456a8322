package match_test

import (
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns/match"
)

// net is a model with one feature map, and what builds on it.
type net struct {
	t *testing.T
	m *graph.Model
	x *graph.Value // [1, 8, 4, 4]
}

func newNet(t *testing.T) *net {
	m := graph.New(13)
	x, err := m.Graph.AddInput("x", graph.TensorOf(tensor.Float32, graph.Static(1, 8, 4, 4)))
	if err != nil {
		t.Fatal(err)
	}
	return &net{t, m, x}
}

func (n *net) do(name string, attrs []*graph.Attr, in ...*graph.Value) *graph.Value {
	n.t.Helper()
	v := op.Apply(name, 1, attrs, in...)[0]
	if err := n.m.Graph.Err(); err != nil {
		n.t.Fatal(err)
	}
	return v
}

func (n *net) ints(x ...int64) *graph.Value {
	return op.Const(n.m.Graph, "i", tensor.Vector(x...))
}

func (n *net) conv(out int) *graph.Value {
	w, err := tensor.Make(tensor.Float32, out, 8, 1, 1)
	if err != nil {
		n.t.Fatal(err)
	}
	return n.do("Conv", nil, n.x, op.Const(n.m.Graph, "w", w))
}

func (n *net) reshape(v *graph.Value, to ...int64) *graph.Value {
	return n.do("Reshape", nil, v, n.ints(to...))
}

func (n *net) slice(v *graph.Value, axis, lo, hi, step int64) *graph.Value {
	return n.do("Slice", nil, v, n.ints(lo), n.ints(hi), n.ints(axis), n.ints(step))
}

func (n *net) transpose(v *graph.Value, perm ...int64) *graph.Value {
	return n.do("Transpose", []*graph.Attr{graph.Ints("perm", perm...)}, v)
}

func (n *net) concat(axis int64, in ...*graph.Value) *graph.Value {
	return n.do("Concat", []*graph.Attr{graph.Int("axis", axis)}, in...)
}

func (n *net) gather(v *graph.Value, axis int64, idx *graph.Value) *graph.Value {
	return n.do("Gather", []*graph.Attr{graph.Int("axis", axis)}, v, idx)
}

func (n *net) scalar(i int64) *graph.Value {
	return op.Const(n.m.Graph, "s", tensor.Scalar(i))
}

// TestSpans holds which channels of a layer a value shows after operators that
// move elements, and on which dimension they lie.
func TestSpans(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(n *net, v *graph.Value) *graph.Value // v: 24 channels
		want  []match.Span
		dim   int
	}{
		{"whole", func(n *net, v *graph.Value) *graph.Value { return v }, []match.Span{match.All}, 1},
		{"a run", func(n *net, v *graph.Value) *graph.Value { return n.slice(v, 1, 4, 10, 1) }, []match.Span{{4, 10, 0}}, 1},
		{"a run of a run", func(n *net, v *graph.Value) *graph.Value {
			return n.slice(n.slice(v, 1, 4, 20, 1), 1, 1, 3, 1)
		}, []match.Span{{5, 7, 0}}, 1},
		{"groups", func(n *net, v *graph.Value) *graph.Value {
			return n.slice(n.transpose(n.reshape(v, 1, 3, 8, 4, 4), 0, 1, 3, 4, 2), 4, 5, 8, 1)
		}, []match.Span{{5, 8, 8}}, 4},
		{"one of three groups", func(n *net, v *graph.Value) *graph.Value {
			return n.slice(n.reshape(v, 1, 3, 8, 4, 4), 1, 1, 2, 1)
		}, []match.Span{{8, 16, 0}}, 2},
		{"rows of groups", func(n *net, v *graph.Value) *graph.Value {
			return n.reshape(n.transpose(v, 0, 2, 3, 1), 1, 48, 8)
		}, []match.Span{match.All}, 2},
		{"every third", func(n *net, v *graph.Value) *graph.Value { return n.slice(v, 1, 2, 24, 3) }, []match.Span{{2, 3, 3}}, 1},
		{"a picked channel", func(n *net, v *graph.Value) *graph.Value {
			return n.gather(n.reshape(v, 1, 3, 8, 4, 4), 2, n.scalar(4))
		}, []match.Span{{4, 5, 8}}, -1},
		{"chosen channels", func(n *net, v *graph.Value) *graph.Value {
			return n.gather(v, 1, n.ints(3, 4, 9))
		}, []match.Span{{3, 5, 0}, {9, 10, 0}}, 1},
		{"flattened and back", func(n *net, v *graph.Value) *graph.Value {
			return n.reshape(n.reshape(n.transpose(v, 0, 2, 3, 1), 1, -1), 1, 16, 24)
		}, []match.Span{match.All}, 2},
		{"one class of each anchor", func(n *net, v *graph.Value) *graph.Value {
			return n.reshape(n.transpose(v, 0, 2, 3, 1), 1, -1, 1)
		}, []match.Span{match.All}, 2},
		{"joined and cut across", func(n *net, v *graph.Value) *graph.Value {
			two := n.concat(1, n.conv(4), v, n.conv(6))
			return n.slice(n.reshape(two, 1, 34, 16), 1, 4, 28, 1)
		}, []match.Span{match.All}, 1},
		{"two maps behind each other", func(n *net, v *graph.Value) *graph.Value {
			rows := n.reshape(v, 1, 24, 16)
			return n.slice(n.concat(2, rows, rows), 1, 0, 5, 1)
		}, []match.Span{{0, 5, 0}, {0, 5, 0}}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNet(t)
			v := c.build(n, n.conv(24))
			n.m.Graph.AddOutput(v)
			a := match.Analyze(n.m)
			w := a.View(v)
			if w == nil {
				t.Fatal("nothing is known of the value")
			}
			if len(w.Pieces) != len(c.want) {
				t.Fatalf("%d pieces, want %d: %+v", len(w.Pieces), len(c.want), w.Pieces)
			}
			for i := range w.Pieces {
				if s := w.Pieces[i].Span(); s != c.want[i] {
					t.Errorf("piece %d shows %v, want %v", i, s, c.want[i])
				}
			}
			if d := w.ChanDim(); d != c.dim {
				t.Errorf("channels on dimension %d, want %d", d, c.dim)
			}
		})
	}
}

// TestMarks holds what a layer's channels are said to be used for.
func TestMarks(t *testing.T) {
	n := newNet(t)
	v := n.conv(13)
	rows := n.transpose(n.reshape(v, 1, 13, 16), 0, 2, 1)
	s := n.do("Sigmoid", nil, rows)
	grid, _ := tensor.Make(tensor.Float32, 1, 16, 2)
	centre := n.do("Add", nil, n.slice(s, 2, 0, 2, 1), op.Const(n.m.Graph, "grid", grid))
	score := n.do("Mul", nil, n.slice(s, 2, 5, 13, 1), n.slice(s, 2, 4, 5, 1))
	size := n.do("Exp", nil, n.slice(rows, 2, 2, 4, 1))
	n.m.Graph.AddOutput(n.concat(2, centre, size, score))
	a := match.Analyze(n.m)
	f := a.Field(v)
	for _, c := range []struct {
		span      match.Span
		pre, post match.Marks
		not       match.Marks
	}{
		{match.Span{Start: 0, Stop: 2}, match.Sigmoid, match.ShiftRow | match.Output, match.Factored | match.Exp | match.Factor},
		{match.Span{Start: 2, Stop: 4}, match.Exp | match.Output, 0, match.ShiftRow | match.Factored},
		{match.Span{Start: 4, Stop: 5}, match.Sigmoid, match.Factor, match.ShiftRow | match.Factored},
		{match.Span{Start: 5, Stop: 13}, match.Sigmoid, match.Factored | match.Output, match.ShiftRow | match.Exp | match.Factor},
	} {
		pre, post := f.At(c.span)
		if pre&c.pre != c.pre || post&c.post != c.post || (pre | post).Has(c.not) {
			t.Errorf("%v: before %q, behind %q; want %q, %q and none of %q", c.span, pre, post, c.pre, c.post, c.not)
		}
	}
}

// TestFunctionsAreTransparent holds that a head inside a function is seen from
// outside.
func TestFunctionsAreTransparent(t *testing.T) {
	n := newNet(t)
	v := n.conv(6)
	body := graph.NewGraph(n.m, nil)
	f := &graph.Function{Name: "act", Domain: "own", Opsets: []graph.Opset{{Version: 13}}, Body: body}
	body.Function = f
	in, _ := body.AddInput("a", graph.Type{})
	out, _ := body.Declare("b", graph.Type{})
	if err := body.AddNode(&graph.Node{Op: "Sigmoid", Inputs: []*graph.Value{in}, Outputs: []*graph.Value{out}}); err != nil {
		t.Fatal(err)
	}
	body.AddOutput(out)
	n.m.Functions = append(n.m.Functions, f)
	n.m.SetOpset("own", 1)
	y, _ := n.m.Graph.Declare("y", graph.Type{})
	if err := n.m.Graph.AddNode(&graph.Node{Op: "act", Domain: "own", Inputs: []*graph.Value{v}, Outputs: []*graph.Value{y}}); err != nil {
		t.Fatal(err)
	}
	n.m.Graph.AddOutput(y)
	flat, err := graph.Inline(n.m)
	if err != nil {
		t.Fatal(err)
	}
	a := match.Analyze(flat.Model)
	found := false
	for _, f := range a.Fields {
		found = found || f.Kind == match.Gate && flat.Of(f.Reads()) == v
	}
	if !found {
		t.Error("the sigmoid inside the function does not lead to the layer outside")
	}
}

// TestEndlessFunctionsEnd holds that functions which call each other are an
// error, not a hang.
func TestEndlessFunctionsEnd(t *testing.T) {
	n := newNet(t)
	body := graph.NewGraph(n.m, nil)
	f := &graph.Function{Name: "loop", Domain: "own", Body: body}
	body.Function = f
	in, _ := body.AddInput("a", graph.Type{})
	v := in
	for _, name := range []string{"b", "c"} {
		w, _ := body.Declare(name, graph.Type{})
		if err := body.AddNode(&graph.Node{Op: "loop", Domain: "own", Inputs: []*graph.Value{v}, Outputs: []*graph.Value{w}}); err != nil {
			t.Fatal(err)
		}
		v = w
	}
	body.AddOutput(v)
	n.m.Functions = append(n.m.Functions, f)
	y, _ := n.m.Graph.Declare("y", graph.Type{})
	if err := n.m.Graph.AddNode(&graph.Node{Op: "loop", Domain: "own", Inputs: []*graph.Value{n.x}, Outputs: []*graph.Value{y}}); err != nil {
		t.Fatal(err)
	}
	if _, err := graph.Inline(n.m); err == nil {
		t.Error("no error")
	}
}

func TestSpanAlgebra(t *testing.T) {
	for _, c := range []struct {
		a, b          match.Span
		meets, within bool
	}{
		{match.Span{Start: 0, Stop: 4}, match.Span{Start: 4, Stop: 8}, false, false},
		{match.Span{Start: 2, Stop: 5}, match.Span{Start: 4, Stop: 8}, true, false},
		{match.Span{Start: 5, Stop: 7}, match.Span{Start: 4, Stop: 8}, true, true},
		{match.Span{Start: 5, Stop: 7}, match.All, true, true},
		{match.All, match.Span{Start: 5, Stop: 7}, true, false},
		{match.Span{Start: 5, Stop: 8, Stride: 8}, match.Span{Start: 0, Stop: 5, Stride: 8}, false, false},
		{match.Span{Start: 6, Stop: 8, Stride: 8}, match.Span{Start: 5, Stop: 8, Stride: 8}, true, true},
		{match.Span{Start: 13, Stop: 16}, match.Span{Start: 5, Stop: 8, Stride: 8}, true, true},
		{match.Span{Start: 8, Stop: 12}, match.Span{Start: 5, Stop: 8, Stride: 8}, false, false},
	} {
		if got := c.a.Meets(c.b); got != c.meets {
			t.Errorf("%v meets %v: %v", c.a, c.b, got)
		}
		if got := c.a.Within(c.b); got != c.within {
			t.Errorf("%v within %v: %v", c.a, c.b, got)
		}
	}
}

// Where sizes are unknown, a reshape that puts anchors of one channel apart
// keeps rows and columns in order.
func TestMapOfUnknownSize(t *testing.T) {
	m := graph.New(13)
	x, err := m.Graph.AddInput("x", graph.TensorOf(tensor.Float32, graph.Shape{graph.Known(1), graph.Known(8), graph.Unknown(), graph.Unknown()}))
	if err != nil {
		t.Fatal(err)
	}
	n := &net{t, m, x}
	v := n.conv(1)
	hw := n.slice(n.do("Shape", nil, v), 0, 2, 4, 1)
	maps := n.do("Reshape", nil, v, n.concat(0, n.ints(1, -1, 1), hw))
	rows := n.reshape(n.transpose(maps, 0, 3, 4, 1, 2), 1, -1, 1)
	m.Graph.AddOutput(rows)
	w := match.Analyze(m).View(rows)
	if w == nil || len(w.Pieces) != 1 {
		t.Fatalf("%+v", w)
	}
	var order []int
	for _, a := range w.Pieces[0].Dims[1] {
		if a.Axis > 1 {
			order = append(order, a.Axis)
		}
	}
	if !slices.Equal(order, []int{2, 3}) || w.ChanDim() != 2 {
		t.Errorf("rows of axes %v, channels on dimension %d, want rows of 2 and 3 and channels on 2: %+v", order, w.ChanDim(), w.Pieces[0])
	}
}
