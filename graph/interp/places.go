package interp

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// joined is the memory of what j makes, which the frame holds until the step is done.
func (f *frame) joined(j *plan.Join) (*tensor.Tensor, error) {
	if f.joins == nil {
		f.joins = make([]*tensor.Tensor, f.prog.Joins)
	}
	around := []*plan.Join{j} // without memory yet, each in the next one's
	for k := j; f.joins[k.Number] == nil && k.In != nil; {
		k = k.In.Join
		around = append(around, k)
	}
	var t *tensor.Tensor
	for _, k := range slices.Backward(around) {
		switch {
		case f.joins[k.Number] != nil:
			t = f.joins[k.Number]
			continue
		case t != nil:
			t = t.Part(k.In.At, k.In.Shape...)
		default:
			var err error
			f.run.arena.leaving = k.Leaves
			if t, err = f.run.env.Alloc(k.DType, k.Shape); err != nil {
				return nil, err
			}
		}
		f.run.arena.retain(t)
		f.joins[k.Number] = t
	}
	return t, nil
}

// place is the memory of a place; nil for none.
func (f *frame) place(p *plan.Place) (*tensor.Tensor, error) {
	if p == nil {
		return nil, nil
	}
	all, err := f.joined(p.Join)
	if err != nil {
		return nil, err
	}
	return all.Part(p.At, p.Shape...), nil
}

// intoPlaces gives the call of a step the places of its outputs.
func (f *frame) intoPlaces(s *plan.Step, x *op.Call) error {
	if s.Join != nil && f.joins != nil && f.joins[s.Join.Number] != nil {
		x.Into = append(x.Into, f.joins[s.Join.Number])
		return nil
	}
	for _, p := range s.Places {
		t, err := f.place(p)
		if err != nil {
			return err
		}
		x.Into = append(x.Into, t)
	}
	return nil
}

// left lets go of the memory that j's step has taken over.
func (f *frame) left(j *plan.Join) {
	if j == nil || f.joins == nil {
		return
	}
	if t := f.joins[j.Number]; t != nil {
		f.joins[j.Number] = nil
		f.run.arena.release(t)
	}
}
