package verify_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
	"github.com/onnxloss/onnxloss/graph/thorough"
	"github.com/onnxloss/onnxloss/patterns"
)

const models = "../../testdata/models/"

// rewritten is a test model with the loss appended, in memory.
func rewritten(t *testing.T, name string, o emit.Options) *graph.Model {
	t.Helper()
	m := read(t, name)
	r, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if o.Loss.Name == "" {
		o.Loss.Name = "modified-focal-sigmoid"
	}
	if _, err := emit.Rewrite(m, r.Heads[:1], o); err != nil {
		t.Fatal(err)
	}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	return m
}

func read(t *testing.T, name string) *graph.Model {
	t.Helper()
	m, err := onnx.ReadFile(models + name + ".onnx")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// prove verifies m and gives the names of the checks that failed.
func prove(t *testing.T, m *graph.Model, name string) []string {
	t.Helper()
	_, err := verify.Training(context.Background(), m, verify.Options{Original: read(t, name)})
	if err == nil {
		return nil
	}
	var f *verify.FailedError
	if !errors.As(err, &f) {
		return []string{"error: " + err.Error()}
	}
	var names []string
	for _, c := range f.Checks {
		names = append(names, c.Name)
	}
	return names
}

// emitted is the nodes that the rewrite appended with operator op.
func emitted(m *graph.Model, op string) []*graph.Node {
	var ns []*graph.Node
	for _, n := range m.Graph.Nodes {
		if strings.HasPrefix(n.Name, "loss/") && n.Op == op {
			ns = append(ns, n)
		}
	}
	return ns
}

func setInit(v *graph.Value, t *tensor.Tensor) { v.Graph().SetInit(v, graph.NewData(v.Name, t)) }

func TestPlantedFaults(t *testing.T) {
	for _, c := range []struct {
		name, model, caught string
		plant               func(t *testing.T, m *graph.Model)
	}{
		{"nothing", "yolov1", "", func(*testing.T, *graph.Model) {}},
		{"wrong alpha", "yolov1", "loss", func(t *testing.T, m *graph.Model) {
			replaceScalar(t, m, 0.25, 0.3)
		}},
		{"missing negative term", "yolov1", "loss", func(t *testing.T, m *graph.Model) {
			adds := emitted(m, "Add")
			last := adds[len(adds)-1]
			last.Outputs[0].ReplaceUses(last.Inputs[0])
		}},
		{"swapped axis", "yolo_anchor", "logits", func(t *testing.T, m *graph.Model) {
			n := emitted(m, "Transpose")[0]
			perm := append([]int64{}, n.Ints("perm")...)
			perm[1], perm[2] = perm[2], perm[1]
			n.SetAttr(graph.Ints("perm", perm...))
		}},
		{"wrong reduction", "yolov1", "loss", func(t *testing.T, m *graph.Model) {
			emitted(m, "ReduceMean")[0].SetOp("", "ReduceSum")
		}},
		{"off-by-one class slice", "yolo_anchor", "logits", func(t *testing.T, m *graph.Model) {
			n := emitted(m, "Slice")[0]
			for _, i := range []int{1, 2} {
				d, err := n.Inputs[i].Init.Load()
				if err != nil {
					t.Fatal(err)
				}
				v := tensor.Data[int64](d)
				setInit(n.Inputs[i], tensor.Vector(v[0]-1))
			}
		}},
		{"changed backbone weight", "yolov1", "network", func(t *testing.T, m *graph.Model) {
			v := m.Graph.Inits[0]
			w, err := v.Init.Load()
			if err != nil {
				t.Fatal(err)
			}
			x := append([]float32{}, tensor.Data[float32](w)...)
			x[len(x)/2] += 1e-6
			setInit(v, tensor.Of(w.Shape, x))
		}},
		{"changed backbone node", "yolov1", "network", func(t *testing.T, m *graph.Model) {
			for _, n := range m.Graph.Nodes {
				if n.Op == "Conv" {
					n.SetAttr(graph.Ints("pads", 0, 0, 2, 2))
					return
				}
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := rewritten(t, c.model, emit.Options{})
			c.plant(t, m)
			failed := prove(t, m, c.model)
			if c.caught == "" {
				if failed != nil {
					t.Errorf("failed without a fault: %v", failed)
				}
				return
			}
			for _, f := range failed {
				if strings.HasPrefix(f, c.caught) {
					return
				}
			}
			t.Errorf("not caught by the check %q; failed: %v", c.caught, failed)
		})
	}
}

// smallHead is a detector with a symbolic number of images, of 6 anchors and 3
// classes.
const smallHead = `<ir_version: 8, opset_import: ["" : 17]>
g (float[N,2,2,3] image) => (float[N,3,2,3] scores, float[N,4,2,3] box) <float[3,2,1,1] w = {1,2,3,4,5,6}, float[4,2,1,1] b = {1,2,3,4,5,6,7,8}> {
  z = Conv(image, w)
  scores = Sigmoid(z)
  e = Conv(image, b)
  box = Exp(e)
}`

// guardsDivision reports whether n keeps a divisor from being 0. Nobody misses it: a
// division of integers by 0 is undefined in ONNX, of which the interpreter makes a number.
func guardsDivision(n *graph.Node) bool {
	return n.Op == "Add" && slices.ContainsFunc(n.Outputs[0].Uses(), func(u graph.Use) bool {
		return u.Node != nil && u.Node.Op == "Div" && u.Node.Inputs[1] == n.Outputs[0]
	})
}

// TestPlantedFaultInTargetCheck takes out the nodes of the check one at a time, each of
// which must be missed.
func TestPlantedFaultInTargetCheck(t *testing.T) {
	ignore := int64(-100)
	for _, o := range []loss.Options{
		{Name: "bce", CheckTargets: true, IgnoreIndex: &ignore},
		{Name: "bce", CheckTargets: true, Target: loss.Index},
		{Name: "weighted-ce", CheckTargets: true, Target: loss.Index, Background: new(int)},
	} {
		build := func() *graph.Model {
			m, err := text.Parse(smallHead)
			if err != nil {
				t.Fatal(err)
			}
			r, err := patterns.Locate(m, patterns.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := emit.Rewrite(m, r.Heads[:1], emit.Options{Loss: o}); err != nil {
				t.Fatal(err)
			}
			return m
		}
		caught := func(m *graph.Model) bool {
			_, err := verify.Training(context.Background(), m, verify.Options{})
			return err != nil
		}
		if caught(build()) {
			t.Fatal("failed without a fault")
		}
		taken := 0
		for i := range build().Graph.Nodes {
			m := build()
			n := m.Graph.Nodes[i]
			if guard := guardsDivision(n); strings.HasPrefix(n.Name, "loss/check/") && bypass(n) {
				if taken++; !caught(m) && !guard {
					t.Errorf("%s: nobody misses %v", o.Name, n)
				}
			}
		}
		if taken < 8 {
			t.Errorf("%s: %d nodes taken out", o.Name, taken)
		}
	}
}

// TestPlantedFaultInFunction changes the numbers in a function's body one at a
// time.
func TestPlantedFaultInFunction(t *testing.T) {
	o := emit.Options{Form: emit.LogitsGradientForm, AsFunction: true}
	if failed := prove(t, rewritten(t, "yolov1", o), "yolov1"); failed != nil {
		t.Fatalf("failed without a fault: %v", failed)
	}
	changed := 0
	for i := range rewritten(t, "classifier", o).Functions[0].Body.Nodes {
		m := rewritten(t, "classifier", o)
		n := m.Functions[0].Body.Nodes[i]
		a := n.Attr("value")
		if n.Op != "Constant" || a.Tensor.DType != tensor.Float32 || a.Tensor.Len() != 1 {
			continue
		}
		x, err := a.Tensor.Load()
		if err != nil {
			t.Fatal(err)
		}
		// The derivative at 0 is that of either side, and any number will do that is huge.
		if old := tensor.Data[float32](x)[0]; old != 0 && math.Abs(float64(old)) < 1e15 {
			n.SetAttr(graph.Tensor("value", tensor.Of(x.Shape, []float32{1.5 * old})))
			changed++
			if failed := prove(t, m, "classifier"); failed == nil {
				t.Errorf("nobody misses %v = %v", n.Outputs[0], old)
			}
		}
	}
	if changed < 4 {
		t.Errorf("%d numbers in the body", changed)
	}
}

// TestPlantedFaultInStatistics takes out the nodes that losses of the whole batch
// add, one at a time: each must be missed, but for so many that only guard what
// drawn batches do not reach (an empty bin, a class that no anchor had) or keep
// digits.
func TestPlantedFaultInStatistics(t *testing.T) {
	for _, c := range []struct {
		loss, model string
		params      map[string]float64
		guards      map[string]int
	}{
		{"seesaw", "classifier", nil, map[string]int{"Sub": 1, "Relu": 1, "Add": 1, "Mul": 2, "Clip": 1, "And": 1}},
		{"ghm-c", "classifier", map[string]float64{"momentum": 0.5, "bins": 4}, map[string]int{"Mul": 3, "Add": 1}},
		{"equalization-v2", "classifier", nil, nil},
		{"ohem-ce", "detr", nil, nil},
	}[:4/thorough.Every(2)] {
		o := emit.Options{Loss: loss.Options{Name: c.loss, Params: c.params, Background: new(int)}}
		planted := 0
		for i := range len(rewritten(t, c.model, o).Graph.Nodes) {
			m := rewritten(t, c.model, o)
			n := m.Graph.Nodes[i]
			if !strings.HasPrefix(n.Name, "loss/") || len(n.Outputs[0].Uses()) == 0 || !bypass(n) {
				continue
			}
			planted++
			if failed := prove(t, m, c.model); failed == nil && !harmless[n.Op] {
				if c.guards[n.Op] == 0 {
					t.Errorf("%s: nobody misses %v", c.loss, n)
					continue
				}
				c.guards[n.Op]--
			}
		}
		if planted < 5 {
			t.Errorf("%s: %d faults", c.loss, planted)
		}
	}
}

func TestPlantedFaultInGradient(t *testing.T) {
	o := emit.Options{Form: emit.LogitsGradientForm}
	if failed := prove(t, rewritten(t, "yolov1", o), "yolov1"); failed != nil {
		t.Fatalf("failed without a fault: %v", failed)
	}
	muls := 0
	for i := range len(rewritten(t, "classifier", o).Graph.Nodes) {
		m := rewritten(t, "classifier", o)
		n := m.Graph.Nodes[i]
		if !strings.HasPrefix(n.Name, "grad/") || n.Op != "Mul" || !bypass(n) {
			continue
		}
		muls++
		if failed := prove(t, m, "classifier"); failed == nil {
			t.Errorf("nobody misses %v", n)
		}
	}
	if muls < 5 {
		t.Errorf("%d products in the gradient", muls)
	}
}

// replaceScalar changes the emitted constants that hold old.
func replaceScalar(t *testing.T, m *graph.Model, old, to float32) {
	t.Helper()
	done := false
	for _, v := range m.Graph.Inits {
		if !strings.HasPrefix(v.Name, "loss/") || v.Init.DType != tensor.Float32 || v.Init.Len() != 1 {
			continue
		}
		x, err := v.Init.Load()
		if err != nil {
			t.Fatal(err)
		}
		if tensor.Data[float32](x)[0] == old {
			setInit(v, tensor.Of(x.Shape, []float32{to}))
			done = true
		}
	}
	if !done {
		t.Fatalf("no emitted constant holds %v", old)
	}
}

// TestEveryNodeMatters takes out the emitted nodes one at a time: each must be
// missed by the checks.
func TestEveryNodeMatters(t *testing.T) {
	for _, name := range []string{"modified-focal-sigmoid", "modified-focal-softmax"} {
		o := emit.Options{Loss: loss.Options{Name: name}}
		count := len(rewritten(t, "classifier", o).Graph.Nodes)
		for i := range count {
			m := rewritten(t, "classifier", o)
			n := m.Graph.Nodes[i]
			if !strings.HasPrefix(n.Name, "loss/") || !bypass(n) {
				continue
			}
			if failed := prove(t, m, "classifier"); failed == nil && !harmless[n.Op] {
				t.Errorf("%s: nobody misses %v", name, n)
			}
		}
	}
}

// harmless are operators that may stand where a graph is the same without
// them: renamings and clamps that guard cases the inputs do not reach.
var harmless = map[string]bool{"Identity": true}

// bypass makes the readers of n's output read an input of the same type in its
// place; false if there is none.
func bypass(n *graph.Node) bool {
	out := n.Outputs[0]
	for _, in := range n.Inputs {
		if in != nil && in.Type.DType == out.Type.DType && in.Shape().String() == out.Shape().String() {
			out.ReplaceUses(in)
			return true
		}
	}
	return false
}
