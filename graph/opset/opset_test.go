package opset_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/interp/conform"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/opset"
	"github.com/onnxloss/onnxloss/graph/random"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
)

// upgrades are graphs at an opset, one at least for each adapter, and what the node of
// the operator is to look like at the opset to.
var upgrades = []struct {
	from, to int64
	graph    string
	want     string // part of the upgraded graph's text
}{
	{7, 9, `g (float[1,3,4] x, float[3] s, float[3] b, float[3] m, float[3] v) => (float[1,3,4] y) { y = BatchNormalization <spatial: int = 1> (x, s, b, m, v) }`, "y = BatchNormalization (x"},
	{9, 14, `g (float[1,3,4] x, float[3] s, float[3] b, float[3] m, float[3] v) => (float[1,3,4] y) { y = BatchNormalization <epsilon: float = 0.1> (x, s, b, m, v) }`, ""},
	{7, 10, `g (float[1,2,3,3] x) => (float[1,2,6,9] y) { y = Upsample <mode: string = "nearest", scales: floats = [1, 1, 2, 3]> (x) }`, "Resize"},
	{9, 11, `g (float[1,2,3,3] x) => (float[1,2,6,6] y) <float[4] s = {1, 1, 2, 2}> { y = Upsample <mode: string = "linear"> (x, s) }`, `"asymmetric"`},
	{10, 11, `g (float[1,2,6,6] x) => (float[1,2,3,2] y) <float[4] s = {1, 1, 0.5, 0.4}> { y = Resize <mode: string = "nearest"> (x, s) }`, `"ceil"`},
	{11, 13, `g (float[1,2,3,3] x) => (float[1,2,7,5] y) <float[0] r = {}, float[0] s = {}, int64[4] z = {1, 2, 7, 5}> {
		y = Resize <mode: string = "nearest", nearest_mode: string = "floor", coordinate_transformation_mode: string = "tf_half_pixel_for_nn"> (x, r, s, z) }`, `"round_prefer_ceil"`},
	{7, 12, `g (float[2,3] x) => (float[2,3] y) { y = Dropout <ratio: float = 0.3> (x) }`, "y = Dropout (x, "},
	{6 + 1, 11, `g (float[2,3] x) => (float[2,3] y) { y = Clip <min: float = 0.25, max: float = 0.5> (x) }`, "y = Clip (x, "},
	{7, 11, `g (double[2,3] x) => (double[2,3] y) { y = Clip <max: float = 0.5> (x) }`, `y = Clip (x, "", `},
	{9, 11, `g (float[2,3] x) => (float[3,5] y) { y = Pad <pads: ints = [0, 1, 1, 1], value: float = 7.0> (x) }`, "y = Pad (x, "},
	{7, 11, `g (float[3,4] x) => (float[4,4] y) { y = Pad <mode: string = "reflect", pads: ints = [0, 1, 1, -1]> (x) }`, ""},
	{9, 10, `g (float[4,5] x) => (float[2,5] y) { y = Slice <starts: ints = [1], ends: ints = [-1], axes: ints = [0]> (x) }`, "y = Slice (x, "},
	{7, 10, `g (float[4,5] x) => (float[2,4] y) { y = Slice <starts: ints = [1, 0], ends: ints = [3, 4]> (x) }`, ""},
	{7, 10, `g (float[3,5] x) => (float[3,2] y, int64[3,2] i) { y, i = TopK <axis: int = 1, k: int = 2> (x) }`, "TopK <axis: int = 1> (x, "},
	{7, 13, `g (float[2,3,4] x) => (float[2,3,4] y) { y = Softmax (x) }`, "Flatten"},
	{11, 13, `g (float[2,3,4] x) => (float[2,3,4] y) { y = LogSoftmax <axis: int = 2> (x) }`, "y = LogSoftmax"},
	{11, 13, `g (float[2,3,4] x) => (float[2,3,4] y) { y = Hardmax <axis: int = -2> (x) }`, "Flatten"},
	{7, 13, `g (float[1,3,1] x) => (float[3] y) { a = Squeeze <axes: ints = [0, 2]> (x) b = Unsqueeze <axes: ints = [0]> (a) y = Squeeze (b) }`, ""},
	{11, 13, `g (float[2,3] x) => (float[2,1] y) { y = ReduceSum <axes: ints = [-1]> (x) }`, "y = ReduceSum (x, "},
	{11, 18, `g (float[2,3] x) => (float[3] y, float[1,1] z) { y = ReduceMean <axes: ints = [0], keepdims: int = 0> (x) z = ReduceMax (x) }`, ""},
	{11, 13, `g (float[2,5] x) => (float[2,2] y, float[2,3] z) { y, z = Split <axis: int = 1, split: ints = [2, 3]> (x) }`, ""},
	{13, 18, `g (float[2,4] x) => (float[2,2] y, float[2,2] z) { y, z = Split <axis: int = 1> (x) }`, "num_outputs"},
	{10, 16, `g (float[1,2,6,6] x, float[2,4] r) => (float[2,2,2,2] y) <int64[2] b = {0, 0}> { y = RoiAlign <output_height: int = 2, output_width: int = 2, sampling_ratio: int = 2> (x, r, b) }`, `"output_half_pixel"`},
	{9, 11, `g (float[3,3] x, float[1,2] u) => (float[3,3] y) <int64[1,2] i = {1, 0}> { y = Scatter <axis: int = 1> (x, i, u) }`, "ScatterElements"},
	{16, 20, `g (float[1,2,4,4] x, float[1,3,3,2] r) => (float[1,2,3,3] y) { y = GridSample <mode: string = "bicubic"> (x, r) }`, `"cubic"`},
	{16, 20, `g (float[1,2,4,4] x, float[1,3,3,2] r) => (float[1,2,3,3] y) { y = GridSample (x, r) }`, `"linear"`},
	{17, 20, `g (float[1,4,1] x) => (float[1,4,2] y) { y = DFT (x) }`, ""},
	{18, 21, `g (float[2,6,4] x, float[3] s, float[3] b) => (float[2,6,4] y) { y = GroupNormalization <num_groups: int = 3> (x, s, b) }`, "Expand"},
	{11, 13, `g (float[2,3] x, bool c) => (float[2,1] y) { y = If (c) <then_branch = t () => (float[2,1] u) { u = ReduceSum <axes: ints = [1]> (x) }, else_branch = e () => (float[2,1] v) { v = ReduceMax <axes: ints = [1]> (x) }> }`, "u = ReduceSum (x, "},
}

