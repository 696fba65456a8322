package graph

import "fmt"

// Graph is a list of nodes and the values between them.
type Graph struct {
	Name, Doc string
	Nodes     []*Node // in an order in which they can run
	Inputs    []*Value
	Outputs   []*Value
	// Inits are the values with an initializer, in file order. One that is
	// also an input may be overridden by the caller.
	Inits []*Value

	Model *Model
	// Outer is the graph around a subgraph; nil for a main graph and for a
	// function's body.
	Outer *Graph
	// Function is the function whose body this is, or that encloses it.
	Function *Function
	// Origin is what the reader keeps for the writer; nil once edited.
	Origin any

	values map[string]*Value
	names  *names
	scope  string
	err    error
}

// Value is what flows along edges: a graph input, an initializer or a node's
// output.
type Value struct {
	Name string
	// Type is what is known of the value: declared in the file or inferred.
	Type Type
	// Init is the initializer; nil if the value has none.
	Init *Data

	graph    *Graph
	producer *Node
	uses     []Use
	index    int32
	input    bool
}

// Use is one place where a value is read: input Index of Node.
type Use struct {
	Node  *Node
	Index int
}

// Node is one application of an operator or a function.
type Node struct {
	Op, Domain, Overload string
	Name, Doc            string
	Inputs               []*Value // nil where an optional input is left out
	Outputs              []*Value // nil where an output is not wanted
	Attrs                []*Attr
	// Origin is where the node lies in the model's Source; zero for a node
	// made or changed in memory.
	Origin Extent

	graph *Graph
}

// NewGraph is an empty graph of model m inside outer, which is nil for a main
// graph or a function's body.
func NewGraph(m *Model, outer *Graph) *Graph {
	g := &Graph{Model: m, Outer: outer, values: map[string]*Value{}}
	if outer != nil {
		g.Function = outer.Function
	}
	return g
}

// Opset is the version of domain that g's nodes are written in: the
// function's, if g is in one, else the model's.
func (g *Graph) Opset(domain string) int64 {
	if g.Function != nil {
		if v := g.Function.Opset(domain); v != 0 {
			return v
		}
	}
	if g.Model == nil {
		return 0
	}
	return g.Model.Opset(domain)
}

// Value finds a value of this graph by name; nil if there is none.
func (g *Graph) Value(name string) *Value { return g.values[name] }

// Lookup finds the value that name stands for in g: its own, or that of a
// graph around it; nil if there is none.
func (g *Graph) Lookup(name string) *Value {
	for ; g != nil; g = g.Outer {
		if v := g.values[name]; v != nil {
			return v
		}
	}
	return nil
}

// NumValues is the number of values of this graph, subgraphs not counted.
func (g *Graph) NumValues() int { return len(g.values) }

// Graph is the graph that v belongs to.
func (v *Value) Graph() *Graph { return v.graph }

// Producer is the node that makes v; nil for inputs and initializers.
func (v *Value) Producer() *Node { return v.producer }

// Index is which of its producer's outputs v is.
func (v *Value) Index() int { return int(v.index) }

// Uses is where v is read, in no particular order, subgraphs included. The
// caller must not change the slice.
func (v *Value) Uses() []Use { return v.uses }

// IsInput reports whether v is one of its graph's inputs.
func (v *Value) IsInput() bool { return v.input }

// IsConst reports whether v is an initializer that no caller can override:
// before IR version 4 all are, since every initializer had to be an input too.
func (v *Value) IsConst() bool {
	return v.Init != nil && (!v.input || v.graph.Model != nil && v.graph.Model.IR < 4)
}

// Shape is the shape of v as far as it is known; nil if not even its rank is.
func (v *Value) Shape() Shape { return v.Type.Shape }

func (v *Value) String() string { return fmt.Sprintf("%q %v", v.Name, v.Type) }

// Graph is the graph that n belongs to.
func (n *Node) Graph() *Graph { return n.graph }

// Attr finds an attribute by name; nil if n has none of it.
func (n *Node) Attr(name string) *Attr {
	for _, a := range n.Attrs {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// Int is the integer attribute name, or def.
func (n *Node) Int(name string, def int64) int64 {
	if a := n.Attr(name); a != nil && a.Kind == AttrInt {
		return a.I
	}
	return def
}

// Ints is the integer list attribute name, or nil.
func (n *Node) Ints(name string) []int64 {
	if a := n.Attr(name); a != nil && a.Kind == AttrInts {
		return a.Ints
	}
	return nil
}

// Float is the number attribute name, or def.
func (n *Node) Float(name string, def float32) float32 {
	if a := n.Attr(name); a != nil && a.Kind == AttrFloat {
		return a.F
	}
	return def
}

// Str is the string attribute name, or def.
func (n *Node) Str(name, def string) string {
	if a := n.Attr(name); a != nil && a.Kind == AttrString {
		return a.S
	}
	return def
}

// Strings is the string list attribute name, or nil.
func (n *Node) Strings(name string) []string {
	if a := n.Attr(name); a != nil {
		return a.Strings
	}
	return nil
}

// Input is input i; nil if it is left out.
func (n *Node) Input(i int) *Value {
	if i < 0 || i >= len(n.Inputs) {
		return nil
	}
	return n.Inputs[i]
}

// Output is output i; nil if it is not wanted.
func (n *Node) Output(i int) *Value {
	if i < 0 || i >= len(n.Outputs) {
		return nil
	}
	return n.Outputs[i]
}

// Subgraphs is the graphs among n's attributes.
func (n *Node) Subgraphs() []*Graph {
	var gs []*Graph
	for _, a := range n.Attrs {
		if a.Graph != nil {
			gs = append(gs, a.Graph)
		}
		gs = append(gs, a.Graphs...)
	}
	return gs
}

// String names the node for messages: `"Conv_12" (Conv)`, or by its first
// output where it has no name.
func (n *Node) String() string {
	name := n.Name
	if name == "" {
		for _, o := range n.Outputs {
			if o != nil {
				name = "→" + o.Name
				break
			}
		}
	}
	op := n.Op
	if d := CanonicalDomain(n.Domain); d != "" {
		op = d + "." + op
	}
	return fmt.Sprintf("%q (%s)", name, op)
}
