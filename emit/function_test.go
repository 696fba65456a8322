package emit_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/interp/orttest"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
)

// classes are those of the test model "classifier".
const classes = 12

// functionOptions are what the losses are joined with, in turn.
var functionOptions = []loss.Options{
	{},
	{Target: loss.Index, Reduction: loss.Positives},
	{Reduction: loss.Sum, LabelSmoothing: 0.1, ClassWeights: []float64{1, 2, 3, 4}},
	{Reduction: loss.Fed, AnchorWeights: true},
	{Target: loss.Index, Reduction: loss.None, IgnoreIndex: new(int64)},
}

// eachFunction calls do for every loss in both forms, with options in turn.
func eachFunction(t *testing.T, do func(t *testing.T, o emit.Options)) {
	for i, l := range loss.All() {
		if l.Kind != loss.Classification {
			continue
		}
		o := functionOptions[i%len(functionOptions)]
		plain := l.Plain(classes)
		o.Name, o.ClassCounts, o.Background = l.Name, plain.ClassCounts, plain.Background
		if l.Targets != loss.Labels {
			o.LabelSmoothing = 0
		}
		if o.ClassWeights != nil {
			o.ClassWeights = slices.Repeat([]float64{0.5}, classes)
		}
		for _, form := range emit.Forms {
			t.Run(l.Name+"/"+string(form), func(t *testing.T) { do(t, emit.Options{Loss: o, Form: form}) })
		}
	}
}

// TestFunctionIsTheSame: results of the function have the bits of the nodes that
// it stands for, from memory and from the file.
func TestFunctionIsTheSame(t *testing.T) {
	eachFunction(t, func(t *testing.T, o emit.Options) {
		plain, boxed := read(t, "classifier"), read(t, "classifier")
		rewrite(t, plain, o)
		o.AsFunction = true
		x := rewrite(t, boxed, o)
		again := reread(t, boxed)
		feeds := trainingFeeds(x, classes)
		want := outputs(t, plain, feeds)
		for name, m := range map[string]*graph.Model{"in memory": boxed, "from the file": again} {
			got := outputs(t, m, feeds)
			for out, w := range want {
				if elements(got[out]) != elements(w) || got[out].String() != w.String() {
					t.Errorf("%s: output %q is not what the nodes give: %v, want %v", name, out, got[out], w)
				}
			}
		}
		oneCall(t, again, x)
	})
}

// oneCall holds m to its manifest: one call of one function with a readable
// body, and nothing of the loss beside it.
func oneCall(t *testing.T, m *graph.Model, x *emit.Manifest) {
	t.Helper()
	if len(x.Functions) != 1 || len(m.Functions) != 1 || m.Functions[0].Name != x.Functions[0].Name || m.Functions[0].Domain != emit.FunctionDomain {
		t.Fatalf("the manifest has functions %v, the model %d", x.Functions, len(m.Functions))
	}
	f, calls, added := m.Functions[0], 0, 0
	for _, out := range x.Outputs {
		if out.Role != emit.RoleOriginal && out.Role != emit.RoleLogits {
			added++
		}
	}
	for _, n := range m.Graph.Nodes {
		switch {
		case n.Domain == emit.FunctionDomain:
			calls++
			if len(n.Outputs) != added {
				t.Errorf("%v gives %d outputs", n, len(n.Outputs))
			}
		case strings.HasPrefix(n.Name, "grad/"), strings.HasPrefix(n.Name, "loss/") && n.Outputs[0].Name != "logits" && !strings.HasPrefix(n.Name, "loss/logits/"):
			t.Errorf("%v lies beside the function", n)
		}
	}
	if calls != 1 {
		t.Errorf("%d calls", calls)
	}
	for _, v := range m.Graph.Inits {
		if strings.HasPrefix(v.Name, "loss/") && len(v.Uses()) == 0 {
			t.Errorf("nothing reads %v", v)
		}
	}
	l, _ := loss.Find(loss.Classification, x.Loss.Name)
	if f.Body.Value("z") == nil || !strings.Contains(f.Doc, l.Equation) || !strings.Contains(f.Doc, l.Source) {
		t.Errorf("function %s: no z in the body, or no equation in %q", f.Name, f.Doc)
	}
}

