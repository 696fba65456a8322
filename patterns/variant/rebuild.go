package variant

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// rebuild copies a model's main graph node by node.
type rebuild struct {
	src, dst *graph.Model
	g        *graph.Graph // of dst
	// at is what readers of a value of src read in dst.
	at map[*graph.Value]*graph.Value
}

// changed is v's model copied by node, which is called for each node of order
// and adds what stands for it; v's key follows the values.
func (v *Variant) changed(order []*graph.Node, node func(r *rebuild, n *graph.Node) error) error {
	return v.changedTo(v.Model.Opset(""), order, node)
}

// changedTo is changed, to another version of ONNX's operators.
func (v *Variant) changedTo(opset int64, order []*graph.Node, node func(r *rebuild, n *graph.Node) error) error {
	src := v.Model
	dst := graph.New(opset)
	dst.Opsets = slices.Clone(src.Opsets)
	dst.SetOpset("", opset)
	dst.Functions = slices.Clone(src.Functions)
	r := &rebuild{src, dst, dst.Graph, map[*graph.Value]*graph.Value{}}
	for _, x := range src.Graph.Inputs {
		y, err := r.g.AddInput(r.g.Fresh("t"), x.Type)
		if err != nil {
			return err
		}
		r.at[x] = y
	}
	for _, x := range src.Graph.Inits {
		y, err := r.g.Declare(r.g.Fresh("t"), x.Type)
		if err != nil {
			return err
		}
		r.g.SetInit(y, x.Init)
		r.at[x] = y
	}
	for _, n := range order {
		if err := node(r, n); err != nil {
			return err
		}
	}
	for _, x := range src.Graph.Outputs {
		r.g.AddOutput(r.at[x])
	}
	v.Model = dst
	v.follow(r.at)
	if err := dst.Graph.Err(); err != nil {
		return err
	}
	return dst.Check()
}

// follow maps the sources of v's key.
func (v *Variant) follow(at map[*graph.Value]*graph.Value) {
	answers := make([][]patterns.Part, len(v.Key.Answers))
	for i, a := range v.Key.Answers {
		for _, p := range a {
			p.Source = at[p.Source]
			answers[i] = append(answers[i], p)
		}
	}
	v.Key.Answers = answers
}

// copy adds n as it is, and gives the copy's outputs.
func (r *rebuild) copy(n *graph.Node) ([]*graph.Value, error) {
	c := &graph.Node{Op: n.Op, Domain: n.Domain, Name: r.g.Fresh("n"), Attrs: n.Attrs}
	for _, x := range n.Inputs {
		c.Inputs = append(c.Inputs, r.at[x])
	}
	for _, x := range n.Outputs {
		y, err := r.g.Declare(r.g.Fresh("t"), x.Type)
		if err != nil {
			return nil, err
		}
		r.at[x] = y
		c.Outputs = append(c.Outputs, y)
	}
	return c.Outputs, r.g.AddNode(c)
}

// as copies n.
func as(r *rebuild, n *graph.Node) error {
	_, err := r.copy(n)
	return err
}

// tidy takes out what nothing reads.
func tidy(m *graph.Model) error { return m.Graph.Prune(0, 0) }
