package onnx

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
)

// function reads a model-local function.
func (r *reader) function(e graph.Extent) error {
	s, err := r.newScope(e, nil)
	if err != nil {
		return err
	}
	defer r.pop()
	b, err := s.locate(r, functionFields, functionNode, "function")
	if err != nil {
		return err
	}
	p := &pb.FunctionProto{}
	if err := decode.Unmarshal(b, p); err != nil {
		return r.errorf(e.Off, "function: %w", err)
	}
	f := &graph.Function{
		Name: p.GetName(), Domain: p.GetDomain(), Overload: p.GetOverload(), Doc: p.GetDocString(),
		Attrs: p.Attribute, Opsets: opsets(p.OpsetImport), Body: s.Graph,
	}
	s.Name, s.Function = f.Name, f
	if err := r.functionBody(s, f, p); err != nil {
		return fmt.Errorf("function %q: %w", f.Name, err)
	}
	r.keep(s)
	r.origin.functions[f] = s.origin
	r.model.Functions = append(r.model.Functions, f)
	f.Origin = e
	return nil
}

func (r *reader) functionBody(s *scope, f *graph.Function, p *pb.FunctionProto) error {
	for _, e := range s.parts[functionAttr] {
		a, err := r.attr(e, s)
		if err != nil {
			return err
		}
		f.Defaults = append(f.Defaults, a)
	}
	s.parts[graphInfo] = s.parts[functionInfo]
	if err := r.infos(s); err != nil {
		return err
	}
	for _, name := range p.Input {
		if _, err := s.AddInput(name, s.types[name]); err != nil {
			return err
		}
	}
	if err := r.declareNodes(s, functionNode); err != nil {
		return err
	}
	if err := r.connect(s); err != nil {
		return err
	}
	for _, name := range p.Output {
		v := s.Value(name)
		if v == nil {
			return fmt.Errorf("output %q: no such value", name)
		}
		s.AddOutput(v)
	}
	for i := range s.origin.infos {
		s.origin.infos[i].value = s.Value(s.origin.infos[i].name)
	}
	if s.mixed {
		return sortNodes(s.Graph)
	}
	return nil
}
