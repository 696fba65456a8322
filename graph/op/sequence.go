package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// notNumbers is why operators on sequences and optionals have no gradient.
const notNumbers = "the adjoint of a sequence would be a sequence, which package grad does not add up"

func init() {
	Register(
		&Op{
			Name: "SequenceConstruct", Equation: "s = [x₀, x₁, …]", Versions: []int64{11},
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{1, -1}, Out: Arity{1, 1}, Infer: inferConstruct, NoGrad: notNumbers,
			Kernel: func(*Spec) (Kernel, error) { return sequenceConstruct, nil },
		},
		&Op{
			Name: "SequenceEmpty", Equation: "s = []", Versions: []int64{11},
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{0, 0}, Out: Arity{1, 1}, Infer: inferEmpty, Kernel: makeEmpty, NoGrad: notNumbers,
		},
		&Op{
			Name: "SequenceAt", Equation: "y = s[position]", Versions: []int64{11}, Containers: true,
			Flow: flow.Flow{Pass: flow.Moved}, In: Arity{2, 2}, Out: Arity{1, 1}, Infer: inferElement, NoGrad: notNumbers,
			Kernel: func(*Spec) (Kernel, error) { return sequenceAt, nil },
		},
		&Op{
			Name: "SequenceInsert", Equation: "t = s with x before position, at the end if there is none", Versions: []int64{11}, Containers: true,
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{2, 3}, Out: Arity{1, 1}, Infer: inferInsert, NoGrad: notNumbers,
			Kernel: func(*Spec) (Kernel, error) { return sequenceInsert, nil },
		},
		&Op{
			Name: "SequenceErase", Equation: "t = s without the element at position, the last if there is none", Versions: []int64{11}, Containers: true,
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{1, 2}, Out: Arity{1, 1}, Infer: sameKind, NoGrad: notNumbers,
			Kernel: func(*Spec) (Kernel, error) { return sequenceErase, nil },
		},
		&Op{
			Name: "SequenceLength", Equation: "n = number of elements of s", Versions: []int64{11}, Containers: true,
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{1, 1}, Out: Arity{1, 1}, NoGrad: "the output is a count",
			Infer:  func(c *Infer) error { c.Set(0, tensor.Int64, graph.Shape{}); return nil },
			Kernel: func(*Spec) (Kernel, error) { return sequenceLength, nil },
		},
	)
}

// sequenceOf is the type of sequences of tensors of type t.
func sequenceOf(t graph.Type) graph.Type { return graph.Type{Kind: graph.SequenceKind, Elem: &t} }

// elementType is the type of the elements of a sequence, or of what an
// optional holds; Untyped if unknown.
func elementType(t graph.Type) graph.Type {
	if (t.Kind == graph.SequenceKind || t.Kind == graph.OptionalKind) && t.Elem != nil {
		return *t.Elem
	}
	return graph.Type{}
}

// sameKind gives output 0 the type of input 0.
func sameKind(c *Infer) error {
	c.Out[0].Type = c.Input(0).Type
	return nil
}

func inferConstruct(c *Infer) error {
	t := c.Input(0).Type
	for i := range c.In {
		u := c.Input(i).Type
		if u.Kind == graph.TensorKind && t.Kind == graph.TensorKind && u.DType != t.DType {
			return c.InputError(i, "%v, want %v as input 0 has", u.DType, t.DType)
		}
		t = commonType(t, u)
	}
	c.Out[0].Type = sequenceOf(t)
	return nil
}

func sequenceConstruct(x *Call) error {
	elems := make([]*tensor.Tensor, len(x.In))
	for i, t := range x.In {
		if t == nil {
			return x.InputError(i, "is missing")
		}
		if t.DType != x.In[0].DType {
			return x.InputError(i, "%v, want %v as input 0 has", t, x.In[0].DType)
		}
		elems[i] = t
	}
	x.Set(0, tensor.Sequence(x.In[0].DType, elems...))
	return nil
}

