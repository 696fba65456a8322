package onnx

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
)

// inits adds g's initializers.
func (enc *encoder) inits(rs *records, g *graph.Graph, _ *graphOrigin) error {
	for _, v := range g.Inits {
		if err := enc.constantInto(rs, graphInit, graphSparse, v.Init, v.Name); err != nil {
			return fmt.Errorf("initializer %q: %w", v.Name, err)
		}
	}
	return nil
}

// inputs adds g's inputs: as they were stated, or by the types they have where
// name or type is another.
func (enc *encoder) inputs(rs *records, g *graph.Graph, o *graphOrigin) error {
	for _, v := range g.Inputs {
		st, ok := o.inputs[v]
		same := ok && st.name == v.Name && (st.typ.Kind == graph.Untyped || sameType(st.typ, v.Type))
		if err := enc.valueInfo(rs, graphInput, v, st.at, same); err != nil {
			return err
		}
	}
	return nil
}

// outputs adds g's outputs. What was stated of one stays, though more may be
// known of its shape, unless its kind or its elements' type is another.
func (enc *encoder) outputs(rs *records, g *graph.Graph, o *graphOrigin) error {
	for _, v := range g.Outputs {
		st, ok := o.outputs[v]
		same := ok && st.name == v.Name && (st.typ.Kind == graph.Untyped || v.Type.Kind == graph.Untyped ||
			st.typ.Kind == v.Type.Kind && st.typ.DType == v.Type.DType)
		if err := enc.valueInfo(rs, graphOutput, v, st.at, same); err != nil {
			return err
		}
	}
	return nil
}

// valueInfo adds what is said of v as field num: the message at e, if it
// applies as it is, else one by v's name and type that keeps the rest of it.
func (enc *encoder) valueInfo(rs *records, num protowire.Number, v *graph.Value, e graph.Extent, same bool) error {
	if same && enc.wire != nil {
		rs.at(num, e)
		return nil
	}
	p := &pb.ValueInfoProto{}
	if err := enc.old(e, 0, p); err != nil {
		return err
	}
	set(&p.Name, v.Name)
	if t := typeProto(v.Type); t != nil && !sameType(typeOf(p.Type), v.Type) {
		p.Type = t
	}
	return rs.proto(num, p)
}

// sameType reports whether a and b say the same.
func sameType(a, b graph.Type) bool {
	if a.Kind != b.Kind || a.DType != b.DType || (a.Shape == nil) != (b.Shape == nil) ||
		!slices.Equal(a.Shape, b.Shape) || (a.Elem == nil) != (b.Elem == nil) {
		return false
	}
	return a.Elem == nil || sameType(*a.Elem, *b.Elem)
}

// infos adds the value_info of g as field num. An entry goes when its value
// does, or when the value became an input or output, which states its type.
func (enc *encoder) infos(rs *records, num protowire.Number, g *graph.Graph, o *graphOrigin) error {
	if len(o.infos) == 0 {
		return nil
	}
	stated := map[*graph.Value]bool{}
	if num == graphInfo { // a function states no types of its inputs and outputs
		for _, v := range g.Inputs {
			_, was := o.inputs[v]
			stated[v] = !was
		}
		for _, v := range g.Outputs {
			if _, was := o.outputs[v]; !was {
				stated[v] = true
			}
		}
	}
	for _, x := range o.infos {
		if v := x.value; v != nil {
			if g.Value(v.Name) != v || stated[v] {
				continue
			}
			if v.Name != x.name {
				if err := enc.valueInfo(rs, num, v, x.at, false); err != nil {
					return err
				}
				continue
			}
		}
		rs.at(num, x.at)
	}
	return nil
}

// annotations adds g's quantization annotations, but for those of values that
// no longer exist.
func (enc *encoder) annotations(rs *records, g *graph.Graph, o *graphOrigin) error {
	for _, x := range o.annotations {
		if x.value == nil || x.value.Name == x.name && g.Value(x.name) == x.value {
			rs.at(graphAnnotation, x.at)
			continue
		}
		if g.Value(x.value.Name) != x.value {
			continue
		}
		p := &pb.TensorAnnotation{}
		if err := enc.old(x.at, 0, p); err != nil {
			return err
		}
		set(&p.TensorName, x.value.Name)
		if err := rs.proto(graphAnnotation, p); err != nil {
			return err
		}
	}
	return nil
}

func (enc *encoder) function(f *graph.Function) (*rope, error) {
	o := enc.origin.functions[f]
	if o == nil {
		o = &graphOrigin{}
	}
	p := &pb.FunctionProto{}
	if err := enc.old(o.at, functionFields, p); err != nil {
		return nil, err
	}
	set(&p.Name, f.Name)
	set(&p.Domain, f.Domain)
	set(&p.Overload, f.Overload)
	set(&p.DocString, f.Doc)
	p.Input, p.Output, p.Attribute = names(f.Body.Inputs), names(f.Body.Outputs), f.Attrs
	p.OpsetImport = opsetProtos(p.OpsetImport, f.Opsets)
	if len(f.Body.Inits) > 0 {
		return nil, fmt.Errorf("initializer %q: functions cannot have initializers", f.Body.Inits[0].Name)
	}
	var rs records
	if err := rs.header(p); err != nil {
		return nil, err
	}
	for _, a := range f.Defaults {
		if err := enc.attrInto(&rs, functionAttr, a); err != nil {
			return nil, err
		}
	}
	if err := enc.infos(&rs, functionInfo, f.Body, o); err != nil {
		return nil, err
	}
	err := enc.nodes(&rs, functionNode, f.Body)
	return rs.rope(), err
}
