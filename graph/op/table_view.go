package op

import "github.com/onnxloss/onnxloss/graph/tensor"

// Layout is how the elements of a tensor lie among those of another: element i… is
// the one at At + Σ i[d]·Stride[d].
type Layout struct {
	Shape, Stride []int
	At            int
}

// View rearranges a Layout of an operator's input to that of its output.
type View func(l *Layout) error

// viewed is the kernel of an operator that only rearranges its input: of the views,
// one after the other.
func viewed(views ...View) Kernel {
	return func(x *Call) error {
		in := x.In[0]
		l := &Layout{Shape: append([]int{}, in.Shape...), Stride: tensor.Strides(in.Shape)}
		for _, v := range views {
			if err := v(l); err != nil {
				return err
			}
		}
		return l.set(x, 0)
	}
}

// Views is the kernel of several operators that only rearrange, one after the other,
// which copies once.
func Views(views []View) Kernel { return tensorsOnly(viewed(views...)) }

// leastShare is the share of a tensor from which on a part of it is left where it
// lies: it keeps all of the tensor in memory.
const leastShare = 4

// set makes output i the input 0 that l lays out: a part of it if its elements
// follow each other, else a copy.
func (l *Layout) set(x *Call, i int) error {
	in := x.In[0]
	n := tensor.Elements(l.Shape)
	if n > 0 && n*leastShare >= in.Len() && l.isDense() && (i >= len(x.Into) || x.Into[i] == nil) {
		x.Set(i, in.Part(l.At, l.Shape...))
		return nil
	}
	out, err := x.New(i, in.DType, l.Shape...)
	if err != nil {
		return err
	}
	copyStrided(x, l.Shape, out, 0, tensor.Strides(l.Shape), in, l.At, l.Stride)
	return nil
}

// isDense reports whether the elements follow each other.
func (l *Layout) isDense() bool {
	n := 1
	for d := len(l.Shape) - 1; d >= 0; d-- {
		if l.Shape[d] != 1 && l.Stride[d] != n {
			return false
		}
		n *= l.Shape[d]
	}
	return true
}
