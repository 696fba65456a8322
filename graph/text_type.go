package graph

import (
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// typ parses a type.
func (p *parser) typ() Type {
	p.enter()
	defer p.leave()
	word := p.advance()
	elem := func() *Type {
		if p.accept("?") {
			return nil
		}
		t := p.typ()
		return &t
	}
	var t Type
	switch word.text {
	case "seq", "optional":
		t.Kind = SequenceKind
		if word.text == "optional" {
			t.Kind = OptionalKind
		}
		p.expect("(")
		t.Elem = elem()
		p.expect(")")
	case "map":
		p.expect("(")
		t.Kind, t.DType = MapKind, p.dtype(p.advance())
		p.expect(",")
		t.Elem = elem()
		p.expect(")")
	case "sparse_tensor":
		p.expect("(")
		t = Type{Kind: SparseKind, DType: p.dtype(p.advance())}
		t.Shape = p.shape()
		p.expect(")")
	case "opaque":
		t.Kind = OpaqueKind
		p.list("(", ")", func() {
			for p.name(); p.accept("."); {
				p.name()
			}
		})
	default:
		t = Type{Kind: TensorKind, DType: p.dtype(word)}
		t.Shape = p.shape()
	}
	return t
}

func (p *parser) dtype(word token) tensor.DType {
	d, ok := tensor.ParseDType(word.text)
	if word.kind != identToken || !ok && word.text != "undefined" {
		p.fail("%v where a type is wanted", word)
	}
	return d
}

// shape parses dimensions in brackets. None at all are a scalar's; empty
// brackets are those of a tensor of any rank.
func (p *parser) shape() Shape {
	if !p.tok.is("[") {
		return Shape{}
	}
	var s Shape
	p.list("[", "]", func() {
		p.take(listCost)
		switch {
		case p.accept("?"):
			s = append(s, Unknown())
		case p.tok.kind == numberToken:
			x := p.int()
			if x < 0 {
				p.fail("dimension %d", x)
			}
			s = append(s, Known(x))
		default:
			s = append(s, Named(p.name()))
		}
	})
	return s
}
