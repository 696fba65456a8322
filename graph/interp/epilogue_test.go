package interp_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/random"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// epilogues are what may follow the convolution that makes c [2, 3, 5, 7], up to y.
// fused is how many nodes of the graph one step does, and how many more need no
// step of their own, since they work on rows (joinRows).
var epilogues = []struct {
	name, nodes string
	fused       int
}{
	{"activation", `y = Relu (c)`, 2},
	{"sequence", `a = LeakyRelu <alpha = 0.1> (c) b = Clip (a, zero, six) d = HardSwish (b) y = HardSigmoid (d)`, 5},
	{"x by its sigmoid", `s = Sigmoid (c) y = Mul (c, s)`, 3},
	{"sigmoid by itself", `s = Sigmoid (c) y = Mul (s, s)`, 3},
	{"hard sigmoid by itself", `s = HardSigmoid (c) y = Mul (s, s)`, 3},
	{"hard sigmoid by itself, of a sum", `a = Add (c, three) s = HardSigmoid (a) d = Mul (s, s) y = Sub (d, c)`, 5},
	{"x by its hard sigmoid", `s = HardSigmoid (c) y = Mul (s, c)`, 3},
	{"another by a sigmoid", `a = Relu (c) s = Sigmoid (c) y = Mul (a, s)`, 4},
	{"another of the group by a sigmoid", `a = Relu (c) s = Sigmoid (a) y = Mul (c, s)`, 4},
	{"an operand by a sigmoid", `s = Sigmoid (c) y = Mul (s, r)`, 3},
	{"a constant by a sigmoid", `s = Sigmoid (c) y = Mul (three, s)`, 3},
	{"sigmoid by itself, then by x", `s = Sigmoid (c) a = Mul (s, s) y = Mul (a, c)`, 4},
	{"x by its sigmoid, and the sigmoid again", `s = Sigmoid (c) a = Mul (c, s) y = Add (a, s)`, 4},
	{"a swish by its sigmoid", `s = Sigmoid (c) a = Mul (c, s) t = Sigmoid (a) y = Mul (t, a)`, 5},
	{"twice a sigmoid", `s = Sigmoid (c) y = Add (s, s)`, 3},
	{"itself from itself", `s = Sigmoid (c) y = Sub (s, s)`, 3},
	{"hard swish in parts", `a = Add (c, three) b = Clip (a, zero, six) d = Mul (c, b) y = Div (d, six)`, 5},
	{"constants of channels", `a = Mul (channels, c) b = Sub (a, channels) d = PRelu (b, channels) y = Sub (three, d)`, 5},
	{"batch normalization", `a = BatchNormalization (c, v, w, v, w) y = Relu (a)`, 3},
	{"residual", `a = Add (c, r) y = Relu (a)`, 3},
	{"residual that is broadcast", `a = Add (c, row) y = Relu (a)`, 3},
	{"residual by two convolutions", `e = Conv (r, i) a = Add (c, e) y = Relu (a)`, 3},
	{"three registers", `s = Sigmoid (c) t = Add (c, three) u = Mul (s, t) y = Sub (u, c)`, 5},
	{"square", `s = Relu (c) y = Mul (s, s)`, 3},
	{"operand that is wider", `y = Add (c, wide)`, 2},
	{"read elsewhere too", `a = Relu (c) b = Sigmoid (a) d = MaxPool <kernel_shape = [1, 1]> (a) y = Add (b, d)`, 3},
	{"the sum is read elsewhere", `a = Relu (c) d = MaxPool <kernel_shape = [1, 1]> (c) y = Add (a, d)`, 2},
}

const tailed = `g (float[n, 2, 5, 7] x, float[n, 3, 5, 7] r, float[7] row, float[2, 1, 1, 1, 1] wide) => (float[a, b, d, e] y)
<float[3, 2, 3, 3] k, float[3, 3, 1, 1] i, float[3, 1, 1] channels = {0.5, -2, 0.25}, float[3] v = {1, -0.5, 0.25}, float[3] w = {2, 1, 0.5},
 float three = {3}, float zero = {0}, float six = {6}> {
  c = Conv <pads = [1, 1, 1, 1]> (x, k, v)
  NODES
}`

// TestEpilogues: a fused graph gives the bits that its nodes give one by one,
// whatever is fetched, and fuses what it should.
func TestEpilogues(t *testing.T) {
	for _, c := range epilogues {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(tailed, "NODES", c.nodes, 1)
			text = strings.Replace(text, "float[3, 2, 3, 3] k", "float[3, 2, 3, 3] k = {"+noise(54)+"}", 1)
			text = strings.Replace(text, "float[3, 3, 1, 1] i", "float[3, 3, 1, 1] i = {"+noise(9)+"}", 1)
			m := parse(t, text)
			in := feeds{}
			for _, v := range m.Graph.Inputs {
				x, err := random.Input(v, map[string]int{"n": 2}, 3, nil)
				if err != nil {
					t.Fatal(err)
				}
				tensor.Data[float32](x)[0] = float32(math.NaN())
				in[v.Name] = x
			}
			all := []string{"y"}
			for _, n := range m.Graph.Nodes {
				all = append(all, n.Outputs[0].Name)
			}
			want, records := fusedRun(t, m, in, interp.Options{Unfused: true, Fetches: all})
			for _, fetch := range [][]string{{"y"}, all, {"y", all[1]}} {
				got, count := fusedRun(t, m, in, interp.Options{Fetches: fetch})
				for name, x := range got {
					for i, v := range tensor.Data[float32](x) {
						if w := tensor.Data[float32](want[name])[i]; math.Float32bits(v) != math.Float32bits(w) && (v == v || w == w) {
							t.Fatalf("fetching %v: %s[%d] = %v, want %v", fetch, name, i, v, w)
						}
					}
				}
				if len(fetch) == 1 && records-count != c.fused-1 {
					t.Errorf("%d steps for %d nodes, want %d nodes in one", count, records, c.fused)
				}
			}
		})
	}
}

func fusedRun(t *testing.T, m *graph.Model, in feeds, o interp.Options) (map[string]*tensor.Tensor, int) {
	t.Helper()
	out, steps, err := tryRun(m, in, o)
	if err != nil {
		t.Fatal(err)
	}
	return out, steps
}

// tryRun gives the outputs of a run, and how many steps it had.
func tryRun(m *graph.Model, in feeds, o interp.Options) (map[string]*tensor.Tensor, int, error) {
	p, err := interp.New(m, o)
	if err != nil {
		return nil, 0, err
	}
	use := feeds{}
	for _, v := range p.Feeds() {
		use[v.Name] = in[v.Name]
	}
	out, prof, err := p.RunProfiled(context.Background(), use)
	if err != nil {
		return nil, 0, err
	}
	return out, len(prof.Records), nil
}

// noise is n numbers as text.
func noise(n int) string {
	var s []string
	for i := range n {
		s = append(s, []string{"0.3", "-0.7", "1.1", "-0.2", "0.05"}[i*i%5])
	}
	return strings.Join(s, ", ")
}
