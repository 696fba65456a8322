package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{
			Name: "NegativeLogLikelihoodLoss", Equation: "l = −Σ w[t]·x[n,t,d] over the targets t, divided by Σ w[t] for reduction mean", Versions: []int64{12, 13, 22},
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{2, 3}, Out: Arity{1, 1}, Half: true, Infer: inferLoss, Kernel: makeNLL, Grad: gradNLL, Check: Check{Lo: -1, Hi: 1},
		},
		&Op{
			Name: "SoftmaxCrossEntropyLoss", Equation: "l = −Σ w[t]·log softmax(x)[n,t,d] over the targets t, divided by Σ w[t] for reduction mean", Versions: []int64{12, 13},
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{2, 3}, Out: Arity{1, 2}, Half: true, Infer: inferLoss, Kernel: makeSoftmaxLoss, Grad: gradSoftmaxLoss, Check: Check{Lo: -1, Hi: 1},
		},
	)
}

// classLoss is a loss node at plan time.
type classLoss struct {
	reduction string
	ignore    int64
	ignores   bool
}

func classLossOf(n *graph.Node) (*classLoss, error) {
	l := &classLoss{reduction: n.Str("reduction", "mean"), ignore: n.Int("ignore_index", 0), ignores: n.Attr("ignore_index") != nil}
	switch l.reduction {
	case "none", "sum", "mean":
		return l, nil
	}
	return nil, attrError("reduction", l.reduction, "none, sum or mean")
}

func inferLoss(c *Infer) error {
	l, err := classLossOf(c.Node)
	if err != nil {
		return err
	}
	x := c.Input(0)
	c.Set(1, x.DType, x.Shape)
	switch {
	case l.reduction != "none":
		c.Set(0, x.DType, graph.Shape{})
	case c.Input(1).Shape != nil:
		c.Set(0, x.DType, c.Input(1).Shape)
	case len(x.Shape) > 1:
		c.Set(0, x.DType, append(x.Shape[:1].Clone(), x.Shape[2:]...))
	default:
		c.Set(0, x.DType, nil)
	}
	return nil
}

func makeNLL(s *Spec) (Kernel, error) {
	l, err := classLossOf(s.Node)
	if err != nil {
		return nil, err
	}
	return byFloat(
		func(x *Call) error { return runNLL(x, l, tensor.Data[float32](x.In[0])) },
		func(x *Call) error { return runNLL(x, l, tensor.Data[float64](x.In[0])) }), nil
}

func makeSoftmaxLoss(s *Spec) (Kernel, error) {
	l, err := classLossOf(s.Node)
	if err != nil {
		return nil, err
	}
	return byFloat(
		func(x *Call) error { return runSoftmaxLoss[float32](x, l) },
		func(x *Call) error { return runSoftmaxLoss[float64](x, l) }), nil
}

func runSoftmaxLoss[T float32 | float64](x *Call, l *classLoss) error {
	in := x.In[0]
	if in.Rank() < 2 {
		return x.InputError(0, "rank %d, want at least 2", in.Rank())
	}
	logs, err := x.Temp(in.DType, in.Shape...)
	if err != nil {
		return err
	}
	kernel.LogSoftmax(x.Parallel, tensor.Data[T](logs), tensor.Data[T](in), in.Shape[0], in.Shape[1], tensor.Elements(in.Shape[2:]))
	if err := runNLL(x, l, tensor.Data[T](logs)); err != nil {
		return err
	}
	if x.Wants(1) {
		x.Set(1, logs)
	} else {
		x.Env.Free(logs)
	}
	return nil
}

// runNLL is the loss of log-probabilities logs, of the shape of input 0.
func runNLL[T float32 | float64](x *Call, l *classLoss, logs []T) error {
	in, target := x.In[0].Shape, x.In[1]
	if len(in) < 2 {
		return x.InputError(0, "rank %d, want at least 2", len(in))
	}
	want := append([]int{in[0]}, in[2:]...)
	if !sameShape(target.Shape, want) {
		return x.InputError(1, "shape %v, want %v", target.Shape, want)
	}
	index, err := int64s(x, 1)
	if err != nil {
		return err
	}
	if err := sameType(x, 2); err != nil {
		return err
	}
	classes, inner := in[1], tensor.Elements(in[2:])
	if err := vectorOf(x, classes, 2); err != nil {
		return err
	}
	weight := dataOr[T](x, 2)
	var each []T
	shape := []int{}
	if l.reduction == "none" {
		shape = want
	}
	out, err := x.New(0, x.In[0].DType, shape...)
	if err != nil {
		return err
	}
	if each = tensor.Data[T](out); l.reduction != "none" {
		each = nil
	}
	sum, norm := 0.0, 0.0
	for i, t := range index {
		w, v := 0.0, 0.0
		if !l.ignores || t != l.ignore {
			if t < 0 || t >= int64(classes) {
				return x.InputError(1, "class %d at position %d, there are %d", t, i, classes)
			}
			w = 1
			if weight != nil {
				w = float64(weight[t])
			}
			v = -w * float64(logs[(i/inner*classes+int(t))*inner+i%inner])
		}
		if each != nil {
			each[i] = T(v)
		}
		sum, norm = sum+v, norm+w
	}
	switch l.reduction {
	case "mean":
		tensor.Data[T](out)[0] = T(sum / norm)
	case "sum":
		tensor.Data[T](out)[0] = T(sum)
	}
	return nil
}
