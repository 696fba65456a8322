package patterns_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/random"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// boxKind is a small detector on a map of 8×8 cells of 2 pixels, or on two maps.
type boxKind struct {
	name  string
	build func(n *net)
	form  patterns.BoxForm
	first string // what the first column is; empty where the form is unknown
	unit  patterns.BoxUnit
	// decoded and ordered are what Regression has.
	decoded, ordered bool
}

// side is the cells of a side of the map.
const side = 8

// numbers is a constant [1, rows, len(columns)] of what the columns say of each cell.
func (n *net) numbers(columns ...func(row, column int) float32) *graph.Value {
	t, err := tensor.Make(tensor.Float32, 1, side*side, len(columns))
	if err != nil {
		n.t.Fatal(err)
	}
	for i := range side * side {
		for c, f := range columns {
			tensor.Data[float32](t)[i*len(columns)+c] = f(i/side, i%side)
		}
	}
	return op.Const(n.m.Graph, "grid", t)
}

func columnOf(_, column int) float32 { return float32(column) }
func rowOf(row, _ int) float32       { return float32(row) }
func backwards(row, _ int) float32   { return side - 1 - float32(row) }

// apart are the rows of class scores of 9 classes and of boxes of so many channels, of a
// layer each.
func (n *net) apart(channels int) (logits, boxes *graph.Value) {
	f := n.half(n.x)
	return n.rows(n.conv(f, 9)), n.rows(n.conv(f, channels))
}

// centered decodes boxes as YOLOX does: centres plus the grid, exponentials of sizes, both
// times what by says.
func (n *net) centered(b *graph.Value, by float32, grid *graph.Value) (xy, wh *graph.Value) {
	xy = n.do("Mul", nil, n.do("Add", nil, n.slice(b, 2, 0, 2, 1), grid), n.floats(by))
	wh = n.do("Mul", nil, n.do("Exp", nil, n.slice(b, 2, 2, 4, 1)), n.floats(by))
	return xy, wh
}

// corners are what lies half of the sizes before and behind the centres.
func (n *net) corners(xy, wh *graph.Value) *graph.Value {
	half := n.do("Div", nil, wh, n.floats(2))
	return n.concat(2, n.do("Sub", nil, xy, half), n.do("Add", nil, xy, half))
}

// expected is the mean over 16 bins of each of four distances.
func (n *net) expected(b *graph.Value) *graph.Value {
	bins := n.softmax(n.reshape(b, 1, -1, 4, 16), 3)
	count := make([]float32, 16)
	for i := range count {
		count[i] = float32(i)
	}
	return n.do("ReduceSum", []*graph.Attr{graph.Int("keepdims", 0)}, n.do("Mul", nil, bins, n.floats(count...)), n.ints(3))
}