// emptyType is the attribute dtype of SequenceEmpty.
func emptyType(n *graph.Node) (tensor.DType, error) {
	d := tensor.DType(n.Int("dtype", int64(tensor.Float32)))
	if !d.Valid() {
		return d, attrError("dtype", d, "an element type")
	}
	return d, nil
}

func inferEmpty(c *Infer) error {
	d, err := emptyType(c.Node)
	c.Out[0].Type = sequenceOf(graph.TensorOf(d, nil))
	return err
}

func makeEmpty(s *Spec) (Kernel, error) {
	d, err := emptyType(s.Node)
	if err != nil {
		return nil, err
	}
	d = s.DType(d)
	return func(x *Call) error {
		x.Set(0, tensor.Sequence(d))
		return nil
	}, nil
}

// sequenceIn is the elements of input i, a sequence.
func sequenceIn(x *Call, i int) ([]*tensor.Tensor, error) {
	if t := x.In[i]; !t.IsSequence() {
		return nil, x.InputError(i, "%v, want a sequence", t)
	}
	return x.In[i].Seq, nil
}

// position is input i, a place among n; def if it is left out.
func position(x *Call, i, n, def int) (int, error) {
	if !x.Has(i) {
		return def, nil
	}
	p, err := intOf(x, i)
	if err != nil {
		return 0, err
	}
	if p < int64(-n) || p > int64(n) {
		return 0, x.InputError(i, "position %d is out of range for %d elements", p, n)
	}
	if p < 0 {
		p += int64(n)
	}
	return int(p), nil
}

func inferElement(c *Infer) error {
	c.Out[0].Type = elementType(c.Input(0).Type)
	return nil
}

func sequenceAt(x *Call) error {
	s, err := sequenceIn(x, 0)
	if err != nil {
		return err
	}
	p, err := position(x, 1, len(s), 0)
	if err != nil {
		return err
	}
	if p >= len(s) {
		return x.InputError(1, "position %d is out of range for %d elements", p, len(s))
	}
	x.Set(0, s[p])
	return nil
}

func inferInsert(c *Infer) error {
	t := c.Input(1).Type
	if e := elementType(c.Input(0).Type); e.Kind == graph.TensorKind {
		t = commonType(t, e)
	}
	c.Out[0].Type = sequenceOf(t)
	return nil
}

func sequenceInsert(x *Call) error {
	s, err := sequenceIn(x, 0)
	if err != nil {
		return err
	}
	t := x.In[1]
	if t.IsSequence() || t.IsNone() || len(s) > 0 && t.DType != s[0].DType {
		return x.InputError(1, "%v, want a tensor of %v", t, x.In[0].DType)
	}
	p, err := position(x, 2, len(s), len(s))
	if err != nil {
		return err
	}
	out := append(make([]*tensor.Tensor, 0, len(s)+1), s[:p]...)
	out = append(append(out, t), s[p:]...)
	x.Set(0, tensor.Sequence(t.DType, out...))
	return nil
}

func sequenceErase(x *Call) error {
	s, err := sequenceIn(x, 0)
	if err != nil {
		return err
	}
	p, err := position(x, 1, len(s), len(s)-1)
	if err != nil {
		return err
	}
	if p < 0 || p >= len(s) {
		return fmt.Errorf("position %d is out of range for %d elements", p, len(s))
	}
	out := append(append(make([]*tensor.Tensor, 0, len(s)), s[:p]...), s[p+1:]...)
	x.Set(0, tensor.Sequence(x.In[0].DType, out...))
	return nil
}

func sequenceLength(x *Call) error {
	s, err := sequenceIn(x, 0)
	if err != nil {
		return err
	}
	out, err := x.New(0, tensor.Int64)
	if err != nil {
		return err
	}
	tensor.Data[int64](out)[0] = int64(len(s))
	return nil
}
