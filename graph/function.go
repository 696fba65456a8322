package graph

import "fmt"

// Instantiate is the function's body as the call n sees it: a copy whose
// attribute references are replaced by n's attributes, or by the function's
// defaults; where neither has one, the attribute is left out.
func (f *Function) Instantiate(n *Node) (*Graph, error) {
	for _, name := range f.Attrs {
		if n.Attr(name) == nil {
			return nil, fmt.Errorf("call of function %s: attribute %q is missing", f.Name, name)
		}
	}
	if len(n.Inputs) > len(f.Body.Inputs) {
		return nil, fmt.Errorf("call of function %s has %d inputs, want at most %d", f.Name, len(n.Inputs), len(f.Body.Inputs))
	}
	bound := map[string]*Attr{}
	for _, a := range f.Defaults {
		bound[a.Name] = a
	}
	for _, a := range n.Attrs {
		bound[a.Name] = a
	}
	g := NewGraph(f.Body.Model, nil)
	g.Function = f
	return g, copyInto(g, f.Body, map[*Value]*Value{}, bound)
}

// copyInto fills dst with the contents of src; at maps what src captures.
func copyInto(dst, src *Graph, at map[*Value]*Value, bound map[string]*Attr) error {
	dst.Name, dst.Doc = src.Name, src.Doc
	declare := func(v *Value) (*Value, error) {
		c, err := dst.Declare(v.Name, v.Type)
		at[v] = c
		return c, err
	}
	for _, v := range src.Inputs {
		c, err := declare(v)
		if err != nil {
			return err
		}
		c.input = true
		dst.Inputs = append(dst.Inputs, c)
	}
	for _, v := range src.Inits {
		c := at[v]
		if c == nil || c.graph != dst {
			var err error
			if c, err = declare(v); err != nil {
				return err
			}
		}
		c.Init = v.Init
		dst.Inits = append(dst.Inits, c)
	}
	for _, n := range src.Nodes {
		if err := copyNode(dst, n, at, declare, bound); err != nil {
			return err
		}
	}
	for _, v := range src.Outputs {
		c := at[v]
		if c == nil {
			c = v
		}
		dst.Outputs = append(dst.Outputs, c)
	}
	return nil
}

func copyNode(dst *Graph, n *Node, at map[*Value]*Value, declare func(*Value) (*Value, error), bound map[string]*Attr) error {
	c := &Node{Op: n.Op, Domain: n.Domain, Overload: n.Overload, Name: n.Name, Doc: n.Doc}
	for _, v := range n.Inputs {
		if w := at[v]; w != nil {
			v = w
		}
		c.Inputs = append(c.Inputs, v)
	}
	for _, v := range n.Outputs {
		var o *Value
		if v != nil {
			var err error
			if o, err = declare(v); err != nil {
				return err
			}
		}
		c.Outputs = append(c.Outputs, o)
	}
	for _, a := range n.Attrs {
		b, err := bindAttr(dst, a, at, bound)
		if err != nil {
			return err
		}
		if b != nil {
			c.Attrs = append(c.Attrs, b)
		}
	}
	return dst.insert(len(dst.Nodes), c)
}

func bindAttr(dst *Graph, a *Attr, at map[*Value]*Value, bound map[string]*Attr) (*Attr, error) {
	if a.RefName != "" {
		v := bound[a.RefName]
		if v == nil {
			return nil, nil
		}
		b := *v
		b.Name, b.Origin = a.Name, Extent{}
		return &b, nil
	}
	if a.Graph == nil && len(a.Graphs) == 0 {
		return a, nil
	}
	b := *a
	b.Origin = Extent{}
	var err error
	if a.Graph != nil {
		b.Graph, err = copyInner(dst, a.Graph, at, bound)
	}
	b.Graphs = nil
	for _, s := range a.Graphs {
		c, e := copyInner(dst, s, at, bound)
		if e != nil {
			err = e
		}
		b.Graphs = append(b.Graphs, c)
	}
	return &b, err
}

func copyInner(outer, src *Graph, at map[*Value]*Value, bound map[string]*Attr) (*Graph, error) {
	g := NewGraph(src.Model, outer)
	return g, copyInto(g, src, at, bound)
}
