package onnx

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
)

// decode decodes the whole message e.
func (w *wire) decode(e graph.Extent, m proto.Message) error {
	if e.Len > limits.Header {
		return w.errorf(e.Off, "a message of more than %d MiB", limits.Header>>20)
	}
	b, err := w.append(nil, e)
	if err == nil {
		if err = decode.Unmarshal(b, m); err != nil {
			err = w.errorf(e.Off, "%w", err)
		}
	}
	return err
}

// The numbers of a node's fields up to the last that graph.Node holds.
const (
	nodeInput     = protowire.Number(1)
	nodeOutput    = protowire.Number(2)
	nodeName      = protowire.Number(3)
	nodeOp        = protowire.Number(4)
	nodeAttribute = protowire.Number(5)
	nodeDoc       = protowire.Number(6)
	nodeDomain    = protowire.Number(7)
	nodeOverload  = protowire.Number(8)
)

// declareNodes reads the nodes of s, which are in field num, and declares what
// they make, so that names can be resolved in any order. Nodes are decoded by
// hand: the generated type takes more memory than graph.Node.
func (r *reader) declareNodes(s *scope, num protowire.Number) error {
	s.nodes = make([]*graph.Node, 0, s.count)
	return r.each(s.at, func(f field) error {
		if f.num != num {
			return nil
		}
		n, err := r.nodeHeader(f.body)
		if err != nil {
			return err
		}
		s.nodes = append(s.nodes, n)
		return r.nodeOutputs(s, n)
	})
}

// nodeHeader reads the node at e but for its inputs, outputs and attributes,
// which it only counts.
func (r *reader) nodeHeader(e graph.Extent) (*graph.Node, error) {
	n := &graph.Node{Origin: e}
	inputs, outputs := 0, 0
	err := r.each(e, func(f field) (err error) {
		switch {
		case f.num == nodeAttribute:
			return r.message(f, "attribute")
		case f.num > nodeOverload || f.typ != protowire.BytesType:
			r.origin.nodes[n] = e
			return nil
		}
		switch f.num {
		case nodeInput:
			inputs++
		case nodeOutput:
			outputs++
		case nodeName:
			n.Name, err = r.text(f.body)
		case nodeOp:
			n.Op, err = r.word(f.body)
		case nodeDoc:
			n.Doc, err = r.text(f.body)
		case nodeDomain:
			n.Domain, err = r.word(f.body)
		case nodeOverload:
			n.Overload, err = r.word(f.body)
		}
		return err
	})
	if err == nil && n.Op == "" {
		err = r.errorf(e.Off, "node %q has no operator", n.Name)
	}
	n.Inputs, n.Outputs = make([]*graph.Value, inputs), make([]*graph.Value, outputs)
	return n, err
}

// nodeOutputs declares what n makes.
func (r *reader) nodeOutputs(s *scope, n *graph.Node) error {
	i := -1
	return r.each(n.Origin, func(f field) error {
		if f.num != nodeOutput || f.typ != protowire.BytesType {
			return nil
		}
		i++
		name, err := r.text(f.body)
		if err != nil || name == "" {
			return err
		}
		if n.Outputs[i], err = s.Declare(name, s.types[name]); err != nil {
			return fmt.Errorf("node %q (%s): output %d: %w", n.Name, n.Op, i, err)
		}
		return nil
	})
}

// connect resolves the nodes' inputs, reads their attributes and puts them
// into the graph in the file's order.
func (r *reader) connect(s *scope) error {
	s.Nodes = make([]*graph.Node, 0, len(s.nodes))
	for _, n := range s.nodes {
		at := n.Origin
		if err := r.nodeInputs(s, n); err != nil {
			return err
		}
		if err := r.attrs(s, n); err != nil {
			return fmt.Errorf("node %v: %w", n, err)
		}
		if err := s.AddNode(n); err != nil {
			return err
		}
		n.Origin = at
	}
	s.nodes = nil
	return nil
}

func (r *reader) nodeInputs(s *scope, n *graph.Node) error {
	i := -1
	return r.each(n.Origin, func(f field) error {
		if f.num != nodeInput || f.typ != protowire.BytesType {
			return nil
		}
		i++
		b, err := r.bytes(f.body.Off, int(f.body.Len))
		if err != nil || len(b) == 0 {
			return err
		}
		v := s.Lookup(string(b))
		if v == nil {
			return fmt.Errorf("node %v: input %d %q: no such value", n, i, b)
		}
		if !made(v) {
			r.late(v.Graph())
		}
		n.Inputs[i] = v
		return nil
	})
}

// made reports whether v has an origin already: a node that was read before,
// or none.
func made(v *graph.Value) bool { return v.Producer() != nil || v.IsInput() || v.Init != nil }

