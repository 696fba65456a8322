package graph

import "strings"

// node parses one node and puts it into g.
func (p *parser) node(g *textGraph) {
	p.take(nodeCost)
	n := &Node{}
	if p.accept("[") {
		n.Name = p.name()
		p.expect("]")
	}
	var outputs []string
	for p.err == nil && !p.tok.is("=") {
		p.take(valueCost)
		outputs = append(outputs, p.name())
		if !p.accept(",") {
			break
		}
	}
	p.expect("=")
	p.operator(n)
	if p.tok.is("<") {
		n.Attrs = p.attrs(g.Graph)
	}
	p.list("(", ")", func() { n.Inputs = append(n.Inputs, p.read(g, n)) })
	if p.tok.is("<") && n.Attrs == nil {
		n.Attrs = p.attrs(g.Graph)
	}
	for _, name := range outputs {
		var v *Value
		if name != "" && p.err == nil {
			var err error
			v, err = g.Declare(name, g.types[name])
			p.check(err)
		}
		n.Outputs = append(n.Outputs, v)
	}
	if p.err == nil {
		p.check(g.AddNode(n))
	}
}

// read parses the name of an input of n.
func (p *parser) read(g *textGraph, n *Node) *Value {
	p.take(listCost)
	name := p.name()
	if name == "" {
		return nil
	}
	v := g.Lookup(name)
	if v == nil {
		p.fail("%s: input %d %q: no such value", n.Op, len(n.Inputs), name)
	}
	return v
}

// operator parses domain.Op:overload.
func (p *parser) operator(n *Node) {
	parts := []string{p.name()}
	for p.accept(".") {
		parts = append(parts, p.name())
	}
	last := len(parts) - 1
	n.Domain, n.Op = strings.Join(parts[:last], "."), parts[last]
	if n.Op == "" {
		p.fail("a node without an operator")
	}
	if p.accept(":") {
		n.Overload = p.name()
	}
}

func (p *parser) attrs(g *Graph) []*Attr {
	as := []*Attr{}
	seen := map[string]bool{}
	p.list("<", ">", func() {
		a := p.attr(g, p.name())
		if seen[a.Name] {
			p.fail("attribute %q is given twice", a.Name)
		}
		seen[a.Name] = true
		as = append(as, a)
	})
	return as
}

// attr parses what follows an attribute's name: a kind, if it is stated, and a value.
func (p *parser) attr(g *Graph, name string) *Attr {
	p.take(attrCost)
	a := &Attr{Name: name, Kind: -1}
	if p.accept(":") {
		word := p.name()
		for k, s := range attrKinds {
			if s == word {
				a.Kind = AttrKind(k)
			}
		}
		if a.Kind < 0 {
			p.fail("no such kind of attribute: %q", word)
		}
	}
	p.expect("=")
	if p.accept("@") {
		a.RefName = p.name()
		if a.RefName == "" {
			p.fail("a reference to no attribute")
		}
		a.Kind = max(a.Kind, AttrUndefined)
		return a
	}
	if !p.tok.is("[") {
		p.single(a, g, a.Kind)
		return a
	}
	one := singleKinds[a.Kind]
	if a.Kind < 0 {
		one = -1
	}
	p.list("[", "]", func() {
		p.take(listCost)
		b := &Attr{Kind: one}
		p.single(b, g, one)
		one = b.Kind
		a.add(b)
	})
	if a.Kind < 0 {
		a.Kind = listKind(one)
	}
	if a.Kind < 0 || a.Kind == AttrTensor || a.Kind == AttrGraph || a.Kind == AttrInt || a.Kind == AttrFloat || a.Kind == AttrString || a.Kind == AttrSparseTensor {
		p.fail("attribute %q: a list of what?", name)
	}
	return a
}

// singleKinds is the kind of one element of each kind of list.
var singleKinds = map[AttrKind]AttrKind{
	AttrFloats: AttrFloat, AttrInts: AttrInt, AttrStrings: AttrString, AttrTensors: AttrTensor, AttrGraphs: AttrGraph,
	AttrSparseTensors: AttrSparseTensor, AttrTypeProto: AttrTypeProto, AttrTypeProtos: AttrTypeProto,
}

func listKind(one AttrKind) AttrKind {
	for _, list := range []AttrKind{AttrFloats, AttrInts, AttrStrings, AttrTensors, AttrGraphs} {
		if singleKinds[list] == one {
			return list
		}
	}
	return -1
}

// add appends b's one value to a's list.
func (a *Attr) add(b *Attr) {
	switch b.Kind {
	case AttrFloat:
		a.Floats = append(a.Floats, b.F)
	case AttrInt:
		a.Ints = append(a.Ints, b.I)
	case AttrString:
		a.Strings = append(a.Strings, b.S)
	case AttrTensor, AttrSparseTensor:
		a.Tensors = append(a.Tensors, b.Tensor)
	case AttrGraph:
		a.Graphs = append(a.Graphs, b.Graph)
	case AttrTypeProto:
		a.Types = append(a.Types, b.Types...)
	}
}

// single parses one value into a. Where kind is negative, the text tells it.
func (p *parser) single(a *Attr, g *Graph, kind AttrKind) {
	if kind < 0 {
		kind = p.guess()
	}
	a.Kind = kind
	switch kind {
	case AttrFloat:
		x, err := p.tok.float(32)
		p.check(err)
		p.advance()
		a.F = float32(x)
	case AttrInt:
		a.I = p.int()
	case AttrString:
		a.S = p.str()
	case AttrTensor, AttrSparseTensor:
		t, name := p.typ(), ""
		if p.tok.kind == identToken || p.tok.kind == stringToken {
			name = p.name()
		}
		p.accept("=")
		a.Tensor = p.elements(name, t)
	case AttrGraph:
		a.Graph = p.graph(g)
	case AttrTypeProto:
		a.Types = []Type{p.typ()}
	default:
		p.fail("%v where a value is wanted", p.tok)
	}
}

// guess tells the kind of the value that begins with the next token.
func (p *parser) guess() AttrKind {
	switch k := p.tok; {
	case k.kind == numberToken:
		if strings.ContainsAny(k.text, ".eEn") {
			return AttrFloat
		}
		return AttrInt
	case k.kind == stringToken:
		look := p.lexer
		if next, err := look.next(); err == nil && next.is("(") {
			return AttrGraph
		}
		return AttrString
	case k.kind == identToken && (k.text == "inf" || k.text == "nan"):
		return AttrFloat
	case k.kind == identToken && isTypeWord(k.text):
		return AttrTensor
	case k.kind == identToken:
		return AttrGraph
	}
	return AttrUndefined
}

// function parses a model-local function.
func (p *parser) function() {
	f := &Function{}
	p.data(func(key string) {
		switch key {
		case "domain":
			f.Domain = p.str()
		case "overload":
			f.Overload = p.str()
		case "doc_string":
			f.Doc = p.str()
		case "opset_import":
			f.Opsets = p.opsets()
		default:
			p.fail("a function has no %q", key)
		}
	})
	f.Name = p.name()
	g := p.newGraph(nil)
	g.Name, g.Function, f.Body = f.Name, f, g.Graph
	if p.tok.is("<") {
		p.list("<", ">", func() {
			name := p.name()
			if p.tok.is(":") || p.tok.is("=") {
				f.Defaults = append(f.Defaults, p.attr(g.Graph, name))
			} else {
				f.Attrs = append(f.Attrs, name)
			}
		})
	}
	p.body(g)
	p.m.Functions = append(p.m.Functions, f)
}
