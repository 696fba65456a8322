package graph

import (
	"fmt"
	"slices"
)

// Outline moves nodes of g into the body of f, which joins the model's
// functions, and puts one call in their place, which it gives. The body takes
// inputs, then whatever else the nodes read from outside; it gives outputs, then
// whatever else is read outside. Constants that the nodes read become nodes
// Constant. The outputs keep their names in g; in the body a value is named by
// label. An Identity that only renames a value for an output is left out.
//
// The nodes have no subgraphs, and what they read from outside is made before
// the first of them. The model must import f.Domain.
func (g *Graph) Outline(f *Function, inside map[*Node]bool, inputs, outputs []*Value, label func(*Value) string) (*Node, error) {
	o := &outline{from: g, inside: inside, f: f, label: label, at: map[*Value]*Value{}, call: &Node{Op: f.Name, Domain: f.Domain, Overload: f.Overload}}
	f.Body = NewGraph(g.Model, nil)
	f.Body.Function, f.Body.Name = f, f.Name
	for _, v := range inputs {
		if err := o.input(v); err != nil {
			return nil, err
		}
	}
	outputs = slices.Clone(outputs)
	place := -1
	for i, n := range g.Nodes {
		if !inside[n] {
			continue
		}
		if place < 0 {
			place = i
		}
		for _, v := range n.Outputs {
			if v != nil && !slices.Contains(outputs, v) && o.leaves(v) {
				outputs = append(outputs, v)
			}
		}
	}
	if place < 0 {
		return nil, fmt.Errorf("function %s: no nodes", f.Name)
	}
	for _, n := range g.Nodes {
		if inside[n] {
			if err := o.node(n, outputs); err != nil {
				return nil, fmt.Errorf("function %s: node %v: %w", f.Name, n, err)
			}
		}
	}
	g.Model.Functions = append(g.Model.Functions, f)
	return o.call, o.replace(place, outputs)
}

// outline is one Outline under way.
type outline struct {
	from   *Graph
	inside map[*Node]bool
	f      *Function
	call   *Node
	at     map[*Value]*Value // in the body
	label  func(*Value) string
}

// leaves reports whether v is read outside of the nodes, or by the user.
func (o *outline) leaves(v *Value) bool {
	return slices.Contains(o.from.Outputs, v) || slices.ContainsFunc(v.uses, func(u Use) bool { return !o.inside[u.Node] })
}

// declare makes the value of the body that stands for v, without a type, which
// a function does not state.
func (o *outline) declare(v *Value) (*Value, error) {
	c, err := o.f.Body.Declare(o.f.Body.Fresh(o.label(v)), Type{})
	o.at[v] = c
	return c, err
}

func (o *outline) input(v *Value) error {
	c, err := o.declare(v)
	if err != nil {
		return err
	}
	o.f.Body.MakeInput(c)
	o.call.Inputs = append(o.call.Inputs, v)
	return nil
}

// constant is the initializer of v as a node of the body.
func (o *outline) constant(v *Value) error {
	c, err := o.declare(v)
	if err != nil {
		return err
	}
	d := *v.Init
	d.Name, d.Origin = "", Extent{}
	return o.f.Body.AddNode(&Node{Op: "Constant", Outputs: []*Value{c}, Attrs: []*Attr{{Name: "value", Kind: AttrTensor, Tensor: &d}}})
}

func (o *outline) node(n *Node, outputs []*Value) error {
	if len(n.Subgraphs()) > 0 {
		return fmt.Errorf("has subgraphs")
	}
	for _, v := range n.Inputs {
		if v == nil || o.at[v] != nil {
			continue
		}
		add := o.input
		if v.IsConst() {
			add = o.constant
		}
		if err := add(v); err != nil {
			return err
		}
	}
	if o.renames(n, outputs) {
		o.at[n.Outputs[0]] = o.at[n.Inputs[0]]
		return nil
	}
	c := &Node{Op: n.Op, Domain: n.Domain, Overload: n.Overload, Doc: n.Doc, Attrs: n.Attrs}
	for _, v := range n.Inputs {
		c.Inputs = append(c.Inputs, o.at[v]) // nil for nil
	}
	for _, v := range n.Outputs {
		var out *Value
		if v != nil {
			var err error
			if out, err = o.declare(v); err != nil {
				return err
			}
		}
		c.Outputs = append(c.Outputs, out)
	}
	return o.f.Body.AddNode(c)
}

// renames reports whether n is an Identity that gives an output's name to a
// value that the body makes and does not give otherwise.
func (o *outline) renames(n *Node, outputs []*Value) bool {
	if n.Op != "Identity" || n.Domain != "" || !slices.Contains(outputs, n.Outputs[0]) {
		return false
	}
	in := n.Inputs[0]
	if in.producer == nil || !o.inside[in.producer] || slices.Contains(outputs, in) {
		return false
	}
	for _, v := range outputs {
		if v != n.Outputs[0] && o.at[v] == o.at[in] {
			return false
		}
	}
	return true
}

// replace puts the call at position place of the graph, and its outputs in the
// place of those that the nodes gave.
func (o *outline) replace(place int, outputs []*Value) error {
	g := o.from
	fresh := make([]*Value, len(outputs))
	for i, v := range outputs {
		o.f.Body.AddOutput(o.at[v])
		c, err := g.Declare(g.Fresh(v.Name), v.Type)
		if err != nil {
			return err
		}
		fresh[i] = c
		o.call.Outputs = append(o.call.Outputs, c)
	}
	if err := g.InsertNode(place, o.call); err != nil {
		return err
	}
	for i, v := range outputs {
		v.ReplaceUses(fresh[i])
		for k := range g.Outputs {
			if g.Outputs[k] == v {
				g.Outputs[k] = fresh[i]
			}
		}
	}
	if err := g.RemoveNodes(o.inside); err != nil {
		return err
	}
	for i, v := range outputs {
		if err := fresh[i].Rename(v.Name); err != nil {
			return err
		}
	}
	return nil
}