func model(t *testing.T, opset int64, graph string) *graph.Model {
	t.Helper()
	m, err := text.Parse(fmt.Sprintf(`<ir_version: 6, opset_import: ["" : %d]> %s`, opset, graph))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// run is what m computes of inputs drawn by their names and types.
func run(m *graph.Model, feeds map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	plan, err := interp.New(m, interp.Options{Threads: 1})
	if err != nil {
		return nil, err
	}
	for _, v := range plan.Feeds() {
		if feeds[v.Name] == nil {
			if feeds[v.Name], err = random.Input(v, nil, 1, plan.Fits(feeds)); err != nil {
				return nil, err
			}
		}
	}
	return plan.Run(context.Background(), feeds)
}

// same compares all outputs, bit for bit.
func same(got, want map[string]*tensor.Tensor) error {
	exact := conform.Tolerance{}
	for name := range want {
		if err := exact.Compare(got[name], want[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// TestUpgrade runs each model before and after, at the opset of the change and at the
// newest one.
func TestUpgrade(t *testing.T) {
	for _, c := range upgrades {
		for _, to := range []int64{c.to, onnx.MaxOpset} {
			t.Run(fmt.Sprintf("%d to %d %.70s", c.from, to, c.graph[strings.LastIndex(c.graph, " y")+1:]), func(t *testing.T) {
				m := model(t, c.from, c.graph)
				feeds := map[string]*tensor.Tensor{}
				want, err := run(m, feeds)
				if err != nil {
					t.Fatal(err)
				}
				if err := opset.Upgrade(m, to); err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(m.Check(), op.CheckNodes(m)); err != nil {
					t.Fatal(err)
				}
				printed, err := text.Print(m, 8)
				if err != nil {
					t.Fatal(err)
				}
				if m.Opset("") != to || m.IR != opset.LeastIR || to == c.to && !strings.Contains(printed, c.want) {
					t.Errorf("opset %d, IR %d, want %d, %d and %q in\n%s", m.Opset(""), m.IR, to, opset.LeastIR, c.want, printed)
				}
				got, err := run(m, feeds)
				if err != nil {
					t.Fatalf("%v\n%s", err, printed)
				}
				if err := same(got, want); err != nil {
					t.Errorf("%v\n%s", err, printed)
				}
			})
		}
	}
}

// TestAdapters: every adapter of the table is tried by TestUpgrade, or refuses.
func TestAdapters(t *testing.T) {
	refusing := map[string]bool{"Scan 9": true}
	tried := map[string]bool{}
	for _, c := range upgrades {
		m := model(t, c.from, c.graph)
		var each func(g *graph.Graph)
		each = func(g *graph.Graph) {
			for _, n := range g.Nodes {
				for v := c.from + 1; v <= onnx.MaxOpset; v++ {
					tried[fmt.Sprint(n.Op, " ", v)] = true
				}
				for _, s := range n.Subgraphs() {
					each(s)
				}
			}
		}
		each(m.Graph)
	}
	family := []string{"ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"}
	for _, row := range op.All() {
		for v := range row.Upgrades {
			name := fmt.Sprint(row.Name, " ", v)
			if !slices.Contains(row.Versions, v) && row.Name != "Upsample" { // which ends with version 10
				t.Errorf("%s: the schema did not change then", name)
			}
			if !tried[name] && !refusing[name] && !slices.Contains(family, row.Name) {
				t.Errorf("no model of TestUpgrade has %s", name)
			}
		}
	}
}

// TestRefusals: what cannot be upgraded is named, all of it.
func TestRefusals(t *testing.T) {
	m := model(t, 9, `g (float[1,3,4] x, float[3] s, float[3] b, float[3] m, float[3] v, float[3] k) => (float[1,3,4] y) {
		[bn] y, nm, nv = BatchNormalization (x, s, b, m, v)
		[drop] z, mask = Dropout (x)
		[up] w = Upsample (x, k)
		q = Mul (mask, x) }`)
	err := opset.Upgrade(m, 18)
	var failed *opset.UpgradeError
	if !errors.As(err, &failed) {
		t.Fatalf("got %v, want the nodes in the way", err)
	}
	var got []string
	for _, n := range failed.Nodes {
		got = append(got, fmt.Sprintf("%s %d", n.Node.Name, n.Version))
	}
	if want := []string{"drop 10", "up 11", "bn 14"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q (%v)", got, want, err)
	}
	for _, to := range []int64{12, onnx.MaxOpset + 1} {
		if err := opset.Upgrade(model(t, 13, `g (float x) => (float y) { y = Neg (x) }`), to); err == nil {
			t.Errorf("opset %d is made of 13", to)
		}
	}
}

// TestNodeCases upgrades ONNX's own cases to the newest opset, and runs them before and
// after.
func TestNodeCases(t *testing.T) {
	dir := os.Getenv("ONNX_TESTDATA")
	if dir == "" {
		t.Skip("ONNX_TESTDATA is not set")
	}
	upgraded := 0
	for _, suite := range []string{"node", "simple", "pytorch-operator", "pytorch-converted"} {
		files, _ := filepath.Glob(filepath.Join(dir, suite, "*", "model.onnx"))
		for _, file := range files {
			name := suite + "/" + filepath.Base(filepath.Dir(file))
			m, err := onnx.ReadFile(file)
			if err != nil || m.Opset("") == onnx.MaxOpset || m.Opset("") < onnx.MinOpset {
				continue
			}
			if err := upgradeCase(m, filepath.Dir(file)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			upgraded++
			m.Close()
		}
	}
	t.Logf("%d cases upgraded", upgraded)
	if upgraded == 0 {
		t.Error("no case was upgraded")
	}
}

// upgradeCase runs m before and after; nil where it does not run before, or draws numbers.
func upgradeCase(m *graph.Model, dir string) error {
	feeds, _, err := conform.ReadSet(m, filepath.Join(dir, "test_data_set_0"))
	if err != nil {
		return nil
	}
	for _, n := range m.Graph.Nodes {
		if slices.Contains([]string{"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli", "Dropout"}, n.Op) {
			return nil
		}
	}
	want, err := run(m, feeds)
	if err != nil {
		return nil
	}
	var failed *opset.UpgradeError
	if err := opset.Upgrade(m, onnx.MaxOpset); errors.As(err, &failed) {
		return nil // refused, with a reason
	} else if err != nil {
		return err
	}
	got, err := run(m, feeds)
	if err != nil {
		return err
	}
	return same(got, want)
}
