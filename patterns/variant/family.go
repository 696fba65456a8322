package variant

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/patterns"
)

// family is detectors or others of one kind: the ways in which they differ,
// each a list of values, and how one is made.
type family struct {
	name string
	ways []way
	take int // so many of the combinations are taken
	fits func(p pick) bool
	make func(n *net, p pick) Key
}

// way is one way in which the networks of a family differ.
type way struct {
	name   string
	values []string
}

// pick is a value for each way.
type pick map[string]string

// count is the value of a way that is a number.
func (p pick) count(name string) (k int) {
	fmt.Sscan(p[name], &k)
	return k
}

// families are those that other families than dense detectors are made of.
var families = []family{
	{
		"regions", []way{{"classes", []string{"2", "4", "16", "21", "80", "91"}}, {"act", []string{"none", "softmax", "sigmoid"}},
			{"post", []string{"none", "argmax", "nms", "loops", "offset"}}, {"boxes", []string{"each", "one"}}, {"proposals", []string{"hidden", "out"}},
			{"beside", []string{"nothing", "masks"}}, {"stages", []string{"one", "two"}}}, 30,
		func(p pick) bool { return p["act"] != "none" || p["post"] == "none" },
		func(n *net, p pick) Key { return n.regions(p) },
	},
	{
		"queries", []way{{"classes", []string{"1", "2", "4", "20", "91", "92"}}, {"act", []string{"none", "sigmoid", "softmax"}},
			{"post", []string{"none", "topk", "argmax"}}, {"decoder", []string{"last", "all"}}, {"start", []string{"learned", "chosen"}}}, 24,
		func(p pick) bool {
			return (p["classes"] != "1" || p["act"] != "softmax") && (p["post"] == "none" || p["decoder"] == "last")
		},
		func(n *net, p pick) Key { return n.queries(p) },
	},
	{
		"heat", []way{{"classes", []string{"1", "3", "16", "80"}}, {"post", []string{"raw", "sigmoid", "peaks", "topk"}}, {"sizes", []string{"2", "4"}}}, 20,
		nil, func(n *net, p pick) Key { return n.heat(p) },
	},
	{
		"text", []way{{"act", []string{"sigmoid", "none"}}, {"angle", []string{"bounded", "raw"}}, {"sizes", []string{"apart", "joined"}}}, 6,
		nil, func(n *net, p pick) Key { return n.text(p) },
	},
	{
		"track", []way{{"anchors", []string{"3", "5"}}, {"post", []string{"none", "softmax"}}}, 4,
		nil, func(n *net, p pick) Key { return n.track(p) },
	},
	{
		"image", []way{{"classes", []string{"2", "10", "100", "1000"}}, {"act", []string{"none", "sigmoid", "softmax"}}, {"layer", []string{"conv", "dense", "gemm"}}}, 12,
		nil, func(n *net, p pick) Key { return n.classify(p) },
	},
}

// combinations are the picks of f that fit.
func (f *family) combinations() []pick {
	ps := []pick{{}}
	for _, w := range f.ways {
		var more []pick
		for _, p := range ps {
			for _, v := range w.values {
				q := maps.Clone(p)
				q[w.name] = v
				more = append(more, q)
			}
		}
		ps = more
	}
	return slices.DeleteFunc(ps, func(p pick) bool { return f.fits != nil && !f.fits(p) })
}

// Others is the variants of other families than dense detectors: two stages,
// queries, heat maps, and models that are no detectors, drawn by seed. Their
// exporter's habits are drawn by name.
func Others(seed uint64) []*Variant {
	rng := rand.New(rand.NewPCG(seed, 2))
	var vs []*Variant
	add := func(family, habit string, make func(n *net) Key) {
		name := fmt.Sprintf("%s%d.%02d", family, seed, len(vs))
		vs = append(vs, &Variant{Name: name, Family: family, Habit: habit, make: make})
	}
	for i := range families {
		f := &families[i]
		ps := f.combinations()
		rng.Shuffle(len(ps), func(i, j int) { ps[i], ps[j] = ps[j], ps[i] })
		for _, p := range ps[:min(f.take, len(ps))] {
			var habit []string
			for _, w := range f.ways {
				habit = append(habit, w.name+"="+p[w.name])
			}
			add(f.name, strings.Join(habit, " "), func(n *net) Key { return f.make(n, p) })
		}
	}
	for _, x := range strangers {
		for range 2 {
			add("none", x.what, func(n *net) Key {
				x.build(n)
				if x.unsure != "" {
					return Key{Expect: Unsure, Why: x.unsure}
				}
				return Key{Expect: Refused, Why: x.what + " has no detection head"}
			})
		}
	}
	return vs
}

// drawn is habits at random.
func drawn(rng *rand.Rand) habits {
	pick := func(s ...string) string { return s[rng.IntN(len(s))] }
	h := habits{
		consts: pick("folded", "literal", "computed"), bias: pick("fused", "added", "norm", "group"), quant: pick("float", "float", "float", "qdq", "qlinear"), maker: pick("first", "first", "sandwich"),
		cut: pick("split", "slice", "gather"), dims: pick("static", "static", "batch"), opset: []int64{11, 13, 17}[rng.IntN(3)],
	}
	return h
}

// key is the key of a head at b of k classes.
func key(b block, act string) Key {
	return Key{
		Expect: Found, Answers: [][]patterns.Part{{part(b, whole(b.k))}}, Ordered: true, Classes: b.k,
		Activations: []patterns.Activation{activation(act)}, Background: Any, Tolerance: step,
	}
}

// scores is act of the logits v.
func scores(act string, v *graph.Value, axis int64) *graph.Value {
	switch act {
	case "sigmoid":
		return op.Sigmoid(v)
	case "softmax":
		return op.Softmax(v, axis)
	}
	return v
}