func reread(t *testing.T, m *graph.Model) *graph.Model {
	t.Helper()
	again, err := onnx.Read(bytes.NewReader(encode(t, m)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { again.Close() })
	return again
}

// trainingFeeds is random inputs of a training graph; the logits' symbolic sizes
// are 1.
func trainingFeeds(x *emit.Manifest, classes int) map[string]*tensor.Tensor {
	r := rand.New(rand.NewPCG(1, 2))
	feeds := map[string]*tensor.Tensor{}
	for _, in := range x.Inputs {
		var shape []int
		for _, d := range *in.Shape {
			n, ok := d.(int64)
			if !ok {
				n = 1
			}
			shape = append(shape, int(n))
		}
		n := 1
		for _, d := range shape {
			n *= d
		}
		if in.DType == "int64" {
			v := make([]int64, n)
			for i := range v {
				v[i] = int64(r.IntN(classes))
			}
			feeds[in.Name] = tensor.Of(shape, v)
			continue
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = r.Float32()
		}
		feeds[in.Name] = tensor.Of(shape, v)
	}
	return feeds
}

// elements is a tensor's elements as text.
func elements(x *tensor.Tensor) string {
	if x.DType == tensor.Int64 {
		return fmt.Sprint(tensor.Data[int64](x))
	}
	return fmt.Sprint(tensor.Data[float32](x))
}

func outputs(t *testing.T, m *graph.Model, feeds map[string]*tensor.Tensor) map[string]*tensor.Tensor {
	t.Helper()
	plan, err := interp.New(m, interp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := plan.Run(context.Background(), feeds)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestFunctionInORT runs each function in stock ONNX Runtime, as it is and
// optimized: both give what the nodes give there.
func TestFunctionInORT(t *testing.T) {
	orttest.Need(t)
	eachFunction(t, func(t *testing.T, o emit.Options) {
		var files [2]string
		var feeds map[string]*tensor.Tensor
		for i := range files {
			m := read(t, "classifier")
			o.AsFunction = i == 1
			feeds = trainingFeeds(rewrite(t, m, o), classes)
			files[i] = filepath.Join(t.TempDir(), "m.onnx")
			if err := onnx.WriteFile(files[i], m, onnx.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		for _, optimize := range []bool{false, true} {
			want := orttest.Run(t, files[0], feeds, orttest.Options{Optimize: optimize})
			for name, got := range orttest.Run(t, files[1], feeds, orttest.Options{Optimize: optimize}) {
				if elements(got) != elements(want[name]) {
					t.Errorf("optimize %v: output %q is not what the nodes give", optimize, name)
				}
			}
		}
	})
}

// TestFunctionByChecker holds files to onnx.checker, of Debian's python3-onnx.
func TestFunctionByChecker(t *testing.T) {
	const python = "/usr/bin/python3"
	if exec.Command(python, "-c", "import onnx").Run() != nil {
		t.Skip("not checked with onnx.checker: there is no " + python + " with onnx")
	}
	dir := t.TempDir()
	for name, o := range map[string]emit.Options{
		"loss":       {Loss: loss.Options{Name: "modified-focal-sigmoid"}},
		"gradient":   {Loss: loss.Options{Name: "focal-softmax", Target: loss.Index}, Form: emit.LogitsGradientForm},
		"confidence": {Loss: loss.Options{Name: "bce", Reduction: loss.None}, Confidence: "mse", Form: emit.LogitsGradientForm},
		"state":      {Loss: loss.Options{Name: "equalization-v2", CheckTargets: true}},
		"box":        {Loss: loss.Options{Name: "quality-focal"}, Box: "distribution-focal", Form: emit.LogitsGradientForm},
	} {
		model := "yolov1"
		if o.Box != "" {
			model = "yolo_free"
		}
		m := read(t, model)
		o.AsFunction = true
		rewrite(t, m, o)
		if err := os.WriteFile(filepath.Join(dir, name+".onnx"), encode(t, m), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	script := "import glob, onnx\nfor f in glob.glob('*.onnx'): onnx.checker.check_model(onnx.load(f), full_check=True)"
	c := exec.Command(python, "-c", script)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestFunctionBytes: the same bytes each time, and the original's messages among
// them.
func TestFunctionBytes(t *testing.T) {
	var files [2][]byte
	for i := range files {
		m := read(t, "yolov1")
		var want [][]byte
		for _, n := range m.Graph.Nodes {
			want = append(want, extent(t, m, n.Origin))
		}
		rewrite(t, m, emit.Options{AsFunction: true, Form: emit.LogitsGradientForm, Confidence: "bce"})
		files[i] = encode(t, m)
		for _, w := range want {
			if !bytes.Contains(files[i], w) {
				t.Errorf("a message of the original is not in the file: %.60q", w)
			}
		}
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("the same model and options gave different bytes")
	}
}

// oldHead is a head in a file of an IR version that has no functions.
const oldHead = `<ir_version: %d, opset_import: ["" : 8]>
g (float[1,2,3,3] image%s) => (float[1,5,3,3] scores, float[1,4,3,3] box) <float[5,2,1,1] w = {1,2,3,4,5,6,7,8,9,10}, float[4,2,1,1] b = {1,2,3,4,5,6,7,8}> {
  z = Conv(image, w)
  scores = Sigmoid(z)
  e = Conv(image, b)
  box = Exp(e)
}`

// TestFunctionRaisesIR: functions came with version 8; before 4, no caller could
// override an initializer, though it was an input.
func TestFunctionRaisesIR(t *testing.T) {
	for _, ir := range []int{3, 4, 7} {
		inits := ""
		if ir < 4 {
			inits = ", float[5,2,1,1] w, float[4,2,1,1] b"
		}
		m, err := text.Parse(fmt.Sprintf(oldHead, ir, inits))
		if err != nil {
			t.Fatal(err)
		}
		x := rewrite(t, m, emit.Options{AsFunction: true})
		if m = reread(t, m); m.IR != 8 || m.Opset(emit.FunctionDomain) != 1 {
			t.Errorf("IR %d: became %d, with version %d of the functions", ir, m.IR, m.Opset(emit.FunctionDomain))
		}
		if len(m.Graph.Inputs) != 2 {
			t.Errorf("IR %d: %d inputs, want the image and the target", ir, len(m.Graph.Inputs))
		}
		if out := outputs(t, m, trainingFeeds(x, 5)); out["loss"] == nil {
			t.Errorf("IR %d: no loss", ir)
		}
	}
}

// TestFunctionNames: a function of the model's own keeps its name.
func TestFunctionNames(t *testing.T) {
	m := read(t, "classifier")
	f := &graph.Function{Name: "Ce", Domain: emit.FunctionDomain, Opsets: m.Opsets, Body: graph.NewGraph(m, nil)}
	m.Functions = append(m.Functions, f)
	m.SetOpset(emit.FunctionDomain, 3)
	x := rewrite(t, m, emit.Options{Loss: loss.Options{Name: "ce"}, AsFunction: true})
	if x.Functions[0].Name != "Ce_2" || m.Functions[0] != f || m.Opset(emit.FunctionDomain) != 3 {
		t.Errorf("functions %v, version %d", x.Functions, m.Opset(emit.FunctionDomain))
	}
}
