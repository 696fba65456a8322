package onnx

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
)

// origin is what the reader keeps for the writer, beside the extents in the
// objects of package graph.
type origin struct {
	whole     graph.Extent
	training  []graph.Extent
	graphs    map[*graph.Graph]*graphOrigin
	functions map[*graph.Function]*graphOrigin
	// nodes has the extents of nodes with fields that graph.Node does not hold.
	nodes map[*graph.Node]graph.Extent
	// sparse is the constants that are SparseTensorProtos.
	sparse map[*graph.Data]bool
}

func newOrigin() *origin {
	return &origin{
		graphs:    map[*graph.Graph]*graphOrigin{},
		functions: map[*graph.Function]*graphOrigin{},
		nodes:     map[*graph.Node]graph.Extent{},
		sparse:    map[*graph.Data]bool{},
	}
}

// graphOrigin is where a graph or function lies and what of it is not held as
// objects. graph.Graph.Origin points to it while the graph is unchanged.
type graphOrigin struct {
	at          graph.Extent
	inputs      map[*graph.Value]stated
	outputs     map[*graph.Value]stated
	infos       []info // value_info
	annotations []info // quantization_annotation
}

// stated is a ValueInfoProto and what it says.
type stated struct {
	at   graph.Extent
	name string
	typ  graph.Type
}

// info is an entry about a value, which is nil if the graph has none of that name.
type info struct {
	at    graph.Extent
	name  string
	value *graph.Value
}

// The numbers of a graph's fields that are located.
const (
	graphNode       = protowire.Number(1)
	graphInit       = protowire.Number(5)
	graphInput      = protowire.Number(11)
	graphOutput     = protowire.Number(12)
	graphInfo       = protowire.Number(13)
	graphAnnotation = protowire.Number(14)
	graphSparse     = protowire.Number(15)

	functionNode = protowire.Number(7)
	functionAttr = protowire.Number(11)
	functionInfo = protowire.Number(12)
)

var (
	graphFields    = fieldSet(graphNode, graphInit, graphInput, graphOutput, graphInfo, graphAnnotation, graphSparse)
	functionFields = fieldSet(functionNode, functionAttr, functionInfo)
)

// scope is a graph while it is read.
type scope struct {
	*graph.Graph
	origin *graphOrigin
	at     graph.Extent
	parts  [16][]graph.Extent    // by field number, but for nodes
	count  int                   // nodes
	nodes  []*graph.Node         // in the file's order
	types  map[string]graph.Type // by value_info
	mixed  bool                  // a node reads what a later one makes
}

// locate collects the extents of the fields in located, counts the nodes and
// gives the header.
func (s *scope) locate(r *reader, located fields, node protowire.Number, what string) ([]byte, error) {
	return r.split(s.at, located, func(f field) error {
		if err := r.message(f, what); err != nil {
			return err
		}
		if f.num == node {
			s.count++
			return nil
		}
		s.parts[f.num] = append(s.parts[f.num], f.body)
		return nil
	})
}

// newScope begins the graph at e inside outer, which may be nil. The caller
// ends it with r.pop.
func (r *reader) newScope(e graph.Extent, outer *scope) (*scope, error) {
	if len(r.scopes) == limits.Depth {
		return nil, r.errorf(e.Off, "graphs nested deeper than %d", limits.Depth)
	}
	var around *graph.Graph
	if outer != nil {
		around = outer.Graph
	}
	s := &scope{
		Graph:  graph.NewGraph(r.model, around),
		at:     e,
		types:  map[string]graph.Type{},
		origin: &graphOrigin{at: e, inputs: map[*graph.Value]stated{}, outputs: map[*graph.Value]stated{}},
	}
	r.scopes = append(r.scopes, s)
	return s, nil
}

func (r *reader) pop() { r.scopes = r.scopes[:len(r.scopes)-1] }

// late notes that a node of g reads a value before the node that makes it.
func (r *reader) late(g *graph.Graph) {
	for _, s := range r.scopes {
		if s.Graph == g {
			s.mixed = true
		}
	}
}

