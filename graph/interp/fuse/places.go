package fuse

import (
	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

var places = Pass{
	Name: "places", Why: "what a Concat joins is made where it lies in the joined value, and not copied",
	After: []Order{
		{"unread", "a join that nobody reads would take places"},
		{"epilogues", "the places of steps that are fused would be lost"},
	},
	program: findPlaces,
}

// findPlaces finds the values that can be made where they are joined: those of known
// shapes, whose elements lie together there.
func findPlaces(f *Fusion) {
	type output struct {
		of *plan.Step
		k  int
	}
	leaves := f.Leaves()
	made := map[int]output{} // by slot
	for _, s := range f.Steps {
		for k, o := range s.Out {
			if o >= 0 {
				made[o] = output{s, k}
			}
		}
	}
	for _, s := range f.Steps {
		if !s.Is("Concat") || s.Label != "" || s.Out[0] < 0 {
			continue
		}
		j := f.joinOf(s, leaves(s.Out[0]))
		axis, ok := 0, false
		if j != nil {
			axis, ok = concatAxis(s, len(j.Shape))
		}
		if !ok || tensor.Elements(j.Shape[:axis]) != 1 {
			continue
		}
		at := 0
		for k, r := range s.In {
			shape := f.staticShape(s.Node.Inputs[k])
			if o, ok := made[r.Slot]; ok && r.Up == 0 && !leaves(r.Slot) {
				if o.of.Places == nil {
					o.of.Places = make([]*plan.Place, len(o.of.Out))
				}
				if o.of.Places[o.k] == nil {
					o.of.Places[o.k] = &plan.Place{Join: j, At: at, Shape: shape}
					s.Join = j
				}
			}
			at += tensor.Elements(shape)
		}
		if s.Join != nil {
			j.Number = f.Joins
			f.Joins++
		}
	}
	for _, s := range f.Steps {
		if s.Join != nil && s.Places != nil {
			s.Join.In = s.Places[0]
		}
	}
}

// joinOf is the join of a step, which may be the program's output; nil where shapes are
// not known, or do not fit.
func (f *Fusion) joinOf(s *plan.Step, leaves bool) *plan.Join {
	t := f.typeOf(s.Node.Outputs[0])
	j := &plan.Join{DType: f.dtype(t.DType), Shape: f.staticShape(s.Node.Outputs[0]), Leaves: leaves}
	if !j.DType.Valid() || j.DType == tensor.String || len(j.Shape) == 0 {
		return nil
	}
	n := 0
	for _, v := range s.Node.Inputs {
		if v == nil {
			return nil
		}
		shape := f.staticShape(v)
		if len(shape) != len(j.Shape) {
			return nil
		}
		n += tensor.Elements(shape)
	}
	if n != tensor.Elements(j.Shape) || n == 0 {
		return nil
	}
	return j
}
