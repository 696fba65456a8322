package patterns_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/patterns"
	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// scene is m before any rule was asked.
func scene(t *testing.T, m *graph.Model) *rule.Scene {
	t.Helper()
	in, err := graph.Inline(m)
	if err != nil {
		t.Fatal(err)
	}
	s := rule.Survey(match.Analyze(in.Model), in)
	s.Stated = rule.StatedBy(m)
	return s
}

// state is all that rules may say of a scene.
func state(s *rule.Scene) string {
	var b strings.Builder
	for _, p := range s.Parts {
		fmt.Fprintf(&b, "%s %v %d %v %v %q %q\n", p.Value.Name, p.Span, p.Channels, p.Role, p.Marks, p.Why, p.Rejected)
	}
	for _, f := range s.Found {
		fmt.Fprintf(&b, "found by %s: %d %s %d %g %g %q\n", f.By, f.Classes, f.Activation, f.Background, f.Score, f.Confidence, f.Evidence)
		for _, p := range f.Parts {
			fmt.Fprintf(&b, "  %s %v\n", p.Value.Name, p.Span)
		}
	}
	fmt.Fprintf(&b, "%d boxes, %s", len(s.Boxes.All), s.Doubt)
	return b.String()
}

// models are the kinds of heads and the repository's models, by name.
func ruleModels(t *testing.T) map[string]*graph.Model {
	t.Helper()
	list := map[string]*graph.Model{}
	for _, k := range slices.Concat(kinds, ruleKinds) {
		n := newNet(t)
		k.build(n)
		list[k.name] = n.m
	}
	files, err := filepath.Glob("../testdata/models/*.onnx")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		m, err := onnx.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		list[filepath.Base(f)] = m
	}
	return list
}

// rare is a map of rare events: biases of -4, all but those that are given first.
func (n *net) rare(x *graph.Value, out int, first ...float32) *graph.Value {
	b := make([]float32, out)
	for i := range b {
		if b[i] = -4; i < len(first) {
			b[i] = first[i]
		}
	}
	return n.do("Conv", nil, x, n.weights(out, int(x.Shape()[1].Value), 1, 1), n.floats(b...))
}

// shifted is v with a constant added to each channel behind the layer, so that no bias shows
// what the network computes: -4, but for those that are given first of each group.
func (n *net) shifted(v *graph.Value, group int, first ...float32) *graph.Value {
	c := int(v.Shape()[1].Value)
	b := make([]float32, c)
	for i := range b {
		if b[i] = -4; i%group < len(first) {
			b[i] = first[i%group]
		}
	}
	return n.do("Add", nil, v, n.reshape(n.floats(b...), 1, int64(c), 1, 1))
}

// anchored is the biases of na anchors of a raw map: four of boxes, then rare events.
func anchored(na, group int) []float32 {
	var b []float32
	for i := range na * group {
		x := float32(-4)
		if i%group < 4 {
			x = 0.3
		}
		b = append(b, x)
	}
	return b
}