var boxKinds = []boxKind{
	{"centre and size in pixels", func(n *net) {
		v, b := n.apart(4)
		xy, wh := n.centered(b, 2, n.numbers(columnOf, rowOf))
		n.output(n.concat(2, xy, wh, n.sigmoid(v)))
	}, patterns.CenterSize, "cx", patterns.Pixels, true, true},
	{"centre and size in cells", func(n *net) {
		v, b := n.apart(4)
		xy, wh := n.centered(b, 1, n.numbers(columnOf, rowOf))
		n.output(n.concat(2, n.do("Clip", nil, xy, n.floats(-100)), wh), n.sigmoid(v))
	}, patterns.CenterSize, "cx", patterns.Cells, true, true},
	{"centre and size in fractions", func(n *net) {
		v, b := n.apart(4)
		xy, wh := n.centered(b, 1.0/side, n.numbers(columnOf, rowOf))
		n.output(n.concat(2, xy, wh), n.sigmoid(v))
	}, patterns.CenterSize, "cx", patterns.Fractions, true, true},
	{"corner and size", func(n *net) {
		v, b := n.apart(4)
		xy, wh := n.centered(b, 2, n.numbers(columnOf, rowOf))
		n.output(n.concat(2, n.do("Sub", nil, xy, n.do("Div", nil, wh, n.floats(2))), wh), n.sigmoid(v))
	}, patterns.CornerSize, "x", patterns.Pixels, true, true},
	{"corners in pixels", func(n *net) {
		v, b := n.apart(4)
		n.output(n.corners(n.centered(b, 2, n.numbers(columnOf, rowOf))), n.sigmoid(v))
	}, patterns.Corners, "x1", patterns.Pixels, true, true},
	{"corners, rows first, in fractions", func(n *net) {
		v, b := n.apart(4)
		n.output(n.corners(n.centered(b, 1.0/side, n.numbers(rowOf, columnOf))), n.sigmoid(v))
	}, patterns.Corners, "y1", patterns.Fractions, true, true},
	{"distances from points", func(n *net) {
		v, b := n.apart(4)
		d := n.do("Mul", nil, n.do("Exp", nil, b), n.floats(2))
		at := n.do("Mul", nil, n.numbers(columnOf, rowOf), n.floats(2))
		n.output(n.concat(2, n.do("Sub", nil, at, n.slice(d, 2, 0, 2, 1)), n.do("Add", nil, at, n.slice(d, 2, 2, 4, 1))), n.sigmoid(v))
	}, patterns.Corners, "x1", patterns.Pixels, true, true},
	{"distributions, decoded to centre and size", func(n *net) {
		v, b := n.apart(64)
		d := n.expected(b)
		at := n.do("Add", nil, n.numbers(columnOf, rowOf), n.floats(0.5))
		lo, hi := n.do("Sub", nil, at, n.slice(d, 2, 0, 2, 1)), n.do("Add", nil, at, n.slice(d, 2, 2, 4, 1))
		box := n.concat(2, n.do("Div", nil, n.do("Add", nil, lo, hi), n.floats(2)), n.do("Sub", nil, hi, lo))
		n.output(n.do("Mul", nil, box, n.floats(2)), n.sigmoid(v))
	}, patterns.CenterSize, "cx", patterns.Pixels, true, true},
	{"distributions, decoded to distances alone", func(n *net) {
		v, b := n.apart(64)
		n.output(n.expected(b), n.sigmoid(v))
	}, patterns.Distributed, "", patterns.UnknownUnit, false, false},
	{"raw", func(n *net) {
		v, b := n.apart(4)
		n.output(b, n.softmax(v, 2))
	}, patterns.RawBoxes, "", patterns.UnknownUnit, false, true},
	{"raw, decoded where some are chosen", func(n *net) {
		v, b := n.apart(4)
		s := n.sigmoid(v)
		best := n.many("TopK", 2, nil, n.reshape(n.do("ReduceMax", []*graph.Attr{graph.Ints("axes", 2)}, s), 1, -1), n.ints(10))
		some := n.do("Gather", []*graph.Attr{graph.Int("axis", 1)}, b, n.reshape(best[1], -1))
		n.output(n.do("Exp", nil, some), s)
	}, patterns.UnknownForm, "", patterns.UnknownUnit, false, true},
	{"exponentials of raw numbers", func(n *net) {
		v, b := n.apart(4)
		n.output(n.do("Exp", nil, b), n.sigmoid(v))
	}, patterns.RawBoxes, "", patterns.UnknownUnit, false, false},
	{"a grid that runs against the cells", func(n *net) {
		v, b := n.apart(4)
		n.output(n.corners(n.centered(b, 2, n.numbers(columnOf, backwards))), n.sigmoid(v))
	}, patterns.RawBoxes, "", patterns.UnknownUnit, false, false},
	{"a grid of another stride", func(n *net) {
		v, b := n.apart(4)
		xy, wh := n.centered(b, 3, n.numbers(columnOf, rowOf))
		n.output(n.concat(2, xy, wh), n.sigmoid(v))
	}, patterns.CenterSize, "cx", patterns.UnknownUnit, true, true},
	{"queries through a sigmoid", func(n *net) {
		f := n.rows(n.conv(n.half(n.x), 8))
		look := n.softmax(n.do("MatMul", nil, n.weights(1, 20, 8), n.transpose(f, 0, 2, 1)), 2)
		q := n.do("MatMul", nil, look, f)
		v := n.do("Add", nil, n.do("MatMul", nil, q, n.weights(8, 91)), n.weights(91))
		n.output(n.softmax(v, 2), n.sigmoid(n.do("MatMul", nil, q, n.weights(8, 4))))
	}, patterns.UnknownForm, "", patterns.Fractions, false, true},
	{"two maps, the smaller first", func(n *net) {
		var rows, boxes []*graph.Value
		for _, f := range []*graph.Value{n.half(n.half(n.x)), n.half(n.x)} {
			rows = append(rows, n.rows(n.conv(f, 9)))
			boxes = append(boxes, n.rows(n.conv(f, 4)))
		}
		n.output(n.concat(1, boxes...), n.softmax(n.concat(1, rows...), 2))
	}, patterns.RawBoxes, "", patterns.UnknownUnit, false, true},
	{"two maps, the boxes in another order", func(n *net) {
		var rows, boxes []*graph.Value
		for _, f := range []*graph.Value{n.half(n.half(n.x)), n.half(n.x)} {
			rows = append(rows, n.rows(n.conv(f, 9)))
			boxes = append(boxes, n.rows(n.conv(f, 4)))
		}
		slices.Reverse(boxes)
		n.output(n.concat(1, boxes...), n.softmax(n.concat(1, rows...), 2))
	}, patterns.RawBoxes, "", patterns.UnknownUnit, false, false},
}

