package interp_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/random"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

const laid = `g (float[n, 4, 6, 5] x, float[1, 4, 6, 5] z) => (float[a, b, c, d] y)
<int64[1] zero = {0}, int64[1] one = {1}, int64[1] two = {2}, int64[1] three = {3}, int64[1] four = {4}, int64[1] minus = {-1}, int64[1] least = {-9223372036854775807},
 int64[4] rows = {1, 4, 5, 6}, float half = {0.5}> {
  NODES
}`

// TestPlaces: values that are made where they are joined, parts that stay where they
// lie, and chains of views give the bits that the nodes give one by one, whatever is
// fetched, twice.
func TestPlaces(t *testing.T) {
	for _, c := range []struct{ name, nodes string }{
		{"joined once", `a = Relu (z) b = Sigmoid (z) y = Concat <axis = 1> (a, b)`},
		{"joined twice over", `a = Relu (z) b = Sigmoid (z) c = Concat <axis = 1> (a, b) d = Tanh (z) e = Concat <axis = 1> (c, d) y = Neg (e)`},
		{"joined to two", `a = Relu (z) b = Sigmoid (z) c = Concat <axis = 1> (a, b) d = Concat <axis = 1> (b, a) y = Add (c, d)`},
		{"one value twice", `a = Relu (z) y = Concat <axis = 1> (a, a)`},
		{"inputs", `y = Concat <axis = 1> (z, z)`},
		{"read before it is joined", `a = Relu (z) b = Exp (a) c = Concat <axis = 1> (b, a) d = Mul (a, b) e = Concat <axis = 1> (d, d) y = Sub (c, e)`},
		{"shape of the run", `a = Relu (x) b = Sigmoid (x) y = Concat <axis = 1> (a, b)`},
		{"along the rows", `a = Relu (z) b = Sigmoid (z) c = Reshape (a, rows) d = Reshape (b, rows) y = Concat <axis = 3> (c, d)`},
		{"reshaped", `a = Relu (z) b = Reshape (a, rows) c = Exp (b) y = Concat <axis = 0> (b, c)`},
		{"halves", `a, b = Split <axis = 1> (x) c = Relu (b) y = Concat <axis = 1> (c, a)`},
		{"halves in place", `a, b = Split <axis = 1> (z) y = Concat <axis = 1> (b, a)`},
		{"halves of a value", `v = Exp (z) a, b = Split <axis = 1> (v) c = Relu (a) d = Concat <axis = 1> (c, b) y = Concat <axis = 1> (d, v)`},
		{"part that is an output", `v = Exp (x) y = Slice (v, zero, two, one)`},
		{"part of a part", `v = Exp (x) a = Slice (v, one, four, one) y = Slice (a, zero, two, one)`},
		{"part that outlives", `v = Exp (z) a = Slice (v, zero, two, one) w = Neg (v) b = Slice (w, two, four, one) u = Relu (w) c = Concat <axis = 1> (a, b) y = Add (c, u)`},
		{"backwards", `a = Slice (x, minus, least, two, minus) b = Slice (a, zero, four, three, two) c = Transpose <perm = [0, 3, 1, 2]> (b) y = Relu (c)`},
		{"transposed back", `a = Transpose <perm = [0, 2, 3, 1]> (x) b = Transpose <perm = [0, 3, 1, 2]> (a) y = Mul (b, half)`},
		{"view read twice", `a = Transpose <perm = [0, 2, 3, 1]> (x) b = Slice (a, zero, two, one) c = Slice (a, one, three, one) y = Add (b, c)`},
		{"nothing", `a = Slice (x, two, two, one) b = Relu (x) y = Concat <axis = 1> (a, b)`},
		{"sequence", `a, b = Split <axis = 1> (x) s = SequenceConstruct (b, a) y = ConcatFromSequence <axis = 1> (s)`},
		{"shuffle", `a = Reshape (z, rows) b = Transpose <perm = [0, 2, 1, 3]> (a) c = Relu (b) d, e = Split <axis = 2> (c) y = Concat <axis = 2> (e, d)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := parse(t, strings.Replace(laid, "NODES", c.nodes, 1))
			in := feeds{}
			for _, v := range m.Graph.Inputs {
				x, err := random.Input(v, map[string]int{"n": 3}, 5, nil)
				if err != nil {
					t.Fatal(err)
				}
				in[v.Name] = x
			}
			before := fmt.Sprint(tensor.Data[float32](in["x"]), tensor.Data[float32](in["z"]))
			all := []string{"y"}
			for _, n := range m.Graph.Nodes {
				for _, v := range n.Outputs {
					if n.Op != "SequenceConstruct" && v.Name != "y" {
						all = append(all, v.Name)
					}
				}
			}
			want, _ := fusedRun(t, m, in, interp.Options{Unfused: true, Fetches: all})
			for _, fetch := range [][]string{{"y"}, all, {all[len(all)-1], "y"}} {
				for _, threads := range []int{1, 2} {
					plan, err := interp.New(m, interp.Options{Fetches: fetch, Threads: threads})
					if err != nil {
						t.Fatal(err)
					}
					use := feeds{}
					for _, v := range plan.Feeds() {
						use[v.Name] = in[v.Name]
					}
					first, err := plan.Run(t.Context(), use)
					if err != nil {
						t.Fatal(err)
					}
					for i := range 2 { // another run leaves alone what the first one gave
						for name, x := range first {
							if err := sameBits(x, want[name]); err != nil {
								t.Fatalf("fetching %v with %d threads, run %d: %s: %v", fetch, threads, i+1, name, err)
							}
						}
						if _, err := plan.Run(t.Context(), use); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			if after := fmt.Sprint(tensor.Data[float32](in["x"]), tensor.Data[float32](in["z"])); after != before {
				t.Error("an input was written to")
			}
		})
	}
}

func sameBits(got, want *tensor.Tensor) error {
	if fmt.Sprint(got.Shape) != fmt.Sprint(want.Shape) {
		return fmt.Errorf("shape %v, want %v", got.Shape, want.Shape)
	}
	w := tensor.Data[float32](want)
	for i, v := range tensor.Data[float32](got) {
		if math.Float32bits(v) != math.Float32bits(w[i]) {
			return fmt.Errorf("[%d] = %v, want %v", i, v, w[i])
		}
	}
	return nil
}
