package text

import (
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// texts are models as Print writes them.
var texts = []string{
	`<
  ir_version: 8,
  opset_import: ["" : 17]
>
g (float[N,3] x) => (float[N,3] y) {
  y = Relu (x)
}
`,
	`<
  ir_version: 10,
  opset_import: ["" : 17, "local" : 1],
  producer_name: "p",
  producer_version: "1",
  domain: "d.e",
  doc_string: "a \"b\" \\ c
second line",
  model_version: 3,
  metadata_props: ["k": "v", "": ""]
>
"my graph" (float[2] w = {1, -0.5}, float[N] u, int64 n = {3}, seq(float[]) q, optional(seq(string[?,2])) o, map(int64, double[2]) m, sparse_tensor(float[3]) s, opaque() z, nothing) => (bool b, float[N] w2, c)
<float[1] u = {inf}, string[2] "the words" = {"a, \"b\"", "}"}, float16[2] h = {15360, 1}, bool[2] t = {1, 0}, int4[3] i4 = {-8, 7, 0}, float[0] e = {}, complex64[1] z1 = {1, -2}, float[?,"a-b"] v> {
  [first] b, "" = Op (w, "", "the words")
  ["2"] v = com.example.Op:v2 <f: float = 2.0, g: float = -inf, i: int = -7, s: string = "x", t: tensor = int64[2] {1, 2}, nt: tensor = float "a/b" {1.5}, fs: floats = [1.0, 1e+20, nan], is: ints = [], ss: strings = ["", "b"], ts: tensors = [float {1}, double[1] {0.1}], sp: sparse_tensor = float[2] {0, 3}, tp: type_proto = [float[N]], tps: type_protos = [seq(float[]), int64]> (u)
  = Nothing ()
  w2 = "odd domain"."odd op" (w)
  c = If <then_branch: graph = a () => (float r) {
    r = Neg (w)
  }, more: graphs = ["float" (float k) => (float k) {
  }, b () => (float[N] u)
  <float k = {1}> {
  }]> (b)
}
<
  domain: "local",
  opset_import: ["" : 17],
  overload: "v2",
  doc_string: "f"
>
F <p, q: int = 3> (a, b) => (c)
<float[N] d> {
  d = Elu <alpha: float = @p> (a)
  c = Add (d, b)
}
`,
}

// TestText: what is written is read, and written again the same.
func TestText(t *testing.T) {
	for _, want := range texts {
		m, err := Parse(want)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Check(); err != nil {
			t.Error(err)
		}
		got, err := Print(m, -1)
		if err != nil || got != want {
			t.Errorf("%v\ngot:\n%s\nwant:\n%s", err, got, want)
		}
	}
}

// TestTextForms: what the syntax allows beside the form that Print writes.
func TestTextForms(t *testing.T) {
	m, err := Parse(`# a comment
		<ir_version: 7, opset_import: ["": 10]>
		agraph (float32[N, 128] X, float[128,10] W, float[10] B) => (float[N] C) <float s = {2}> { # more
			T = MatMul(X, W)   S = Add(T, B)
			C = Softmax(S) <axis = 1, f = .5, l = [1, 2], k = [1.0], names = ["a"], v = float[1] = {1}, g = sub () => (T) {}, h = "sub" () => (T) {}, inf = inf, gs = [a () => (T) {}]>
			[n] = A.b.Op ("")
		}`)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Check(); err != nil {
		t.Error(err)
	}
	n := m.Graph.Nodes[2]
	kinds := map[string]graph.AttrKind{"axis": graph.AttrInt, "f": graph.AttrFloat, "l": graph.AttrInts, "k": graph.AttrFloats, "names": graph.AttrStrings, "v": graph.AttrTensor, "g": graph.AttrGraph, "h": graph.AttrGraph, "inf": graph.AttrFloat, "gs": graph.AttrGraphs}
	for name, kind := range kinds {
		if a := n.Attr(name); a == nil || a.Kind != kind {
			t.Errorf("attribute %s: %+v, want kind %d", name, a, kind)
		}
	}
	last := m.Graph.Nodes[3]
	if last.Name != "n" || last.Domain != "A.b" || last.Op != "Op" || len(last.Inputs) != 1 || last.Inputs[0] != nil || len(last.Outputs) != 0 {
		t.Errorf("%+v", last)
	}
	if v := m.Graph.Value("X"); v.Type.String() != "float32[N,128]" || m.Opset("") != 10 {
		t.Error(v)
	}
}

func TestTextErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "line 1: the end, expected a name"},
		{"g (float x) => (y) {\n y = Relu(z)\n}", `line 2: Relu: input 0 "z": no such value`},
		{"g () => (y) {}", `output "y": no such value`},
		{"g (float x) => (x) { x = Relu(x) }", `value "x" is defined twice`},
		{"g (float x, float x) => (x) {}", `defined twice`},
		{"g () => () <float x = {1}, float x = {1}> {}", `initializer "x" is defined twice`},
		{"g () => () <float[2] x = {1}> {}", `constant "x": 1 elements, want 2 for float32[2]`},
		{"g () => () <float[99999999999,99999999999] x = {1}> {}", `too many elements`},
		{"g () => () <float[N] x = {1}> {}", `want numbers for dimensions`},
		{"g () => () <float[] x = {1}> {}", `want numbers for dimensions`},
		{"g () => () <int8 x = {128}> {}", `"128", expected an integer of 8 bits`},
		{"g () => () <uint4 x = {16}> {}", `unsigned integer of 4 bits`},
		{"g () => () <float x = {...}> {}", `constant "x": its elements are left out`},
		{"g () => () <string x = {1}> {}", `expected a string`},
		{"g () => () { = A <a = 1, a = 2> () }", `attribute "a" is given twice`},
		{"g () => () { = A <a: what = 1> () }", `no such kind of attribute: "what"`},
		{"g () => () { = A <a = []> () }", `a list of what?`},
		{"g () => () { = A <a: int = [1]> () }", `expected a value`},
		{"g () => () { = A <a = [1, \"b\"]> () }", `"b", expected an integer`},
		{"g () => () { = \"\" () }", `a node without an operator`},
		{"g () => () { y = A ( ", `the end, expected a name`},
		{"g () => () { \"", `unterminated string`},
		{"g () => () { ; }", `character ';'`},
		{"g (seq(what) x) => () {}", `"what", expected a type`},
		{"g (float[-1] x) => () {}", `dimension -1`},
		{"<what: 1> g () => () {}", `a model has no "what"`},
		{"g () => () {} <what: 1> f () => () {}", `a function has no "what"`},
		{"g (" + strings.Repeat("seq(", 100) + "float x) => () {}", "nested deeper than 64"},
		{"g () => () " + strings.Repeat("{ = A <g = g () => () ", 100), "nested deeper than 64"},
		{"g () => () {} }", `"}", expected a name`},
	} {
		_, err := Parse(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "line ") {
			t.Errorf("%.60s: %v, want %s", c.text, err, c.want)
		}
	}
}

