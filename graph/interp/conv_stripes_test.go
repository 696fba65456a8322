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

// stripes are what follows an expansion of x [n, 4, 120, 120] to e [n, 40, 120, 120],
// up to y, and the longest step that it takes.
var stripes = []struct{ name, nodes, longest string }{
	{"depthwise", `a = Relu (e) y = Conv <group = 40, pads = [1, 1, 1, 1]> (a, depth)`, "Conv+Conv"},
	{"inverted residual", `a = Clip (e, zero, six) d = Conv <group = 40, pads = [1, 1, 1, 1]> (a, depth) h = HardSigmoid (d) b = Mul (d, h)
	  p = Conv (b, reduce, four) y = Add (p, x)`, "Conv+Conv+Conv"},
	{"expanded again", `d = Conv <group = 40, pads = [1, 1, 1, 1], strides = [2, 2]> (e, depth) s = Sigmoid (d) b = Mul (d, s) p = Conv (b, reduce, four)
	  f = Conv (p, expand) y = Conv <group = 40, pads = [2, 2, 2, 2]> (f, five)`, "Conv+Conv"},
	{"read twice", `d = Conv <group = 40, pads = [1, 1, 1, 1]> (e, depth) y = Add (d, e)`, "Conv"},
	{"more than an activation", `a = Add (e, six) d = Conv <group = 40, pads = [1, 1, 1, 1]> (a, depth) y = Conv (d, reduce)`, "Conv+Conv"},
	{"dense", `d = Conv <pads = [1, 1, 1, 1]> (e, dense) y = Conv (d, expand)`, "Conv+Conv"},
	{"a residual that is broadcast", `d = Conv <group = 40, pads = [1, 1, 1, 1]> (e, depth) p = Conv (d, reduce) y = Add (p, row)`, "Conv+Conv+Conv"},
}

const striped = `g (float[n, 4, 120, 120] x, float[120] row) => (float[a, b, d, e] y)
<float[40, 4, 1, 1] expand = {EXPAND}, float[40, 1, 3, 3] depth = {DEPTH}, float[40, 1, 5, 5] five = {FIVE}, float[4, 40, 1, 1] reduce = {REDUCE},
 float[4, 40, 3, 3] dense = {DENSE}, float[4] four = {1, -0.5, 0.25, 2}, float zero = {0}, float six = {6}> {
  e = Conv (x, expand)
  NODES
}`

// TestConvStripes: convolutions that are computed by stripes of rows give the bits that they
// give one by one, for any number of images, and hold less memory.
func TestConvStripes(t *testing.T) {
	for _, c := range stripes {
		t.Run(c.name, func(t *testing.T) {
			text := striped
			for name, n := range map[string]int{"EXPAND": 160, "DEPTH": 360, "FIVE": 1000, "REDUCE": 160, "DENSE": 1440} {
				text = strings.Replace(text, name, noise(n), 1)
			}
			m := parse(t, strings.Replace(text, "NODES", c.nodes, 1))
			for n := range 3 {
				in := feeds{}
				for _, v := range m.Graph.Inputs {
					x, err := random.Input(v, map[string]int{"n": n}, 3, nil)
					if err != nil {
						t.Fatal(err)
					}
					in[v.Name] = x
				}
				want, alone, _ := stripesRun(t, m, in, interp.Options{Unfused: true, Threads: 1})
				got, prof, longest := stripesRun(t, m, in, interp.Options{Threads: 3})
				for i, v := range tensor.Data[float32](got) {
					if w := tensor.Data[float32](want)[i]; math.Float32bits(v) != math.Float32bits(w) {
						t.Fatalf("%d images: y[%d] = %v, want %v", n, i, v, w)
					}
				}
				if longest != c.longest {
					t.Errorf("the longest step is %s, want %s", longest, c.longest)
				}
				if a, b := totalWork(alone), totalWork(prof); a != b {
					t.Errorf("%d images: %d operations are counted, want %d", n, b, a)
				}
				if n > 0 && strings.Count(longest, "Conv") > 2 && !strings.Contains(c.nodes, "row") && prof.Peak > alone.Peak*3/4 {
					t.Errorf("%d images: %d bytes held, %d by the nodes one by one", n, prof.Peak, alone.Peak)
				}
			}
		})
	}
}

func totalWork(p *interp.Profile) (n int64) {
	for _, r := range p.Records {
		n += r.Work
	}
	return n
}

func stripesRun(t *testing.T, m *graph.Model, in feeds, o interp.Options) (y *tensor.Tensor, prof *interp.Profile, longest string) {
	t.Helper()
	p, err := interp.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	out, prof, err := p.RunProfiled(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range prof.Records {
		if strings.HasPrefix(r.Op, "Conv") && len(r.Op) > len(longest) {
			longest = r.Op
		}
	}
	return out["y"], prof, longest
}
