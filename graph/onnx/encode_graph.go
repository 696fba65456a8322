package onnx

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
)

// graphInto adds g as field num of rs.
func (enc *encoder) graphInto(rs *records, num protowire.Number, g *graph.Graph) error {
	if o := enc.origin.graphs[g]; o != nil && enc.cleanGraph(g) {
		return enc.at(rs, num, o.at, graphShape)
	}
	s, err := enc.graph(g)
	if err == nil {
		rs.sub(num, s)
	}
	return err
}

// cleanGraph reports whether g is as it was read.
func (enc *encoder) cleanGraph(g *graph.Graph) bool {
	o := enc.origin.graphs[g]
	if enc.wire == nil || o == nil || g.Origin != any(o) {
		return false
	}
	for _, v := range g.Outputs { // one that is captured may have another name
		if o.outputs[v].name != v.Name {
			return false
		}
	}
	return true
}

// clean reports whether n is as it was read, its subgraphs too.
func (enc *encoder) clean(n *graph.Node) bool {
	return enc.wire != nil && !n.Origin.IsZero() && !slices.ContainsFunc(n.Subgraphs(),
		func(s *graph.Graph) bool { return !enc.cleanGraph(s) })
}

func (enc *encoder) graph(g *graph.Graph) (*rope, error) {
	if enc.depth++; enc.depth > limits.Depth {
		return nil, fmt.Errorf("graphs nested deeper than %d", limits.Depth)
	}
	defer func() { enc.depth-- }()
	o := enc.origin.graphs[g]
	if o == nil {
		o = &graphOrigin{}
	}
	p := &pb.GraphProto{}
	if err := enc.old(o.at, graphFields, p); err != nil {
		return nil, err
	}
	set(&p.Name, g.Name)
	set(&p.DocString, g.Doc)
	var rs records
	if err := rs.header(p); err != nil {
		return nil, err
	}
	for _, step := range []func(*records, *graph.Graph, *graphOrigin) error{
		enc.inits, enc.inputs, enc.outputs, enc.annotations,
	} {
		if err := step(&rs, g, o); err != nil {
			return nil, err
		}
	}
	if err := enc.infos(&rs, graphInfo, g, o); err != nil {
		return nil, err
	}
	if err := enc.nodes(&rs, graphNode, g); err != nil {
		return nil, err
	}
	return rs.rope(), nil
}

func (enc *encoder) nodes(rs *records, num protowire.Number, g *graph.Graph) error {
	for _, n := range g.Nodes {
		if enc.clean(n) {
			if err := enc.at(rs, num, n.Origin, nodeShape); err != nil {
				return err
			}
			continue
		}
		s, err := enc.node(n)
		if err != nil {
			return fmt.Errorf("node %v: %w", n, err)
		}
		rs.sub(num, s)
	}
	return nil
}

func names(vs []*graph.Value) []string {
	r := make([]string, len(vs))
	for i, v := range vs {
		if v != nil {
			r[i] = v.Name
		}
	}
	return r
}

func (enc *encoder) node(n *graph.Node) (*rope, error) {
	p := &pb.NodeProto{}
	if err := enc.old(enc.origin.nodes[n], fieldSet(nodeAttribute), p); err != nil {
		return nil, err
	}
	p.Input, p.Output = names(n.Inputs), names(n.Outputs)
	set(&p.Name, n.Name)
	set(&p.OpType, n.Op)
	set(&p.Domain, n.Domain)
	set(&p.Overload, n.Overload)
	set(&p.DocString, n.Doc)
	var rs records
	if err := rs.header(p); err != nil {
		return nil, err
	}
	for _, a := range n.Attrs {
		if err := enc.attrInto(&rs, nodeAttribute, a); err != nil {
			return nil, fmt.Errorf("attribute %q: %w", a.Name, err)
		}
	}
	return rs.rope(), nil
}

func (enc *encoder) attrInto(rs *records, num protowire.Number, a *graph.Attr) error {
	dirty := func(s *graph.Graph) bool { return !enc.cleanGraph(s) }
	if enc.wire != nil && !a.Origin.IsZero() && !(a.Graph != nil && dirty(a.Graph)) && !slices.ContainsFunc(a.Graphs, dirty) {
		return enc.at(rs, num, a.Origin, attrShape)
	}
	s, err := enc.attr(a)
	if err == nil {
		rs.sub(num, s)
	}
	return err
}

func (enc *encoder) attr(a *graph.Attr) (*rope, error) {
	p := &pb.AttributeProto{}
	if err := enc.old(a.Origin, attrFields, p); err != nil {
		return nil, err
	}
	kind := pb.AttributeProto_AttributeType(a.Kind)
	p.Type = &kind
	set(&p.Name, a.Name)
	set(&p.RefAttrName, a.RefName)
	set(&p.DocString, a.Doc)
	if a.RefName == "" {
		attrScalars(p, a)
	}
	var rs records
	if err := rs.header(p); err != nil {
		return nil, err
	}
	for i, g := range append([]*graph.Graph{a.Graph}, a.Graphs...) {
		num := attrGraphs
		if i == 0 {
			num = attrGraph
		}
		if g == nil {
			continue
		}
		if err := enc.graphInto(&rs, num, g); err != nil {
			return nil, err
		}
	}
	for i, d := range append([]*graph.Data{a.Tensor}, a.Tensors...) {
		num, sparse := attrTensors, attrSparses
		if i == 0 {
			num, sparse = attrTensor, attrSparse
		}
		if d == nil {
			continue
		}
		if (a.Kind == graph.AttrSparseTensor || a.Kind == graph.AttrSparseTensors) && (d.Origin.IsZero() || !enc.origin.sparse[d]) {
			if err := enc.sparseInto(&rs, sparse, d); err != nil {
				return nil, err
			}
			continue
		}
		if err := enc.constantInto(&rs, num, sparse, d, d.Name); err != nil {
			return nil, err
		}
	}
	return rs.rope(), nil
}

// attrScalars sets the field that a's kind names, if it is not located.
func attrScalars(p *pb.AttributeProto, a *graph.Attr) {
	switch a.Kind {
	case graph.AttrFloat:
		p.F = &a.F
	case graph.AttrInt:
		p.I = &a.I
	case graph.AttrString:
		p.S = []byte(a.S)
	case graph.AttrFloats:
		p.Floats = a.Floats
	case graph.AttrInts:
		p.Ints = a.Ints
	case graph.AttrStrings:
		p.Strings = nil
		for _, s := range a.Strings {
			p.Strings = append(p.Strings, []byte(s))
		}
	case graph.AttrTypeProto:
		if len(a.Types) > 0 && p.Tp == nil {
			p.Tp = typeProto(a.Types[0])
		}
	case graph.AttrTypeProtos:
		if len(p.TypeProtos) != len(a.Types) {
			p.TypeProtos = nil
			for _, t := range a.Types {
				p.TypeProtos = append(p.TypeProtos, typeProto(t))
			}
		}
	}
}
