package patterns_test

import (
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// scoring makes a function of m that convolves its input to class scores.
func (n *net) scoring(classes int, opset int64) *graph.Function {
	g := graph.NewGraph(n.m, nil)
	f := &graph.Function{Name: "head", Domain: "local", Opsets: []graph.Opset{{Domain: "", Version: opset}}, Body: g}
	g.Function = f
	x, err := g.AddInput("x", graph.Type{})
	if err != nil {
		n.t.Fatal(err)
	}
	w, err := tensor.Make(tensor.Float32, classes, 8, 1, 1)
	if err != nil {
		n.t.Fatal(err)
	}
	kernel := &graph.Attr{Name: "value", Kind: graph.AttrTensor, Tensor: graph.NewData("", w)}
	at := []*graph.Value{x}
	for _, node := range []*graph.Node{{Op: "Constant", Attrs: []*graph.Attr{kernel}}, {Op: "Conv"}, {Op: "Sigmoid"}} {
		out, err := g.Declare(node.Op, graph.Type{})
		if err != nil {
			n.t.Fatal(err)
		}
		switch node.Op {
		case "Conv":
			node.Inputs = at
		case "Sigmoid":
			node.Inputs = at[2:]
		}
		node.Outputs = []*graph.Value{out}
		if err := g.AddNode(node); err != nil {
			n.t.Fatal(err)
		}
		at = append(at, out)
	}
	g.AddOutput(at[3])
	return f
}

// A head whose logits no tensor of the main graph holds is found in the model
// with its functions' nodes in the place of their calls, whole: a level that
// the main graph shows does not stand for all.
func TestHeadInsideFunctions(t *testing.T) {
	for _, c := range []struct {
		name    string
		shown   bool // a level lies in the main graph
		opset   int64
		refused bool
	}{
		{"all levels", false, 13, false},
		{"all levels but one", true, 13, false},
		{"of another operator set", true, 12, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNet(t)
			n.m.Functions = []*graph.Function{n.scoring(5, c.opset)}
			n.m.SetOpset("local", 1)
			scores := func(x *graph.Value) *graph.Value {
				out, err := n.m.Graph.Declare(n.m.Graph.Fresh("scores"), graph.Type{})
				if err != nil {
					t.Fatal(err)
				}
				if err := n.m.Graph.AddNode(&graph.Node{Op: "head", Domain: "local", Inputs: []*graph.Value{x}, Outputs: []*graph.Value{out}}); err != nil {
					t.Fatal(err)
				}
				return out
			}
			first := scores
			if c.shown {
				first = func(x *graph.Value) *graph.Value { return n.do("Sigmoid", nil, n.conv(x, 5)) }
			}
			small := n.half(n.x)
			n.output(first(n.x), scores(small), n.do("Exp", nil, n.conv(n.x, 4)), n.do("Exp", nil, n.conv(small, 4)))
			r, err := patterns.Locate(n.m, patterns.Options{})
			if c.refused {
				if err == nil {
					t.Fatalf("found %s", asJSON(t, r))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			h := r.Heads[0]
			if len(h.Levels) != 2 || h.Classes != 5 || r.Model == n.m || len(r.Model.Functions) != 0 || h.Levels[0].Source.Graph() != r.Model.Graph {
				t.Errorf("%s", asJSON(t, r))
			}
			if err := r.Model.Graph.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}