func (r *reader) attrs(s *scope, n *graph.Node) error {
	var seen map[string]bool
	return r.each(n.Origin, func(f field) error {
		if f.num != nodeAttribute {
			return nil
		}
		a, err := r.attr(f.body, s)
		if err != nil {
			return err
		}
		if seen == nil {
			seen = map[string]bool{}
		}
		if seen[a.Name] {
			return fmt.Errorf("attribute %q is given twice", a.Name)
		}
		seen[a.Name] = true
		n.Attrs = append(n.Attrs, a)
		return nil
	})
}

// The numbers of an attribute's fields that are located.
const (
	attrTensor  = protowire.Number(5)
	attrGraph   = protowire.Number(6)
	attrTensors = protowire.Number(10)
	attrGraphs  = protowire.Number(11)
	attrSparse  = protowire.Number(22)
	attrSparses = protowire.Number(23)
)

var attrFields = fieldSet(attrTensor, attrGraph, attrTensors, attrGraphs, attrSparse, attrSparses)

// attr reads the attribute at e of a node in s.
func (r *reader) attr(e graph.Extent, s *scope) (*graph.Attr, error) {
	var parts [24][]graph.Extent
	b, err := r.split(e, attrFields, func(f field) error {
		parts[f.num] = append(parts[f.num], f.body)
		return r.message(f, "attribute")
	})
	if err != nil {
		return nil, err
	}
	p := &pb.AttributeProto{}
	if err := decode.Unmarshal(b, p); err != nil {
		return nil, r.errorf(e.Off, "attribute: %w", err)
	}
	a := attrOf(p)
	a.Origin = e
	for num, list := range parts {
		for _, at := range list {
			if err := r.attrPart(a, protowire.Number(num), at, s); err != nil {
				return nil, fmt.Errorf("attribute %q: %w", a.Name, err)
			}
		}
	}
	if a.Kind == graph.AttrUndefined {
		a.Kind = kindOf(a, p)
	}
	if a.RefName == "" && (a.Kind == graph.AttrTensor || a.Kind == graph.AttrSparseTensor) && a.Tensor == nil ||
		a.RefName == "" && a.Kind == graph.AttrGraph && a.Graph == nil {
		return nil, fmt.Errorf("attribute %q has no value", a.Name)
	}
	return a, nil
}

func (r *reader) attrPart(a *graph.Attr, num protowire.Number, e graph.Extent, s *scope) error {
	switch num {
	case attrGraph, attrGraphs:
		g, err := r.graph(e, s)
		if err != nil {
			return err
		}
		if num == attrGraphs {
			a.Graphs = append(a.Graphs, g)
			return nil
		}
		if a.Graph != nil {
			return r.errorf(e.Off, "a second graph")
		}
		a.Graph = g
		return nil
	}
	d, err := r.constant(e, num == attrSparse || num == attrSparses)
	if err != nil {
		return err
	}
	if num == attrTensors || num == attrSparses {
		a.Tensors = append(a.Tensors, d)
		return nil
	}
	if a.Tensor != nil {
		return r.errorf(e.Off, "a second tensor")
	}
	a.Tensor = d
	return nil
}

// attrOf is the attribute without what is located.
func attrOf(p *pb.AttributeProto) *graph.Attr {
	a := &graph.Attr{
		Name: p.GetName(), RefName: p.GetRefAttrName(), Doc: p.GetDocString(), Kind: graph.AttrKind(p.GetType()),
		F: p.GetF(), I: p.GetI(), S: string(p.GetS()), Floats: p.Floats, Ints: p.Ints,
	}
	for _, s := range p.Strings {
		a.Strings = append(a.Strings, string(s))
	}
	if p.Tp != nil {
		a.Types = append(a.Types, typeOf(p.Tp))
	}
	for _, t := range p.TypeProtos {
		a.Types = append(a.Types, typeOf(t))
	}
	return a
}

// kindOf tells the kind of an attribute that does not state it, as files
// before IR version 2 do not.
func kindOf(a *graph.Attr, p *pb.AttributeProto) graph.AttrKind {
	switch {
	case p.F != nil:
		return graph.AttrFloat
	case p.I != nil:
		return graph.AttrInt
	case p.S != nil:
		return graph.AttrString
	case a.Tensor != nil:
		return graph.AttrTensor
	case a.Graph != nil:
		return graph.AttrGraph
	case len(a.Floats) > 0:
		return graph.AttrFloats
	case len(a.Ints) > 0:
		return graph.AttrInts
	case len(a.Strings) > 0:
		return graph.AttrStrings
	case len(a.Tensors) > 0:
		return graph.AttrTensors
	case len(a.Graphs) > 0:
		return graph.AttrGraphs
	}
	return graph.AttrUndefined
}
