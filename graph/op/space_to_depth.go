package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// SpaceToDepth says what a convolution's input 0 is made of, which the kernel reads in its
// place: parts of one tensor, one behind the other along axis 1. Each has, of each
// spatial axis, the elements from a first one on by a step, and together they have all
// elements once. The convolution of the parts is one of the tensor, with a window and
// strides that are as many times larger. The first layer of YOLOv5 and YOLOX, "focus",
// is such.
type SpaceToDepth struct {
	parts [][]View
	step  []int   // of the spatial axes
	first [][]int // by part: the first index on each
}

// NewSpaceToDepth is the SpaceToDepth of parts, views of a tensor of such a shape, nil if they are
// none.
func NewSpaceToDepth(parts [][]View, shape []int) *SpaceToDepth {
	p := &SpaceToDepth{parts: parts}
	if len(shape) < 3 || len(parts) < 2 || !p.read(shape) {
		return nil
	}
	return p
}

// read finds what the parts have of a tensor of such a shape.
func (p *SpaceToDepth) read(shape []int) bool {
	p.step, p.first = nil, nil
	for _, views := range p.parts {
		l := &Layout{Shape: slices.Clone(shape), Stride: tensor.Strides(shape)}
		for _, v := range views {
			if v(l) != nil {
				return false
			}
		}
		step, first := l.phase(shape)
		if step == nil || p.step != nil && !slices.Equal(step, p.step) ||
			slices.ContainsFunc(p.first, func(f []int) bool { return slices.Equal(f, first) }) {
			return false
		}
		p.step, p.first = step, append(p.first, first)
	}
	return tensor.Elements(p.step) == len(p.parts)
}

// phase is the step and the first index on each spatial axis that make the layout of a
// tensor of such a shape; nil if none do.
func (l *Layout) phase(shape []int) (step, first []int) {
	stride := tensor.Strides(shape)
	if len(l.Shape) != len(shape) || !slices.Equal(l.Shape[:2], shape[:2]) || !slices.Equal(l.Stride[:2], stride[:2]) {
		return nil, nil
	}
	at := l.At
	for d := 2; d < len(shape); d++ {
		n := l.Shape[d]
		if n == 0 || shape[d]%n != 0 || n > 1 && l.Stride[d] != shape[d]/n*stride[d] || at/stride[d] >= shape[d]/n {
			return nil, nil
		}
		step, first = append(step, shape[d]/n), append(first, at/stride[d])
		at %= stride[d]
	}
	return step, first
}

// fits reports whether the parts of a tensor of such a shape are these.
func (p *SpaceToDepth) fits(shape []int) bool {
	q := SpaceToDepth{parts: p.parts}
	return len(shape) == len(p.step)+2 && q.read(shape) && slices.Equal(q.step, p.step) &&
		slices.EqualFunc(q.first, p.first, slices.Equal[[]int])
}

// slide is s over the tensor.
func (p *SpaceToDepth) slide(s *slide) (*slide, error) {
	r, rank := *s, len(p.step)
	if s.same() || s.ceil || slices.ContainsFunc(s.dilation, func(d int) bool { return d != 1 }) {
		return nil, errors.New("the window does not go from one part to the next")
	}
	r.stride = s.stride
	if len(r.stride) == 0 {
		r.stride = slices.Repeat([]int{1}, rank)
	}
	for _, list := range []*[]int{&r.kernel, &r.stride, &r.pads} {
		if len(*list)%rank != 0 {
			return nil, errors.New("the window has other axes")
		}
		*list = p.times(*list)
	}
	return &r, nil
}

// times is a list of numbers for the spatial axes, or several, by the steps.
func (p *SpaceToDepth) times(list []int) []int {
	var r []int
	for i, n := range list {
		r = append(r, n*p.step[i%len(p.step)])
	}
	return r
}

// weightShape is the shape of the tensor's weight, for one of the parts.
func (p *SpaceToDepth) weightShape(w []int) []int {
	return append([]int{w[0], w[1] / len(p.parts)}, p.times(w[2:])...)
}

// weight is the weight [M, parts·C, …] as one of the tensor's, [M, C, …].
func (p *SpaceToDepth) weight(w *tensor.Tensor) (*tensor.Tensor, error) {
	if w.Rank() != len(p.step)+2 || w.Shape[1]%len(p.parts) != 0 {
		return nil, fmt.Errorf("weight %v does not have %d parts", w.Shape, len(p.parts))
	}
	shape := p.weightShape(w.Shape)
	if w.IsOutline() {
		out := w.Outline()
		out.Shape = shape
		return out, nil
	}
	out, err := tensor.Make(w.DType, shape...)
	if err != nil {
		return nil, err
	}
	c, stride := shape[1], tensor.Strides(shape)
	window := slices.Concat([]int{shape[0], c}, w.Shape[2:])
	from := tensor.Strides(w.Shape)
	for k, first := range p.first {
		at, to := 0, slices.Clone(stride)
		for d, f := range first {
			at += f * stride[d+2]
			to[d+2] *= p.step[d]
		}
		copyStrided(&Call{}, window, out, at, to, w, k*c*from[1], from)
	}
	return out, nil
}

// String tells SpaceToDepth apart.
func (p *SpaceToDepth) String() string {
	if p == nil {
		return ""
	}
	return fmt.Sprint(p.step, p.first)
}
