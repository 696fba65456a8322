package text

import (
	"fmt"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
)

// Print is m in ONNX's own text syntax, which Parse reads. Elements of a
// constant that has more than elems of them are left out, written {...}, and
// such a text cannot be parsed; all are written if elems is negative. The
// syntax has no place for doc strings of nodes, graphs and values. A sparse
// constant is written as a dense one. It fails if a constant cannot be loaded.
func Print(m *graph.Model, elems int) (string, error) {
	p := &printer{elems: elems}
	p.model(m)
	return p.String(), p.err
}

// PrintGraph is g alone, as Print has it.
func PrintGraph(g *graph.Graph, elems int) (string, error) {
	p := &printer{elems: elems}
	p.graph(g)
	p.WriteByte('\n')
	return p.String(), p.err
}

// printer writes the text; the first error stays.
type printer struct {
	strings.Builder
	elems  int
	indent int
	err    error
}

func (p *printer) f(format string, args ...any) { fmt.Fprintf(p, format, args...) }

func (p *printer) line() {
	p.WriteByte('\n')
	for range p.indent {
		p.WriteString("  ")
	}
}

// list writes n things between commas.
func (p *printer) list(n int, do func(i int)) {
	for i := range n {
		if i > 0 {
			p.WriteString(", ")
		}
		do(i)
	}
}

func (p *printer) model(m *graph.Model) {
	p.f("<\n  ir_version: %d,\n  opset_import: ", m.IR)
	p.opsets(m.Opsets)
	p.strings("  ", "producer_name", m.Producer, "producer_version", m.ProducerVersion, "domain", m.Domain, "doc_string", m.Doc)
	if m.Version != 0 {
		p.f(",\n  model_version: %d", m.Version)
	}
	if len(m.Metadata) > 0 {
		p.WriteString(",\n  metadata_props: [")
		p.list(len(m.Metadata), func(i int) { p.f("%s: %s", quote(m.Metadata[i].Key), quote(m.Metadata[i].Value)) })
		p.WriteByte(']')
	}
	p.WriteString("\n>\n")
	p.graph(m.Graph)
	p.WriteByte('\n')
	for _, f := range m.Functions {
		p.function(f)
	}
}

// strings writes those of the keys whose values are not empty.
func (p *printer) strings(indent string, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			p.f(",\n%s%s: %s", indent, pairs[i], quote(pairs[i+1]))
		}
	}
}

func (p *printer) opsets(os []graph.Opset) {
	p.WriteByte('[')
	p.list(len(os), func(i int) { p.f("%s : %d", quote(os[i].Domain), os[i].Version) })
	p.WriteByte(']')
}

func (p *printer) function(f *graph.Function) {
	p.f("<\n  domain: %s,\n  opset_import: ", quote(f.Domain))
	p.opsets(f.Opsets)
	p.strings("  ", "overload", f.Overload, "doc_string", f.Doc)
	p.f("\n>\n%s", id(f.Name))
	if n := len(f.Attrs); n+len(f.Defaults) > 0 {
		p.WriteString(" <")
		p.list(n+len(f.Defaults), func(i int) {
			if i < n {
				p.WriteString(id(f.Attrs[i]))
			} else {
				p.attr(f.Defaults[i-n])
			}
		})
		p.WriteByte('>')
	}
	p.body(f.Body)
	p.WriteByte('\n')
}

func (p *printer) graph(g *graph.Graph) {
	p.WriteString(id(g.Name))
	p.body(g)
}

// body writes all of g but its name.
func (p *printer) body(g *graph.Graph) {
	p.WriteString(" (")
	p.list(len(g.Inputs), func(i int) {
		v := g.Inputs[i]
		p.value(v)
		if inInputs(v) {
			p.f(" = ")
			p.constant(v.Init)
		}
	})
	p.WriteString(") => (")
	p.list(len(g.Outputs), func(i int) { p.value(g.Outputs[i]) })
	p.WriteString(")")
	p.extras(g)
	p.WriteString(" {")
	p.indent++
	for _, n := range g.Nodes {
		p.line()
		p.node(n)
	}
	p.indent--
	p.line()
	p.WriteByte('}')
}

// inInputs reports whether v's initializer can stand in the list of inputs,
// which is so if v's type is that of the constant.
func inInputs(v *graph.Value) bool {
	return v.Init != nil && v.IsInput() && typeText(v.Type) == typeText(v.Init.Type())
}

