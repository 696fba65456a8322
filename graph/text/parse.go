package text

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/limits"
)

// Parse reads a model in ONNX's text syntax:
//
//	<ir_version: 8, opset_import: ["" : 17]>
//	g (float[N,3] x) => (float[N,3] y) <float[3] w = {1, 2, 3}> { t = Mul(x, w)  y = Relu(t) }
//
// A node reads what stands before it. External data is not supported. Errors
// name the line.
func Parse(text string) (*graph.Model, error) {
	p := &parser{lexer: lexer{s: text, line: 1}, left: limits.Structure(int64(len(text)))}
	p.advance()
	m := &graph.Model{Dirty: true}
	p.modelData(m)
	p.m = m
	m.Graph = p.graph(nil)
	for p.err == nil && p.tok.kind != endToken {
		p.function()
	}
	if p.err != nil {
		return nil, p.err
	}
	return m, nil
}

// parser holds the next token and the first error, after which nothing
// advances any more and every loop ends.
type parser struct {
	lexer
	tok   token
	err   error
	m     *graph.Model
	depth int
	left  int64 // bytes of memory that the model may still take
}

// What an input, a dimension or a value of a list takes, an element while it is
// parsed, a value, a node without its outputs, an attribute and a graph.
const (
	listCost  = 40
	elemCost  = 64
	valueCost = 200
	nodeCost  = 200
	attrCost  = 320
	graphCost = 1024
)

// take counts memory that the model takes.
func (p *parser) take(n int64) {
	if p.left -= n; p.left < 0 {
		p.fail("more structure than a text of its size may describe")
	}
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("line %d: %w", p.tok.line, fmt.Errorf(format, args...))
	}
	p.tok = token{line: p.tok.line}
	p.s = ""
}

func (p *parser) check(err error) {
	if err != nil {
		p.fail("%w", err)
	}
}

// advance gives the present token and goes on to the next.
func (p *parser) advance() token {
	k := p.tok
	next, err := p.lexer.next()
	if err != nil && p.err == nil {
		p.err = err
	}
	if p.err != nil {
		next = token{line: k.line}
		p.s = ""
	}
	p.tok = next
	return k
}

// accept goes on if the next token is mark.
func (p *parser) accept(mark string) bool {
	if p.tok.is(mark) {
		p.advance()
		return true
	}
	return false
}

func (p *parser) expect(mark string) {
	if !p.accept(mark) {
		p.fail("%v, expected %q", p.tok, mark)
	}
}

// list parses things between open and shut with commas between them.
func (p *parser) list(open, shut string, do func()) {
	p.expect(open)
	if p.accept(shut) {
		return
	}
	for p.err == nil {
		do()
		if !p.accept(",") {
			break
		}
	}
	p.expect(shut)
}

// name parses an identifier or a string.
func (p *parser) name() string {
	if p.tok.kind != identToken && p.tok.kind != stringToken {
		p.fail("%v, expected a name", p.tok)
	}
	return p.advance().text
}

func (p *parser) str() string {
	if p.tok.kind != stringToken {
		p.fail("%v, expected a string", p.tok)
	}
	return p.advance().text
}

func (p *parser) int() int64 {
	x, err := p.tok.int(64)
	p.check(err)
	p.advance()
	return x
}

// enter counts nesting; leave ends it.
func (p *parser) enter() {
	if p.depth++; p.depth > limits.TextDepth {
		p.fail("nested deeper than %d", limits.TextDepth)
	}
}

func (p *parser) leave() { p.depth-- }

// data parses what stands between < and > before a graph or function, if it is there.
func (p *parser) data(entry func(key string)) {
	if p.tok.is("<") {
		p.list("<", ">", func() {
			key := p.name()
			p.expect(":")
			entry(key)
		})
	}
}

func (p *parser) opsets() (r []graph.Opset) {
	p.list("[", "]", func() {
		domain := p.str()
		p.expect(":")
		r = append(r, graph.Opset{Domain: domain, Version: p.int()})
	})
	return r
}

