package text

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// typ parses a type.
func (p *parser) typ() graph.Type {
	p.enter()
	defer p.leave()
	word := p.advance()
	elem := func() *graph.Type {
		if p.accept("?") {
			return nil
		}
		t := p.typ()
		return &t
	}
	var t graph.Type
	switch word.text {
	case "seq", "optional":
		t.Kind = graph.SequenceKind
		if word.text == "optional" {
			t.Kind = graph.OptionalKind
		}
		p.expect("(")
		t.Elem = elem()
		p.expect(")")
	case "map":
		p.expect("(")
		t.Kind, t.DType = graph.MapKind, p.dtype(p.advance())
		p.expect(",")
		t.Elem = elem()
		p.expect(")")
	case "sparse_tensor":
		p.expect("(")
		t = graph.Type{Kind: graph.SparseKind, DType: p.dtype(p.advance())}
		t.Shape = p.shape()
		p.expect(")")
	case "opaque":
		t.Kind = graph.OpaqueKind
		p.list("(", ")", func() {
			for p.name(); p.accept("."); {
				p.name()
			}
		})
	default:
		t = graph.Type{Kind: graph.TensorKind, DType: p.dtype(word)}
		t.Shape = p.shape()
	}
	return t
}

func (p *parser) dtype(word token) tensor.DType {
	d, ok := tensor.ParseDType(word.text)
	if word.kind != identToken || !ok && word.text != "undefined" {
		p.fail("%v, expected a type", word)
	}
	return d
}

// shape parses dimensions in brackets. None at all are a scalar's; empty
// brackets are those of a tensor of any rank.
func (p *parser) shape() graph.Shape {
	if !p.tok.is("[") {
		return graph.Shape{}
	}
	var s graph.Shape
	p.list("[", "]", func() {
		p.take(listCost)
		switch {
		case p.accept("?"):
			s = append(s, graph.Unknown())
		case p.tok.kind == numberToken:
			x := p.int()
			if x < 0 {
				p.fail("dimension %d", x)
			}
			s = append(s, graph.Known(x))
		default:
			s = append(s, graph.Named(p.name()))
		}
	})
	return s
}
