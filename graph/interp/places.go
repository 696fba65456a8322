package interp

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// place is where a value is made in the memory of the value that a later step joins
// it to (op.Op.Joins), which then need not copy it.
type place struct {
	join  *join
	at    int // in elements
	shape []int
}

// join is a step that joins values, and what it makes.
type join struct {
	number int    // among the program's joins
	in     *place // of what it makes; nil where that is joined to nothing
	dtype  tensor.DType
	shape  []int
	leaves bool
}

// placed finds the values that can be made where they are joined: those of known
// shapes, whose elements lie together there.
func (b *builder) placed(p *program) {
	type output struct {
		of *step
		k  int
	}
	leaves := p.leaves()
	made := map[int]output{} // by slot
	for i := range p.steps {
		s := &p.steps[i]
		for k, o := range s.out {
			if o >= 0 {
				made[o] = output{s, k}
			}
		}
	}
	for i := range p.steps {
		s := &p.steps[i]
		if s.row == nil || s.row.Joins == nil || s.label != "" || s.out[0] < 0 {
			continue
		}
		j := b.joinOf(s, leaves(s.out[0]))
		axis, ok := 0, false
		if j != nil {
			axis, ok = s.row.Joins(s.node, len(j.shape))
		}
		if !ok || product(j.shape[:axis]) != 1 {
			continue
		}
		at := 0
		for k, r := range s.in {
			shape := b.staticShape(s.node.Inputs[k])
			if o, ok := made[r.slot]; ok && r.up == 0 && !leaves(r.slot) {
				if o.of.places == nil {
					o.of.places = make([]*place, len(o.of.out))
				}
				if o.of.places[o.k] == nil {
					o.of.places[o.k] = &place{j, at, shape}
					s.join = j
				}
			}
			at += product(shape)
		}
		if s.join != nil {
			j.number = p.joins
			p.joins++
		}
	}
	for i := range p.steps {
		if s := &p.steps[i]; s.join != nil && s.places != nil {
			s.join.in = s.places[0]
		}
	}
}

// joinOf is the join of a step, which may be the program's output; nil where shapes are
// not known, or do not fit.
func (b *builder) joinOf(s *step, leaves bool) *join {
	t := b.facts.Of(s.node.Outputs[0]).Type
	j := &join{dtype: b.dtype(t.DType), shape: b.staticShape(s.node.Outputs[0]), leaves: leaves}
	if !j.dtype.Valid() || j.dtype == tensor.String || len(j.shape) == 0 {
		return nil
	}
	n := 0
	for _, v := range s.node.Inputs {
		if v == nil {
			return nil
		}
		shape := b.staticShape(v)
		if len(shape) != len(j.shape) {
			return nil
		}
		n += product(shape)
	}
	if n != product(j.shape) || n == 0 {
		return nil
	}
	return j
}

// dtype is the element type that values of type d have in a run.
func (b *builder) dtype(d tensor.DType) tensor.DType {
	if b.plan.opts.Double && d == tensor.Float32 {
		return tensor.Float64
	}
	return d
}

// staticShape is the shape that v is known to have; nil if it is not.
func (b *builder) staticShape(v *graph.Value) []int {
	s := b.facts.Of(v).Shape
	if s == nil || !s.IsStatic() {
		return nil
	}
	n := s.Ints()
	if _, err := tensor.Count(n); err != nil {
		return nil
	}
	return n
}

// leaves gives what reports whether a slot is an output of the program.
func (p *program) leaves() func(slot int) bool {
	outputs := map[int]bool{}
	for _, r := range p.outputs {
		outputs[r.slot] = outputs[r.slot] || r.up == 0
	}
	return func(slot int) bool { return outputs[slot] }
}

// joined is the memory of what j makes, which the frame holds until the step is done.
func (f *frame) joined(j *join) (*tensor.Tensor, error) {
	if f.joins == nil {
		f.joins = make([]*tensor.Tensor, f.prog.joins)
	}
	around := []*join{j} // without memory yet, each in the next one's
	for k := j; f.joins[k.number] == nil && k.in != nil; {
		k = k.in.join
		around = append(around, k)
	}
	var t *tensor.Tensor
	for _, k := range slices.Backward(around) {
		switch {
		case f.joins[k.number] != nil:
			t = f.joins[k.number]
			continue
		case t != nil:
			t = t.Part(k.in.at, k.in.shape...)
		default:
			var err error
			f.run.arena.leaving = k.leaves
			if t, err = f.run.env.Alloc(k.dtype, k.shape); err != nil {
				return nil, err
			}
		}
		f.run.arena.retain(t)
		f.joins[k.number] = t
	}
	return t, nil
}

// place is the memory of a place; nil for none.
func (f *frame) place(p *place) (*tensor.Tensor, error) {
	if p == nil {
		return nil, nil
	}
	all, err := f.joined(p.join)
	if err != nil {
		return nil, err
	}
	return all.Part(p.at, p.shape...), nil
}

// intoPlaces gives the call of a step the places of its outputs.
func (f *frame) intoPlaces(s *step, x *op.Call) error {
	if s.join != nil && f.joins != nil && f.joins[s.join.number] != nil {
		x.Into = append(x.Into, f.joins[s.join.number])
		return nil
	}
	for _, p := range s.places {
		t, err := f.place(p)
		if err != nil {
			return err
		}
		x.Into = append(x.Into, t)
	}
	return nil
}

// left lets go of the memory that j's step has taken over.
func (f *frame) left(j *join) {
	if j == nil || f.joins == nil {
		return
	}
	if t := f.joins[j.number]; t != nil {
		f.joins[j.number] = nil
		f.run.arena.release(t)
	}
}