func (p *parser) modelData(m *graph.Model) {
	p.data(func(key string) {
		switch key {
		case "ir_version":
			m.IR = p.int()
		case "model_version":
			m.Version = p.int()
		case "opset_import":
			m.Opsets = p.opsets()
		case "producer_name":
			m.Producer = p.str()
		case "producer_version":
			m.ProducerVersion = p.str()
		case "domain":
			m.Domain = p.str()
		case "doc_string":
			m.Doc = p.str()
		case "metadata_props":
			p.list("[", "]", func() {
				k := p.str()
				p.expect(":")
				m.Metadata = append(m.Metadata, graph.Pair{Key: k, Value: p.str()})
			})
		default:
			p.fail("a model has no %q", key)
		}
	})
}

// textGraph is a graph while it is parsed: types are stated before the nodes
// that make the values.
type textGraph struct {
	*graph.Graph
	types   map[string]graph.Type
	outputs []string
}

func (p *parser) newGraph(outer *graph.Graph) *textGraph {
	p.take(graphCost)
	return &textGraph{Graph: graph.NewGraph(p.m, outer), types: map[string]graph.Type{}}
}

func (p *parser) graph(outer *graph.Graph) *graph.Graph {
	p.enter()
	defer p.leave()
	g := p.newGraph(outer)
	g.Name = p.name()
	p.body(g)
	return g.Graph
}

// body parses all of a graph but its name.
func (p *parser) body(g *textGraph) {
	p.list("(", ")", func() {
		t, name := p.typedName()
		v, err := g.AddInput(name, t)
		p.check(err)
		if p.accept("=") {
			p.initializer(g, v, name, t)
		}
	})
	p.expect("=>")
	p.list("(", ")", func() {
		t, name := p.typedName()
		if t.Kind != graph.Untyped {
			g.types[name] = t
		}
		g.outputs = append(g.outputs, name)
	})
	if p.tok.is("<") {
		p.list("<", ">", func() {
			t, name := p.typedName()
			if p.accept("=") {
				p.initializer(g, g.Value(name), name, t)
			} else {
				g.types[name] = t
			}
		})
	}
	p.expect("{")
	for p.err == nil && !p.accept("}") {
		p.node(g)
	}
	for _, name := range g.outputs {
		v := g.Lookup(name)
		if v == nil {
			p.fail("output %q: no such value", name)
			return
		}
		if t, ok := g.types[name]; ok && v.Graph() == g.Graph && v.Init != nil && !v.IsInput() {
			v.Type = t
		}
		g.AddOutput(v)
	}
}

// typedName parses a name with a type before it or none.
func (p *parser) typedName() (graph.Type, string) {
	p.take(valueCost)
	var t graph.Type
	if p.tok.kind == identToken && isTypeWord(p.tok.text) {
		t = p.typ()
	}
	return t, p.name()
}

// initializer parses elements of type t, which become those of v, or of a
// value that it declares if v is nil.
func (p *parser) initializer(g *textGraph, v *graph.Value, name string, t graph.Type) {
	d := p.elements(name, t)
	if p.err != nil {
		return
	}
	if v == nil {
		var err error
		if v, err = g.Declare(name, t); err != nil {
			p.check(err)
			return
		}
	}
	if v.Init != nil || v.Producer() != nil {
		p.fail("initializer %q is defined twice", name)
		return
	}
	g.SetInit(v, d)
}

// elements parses {…} as a constant of type t.
func (p *parser) elements(name string, t graph.Type) *graph.Data {
	if t.Kind != graph.TensorKind || !t.Shape.IsStatic() {
		p.fail("constant %q is of type %v, want numbers for dimensions", name, t)
	}
	var toks []token
	p.list("{", "}", func() {
		if p.tok.is(".") {
			p.fail("constant %q: its elements are left out", name)
		}
		p.take(elemCost)
		toks = append(toks, p.advance())
	})
	if p.err != nil {
		return nil
	}
	x, err := parseElems(t.DType, t.Shape.Ints(), toks)
	if err != nil {
		p.fail("constant %q: %w", name, err)
		return nil
	}
	return graph.NewData(name, x)
}
