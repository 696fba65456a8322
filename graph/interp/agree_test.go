package interp_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// declared are models of which something is not what a plan would take it for: by
// name, by the file's word, or in the run at hand. size has the shapes of inputs and of
// initializers that are fed, and the element of those of int64.
var declared = []struct {
	name, text string
	size       map[string][]int
}{
	{"axes that are fed", `g (float[300, 100] x) => (y) <int64[1] axes = {1}> { a = Exp (x) s = ReduceSum <keepdims = 1> (a, axes) y = Abs (s) }`, map[string][]int{"axes": {0}}},
	{"a new axis that is fed", `g (float[300] x, float[300, 100] z) => (y) <int64[1] axes = {1}> { a = Exp (x) s = Unsqueeze (a, axes) y = Neg (s) u = Mul (z, z) }`, map[string][]int{"axes": {0}}},
	{"starts that are fed", `g (float[4, 5] x) => (y) <int64[1] start = {1}, int64[1] end = {3}> { a = Transpose <perm = [1, 0]> (x) y = Slice (a, start, end) }`, map[string][]int{"start": {2}}},
	{"a bound that is fed", `g (float[1, 2, 4, 4] x) => (y) <float[2, 2, 1, 1] w = {1, -2, 0.5, 3}, float[1] low = {1}> { c = Conv (x, w) y = Clip (c, low) }`, map[string][]int{"low": {1}}},

	{"an activation by another's name", `g (float[1, 2, 4, 4] x) => (y) <float[2, 2, 1, 1] w = {1, -2, 0.5, 3}> {
		c = Conv (x, w) y = Sigmoid (c) }
		<domain: "", opset_import: ["" : 17]> Sigmoid (a) => (b) { b = Neg (a) }`, nil},
	{"a convolution by another's name", `g (float[1, 2, 4, 4] x) => (y) <float[2, 2, 1, 1] w = {1, -2, 0.5, 3}> {
		c = Conv (x, w) y = Relu (c) }
		<domain: "", opset_import: ["" : 17]> Conv (a, b) => (c) { c = Neg (a) }`, nil},
	{"a view by another's name", `g (float[2, 3] x) => (y) {
		a = Transpose <perm = [1, 0]> (x) b = Transpose <perm = [1, 0]> (a) y = Neg (b) }
		<domain: "", opset_import: ["" : 17]> Transpose (a) => (b) { b = Abs (a) }`, nil},
	{"rows by another's name", `g (float[300, 100] x) => (y) { a = Exp (x) b = Sigmoid (a) y = Abs (b) }
		<domain: "", opset_import: ["" : 17]> Sigmoid (a) => (b) { m = ReduceMax <keepdims = 1> (a) b = Sub (a, m) }`, nil},
	{"a join by another's name", `g (float[1, 3] x) => (float[1, 6] y) { a = Exp (x) b = Neg (x) y = Concat <axis = 1> (a, b) }
		<domain: "", opset_import: ["" : 17]> Concat (a, b) => (c) { d = Sub (a, b) n = Constant <value_ints = [1, 2]> () c = Tile (d, n) }`, nil},
	{"an input of a function that is left out", `g (float[1, 2, 4, 4] x) => (y) { y = local.F (x) }
		<domain: "local", opset_import: ["" : 17]> F (x, r) => (y) <float[2, 2, 1, 1] w = {1, -2, 0.5, 3}> { c = Conv (x, w) y = Add (c, r) }`, nil},
	{"one element where names promise a row", `g (float[N, A, C] x, float[N, A, 1] c, float[C] w) => (y, z) { y = Add (c, w) z = Mul (x, y) }`,
		map[string][]int{"x": {2, 90, 100}, "c": {2, 90, 1}, "w": {1}}},
	{"one row where names promise several", `g (float[N, A, C] x, float[N, A] c, float[N, A, C] w) => (y, z) <int64[1] last = {-1}> { y = Add (w, x) u = Unsqueeze (c, last) z = Mul (y, u) }`,
		map[string][]int{"x": {2, 90, 100}, "c": {2, 90}, "w": {1, 90, 100}}},
	{"another type in the second step", `g (float[1, 2, 4, 4] x) => (y) <int64 n = {3}, bool go = {1}, float[2, 2, 1, 1] w = {1, -2, 0.5, 3}> {
		h = Loop (n, go, x) <body = b (int64 i, bool c, s) => (d, t) { d = Identity (c) e = Conv (s, w) f = Sigmoid (e) t = Cast <to = 10> (f) }>
		y = Cast <to = 1> (h) }`, nil},
	{"another type of rows in the second step", `g (float[300, 100] x) => (y) <int64 n = {3}, bool go = {1}> {
		h = Loop (n, go, x) <body = b (int64 i, bool c, float[300, 100] s) => (d, t) { d = Identity (c) e = Exp (s) f = Sigmoid (e) g = Neg (f) t = Cast <to = 11> (g) }>
		y = Cast <to = 1> (h) }`, nil},
	{"slope of a number", `g (float[1, 2, 4, 4] x) => (y) <float[2, 2, 1, 1] w = {1, -2, 0.5, 3}, float three = {-3}> { c = Conv (x, w) y = PRelu (three, c) }`, nil},
	{"sizes that are not those declared", `g (float[1, 8] x, int64[1] m, int64[1] n) => (float[1, 2] a, float[1, 7] y, float[1, 2] d) <int64[1] none = {0}, int64[1] three = {3}, int64[1] axis = {1}> {
		a = Slice (x, none, m, axis) e = Slice (x, none, three, axis) b = Exp (e) d = Slice (x, none, n, axis) y = Concat <axis = 1> (a, b, d) }`,
		map[string][]int{"x": {1, 8}, "m": {3}, "n": {1}}},
}

// TestAgree: what runs as one gives what the nodes give one by one, and fails where
// they do, whatever the model says of itself.
func TestAgree(t *testing.T) {
	for _, c := range declared {
		t.Run(c.name, func(t *testing.T) {
			m := parse(t, c.text)
			in, fed := feeds{}, slices.Clone(m.Graph.Inputs)
			for name := range c.size {
				if v := m.Graph.Value(name); v.Init != nil {
					fed = append(fed, v)
				}
			}
			var names []string
			for _, v := range fed {
				names = append(names, v.Name)
				shape := c.size[v.Name]
				if shape == nil {
					shape = v.Shape().Ints()
				}
				if v.Type.DType == tensor.Int64 {
					in[v.Name] = tensor.Vector(int64(shape[0]))
					continue
				}
				x, err := tensor.Make(tensor.Float32, shape...)
				if err != nil {
					t.Fatal(err)
				}
				for i, d := 0, tensor.Data[float32](x); i < len(d); i++ {
					d[i] = float32(i*7919%1000)/200 - 2.3
				}
				in[v.Name] = x
			}
			want, _, wantErr := tryRun(m, in, interp.Options{Unfused: true, Feeds: names})
			got, _, err := tryRun(m, in, interp.Options{Feeds: names})
			if fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Fatalf("error %v, want %v", err, wantErr)
			}
			for name, w := range want {
				if g := got[name]; g.DType != w.DType || fmt.Sprint(g.Shape) != fmt.Sprint(w.Shape) || fmt.Sprint(op.Floats(g)) != fmt.Sprint(op.Floats(w)) {
					t.Errorf("%s: %v, want %v, or other elements", name, g, w)
				}
			}
		})
	}
}