// extras writes initializers, and the types of values that are neither inputs
// nor outputs.
func (p *printer) extras(g *graph.Graph) {
	var parts []func()
	for _, v := range g.Inits {
		if !inInputs(v) {
			parts = append(parts, func() {
				p.f("%s %s = ", typeText(v.Init.Type()), id(v.Name))
				p.constant(v.Init)
			})
		}
	}
	stated := map[*graph.Value]bool{}
	for _, v := range g.Outputs {
		stated[v] = true
	}
	for _, n := range g.Nodes {
		for _, v := range n.Outputs {
			if v != nil && v.Type.Kind != graph.Untyped && !stated[v] {
				parts = append(parts, func() { p.value(v) })
			}
		}
	}
	if len(parts) > 0 {
		p.WriteString("\n")
		p.WriteString(strings.Repeat("  ", p.indent) + "<")
		p.list(len(parts), func(i int) { parts[i]() })
		p.WriteByte('>')
	}
}

func (p *printer) value(v *graph.Value) {
	if v.Type.Kind != graph.Untyped {
		p.WriteString(typeText(v.Type) + " ")
	}
	p.WriteString(id(v.Name))
}

func (p *printer) names(vs []*graph.Value) {
	p.list(len(vs), func(i int) {
		if vs[i] == nil {
			p.WriteString(`""`)
		} else {
			p.WriteString(id(vs[i].Name))
		}
	})
}

func (p *printer) node(n *graph.Node) {
	if n.Name != "" {
		p.f("[%s] ", id(n.Name))
	}
	p.names(n.Outputs)
	if len(n.Outputs) > 0 {
		p.WriteByte(' ')
	}
	p.WriteString("= ")
	if n.Domain != "" {
		p.WriteString(dotted(n.Domain) + ".")
	}
	p.WriteString(id(n.Op))
	if n.Overload != "" {
		p.WriteString(":" + id(n.Overload))
	}
	if len(n.Attrs) > 0 {
		p.WriteString(" <")
		p.list(len(n.Attrs), func(i int) { p.attr(n.Attrs[i]) })
		p.WriteString(">")
	}
	p.WriteString(" (")
	p.names(n.Inputs)
	p.WriteByte(')')
}

// attrKinds is the names of the kinds of attributes, by number.
var attrKinds = [...]string{"undefined", "float", "int", "string", "tensor", "graph", "floats", "ints", "strings",
	"tensors", "graphs", "sparse_tensor", "sparse_tensors", "type_proto", "type_protos"}

func (p *printer) attr(a *graph.Attr) {
	if a.Kind < 0 || int(a.Kind) >= len(attrKinds) {
		p.err = fmt.Errorf("attribute %q is of kind %d", a.Name, a.Kind)
		return
	}
	p.f("%s: %s = ", id(a.Name), attrKinds[a.Kind])
	if a.RefName != "" {
		p.WriteString("@" + id(a.RefName))
		return
	}
	many := func(n int, do func(i int)) {
		p.WriteByte('[')
		p.list(n, do)
		p.WriteByte(']')
	}
	switch a.Kind {
	case graph.AttrUndefined:
		many(0, nil)
	case graph.AttrFloat:
		p.WriteString(float32Text(a.F))
	case graph.AttrInt:
		p.f("%d", a.I)
	case graph.AttrString:
		p.WriteString(quote(a.S))
	case graph.AttrTensor, graph.AttrSparseTensor:
		p.tensor(a.Tensor)
	case graph.AttrGraph:
		p.graph(a.Graph)
	case graph.AttrFloats:
		many(len(a.Floats), func(i int) { p.WriteString(float32Text(a.Floats[i])) })
	case graph.AttrInts:
		many(len(a.Ints), func(i int) { p.f("%d", a.Ints[i]) })
	case graph.AttrStrings:
		many(len(a.Strings), func(i int) { p.WriteString(quote(a.Strings[i])) })
	case graph.AttrTensors, graph.AttrSparseTensors:
		many(len(a.Tensors), func(i int) { p.tensor(a.Tensors[i]) })
	case graph.AttrGraphs:
		many(len(a.Graphs), func(i int) { p.graph(a.Graphs[i]) })
	case graph.AttrTypeProto, graph.AttrTypeProtos:
		many(len(a.Types), func(i int) { p.WriteString(typeText(a.Types[i])) })
	}
}

func (p *printer) tensor(d *graph.Data) {
	p.WriteString(typeText(d.Type()) + " ")
	if d.Name != "" {
		p.WriteString(id(d.Name) + " ")
	}
	p.constant(d)
}

// constant writes the elements of d.
func (p *printer) constant(d *graph.Data) {
	if p.elems >= 0 && d.Len() > p.elems {
		p.WriteString("{...}")
		return
	}
	t, err := d.Load()
	if err != nil {
		if p.err == nil {
			p.err = err
		}
		return
	}
	p.WriteByte('{')
	p.Write(appendElems(nil, t))
	p.WriteByte('}')
}
