package op_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/text"
)

// TestCheckNodes: what ONNX's schemas refuse is named, in side branches and subgraphs, too.
func TestCheckNodes(t *testing.T) {
	for _, c := range []struct{ name, nodes, want string }{
		{"right", `y = Relu(x) z = Concat <axis = 0> (x, y) k = Shape(x)`, ""},
		{"strings", `y = Relu(x) z = Conv(s, w)`, `"→z" (Conv): input 0 "s": string, want floats`},
		{"integers", `y = Relu(x) z = Sigmoid(i)`, `"→z" (Sigmoid): input 0 "i": int64, want floats`},
		{"mixed", `y = Relu(x) z = Add(x, i)`, `"→z" (Add): input 1 "i": int64, want float32 as input 0 has`},
		{"mixed among many", `y = Relu(x) z = Concat <axis = 0> (x, x, i)`, `input 2 "i": int64, want float32 as input 0 has`},
		{"inferred", `y = Relu(x) k = Shape(x) z = Mul(x, k)`, `input 1 "k": int64`},
		{"numbers for a truth value", `y = Relu(x) z = Where(x, x, x)`, `input 0 "x": float32, want truth values`},
		{"too few inputs", `y = Relu(x) z = Add(x)`, `1 inputs, want at least 2`},
		{"an operator of later", `y = Relu(x) z = Mish(x)`, `opset 17 has no Mish`},
		{"in a branch", `y = Relu(x) z = If <then_branch = a () => (float u) { u = Tanh(i) }, else_branch = b () => (float v) { v = Relu(x) }> (c)`, `"→u" (Tanh): input 0 "i": int64`},
		{"an operator of others", `y = Relu(x) z = com.example.Foo(s, i)`, ""},
	} {
		m, err := text.Parse(`<ir_version: 8, opset_import: ["" : 17, "com.example" : 1]>
g (float[1,2,3,3] x, int64[1] i, string[1] s, bool c) => (float y) <float[2,2,1,1] w = {1,2,3,4}> { ` + c.nodes + ` }`)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		err = op.CheckNodes(m)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

// TestCheckNodesOfModels refuses none of the test models and of ONNX's own cases.
func TestCheckNodesOfModels(t *testing.T) {
	files, err := filepath.Glob("../../testdata/models/*.onnx")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{os.Getenv("ONNX_TESTDATA") + "/*/*/model.onnx", os.Getenv("ONNXLOSS_MODELS") + "/*.onnx"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	for _, f := range files {
		m, err := onnx.ReadFile(f)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		if err := op.CheckNodes(m); err != nil && onnx.CheckVersions(m) == nil {
			t.Errorf("%s: %v", f, err)
		}
		m.Close()
	}
	t.Logf("%d models", len(files))
}