// ruleKinds are heads in which rules decide that do so in no other kind.
var ruleKinds = []kind{
	{"queries that refine an earlier box", func(n *net) *graph.Value {
		q := n.rows(n.conv(n.x, 8))
		v := n.do("MatMul", nil, q, n.weights(8, 4))
		ref := n.sigmoid(n.do("MatMul", nil, q, n.weights(8, 4)))
		n.output(n.sigmoid(v), n.sigmoid(n.do("Add", nil, n.do("MatMul", nil, q, n.weights(8, 4)), ref)))
		return v
	}, 4, patterns.Sigmoid, 0, false},
	{"a distribution read again for its sharpness", func(n *net) *graph.Value {
		v := n.rows(n.conv(n.x, 9))
		d := n.reshape(n.conv(n.x, 64), 1, 4, 16, -1)
		dist := n.do("Conv", nil, n.transpose(n.softmax(d, 2), 0, 2, 1, 3), n.weights(1, 16, 1, 1))
		sharp := n.do("ReduceMax", []*graph.Attr{graph.Ints("axes", 2), graph.Int("keepdims", 0)}, n.softmax(d, 2))
		n.output(n.sigmoid(v), n.reshape(dist, 1, 4, -1), sharp)
		return v
	}, 9, patterns.Sigmoid, 0, false},
	{"a score that lets another through", func(n *net) *graph.Value {
		v := n.conv(n.x, 1)
		gate, s := n.sigmoid(n.conv(n.x, 1)), n.sigmoid(v)
		n.output(n.do("Exp", nil, n.conv(n.x, 4)), n.do("Mul", nil, gate, s), n.do("Greater", nil, gate, n.floats(0.3)))
		return v
	}, 1, patterns.Sigmoid, 0, true},
	{"a softmax over finer pixels", func(n *net) *graph.Value {
		v := n.conv(n.half(n.x), 7)
		n.output(n.do("Exp", nil, n.conv(n.half(n.x), 4)), n.softmax(v, 1), n.softmax(n.conv(n.x, 19), 1))
		return v
	}, 7, patterns.Softmax, 0, true},
	{"ranked scores beside raw numbers", func(n *net) *graph.Value {
		v := n.rows(n.conv(n.x, 12))
		s := n.sigmoid(v)
		n.output(n.rows(n.conv(n.x, 4)), n.do("ReduceMax", []*graph.Attr{graph.Ints("axes", 2)}, s), n.do("ArgMax", []*graph.Attr{graph.Int("axis", 2)}, s))
		return v
	}, 12, patterns.Sigmoid, 0, false},
	{"raw boxes in front of a sigmoid", func(n *net) *graph.Value {
		all := n.rows(n.conv(n.x, 4+1+6))
		n.output(n.concat(2, n.slice(all, 2, 0, 4, 1), n.sigmoid(n.slice(all, 2, 4, 11, 1))))
		return all
	}, 6, patterns.Sigmoid, 1, true},
	{"finer sigmoids of a segmentation", func(n *net) *graph.Value {
		v := n.conv(n.half(n.x), 8)
		n.output(n.do("Exp", nil, n.conv(n.half(n.x), 4)), n.sigmoid(v), n.sigmoid(n.conv(n.x, 9)))
		return v
	}, 8, patterns.Sigmoid, 0, false},
	{"two groups of sigmoids, of which the biases of one are of rare events", func(n *net) *graph.Value {
		v := n.rare(n.x, 30)
		n.output(n.do("Exp", nil, n.conv(n.x, 4)), n.sigmoid(v), n.sigmoid(n.conv(n.x, 31)))
		return v
	}, 30, patterns.Sigmoid, 0, false},
	{"two groups of sigmoids, of which one computes rare events", func(n *net) *graph.Value {
		v := n.shifted(n.conv(n.x, 30), 30)
		n.output(n.do("Exp", nil, n.conv(n.x, 4)), n.sigmoid(v), n.sigmoid(n.conv(n.x, 31)))
		return v
	}, 30, patterns.Sigmoid, 0, false},
	{"a raw map whose biases repeat", func(n *net) *graph.Value {
		v := n.rare(n.x, 2*16, anchored(2, 16)...)
		n.output(v)
		return v
	}, 11, patterns.None, 5, true},
	{"a raw map that repeats in what it computes", func(n *net) *graph.Value {
		v := n.shifted(n.conv(n.x, 2*16), 16, 0.3, 0.3, 0.3, 0.3)
		n.output(v)
		return v
	}, 11, patterns.None, 5, true},
	{"the bins of an angle beside classes", func(n *net) *graph.Value {
		v := n.rows(n.conv(n.x, 6))
		bins := n.softmax(n.rows(n.conv(n.x, 12)), -1)
		n.output(n.do("Exp", nil, n.rows(n.conv(n.x, 4))), n.softmax(v, -1), n.do("ReduceMax", []*graph.Attr{graph.Ints("axes", 2)}, n.softmax(v, -1)),
			n.do("Mul", nil, n.do("Cast", []*graph.Attr{graph.Int("to", 1)}, n.do("ArgMax", []*graph.Attr{graph.Int("axis", 2)}, bins)), n.floats(15)))
		return v
	}, 6, patterns.Softmax, 0, true},
	{"scores of two heads that are added", func(n *net) *graph.Value {
		v := n.rows(n.conv(n.x, 6))
		s := n.do("Add", nil, n.softmax(v, -1), n.softmax(n.rows(n.conv(n.x, 6)), -1))
		n.output(n.do("Exp", nil, n.rows(n.conv(n.x, 4))), n.do("ReduceMax", []*graph.Attr{graph.Ints("axes", 2)}, n.slice(s, 2, 1, 6, 1)))
		return v
	}, 6, patterns.Softmax, 0, true},
	{"scores on maps without boxes", func(n *net) *graph.Value {
		v := n.conv(n.half(n.x), 8)
		best := func(s *graph.Value) *graph.Value {
			return n.do("ReduceMax", []*graph.Attr{graph.Ints("axes", 1)}, s)
		}
		n.output(n.do("Exp", nil, n.conv(n.half(n.x), 4)), best(n.sigmoid(v)), best(n.sigmoid(n.conv(n.x, 9))))
		return v
	}, 8, patterns.Sigmoid, 0, false},
	{"classifier: scores, the best of them and its index", func(n *net) *graph.Value {
		v := n.do("Gemm", nil, n.reshape(n.do("GlobalAveragePool", nil, n.x), 1, 8), n.weights(8, 10), n.weights(10))
		s := n.softmax(v, 1)
		n.output(s, n.do("ReduceMax", []*graph.Attr{graph.Ints("axes", 1)}, s), n.do("ArgMax", []*graph.Attr{graph.Int("axis", 1)}, s))
		return v
	}, 10, patterns.Softmax, 0, false},
	{"two rows of scores", func(n *net) *graph.Value {
		row := func(c int) *graph.Value {
			return n.softmax(n.do("Gemm", nil, n.reshape(n.do("GlobalAveragePool", nil, n.x), 1, 8), n.weights(8, c), n.weights(c)), 1)
		}
		n.output(row(10), row(7))
		return nil
	}, 0, patterns.Softmax, 0, true},
	{"one way to read raw maps by two numbers of anchors", func(n *net) *graph.Value {
		v := n.conv(n.x, 36*5)
		n.output(n.conv(n.x, 36), v)
		return v
	}, 20, patterns.None, 0, true},
	{"key points on a grid, as many numbers as boxes of several anchors", func(n *net) *graph.Value {
		v := n.reshape(n.conv(n.x, 3), 1, 3, -1)
		boxes := n.do("Add", nil, n.do("Exp", nil, n.reshape(n.conv(n.x, 4), 1, 4, -1)), n.weights(1, 1, 256))
		points := n.do("Mul", nil, n.do("Add", nil, n.reshape(n.conv(n.x, 12), 1, 12, -1), n.weights(1, 1, 256)), n.weights(1, 1, 256))
		n.output(n.concat(1, boxes, n.sigmoid(v), points))
		return v
	}, 3, patterns.Sigmoid, 0, false},
	{"class names in the metadata", func(n *net) *graph.Value {
		v := n.rows(n.conv(n.x, 3))
		n.output(n.sigmoid(v), n.do("Exp", nil, n.rows(n.conv(n.x, 4))))
		n.m.Metadata = append(n.m.Metadata, graph.Pair{Key: "names", Value: "{0: 'a', 1: 'b', 2: 'c'}"})
		return v
	}, 3, patterns.Sigmoid, 0, false},
	{"other class names in the metadata", func(n *net) *graph.Value {
		v := n.rows(n.conv(n.x, 3))
		n.output(n.sigmoid(v), n.do("Exp", nil, n.rows(n.conv(n.x, 4))))
		n.m.Metadata = append(n.m.Metadata, graph.Pair{Key: "names", Value: "['a', 'b']"})
		return v
	}, 3, patterns.Sigmoid, 0, true},
	{"a background whose bias is the greatest", func(n *net) *graph.Value {
		v := n.rows(n.rare(n.x, 7, 0, 0, 0, 0, 0, 0, 5))
		n.output(n.softmax(v, -1), n.do("Exp", nil, n.rows(n.conv(n.x, 4))))
		return v
	}, 7, patterns.Softmax, 0, false},
	{"a background that is computed the greatest", func(n *net) *graph.Value {
		v := n.rows(n.shifted(n.conv(n.x, 7), 7, 0, 0, 0, 0, 0, 0, 5))
		n.output(n.softmax(v, -1), n.do("Exp", nil, n.rows(n.conv(n.x, 4))))
		return v
	}, 7, patterns.Softmax, 0, true},
}

