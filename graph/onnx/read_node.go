package onnx

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
)

// rawNode is a node while its graph is read.
type rawNode struct {
	at    graph.Extent
	head  *pb.NodeProto
	attrs []graph.Extent
	node  *graph.Node
}

// decode decodes the whole message e.
func (w *wire) decode(e graph.Extent, m proto.Message) error {
	if e.Len > maxHeader {
		return w.errorf(e.Off, "a message of more than %d MiB", maxHeader>>20)
	}
	b, err := w.append(nil, e)
	if err == nil {
		if err = decode.Unmarshal(b, m); err != nil {
			err = w.errorf(e.Off, "%w", err)
		}
	}
	return err
}

// declareNodes reads the nodes' headers and declares what they make, so that
// names can be resolved in any order.
func (r *reader) declareNodes(s *scope) error {
	for _, e := range s.parts[graphNode] {
		raw := &rawNode{at: e, head: &pb.NodeProto{}}
		b, err := r.split(e, fieldSet(nodeAttribute), func(f field) error {
			raw.attrs = append(raw.attrs, f.body)
			return r.message(f, "attribute")
		})
		if err != nil {
			return err
		}
		h := raw.head
		if err := decode.Unmarshal(b, h); err != nil {
			return r.errorf(e.Off, "node: %w", err)
		}
		if h.GetOpType() == "" {
			return r.errorf(e.Off, "node %q has no operator", h.GetName())
		}
		n := &graph.Node{Op: h.GetOpType(), Domain: h.GetDomain(), Overload: h.GetOverload(), Name: h.GetName(), Doc: h.GetDocString()}
		n.Outputs = make([]*graph.Value, len(h.Output))
		for i, name := range h.Output {
			if name == "" {
				continue
			}
			if n.Outputs[i], err = s.Declare(name, s.types[name]); err != nil {
				return fmt.Errorf("node %q (%s): output %d: %w", n.Name, n.Op, i, err)
			}
		}
		raw.node = n
		s.nodes = append(s.nodes, raw)
		if len(h.MetadataProps)+len(h.DeviceConfigurations)+len(h.ProtoReflect().GetUnknown()) > 0 {
			r.origin.nodes[n] = e
		}
	}
	return nil
}

// connect resolves the nodes' inputs, reads their attributes and puts them
// into the graph in the file's order.
func (r *reader) connect(s *scope) error {
	for _, raw := range s.nodes {
		n := raw.node
		n.Inputs = make([]*graph.Value, len(raw.head.Input))
		for i, name := range raw.head.Input {
			if name == "" {
				continue
			}
			v := s.Lookup(name)
			if v == nil {
				return fmt.Errorf("node %v: input %d %q: no such value", n, i, name)
			}
			if !made(v) {
				r.late(v.Graph())
			}
			n.Inputs[i] = v
		}
		if err := r.attrs(s, raw); err != nil {
			return fmt.Errorf("node %v: %w", n, err)
		}
		if err := s.AddNode(n); err != nil {
			return err
		}
		raw.head, raw.attrs = nil, nil
	}
	return nil
}

// made reports whether v has an origin already: a node that was read before,
// or none.
func made(v *graph.Value) bool { return v.Producer() != nil || v.IsInput() || v.Init != nil }

func (r *reader) attrs(s *scope, raw *rawNode) error {
	seen := make(map[string]bool, len(raw.attrs))
	for _, e := range raw.attrs {
		a, err := r.attr(e, s)
		if err != nil {
			return err
		}
		if seen[a.Name] {
			return fmt.Errorf("attribute %q is given twice", a.Name)
		}
		seen[a.Name] = true
		raw.node.Attrs = append(raw.node.Attrs, a)
	}
	return nil
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
