package op

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Upgrades are adapters by the version of the schema that they lead to, from the
// version before it. A version without one takes the nodes of the version before as
// they are: it allows more types, or more that is optional.
type Upgrades map[int64]func(u *Upgrade) error

// Upgrade is a node on its way to the version of its schema that an adapter of the row
// leads to: see Op.Upgrades. Types of its inputs are as inferred.
type Upgrade struct {
	Node *graph.Node
	err  error
}

// Run applies an adapter.
func (u *Upgrade) Run(adapt func(u *Upgrade) error) error {
	if err := adapt(u); err != nil {
		return err
	}
	return u.err
}

// Insert puts a node of one output before the node that is upgraded.
func (u *Upgrade) Insert(name string, attrs []*graph.Attr, in ...*graph.Value) *graph.Value {
	g := u.Node.Graph()
	v, err := g.Declare(g.Fresh(u.Node.Name+"_"+name), graph.Type{})
	if err == nil {
		n := &graph.Node{Op: name, Name: g.Fresh(v.Name), Attrs: attrs, Inputs: in, Outputs: []*graph.Value{v}}
		err = g.InsertNode(slices.Index(g.Nodes, u.Node), n)
	}
	if err != nil {
		u.err = err
	}
	return v
}

// Const adds a constant: an initializer or, in the body of a function, which has none,
// a node.
func (u *Upgrade) Const(name string, t *tensor.Tensor) *graph.Value {
	g := u.Node.Graph()
	for h := g; h != nil; h = h.Outer {
		if h.Function != nil {
			return u.Insert("Constant", []*graph.Attr{graph.Tensor("value", t)})
		}
	}
	v, err := g.AddInit(g.Fresh(u.Node.Name+"_"+name), t)
	if err != nil {
		u.err = err
	}
	return v
}

// attr takes the attribute name off the node; nil if it has none.
func (u *Upgrade) attr(name string) (*graph.Attr, error) {
	a := u.Node.Attr(name)
	if a == nil {
		return nil, nil
	}
	if a.RefName != "" {
		return nil, fmt.Errorf("attribute %q is set by the caller and not known inside the function", name)
	}
	u.Node.DropAttr(name)
	return a, nil
}

// intsToInput makes an attribute that lists integers input i.
func intsToInput(name string, i int) func(u *Upgrade) error {
	return func(u *Upgrade) error {
		a, err := u.attr(name)
		if err == nil && a != nil {
			u.Node.SetInput(i, u.Const(name, tensor.Vector(a.Ints...)))
		}
		return err
	}
}

// floatToInput makes an attribute, a number, input i: a scalar of the element type of
// input 0.
func floatToInput(u *Upgrade, name string, i int) error {
	a, err := u.attr(name)
	if err != nil || a == nil {
		return err
	}
	t, err := ScalarTensor(u.Node.Input(0).Type.DType, float64(a.F))
	if err != nil {
		return fmt.Errorf("attribute %q: %w", name, err)
	}
	u.Node.SetInput(i, u.Const(name, t))
	return nil
}

// inOrder runs adapters one after the other.
func inOrder(list ...func(u *Upgrade) error) func(u *Upgrade) error {
	return func(u *Upgrade) error {
		for _, f := range list {
			if err := f(u); err != nil {
				return err
			}
		}
		return nil
	}
}

// after makes y, an output of the node, that of a node behind it, which reads in its
// place what the node gives, and more.
func (u *Upgrade) after(name string, y *graph.Value, more ...*graph.Value) error {
	g := u.Node.Graph()
	inner, err := g.Declare(g.Fresh(y.Name+"_"+name), graph.Type{})
	if err != nil {
		return err
	}
	if err := u.Node.SetOutput(y.Index(), inner); err != nil {
		return err
	}
	last := &graph.Node{Op: name, Name: g.Fresh(u.Node.Name + "_" + name), Inputs: append([]*graph.Value{inner}, more...), Outputs: []*graph.Value{y}}
	return g.InsertNode(slices.Index(g.Nodes, u.Node)+1, last)
}

// refuseUpgrade is the adapter where there is none.
func refuseUpgrade(format string, args ...any) func(u *Upgrade) error {
	return func(*Upgrade) error { return fmt.Errorf(format, args...) }
}