// TestTextElided: long constants are left out where that is asked for.
func TestTextElided(t *testing.T) {
	m := graph.New(13)
	if _, err := m.Graph.AddInit("w", tensor.Vector[float32](1, 2, 3)); err != nil {
		t.Fatal(err)
	}
	for elems, want := range map[int]string{2: "float[3] w = {...}", 3: "float[3] w = {1, 2, 3}"} {
		if s, err := PrintGraph(m.Graph, elems); err != nil || !strings.Contains(s, want) {
			t.Errorf("%s %v", s, err)
		}
	}
}

// TestTextTypes writes and reads constants of every element type.
func TestTextTypes(t *testing.T) {
	for d := tensor.Float32; d.Valid(); d++ {
		x, err := tensor.Make(d, 2, 1)
		if err != nil {
			t.Fatal(err)
		}
		m := graph.New(13)
		if _, err := m.Graph.AddInit("w", x); err != nil {
			t.Fatal(err)
		}
		s, err := Print(m, -1)
		if err != nil {
			t.Fatal(err)
		}
		n, err := Parse(s)
		if err != nil {
			t.Errorf("%s\n%v", s, err)
			continue
		}
		y, err := n.Graph.Value("w").Init.Load()
		if err != nil || y.String() != x.String() {
			t.Errorf("%v: %v %v", x, y, err)
		}
	}
}

// FuzzText parses any text. What is read keeps the invariants, and its text is
// read again as the same.
func FuzzText(f *testing.F) {
	for _, s := range texts {
		f.Add(s)
	}
	f.Add("g (float x) => (y) { y = A <g = sub () => (x) {}> (x) }")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := Parse(s)
		if err != nil {
			return
		}
		if err := m.Check(); err != nil {
			t.Fatal(err)
		}
		a, err := Print(m, -1)
		if err != nil {
			t.Fatal(err)
		}
		n, err := Parse(a)
		if err != nil {
			t.Fatalf("%v\n%s", err, a)
		}
		if b, _ := Print(n, -1); b != a {
			t.Fatalf("first:\n%s\nagain:\n%s", a, b)
		}
	})
}
