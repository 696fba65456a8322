package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// gradNLL puts −w[t]·dy at the targets' places.
func gradNLL(c *Grad) error {
	dlog, err := c.logAdjoint()
	if err != nil {
		return err
	}
	c.Set(0, dlog)
	return nil
}

// gradSoftmaxLoss goes on through the log-softmax: dx = dl − softmax(x)·Σ dl.
func gradSoftmaxLoss(c *Grad) error {
	dlog, err := c.logAdjoint()
	if err != nil {
		return err
	}
	if len(c.Dy) > 1 && c.Dy[1] != nil {
		if dlog == nil {
			dlog = c.Dy[1]
		} else {
			dlog = Add(dlog, c.Dy[1])
		}
	}
	if dlog == nil {
		return nil
	}
	c.Set(0, Sub(dlog, Mul(Softmax(c.In(0), 1), ReduceSum(dlog, []int64{1}, true))))
	return nil
}

// logAdjoint is the adjoint of the log-probabilities by way of output 0; nil
// if that has none.
func (c *Grad) logAdjoint() (*graph.Value, error) {
	if c.Needs(2) {
		return nil, fmt.Errorf("%s has no gradient rule for its class weights", c.Node.Op)
	}
	l, err := classLossOf(c.Node)
	if err != nil {
		return nil, err
	}
	x, target, dy := c.In(0), c.In(1), c.Dy[0]
	if dy == nil || !c.Needs(0) {
		return nil, nil
	}
	g, d := x.Graph(), x.Type.DType
	weight := Like(x, 1)
	safe := target
	if l.ignores {
		skip := Equal(target, Scalar(g, target.Type.DType, float64(l.ignore)))
		safe = Where(skip, Scalar(g, target.Type.DType, 0), target)
		weight = Cast(Not(skip), d)
	}
	if c.In(2) != nil {
		weight = Mul(Gather(c.In(2), safe, 0), weight)
	}
	values, err := tensor.Make(tensor.Float32, 2)
	if err != nil {
		return nil, err
	}
	tensor.Data[float32](values)[1] = 1
	hot := Cast(OneHot(safe, dims(x, 1, 2), Const(g, "const", values), 1), d)
	part := Mul(dy, weight)
	if l.reduction == "mean" {
		total := weight
		if l.ignores || c.In(2) != nil {
			total = apply("ReduceSum", []*graph.Attr{graph.Int("keepdims", 0)}, weight)
		} else {
			total = Cast(apply("Size", nil, target), d)
		}
		part = Div(part, total)
	}
	// A loss for each target, or one for all, broadcast over the classes.
	if l.reduction == "none" || part != nil && len(part.Shape()) > 0 {
		part = Unsqueeze(part, 1)
	}
	return Neg(Mul(hot, part)), nil
}
