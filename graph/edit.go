package graph

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// touch marks g, the graphs around it and the model as changed.
func (g *Graph) touch() {
	for h := g; h != nil; h = h.Outer {
		h.Origin = nil
		if h.Model != nil {
			h.Model.Dirty = true
		}
		if h.Function != nil {
			h.Function.Origin = Extent{}
		}
	}
}

func (n *Node) touch() {
	n.Origin = Extent{}
	n.graph.touch()
}

// Declare makes a value of the given name that has no producer yet. Readers
// and builders use it; it fails if the name is taken or empty.
func (g *Graph) Declare(name string, t Type) (*Value, error) {
	if name == "" {
		return nil, fmt.Errorf("graph %q: a value has no name", g.Name)
	}
	if g.values[name] != nil {
		return nil, fmt.Errorf("graph %q: value %q is defined twice", g.Name, name)
	}
	v := &Value{Name: name, Type: t, graph: g}
	g.values[name] = v
	return v, nil
}

// AddInput declares a graph input.
func (g *Graph) AddInput(name string, t Type) (*Value, error) {
	v, err := g.Declare(name, t)
	if err != nil {
		return nil, err
	}
	g.touch()
	v.input = true
	g.Inputs = append(g.Inputs, v)
	return v, nil
}

// MakeInput makes an initializer a graph input too, so that a caller may
// override it.
func (g *Graph) MakeInput(v *Value) {
	if v.input {
		return
	}
	g.touch()
	v.input = true
	g.Inputs = append(g.Inputs, v)
}

// FixInits takes the initializers off the list of inputs: no caller can override
// them then.
func (g *Graph) FixInits() {
	g.touch()
	g.Inputs = slices.DeleteFunc(g.Inputs, func(v *Value) bool {
		if v.Init != nil {
			v.input = false
		}
		return v.Init != nil
	})
}

// FreeInit takes the initializer off v and makes it an input, the last one, whose value
// the caller has to give. It returns the constant.
func (g *Graph) FreeInit(v *Value) *Data {
	d := v.Init
	g.touch()
	v.Init = nil
	g.Inits = slices.DeleteFunc(g.Inits, func(x *Value) bool { return x == v })
	g.Inputs = append(slices.DeleteFunc(g.Inputs, func(x *Value) bool { return x == v }), v)
	v.input = true
	return d
}

// ShareInits keeps one of the small initializers that are equal, of those from position
// from on that are neither inputs nor outputs.
func (g *Graph) ShareInits(from int) error {
	const small = 4 << 10 // bytes
	kept := map[string]*Value{}
	var gone []*Value
	for _, v := range g.Inits[from:] {
		if v.input || v.Init.Bytes > small || slices.Contains(g.Outputs, v) {
			continue
		}
		t, err := v.Init.Load()
		if err != nil {
			return err
		}
		key := fmt.Sprintf("%v %v %q", v.Init.DType, v.Init.Dims, fmt.Sprint(t.Store().Data))
		if first := kept[key]; first != nil {
			v.ReplaceUses(first)
			gone = append(gone, v)
			continue
		}
		kept[key] = v
	}
	g.RemoveValues(gone)
	return nil
}

// AddOutput makes v a graph output.
func (g *Graph) AddOutput(v *Value) {
	g.touch()
	g.Outputs = append(g.Outputs, v)
}

// AddInit declares an initializer that holds t.
func (g *Graph) AddInit(name string, t *tensor.Tensor) (*Value, error) {
	d := NewData(name, t)
	v, err := g.Declare(name, d.Type())
	if err != nil {
		return nil, err
	}
	g.SetInit(v, d)
	return v, nil
}

// SetInit gives v, which has no producer, the initializer d.
func (g *Graph) SetInit(v *Value, d *Data) {
	g.touch()
	if v.Init == nil {
		g.Inits = append(g.Inits, v)
	}
	v.Init = d
}

// AddNode appends a node. Each input is a value of g or of a graph around it,
// or nil; each output a value that was declared and has no producer, or nil.
func (g *Graph) AddNode(n *Node) error { return g.InsertNode(len(g.Nodes), n) }

// InsertNode puts a node before position i of g.Nodes. Its Origin is cleared.
func (g *Graph) InsertNode(i int, n *Node) error {
	n.Origin = Extent{}
	g.touch()
	return g.insert(i, n)
}

func (g *Graph) insert(at int, n *Node) error {
	if n.graph != nil {
		return fmt.Errorf("node %v is already in a graph", n)
	}
	for _, o := range n.Outputs {
		if o != nil && (o.producer != nil || o.input || o.Init != nil || o.graph != g) {
			return fmt.Errorf("node %v: output %q is defined twice", n, o.Name)
		}
	}
	n.graph = g
	for i, v := range n.Inputs {
		if v != nil {
			v.uses = append(v.uses, Use{n, i})
		}
	}
	for i, o := range n.Outputs {
		if o != nil {
			o.producer, o.index = n, int32(i)
		}
	}
	g.Nodes = slices.Insert(g.Nodes, at, n)
	return nil
}