func (r *reader) graph(e graph.Extent, outer *scope) (*graph.Graph, error) {
	s, err := r.newScope(e, outer)
	if err != nil {
		return nil, err
	}
	defer r.pop()
	b, err := s.locate(r, graphFields, graphNode, "graph")
	if err != nil {
		return nil, err
	}
	head := &pb.GraphProto{}
	if err := decode.Unmarshal(b, head); err != nil {
		return nil, r.errorf(e.Off, "graph: %w", err)
	}
	s.Name, s.Doc = head.GetName(), head.GetDocString()
	for _, step := range []func(*scope) error{
		r.infos, r.inputs, r.inits, r.declareOutputs,
		func(s *scope) error { return r.declareNodes(s, graphNode) },
		r.connect, r.outputs, r.annotations,
	} {
		if err := step(s); err != nil {
			return nil, err
		}
	}
	if s.mixed {
		if err := sortNodes(s.Graph); err != nil {
			return nil, err
		}
	}
	r.keep(s)
	return s.Graph, nil
}

// keep marks everything of s as unchanged.
func (r *reader) keep(s *scope) {
	r.origin.graphs[s.Graph] = s.origin
	s.Graph.Origin = s.origin
}

func (r *reader) valueInfo(e graph.Extent) (*pb.ValueInfoProto, error) {
	p := &pb.ValueInfoProto{}
	return p, r.decode(e, p)
}

// infos reads the types that value_info states.
func (r *reader) infos(s *scope) error {
	for _, e := range s.parts[graphInfo] {
		p, err := r.valueInfo(e)
		if err != nil {
			return err
		}
		s.types[p.GetName()] = typeOf(p.GetType())
		s.origin.infos = append(s.origin.infos, info{at: e, name: p.GetName()})
	}
	return nil
}

func (r *reader) inputs(s *scope) error {
	for _, e := range s.parts[graphInput] {
		p, err := r.valueInfo(e)
		if err != nil {
			return err
		}
		v, err := s.AddInput(p.GetName(), typeOf(p.GetType()))
		if err != nil {
			return fmt.Errorf("input: %w", err)
		}
		s.origin.inputs[v] = stated{e, v.Name, v.Type}
	}
	return nil
}

func (r *reader) inits(s *scope) error {
	for i, e := range append(append([]graph.Extent(nil), s.parts[graphInit]...), s.parts[graphSparse]...) {
		sparse := i >= len(s.parts[graphInit])
		d, err := r.constant(e, sparse)
		if err != nil {
			return err
		}
		v := s.Value(d.Name)
		if v == nil {
			t, ok := s.types[d.Name]
			if !ok || t.Kind == graph.Untyped {
				t = d.Type()
			}
			if v, err = s.Declare(d.Name, t); err != nil {
				return fmt.Errorf("initializer: %w", err)
			}
		} else if v.Init != nil {
			return fmt.Errorf("graph %q: initializer %q is defined twice", s.Name, d.Name)
		}
		if v.Type.Kind == graph.Untyped {
			v.Type = d.Type()
		}
		s.SetInit(v, d)
	}
	return nil
}

// constant locates a tensor or a sparse tensor.
func (r *reader) constant(e graph.Extent, sparse bool) (*graph.Data, error) {
	if !sparse {
		return r.data(r.model.Source, e)
	}
	d, err := r.sparse(r.model.Source, e)
	if err == nil {
		r.origin.sparse[d] = true
	}
	return d, err
}

// declareOutputs notes the types that graph outputs state, for the nodes that
// make them.
func (r *reader) declareOutputs(s *scope) error {
	for _, e := range s.parts[graphOutput] {
		p, err := r.valueInfo(e)
		if err != nil {
			return err
		}
		if t := typeOf(p.GetType()); t.Kind != graph.Untyped {
			s.types[p.GetName()] = t
		}
	}
	return nil
}

func (r *reader) outputs(s *scope) error {
	for _, e := range s.parts[graphOutput] {
		p, err := r.valueInfo(e)
		if err != nil {
			return err
		}
		v := s.Lookup(p.GetName())
		if v == nil {
			return fmt.Errorf("graph %q: output %q: no such value", s.Name, p.GetName())
		}
		s.AddOutput(v)
		s.origin.outputs[v] = stated{e, v.Name, typeOf(p.GetType())}
	}
	for i := range s.origin.infos {
		s.origin.infos[i].value = s.Value(s.origin.infos[i].name)
	}
	return nil
}

func (r *reader) annotations(s *scope) error {
	for _, e := range s.parts[graphAnnotation] {
		p := &pb.TensorAnnotation{}
		if err := r.decode(e, p); err != nil {
			return err
		}
		s.origin.annotations = append(s.origin.annotations, info{e, p.GetTensorName(), s.Value(p.GetTensorName())})
	}
	return nil
}