// boxesOf are the boxes of the best head of m.
func boxesOf(t *testing.T, m *graph.Model) (*patterns.Head, *patterns.Regression) {
	t.Helper()
	r, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := r.Heads[0].Boxes()
	if b == nil {
		t.Fatal("no boxes")
	}
	return r.Heads[0], b
}

func TestBoxKinds(t *testing.T) {
	for _, k := range boxKinds {
		t.Run(k.name, func(t *testing.T) {
			n := newNet(t)
			k.build(n)
			_, b := boxesOf(t, n.m)
			t.Logf("%v, %g: %q", b.Coding, b.Confidence, b.Evidence)
			first := ""
			if len(b.Coding.Columns) > 0 {
				first = b.Coding.Columns[0]
			}
			if b.Coding.Form != k.form || first != k.first || b.Coding.Unit != k.unit {
				t.Errorf("%s %q in %s, want %s %q in %s", b.Coding.Form, first, b.Coding.Unit, k.form, k.first, k.unit)
			}
			if b.Decoded != k.decoded || b.Ordered != k.ordered {
				t.Errorf("decoded %v, ordered %v", b.Decoded, b.Ordered)
			}
			if sure := b.Confidence >= 0.9; sure && b.Coding.Form == patterns.UnknownForm || sure && b.Decoded && b.Coding.Unit == patterns.UnknownUnit {
				t.Errorf("confidence %g of what is unknown", b.Confidence)
			}
		})
	}
}

// TestBoxRecords pins what is said of the boxes, the maps and the other heads of each test
// model. With UPDATE set the file is written.
func TestBoxRecords(t *testing.T) {
	const file = "testdata/boxes.jsonl"
	var out bytes.Buffer
	files, err := filepath.Glob("../testdata/models/*.onnx")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		m, err := onnx.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		r, err := patterns.Locate(m, patterns.Options{})
		if err != nil {
			t.Fatal(err)
		}
		h := r.Heads[0]
		x := h.FullRecord()
		line := map[string]any{"name": filepath.Base(f), "boxes": x.Boxes, "boxCoding": x.BoxCoding, "levels": x.Levels}
		var beside []string
		for _, a := range h.Auxiliary() {
			beside = append(beside, fmt.Sprint(a.Kind, ": ", a.Source.Name))
		}
		line["beside"] = beside
		text, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s\n", text)
		m.Close()
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a, b := strings.Split(out.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			t.Fatalf("got\n%s\nwant\n%s", a[min(i, len(a)-1)], b[min(i, len(b)-1)])
		}
	}
}

// TestBoxesNearCells runs whole networks, with their weights, on noise: where they decode,
// most boxes lie near the cells of their anchors, in the order of the logits. Near is within
// the size of the box and two strides; the weights of most models are random.
func TestBoxesNearCells(t *testing.T) {
	decoded := 0
	var files []string
	for _, dir := range folders(t) {
		files = append(files, models(t, dir)...)
	}
	for _, f := range files {
		r, err := patterns.Locate(open(t, f), patterns.Options{})
		if err != nil {
			t.Fatal(err)
		}
		b := r.Heads[0].Boxes()
		if b != nil {
			t.Logf("%s: %v, decoded %v, %g", filepath.Base(f), b.Coding, b.Decoded, b.Confidence)
		}
		if b != nil && b.Decoded && len(b.Maps) > 0 {
			share := nearCells(t, r.Model, b)
			decoded++
			if t.Logf("  near their cells: %.3f", share); share < 0.9 {
				t.Errorf("%s: %.3f of the boxes lie near their cells", filepath.Base(f), share)
			}
		}
	}
	if decoded < 6 {
		t.Errorf("%d models decode their boxes", decoded)
	}
}