// RemoveNodes takes nodes out of g, with what is in their subgraphs. Their
// outputs must not be used by any other node nor be graph outputs; the values
// cease to exist.
func (g *Graph) RemoveNodes(dead map[*Node]bool) error {
	gone := map[*Node]bool{} // with the nodes of subgraphs
	for n := range dead {
		if n.graph != g {
			return fmt.Errorf("node %v is not in graph %q", n, g.Name)
		}
		n.eachInside(func(m *Node) { gone[m] = true })
	}
	for n := range dead {
		for _, o := range n.Outputs {
			if o == nil {
				continue
			}
			for _, u := range o.uses {
				if !gone[u.Node] {
					return fmt.Errorf("node %v: output %q is still used by %v", n, o.Name, u.Node)
				}
			}
			if slices.Contains(g.Outputs, o) {
				return fmt.Errorf("node %v: output %q is a graph output", n, o.Name)
			}
		}
	}
	read := map[*Value]bool{}
	for n := range gone {
		for _, v := range n.Inputs {
			if v != nil && !read[v] {
				read[v] = true
				v.uses = slices.DeleteFunc(v.uses, func(u Use) bool { return gone[u.Node] })
			}
		}
	}
	for n := range dead {
		for _, o := range n.Outputs {
			if o != nil {
				delete(g.values, o.Name)
				o.producer = nil
			}
		}
		n.graph = nil
	}
	g.Nodes = slices.DeleteFunc(g.Nodes, func(n *Node) bool { return dead[n] })
	g.touch()
	return nil
}

// eachInside calls do for n and for every node in its subgraphs.
func (n *Node) eachInside(do func(*Node)) {
	do(n)
	for _, s := range n.Subgraphs() {
		for _, m := range s.Nodes {
			m.eachInside(do)
		}
	}
}

// Prune takes out the nodes from position nodes on, and the initializers from
// position inits on, that nothing reads.
func (g *Graph) Prune(nodes, inits int) error {
	out := map[*Value]bool{}
	for _, v := range g.Outputs {
		out[v] = true
	}
	dead := map[*Node]bool{}
	read := func(v *Value) bool {
		return v != nil && (out[v] || slices.ContainsFunc(v.uses, func(u Use) bool { return !dead[u.Node] }))
	}
	for i := len(g.Nodes) - 1; i >= nodes; i-- {
		if n := g.Nodes[i]; !slices.ContainsFunc(n.Outputs, read) {
			dead[n] = true
		}
	}
	if err := g.RemoveNodes(dead); err != nil {
		return err
	}
	late := slices.DeleteFunc(slices.Clone(g.Inits[inits:]), func(v *Value) bool {
		if read(v) || v.input {
			return false
		}
		delete(g.values, v.Name)
		return true
	})
	g.Inits = append(g.Inits[:inits:inits], late...)
	return nil
}

func (v *Value) dropUse(u Use) {
	if i := slices.Index(v.uses, u); i >= 0 {
		v.uses[i] = v.uses[len(v.uses)-1]
		v.uses = v.uses[:len(v.uses)-1]
	}
}

// SetInput makes v (or nil) input i of n, which grows as needed.
func (n *Node) SetInput(i int, v *Value) {
	for len(n.Inputs) <= i {
		n.Inputs = append(n.Inputs, nil)
	}
	if old := n.Inputs[i]; old != nil {
		old.dropUse(Use{n, i})
	}
	n.Inputs[i] = v
	if v != nil {
		v.uses = append(v.uses, Use{n, i})
	}
	n.touch()
}

// SetOutput makes v, which must have no producer and no initializer, output i of n. The
// value that was there is without a producer then.
func (n *Node) SetOutput(i int, v *Value) error {
	if v.producer != nil || v.input || v.Init != nil || v.graph != n.graph {
		return fmt.Errorf("node %v: output %q is defined twice", n, v.Name)
	}
	n.Outputs[i].producer, n.Outputs[i].index = nil, 0
	n.Outputs[i] = v
	v.producer, v.index = n, int32(i)
	n.touch()
	return nil
}

// SetAttr adds an attribute or replaces the one of the same name.
func (n *Node) SetAttr(a *Attr) {
	n.touch()
	for i := range n.Attrs {
		if n.Attrs[i].Name == a.Name {
			n.Attrs[i] = a
			return
		}
	}
	n.Attrs = append(n.Attrs, a)
}

// DropAttr removes the attribute name, if n has it.
func (n *Node) DropAttr(name string) {
	n.touch()
	n.Attrs = slices.DeleteFunc(n.Attrs, func(a *Attr) bool { return a.Name == name })
}

// SetOp changes which operator n applies.
func (n *Node) SetOp(domain, op string) {
	n.Domain, n.Op = domain, op
	n.touch()
}

// ReplaceUses makes every reader of old, graph outputs not included, read v
// instead.
func (old *Value) ReplaceUses(v *Value) {
	for _, u := range old.uses {
		u.Node.Inputs[u.Index] = v
		v.uses = append(v.uses, u)
		u.Node.touch()
	}
	old.uses = nil
}

// Rename gives v another name, which must be free in its graph.
func (v *Value) Rename(name string) error {
	g := v.graph
	if name == "" || g.values[name] != nil {
		return fmt.Errorf("graph %q: value name %q is taken or empty", g.Name, name)
	}
	delete(g.values, v.Name)
	v.Name = name
	g.values[name] = v
	if v.producer != nil {
		v.producer.touch()
	}
	for _, u := range v.uses {
		u.Node.touch()
	}
	g.touch()
	return nil
}

// Fail records the first error of a sequence of building steps.
func (g *Graph) Fail(err error) {
	if g.err == nil {
		g.err = err
	}
}

// Err is the first error that Fail recorded.
func (g *Graph) Err() error { return g.err }
