package verify_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/thorough"
)

// opposites are operators that another takes the place of.
var opposites = map[string]string{
	"Add": "Sub", "Sub": "Add", "Mul": "Div", "Div": "Mul", "Greater": "Less", "Less": "Greater",
	"Exp": "Abs", "Log": "Neg", "Neg": "Abs", "Abs": "Neg", "Relu": "Neg", "Max": "Min", "And": "Or", "Or": "And", "Softsign": "Tanh",
	"ReduceSum": "ReduceMax", "ReduceMax": "ReduceMin", "ReduceMin": "ReduceMax", "ReduceMean": "ReduceSum", "Not": "Identity", "Softmax": "LogSoftmax", "LogSoftmax": "Softmax",
}

// alterations of a node; each reports whether it applies to n.
var alterations = map[string]func(n *graph.Node) bool{
	"left out": bypass,
	"another operator": func(n *graph.Node) bool {
		name := opposites[n.Op]
		if name == "" {
			return false
		}
		n.SetOp("", name)
		return true
	},
	"another constant": func(n *graph.Node) bool {
		for i, v := range n.Inputs {
			if v == nil || v.Init == nil || !v.Init.DType.IsFloat() {
				continue
			}
			x, err := v.Init.Load()
			if err != nil {
				panic(err)
			}
			y := op.Floats(x)
			for k := range y {
				y[k] = 1.5*y[k] + 0.3
			}
			f := make([]float32, len(y))
			for k := range y {
				f[k] = float32(y[k])
			}
			n.SetInput(i, op.Const(n.Graph(), "other", tensor.Of(x.Shape, f)))
			return true
		}
		return false
	},
	"inputs swapped": func(n *graph.Node) bool {
		if n.Op != "Sub" && n.Op != "Div" && n.Op != "Less" && n.Op != "Greater" || len(n.Inputs) != 2 {
			return false
		}
		a, b := n.Inputs[0], n.Inputs[1]
		n.SetInput(0, b)
		n.SetInput(1, a)
		return true
	},
}

// constant is the greatest number, by size, among the constants that n reads.
func constant(t *testing.T, n *graph.Node) float64 {
	t.Helper()
	most := 0.0
	for _, v := range n.Inputs {
		if v == nil || v.Init == nil || !v.Init.DType.IsFloat() {
			continue
		}
		x, err := v.Init.Load()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range op.Floats(x) {
			most = max(most, math.Abs(f))
		}
	}
	return most
}

// readBy reports whether all that read n are of the operator name.
func readBy(n *graph.Node, name string) bool {
	return !slices.ContainsFunc(n.Outputs[0].Uses(), func(u graph.Use) bool { return u.Node == nil || u.Node.Op != name })
}

// unnoticed are the alterations that change nothing, each by its reason.
var unnoticed = []struct {
	reason, alteration string
	of                 func(t *testing.T, n *graph.Node) bool
}{
	{"a name alone", "left out", func(_ *testing.T, n *graph.Node) bool { return n.Op == "Identity" }},
	{"any number will do that is so large", "another constant", func(t *testing.T, n *graph.Node) bool { return constant(t, n) >= 1<<59 }},
	{"what lies on either side of the number has a formula that holds on both, or nothing lies there", "another constant", func(_ *testing.T, n *graph.Node) bool { return n.Op == "Greater" }},
	{"the least size of a batch, of which an empty one has a sum of 0", "another constant", func(_ *testing.T, n *graph.Node) bool {
		p := n.Inputs[0].Producer()
		return n.Op == "Max" && p != nil && p.Op == "Cast" && p.Inputs[0].Producer().Op == "Size"
	}},
	{"the size of a difference has no sign", "inputs swapped", func(_ *testing.T, n *graph.Node) bool { return readBy(n, "Abs") }},
	{"the size of what is never above 0", "another operator", func(_ *testing.T, n *graph.Node) bool { return n.Op == "Neg" }},
	{"what a sum of 0 is divided by", "inputs swapped", func(_ *testing.T, n *graph.Node) bool {
		return n.Op == "Sub" && readBy(n, "Add") && readBy(n.Outputs[0].Uses()[0].Node, "Div")
	}},
	{"what a sum of 0 is divided by", "another operator", func(_ *testing.T, n *graph.Node) bool { return n.Op == "Add" && readBy(n, "Div") }},
}

// TestEveryAlterationIsNoticed alters every node behind the network, one at a time: each is
// noticed, or changes nothing for a reason.
func TestEveryAlterationIsNoticed(t *testing.T) {
	ignore, used := int64(1), map[string]bool{}
	gamma3 := map[string]float64{"gamma": 3} // an even power takes away signs
	for _, o := range []emit.Options{
		{Form: emit.LogitsGradientForm, Loss: loss.Options{Name: "modified-focal-sigmoid", Params: gamma3, AnchorWeights: true, Reduction: loss.Fed}},
		{Form: emit.LogitsGradientForm, Loss: loss.Options{Name: "modified-focal-softmax", Params: gamma3}},
		{Form: emit.LogitsGradientForm, Loss: loss.Options{Name: "sigmoid-focal", Params: gamma3, Target: loss.Index, IgnoreIndex: &ignore, Reduction: loss.Positives, ClassWeights: []float64{1, 2, 3}}},
		{Loss: loss.Options{Name: "ce", Target: loss.Index, Reduction: loss.WeightedMean, ClassWeights: []float64{1, 2, 3}}},
	} {
		m, _ := small(t, o)
		altered := 0
		for i, n := range m.Graph.Nodes {
			if n.Name == "" || i%thorough.Every(2) > 0 {
				continue // of the network, or not now
			}
			for name, alter := range alterations {
				m, _ := small(t, o)
				n := m.Graph.Nodes[i]
				what, reason := fmt.Sprint(n), ""
				for _, u := range unnoticed {
					if u.alteration == name && u.of(t, n) {
						reason = u.reason
					}
				}
				if !alter(n) {
					continue
				}
				altered++
				if _, err := interfaceCheck(m); err == nil && reason != "" {
					used[reason] = true
				} else if err == nil {
					t.Errorf("%s: %s, %s: nobody notices", o.Loss.Name, what, name)
				}
			}
		}
		if altered < 30/thorough.Every(2) {
			t.Errorf("%s: %d alterations", o.Loss.Name, altered)
		}
	}
	for _, u := range unnoticed {
		if !used[u.reason] && thorough.Every(2) == 1 {
			t.Errorf("nothing is unnoticed for the reason %q", u.reason)
		}
	}
}