// nearCells is the share of boxes that lie near their cells.
func nearCells(t *testing.T, m *graph.Model, b *patterns.Regression) float64 {
	var names []string
	for _, p := range b.Parts {
		names = append(names, p.Source.Name)
	}
	plan, err := interp.New(m, interp.Options{Fetches: names})
	if err != nil {
		t.Fatal(err)
	}
	feeds := map[string]*tensor.Tensor{}
	var picture []int
	for _, v := range plan.Feeds() {
		x, err := random.Input(v, map[string]int{"height": 128, "width": 192}, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		feeds[v.Name], picture = x, x.Shape
	}
	out, err := plan.Run(context.Background(), feeds)
	if err != nil {
		t.Fatal(err)
	}
	var boxes [][]float64
	for _, p := range b.Parts {
		boxes = append(boxes, boxRows(t, out[p.Source.Name], p)...)
	}
	near, i := 0, 0
	for _, g := range b.Maps {
		stride := [2]float64{g.Stride, g.Stride}
		rows, columns := int(g.Rows.Value), int(g.Columns.Value)
		if !g.Rows.IsKnown() {
			rows, columns = (picture[2]+int(g.Stride)-1)/int(g.Stride), (picture[3]+int(g.Stride)-1)/int(g.Stride)
		}
		if g.Stride == 0 {
			stride = [2]float64{float64(picture[3]) / float64(columns), float64(picture[2]) / float64(rows)}
		}
		for k := range rows * columns * g.PerCell {
			cell := k / g.PerCell
			center, size := inPixels(boxes[i], b.Coding, picture)
			i++
			ok := true
			for axis, at := range []int{cell % columns, cell / columns} {
				ok = ok && math.Abs(center[axis]-(float64(at)+0.5)*stride[axis]) <= size[axis]+2*stride[axis]
			}
			if ok {
				near++
			}
		}
	}
	if i != len(boxes) {
		t.Errorf("maps of %d boxes, %d of the graph", i, len(boxes))
	}
	return float64(near) / float64(i)
}

// inPixels is the centre and size of a box, x before y.
func inPixels(x []float64, c patterns.Coding, picture []int) (center, size [2]float64) {
	at := map[string]float64{}
	for i, name := range c.Columns {
		if at[name] = x[i]; c.Unit == patterns.Fractions {
			axis := 3
			if strings.ContainsAny(name, "yh") {
				axis = 2
			}
			at[name] *= float64(picture[axis])
		}
	}
	if c.Form == patterns.Corners {
		return [2]float64{(at["x1"] + at["x2"]) / 2, (at["y1"] + at["y2"]) / 2}, [2]float64{at["x2"] - at["x1"], at["y2"] - at["y1"]}
	}
	return [2]float64{at["cx"], at["cy"]}, [2]float64{at["w"], at["h"]}
}

// boxRows are the boxes of p in t, for the layouts that the models have.
func boxRows(t *testing.T, x *tensor.Tensor, p patterns.Part) [][]float64 {
	v, s := op.Floats(x), x.Shape
	var rows [][]float64
	add := func(at, step int) {
		at += p.Slice.Start * step
		rows = append(rows, []float64{v[at], v[at+step], v[at+2*step], v[at+3*step]})
	}
	switch p.Layout {
	case "RC", "NRC":
		n := s[len(s)-1]
		for i := range len(v) / n {
			add(i*n, 1)
		}
	case "NCR":
		for i := range s[2] {
			add(i, s[2])
		}
	case "NAHWC":
		for i := range s[2] * s[3] {
			for a := range s[1] {
				add((a*s[2]*s[3]+i)*s[4], 1)
			}
		}
	default:
		t.Fatalf("layout %s", p.Layout)
	}
	return rows
}