// TestRulesChangeNothing: a rule says what follows, and only its verdicts, applied, change
// the scene.
func TestRulesChangeNothing(t *testing.T) {
	for name, m := range ruleModels(t) {
		s := scene(t, m)
		for _, r := range slices.Concat(rule.Finders, rule.Judges) {
			if slices.Contains(rule.Judges, r) == (len(s.Found) == 0) {
				continue
			}
			before := state(s)
			r.Judge(s)
			if after := state(s); after != before {
				t.Errorf("%s: rule %q changes\n%s\nto\n%s", name, r.Name, before, after)
			}
			one := *r
			one.After = nil
			s.Ask(func(x *rule.Rule) bool { return x == r })
			s.Judge(func(x *rule.Rule) bool { return x == r })
		}
	}
}

// TestEveryRuleDecides: without any rule, the answer to some model is another.
func TestEveryRuleDecides(t *testing.T) {
	list := ruleModels(t)
	answer := func(m *graph.Model, without string) (string, []rule.Said) {
		s := scene(t, m)
		keep := func(r *rule.Rule) bool { return r.Name != without }
		s.Trace = without == ""
		s.Ask(keep)
		s.Judge(keep)
		return state(s), s.Said
	}
	whole, speaks := map[string]string{}, map[string]map[string]bool{} // by model, and the rules that speak
	for name, m := range list {
		text, said := answer(m, "")
		whole[name], speaks[name] = text, map[string]bool{}
		for _, x := range said {
			speaks[name][x.Rule] = true
		}
	}
	for _, r := range slices.Concat(rule.Finders, rule.Judges) {
		var by []string
		for name, m := range list {
			if !speaks[name][r.Name] {
				continue
			}
			if text, _ := answer(m, r.Name); text != whole[name] {
				by = append(by, name)
			}
		}
		slices.Sort(by)
		if len(by) == 0 {
			t.Errorf("rule %q decides nothing in any model", r.Name)
		}
		t.Logf("%-22s %d models: %q", r.Name, len(by), by[:min(2, len(by))])
	}
}
