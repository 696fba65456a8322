package text

import (
	"strings"

	"github.com/onnxloss/onnxloss/graph"
)

// node parses one node and puts it into g.
func (p *parser) node(g *textGraph) {
	p.take(nodeCost)
	n := &graph.Node{}
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
		var v *graph.Value
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
func (p *parser) read(g *textGraph, n *graph.Node) *graph.Value {
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
func (p *parser) operator(n *graph.Node) {
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

func (p *parser) attrs(g *graph.Graph) []*graph.Attr {
	as := []*graph.Attr{}
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
func (p *parser) attr(g *graph.Graph, name string) *graph.Attr {
	p.take(attrCost)
	a := &graph.Attr{Name: name, Kind: -1}
	if p.accept(":") {
		word := p.name()
		for k, s := range attrKinds {
			if s == word {
				a.Kind = graph.AttrKind(k)
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
		a.Kind = max(a.Kind, graph.AttrUndefined)
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
		b := &graph.Attr{Kind: one}
		p.single(b, g, one)
		one = b.Kind
		appendTo(a, b)
	})
	if a.Kind < 0 {
		a.Kind = listKind(one)
	}
	if a.Kind < 0 || a.Kind == graph.AttrTensor || a.Kind == graph.AttrGraph || a.Kind == graph.AttrInt || a.Kind == graph.AttrFloat || a.Kind == graph.AttrString || a.Kind == graph.AttrSparseTensor {
		p.fail("attribute %q: a list of what?", name)
	}
	return a
}

// singleKinds is the kind of one element of each kind of list.
var singleKinds = map[graph.AttrKind]graph.AttrKind{
	graph.AttrFloats: graph.AttrFloat, graph.AttrInts: graph.AttrInt, graph.AttrStrings: graph.AttrString, graph.AttrTensors: graph.AttrTensor, graph.AttrGraphs: graph.AttrGraph,
	graph.AttrSparseTensors: graph.AttrSparseTensor, graph.AttrTypeProto: graph.AttrTypeProto, graph.AttrTypeProtos: graph.AttrTypeProto,
}

func listKind(one graph.AttrKind) graph.AttrKind {
	for _, list := range []graph.AttrKind{graph.AttrFloats, graph.AttrInts, graph.AttrStrings, graph.AttrTensors, graph.AttrGraphs} {
		if singleKinds[list] == one {
			return list
		}
	}
	return -1
}

// appendTo appends b's one value to a's list.
func appendTo(a, b *graph.Attr) {
	switch b.Kind {
	case graph.AttrFloat:
		a.Floats = append(a.Floats, b.F)
	case graph.AttrInt:
		a.Ints = append(a.Ints, b.I)
	case graph.AttrString:
		a.Strings = append(a.Strings, b.S)
	case graph.AttrTensor, graph.AttrSparseTensor:
		a.Tensors = append(a.Tensors, b.Tensor)
	case graph.AttrGraph:
		a.Graphs = append(a.Graphs, b.Graph)
	case graph.AttrTypeProto:
		a.Types = append(a.Types, b.Types...)
	}
}

// single parses one value into a. Where kind is negative, the text tells it.
func (p *parser) single(a *graph.Attr, g *graph.Graph, kind graph.AttrKind) {
	if kind < 0 {
		kind = p.guess()
	}
	a.Kind = kind
	switch kind {
	case graph.AttrFloat:
		x, err := p.tok.float(32)
		p.check(err)
		p.advance()
		a.F = float32(x)
	case graph.AttrInt:
		a.I = p.int()
	case graph.AttrString:
		a.S = p.str()
	case graph.AttrTensor, graph.AttrSparseTensor:
		t, name := p.typ(), ""
		if p.tok.kind == identToken || p.tok.kind == stringToken {
			name = p.name()
		}
		p.accept("=")
		a.Tensor = p.elements(name, t)
	case graph.AttrGraph:
		a.Graph = p.graph(g)
	case graph.AttrTypeProto:
		a.Types = []graph.Type{p.typ()}
	default:
		p.fail("%v, expected a value", p.tok)
	}
}

// guess tells the kind of the value that begins with the next token.
func (p *parser) guess() graph.AttrKind {
	switch k := p.tok; {
	case k.kind == numberToken:
		if strings.ContainsAny(k.text, ".eEn") {
			return graph.AttrFloat
		}
		return graph.AttrInt
	case k.kind == stringToken:
		look := p.lexer
		if next, err := look.next(); err == nil && next.is("(") {
			return graph.AttrGraph
		}
		return graph.AttrString
	case k.kind == identToken && (k.text == "inf" || k.text == "nan"):
		return graph.AttrFloat
	case k.kind == identToken && isTypeWord(k.text):
		return graph.AttrTensor
	case k.kind == identToken:
		return graph.AttrGraph
	}
	return graph.AttrUndefined
}

// function parses a model-local function.
func (p *parser) function() {
	f := &graph.Function{}
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
