package emit

import (
	"slices"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/grad"
	"github.com/onnxloss/onnxloss/graph/op"
)

// states adds the losses' state after the batch as outputs, each "of" the input with the
// state before it.
func (r *rewriter) states() error {
	for i := range r.terms {
		t := &r.terms[i]
		var before []*graph.Value
		for _, in := range t.res.Inputs {
			if in.Role == loss.RoleState {
				before = append(before, in.Value)
			}
		}
		for k, v := range t.res.NewState {
			r.output(r.give(t, v, "new_"+before[k].Name), RoleNewState, before[k].Name)
		}
	}
	return r.g.Err()
}

// total adds the outputs: one loss, the sum of the terms, and the terms
// themselves where there are several. Unreduced terms stay apart.
func (r *rewriter) total() error {
	if r.opts.Loss.Reduction == loss.None {
		for i := range r.terms {
			t := &r.terms[i]
			r.output(r.give(t, t.res.PerAnchor, lossName(t.of)), RolePerAnchor, t.of)
		}
		return r.g.Err()
	}
	if len(r.terms) == 1 {
		r.output(r.give(&r.terms[0], r.terms[0].res.Loss, "loss"), RoleLoss, "")
		return r.g.Err()
	}
	var parts []*graph.Value
	var of []string
	for i := range r.terms {
		t := &r.terms[i]
		name := t.of
		if name == "" {
			name = "class"
		}
		of = append(of, name)
		parts = append(parts, r.give(t, t.res.Loss, lossName(name)))
	}
	leave := r.g.Scope("loss")
	sum := parts[0]
	for _, v := range parts[1:] {
		sum = op.Add(sum, v)
	}
	leave()
	r.output(r.named(sum, "loss"), RoleLoss, "")
	for i, v := range parts {
		r.output(v, RoleLoss, of[i])
	}
	return r.g.Err()
}

// gradients adds the derivative of the loss (of its sum, if it is not reduced) with respect
// to each term's logits, on which no other term depends.
func (r *rewriter) gradients() error {
	for i := range r.terms {
		t := &r.terms[i]
		y := t.res.Loss
		if y == nil {
			y = t.res.PerAnchor
		}
		dz, err := LogitsGradient(y, t.logits, t.res)
		if err != nil {
			return err
		}
		t.dz = dz
		r.output(r.give(t, dz, t.prefix+"logits_gradient"), RoleLogitsGradient, t.of)
	}
	return r.g.Err()
}

// LogitsGradient appends the derivative of y with respect to the logits of loss l,
// [N, A, C]; y is l's reduced value, or its value per anchor, which is summed. Up to the
// sums over classes it uses the loss's closed form if there is one, and otherwise the
// operators' gradient rules.
func LogitsGradient(y, logits *graph.Value, l *loss.Result) (*graph.Value, error) {
	leave := y.Graph().Scope("grad")
	gradient := l.Gradient()
	leave()
	by := l.Sum
	if gradient == nil {
		by = l.Finite
	}
	d, err := grad.Of(y, by)
	if err != nil {
		return nil, err
	}
	defer y.Graph().Scope("grad")()
	dz := d[0]
	if gradient != nil {
		dz = scaled(gradient, dz)
	}
	if dz != nil && dz.Type.DType != logits.Type.DType {
		dz = op.Cast(dz, logits.Type.DType)
	}
	return dz, nil
}

// scaled is gradient, [N, A, C], times the derivative with respect to each anchor's sum,
// [N, A]: times the scalar itself if that is an expanded scalar, and unchanged if it is 1.
func scaled(gradient, by *graph.Value) *graph.Value {
	if by != nil && by.Producer() != nil && by.Producer().Op == "Expand" {
		number := by.Producer().Inputs[0]
		if t, err := op.ConstantOf(number); err == nil && t.Len() == 1 && op.Floats(t)[0] == 1 {
			return gradient
		}
		if slices.Equal(number.Shape().Ints(), []int{1, 1}) {
			by = number
		}
	}
	return op.Mul(gradient, op.Unsqueeze(by, 2))
}

func lossName(of string) string {
	if of == "" {
		return "loss"
	}
	return of + "_loss"
}
