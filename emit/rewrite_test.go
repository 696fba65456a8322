package emit_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/random"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

const models = "../testdata/models/"

func read(t *testing.T, name string) *graph.Model {
	t.Helper()
	m, err := onnx.ReadFile(models + name + ".onnx")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func rewrite(t *testing.T, m *graph.Model, o emit.Options) *emit.Manifest {
	t.Helper()
	r, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if o.Loss.Name == "" {
		o.Loss.Name = "modified-focal-sigmoid"
	}
	x, err := emit.Rewrite(m, r.Heads[:1], o)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	return x
}

func encode(t *testing.T, m *graph.Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := onnx.Write(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSameBytes(t *testing.T) {
	var files [2][]byte
	for i := range files {
		m := read(t, "yolo_anchor")
		rewrite(t, m, emit.Options{})
		files[i] = encode(t, m)
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("the same model and options gave different bytes")
	}
}

// TestOriginalStays holds every node and initializer of the original to its
// own bytes in the file that is written.
func TestOriginalStays(t *testing.T) {
	for _, name := range []string{"yolov1", "ssd", "detr", "two_stage"} {
		m := read(t, name)
		var want [][]byte
		for _, n := range m.Graph.Nodes {
			want = append(want, extent(t, m, n.Origin))
		}
		for _, v := range m.Graph.Inits {
			want = append(want, extent(t, m, v.Init.Origin))
		}
		rewrite(t, m, emit.Options{})
		file := encode(t, m)
		for _, w := range want {
			if !bytes.Contains(file, w) {
				t.Errorf("%s: a message of the original is not in the file: %.60q", name, w)
			}
		}
	}
}

func extent(t *testing.T, m *graph.Model, e graph.Extent) []byte {
	t.Helper()
	b := make([]byte, e.Len)
	if _, err := m.Source.ReadAt(b, e.Off); err != nil || e.IsZero() {
		t.Fatalf("extent %v: %v", e, err)
	}
	return b
}

// TestNoDeadNodes: whatever was appended is read by something.
func TestNoDeadNodes(t *testing.T) {
	for _, l := range loss.All() {
		if l.Kind != loss.Classification {
			continue
		}
		m := read(t, "ssd")
		o := l.Plain(21)
		rewrite(t, m, emit.Options{Loss: o})
		for _, n := range m.Graph.Nodes {
			if !strings.HasPrefix(n.Name, "loss/") {
				continue
			}
			if !slices.ContainsFunc(n.Outputs, func(o *graph.Value) bool {
				return len(o.Uses()) > 0 || slices.Contains(m.Graph.Outputs, o)
			}) {
				t.Errorf("%s: nothing reads %v", l.Name, n)
			}
		}
	}
}

func TestTakenNames(t *testing.T) {
	m := read(t, "classifier")
	for i, name := range []string{"logits", "loss", "target"} {
		if i < len(m.Graph.Outputs) {
			if err := m.Graph.Outputs[i].Rename(name); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if _, err := m.Graph.AddInit(name, tensor.Scalar[float32](0)); err != nil {
			t.Fatal(err)
		}
	}
	x := rewrite(t, m, emit.Options{})
	seen := map[string]bool{}
	for _, p := range slices.Concat(x.Inputs, x.Outputs) {
		if seen[p.Name] {
			t.Errorf("two inputs or outputs are called %q", p.Name)
		}
		seen[p.Name] = true
		if m.Graph.Value(p.Name) == nil {
			t.Errorf("the manifest names %q, which the graph does not have", p.Name)
		}
	}
	if n := x.Output(emit.RoleLoss, "").Name; n == "loss" {
		t.Error("the loss has a name that was taken")
	}
}

func TestConfidenceLoss(t *testing.T) {
	m := read(t, "yolov1")
	x := rewrite(t, m, emit.Options{Confidence: "mse"})
	if x.Confidence == nil || x.Input(emit.RoleTarget, "confidence") == nil || x.Output(emit.RoleLoss, "confidence") == nil {
		t.Fatalf("the manifest lacks the confidence: %+v", x)
	}
	plan, err := interp.New(m, interp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	feeds := map[string]*tensor.Tensor{}
	for _, v := range plan.Feeds() {
		if feeds[v.Name], err = random.Input(v, nil, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	out, err := plan.Run(context.Background(), feeds)
	if err != nil {
		t.Fatal(err)
	}
	value := func(of string) float32 { return tensor.Data[float32](out[x.Output(emit.RoleLoss, of).Name])[0] }
	if sum := value("class") + value("confidence"); sum != value("") || value("confidence") <= 0 {
		t.Errorf("loss %v, want %v + %v", value(""), value("class"), value("confidence"))
	}
}

func TestNoObjectness(t *testing.T) {
	m := read(t, "ssd")
	r, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = emit.Rewrite(m, r.Heads[:1], emit.Options{Loss: loss.Options{Name: "ce"}, Confidence: "bce"})
	if err == nil || !strings.Contains(err.Error(), "objectness") {
		t.Errorf("got %v, want an error about objectness", err)
	}
}

// TestCanonical checks the order of rows for each way in which a tensor can
// hold class logits: images, rows, columns, merged rows, anchors.
func TestCanonical(t *testing.T) {
	for _, c := range []struct {
		layout patterns.Layout
		shape  []int
		slice  patterns.Slice
	}{
		{"NCHW", []int{2, 3, 2, 4}, patterns.Slice{Start: 0, Stop: 3, Stride: 3}},
		{"NCHW", []int{2, 10, 2, 3}, patterns.Slice{Start: 1, Stop: 4, Stride: 5}},
		{"NHWC", []int{2, 2, 3, 10}, patterns.Slice{Start: 2, Stop: 5, Stride: 5}},
		{"NAHWC", []int{2, 3, 2, 2, 7}, patterns.Slice{Start: 5, Stop: 7, Stride: 7}},
		{"NACHW", []int{1, 3, 4, 2, 2}, patterns.Slice{Start: 0, Stop: 4, Stride: 4}},
		{"NRC", []int{2, 5, 4}, patterns.Slice{Start: 0, Stop: 4, Stride: 4}},
		{"NCR", []int{2, 6, 5}, patterns.Slice{Start: 4, Stop: 6, Stride: 6}},
		{"RC", []int{5, 3}, patterns.Slice{Start: 0, Stop: 3, Stride: 3}},
		{"NC", []int{2, 3}, patterns.Slice{Start: 0, Stop: 3, Stride: 3}},
		{"NRAC", []int{1, 4, 2, 3}, patterns.Slice{Start: 0, Stop: 3, Stride: 3}},
	} {
		t.Run(fmt.Sprint(c.layout, c.shape), func(t *testing.T) { checkCanonical(t, c.layout, c.shape, c.slice) })
	}
}

func checkCanonical(t *testing.T, layout patterns.Layout, shape []int, s patterns.Slice) {
	for _, opset := range []int64{7, 13, 18} {
		for _, dynamic := range []bool{false, true} {
			g := graph.New(opset).Graph
			dims := graph.Static(shape...)
			for i := range dims {
				if dynamic && i != layout.ChannelAxis() && layout[i] != 'A' {
					dims[i] = graph.Named(fmt.Sprint("d", i))
				}
			}
			in, err := g.AddInput("x", graph.TensorOf(tensor.Float32, dims))
			if err != nil {
				t.Fatal(err)
			}
			out, err := emit.Canonical([]patterns.Part{{Source: in, Layout: layout, Slice: s}})
			if err != nil {
				t.Fatalf("opset %d: %v", opset, err)
			}
			n, _ := tensor.Count(shape)
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(i)
			}
			plan, err := interp.New(g.Model, interp.Options{Fetches: []string{out.Name}})
			if err != nil {
				t.Fatal(err)
			}
			res, err := plan.Run(context.Background(), map[string]*tensor.Tensor{"x": tensor.Of(shape, x)})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := tensor.Data[float32](res[out.Name]), canonicalByIndex(layout, shape, s); !slices.Equal(got, want) {
				t.Errorf("opset %d: got %v, want %v", opset, got, want)
			}
		}
	}
}

// canonicalByIndex lists the elements' numbers in canonical order, by asking
// every index for its place.
func canonicalByIndex(layout patterns.Layout, shape []int, s patterns.Slice) []float32 {
	type place struct {
		key   string
		value float32
	}
	var places []place
	n, _ := tensor.Count(shape)
	strides := tensor.Strides(shape)
	for e := range n {
		at := map[byte]int{}
		for i := range shape {
			at[layout[i]] = e / strides[i] % shape[i]
		}
		group, class := at['C']/s.Stride, at['C']%s.Stride
		if class < s.Start || class >= s.Stop {
			continue
		}
		key := fmt.Sprintf("%03d", []int{at['N'], at['H'], at['W'], at['R'], at['A'], group, class})
		places = append(places, place{key, float32(e)})
	}
	slices.SortFunc(places, func(a, b place) int { return strings.Compare(a.key, b.key) })
	out := make([]float32, len(places))
	for i, p := range places {
		out[i] = p.value
	}
	return out
}
