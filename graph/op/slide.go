package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
)

// slide is how a window moves over the spatial axes, as the attributes of
// convolutions and pools state it. Nil lists are those left out.
type slide struct {
	kernel, stride, dilation, pads []int // pads: all begins, then all ends
	outPad, outShape               []int // of transposed convolutions
	auto                           string
	ceil                           bool
}

// slideLimit bounds each number of a slide, so that no sum of products of two
// of them overflows.
const slideLimit = 1 << 20

func slideOf(n *graph.Node) (*slide, error) {
	s := &slide{auto: n.Str("auto_pad", "NOTSET"), ceil: n.Int("ceil_mode", 0) != 0}
	for _, a := range []struct {
		name  string
		dst   *[]int
		least int64
	}{
		{"kernel_shape", &s.kernel, 1}, {"strides", &s.stride, 1}, {"dilations", &s.dilation, 1},
		{"pads", &s.pads, -slideLimit}, {"output_padding", &s.outPad, 0}, {"output_shape", &s.outShape, 0},
	} {
		for _, v := range n.Ints(a.name) {
			if v < a.least || v > slideLimit {
				return nil, fmt.Errorf("attribute %q has %d, want %d to %d", a.name, v, a.least, slideLimit)
			}
			*a.dst = append(*a.dst, int(v))
		}
	}
	switch s.auto {
	case "", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER":
	default:
		return nil, attrError("auto_pad", s.auto, "NOTSET, VALID, SAME_UPPER or SAME_LOWER")
	}
	return s, nil
}

// withKernel is s for a window of the given size, all lists filled in. The
// attribute kernel_shape must agree.
func (s *slide) withKernel(kernel []int) (*slide, error) {
	r, rank := *s, len(kernel)
	if s.kernel != nil && len(s.kernel) != rank {
		return nil, fmt.Errorf("attribute \"kernel_shape\" is %v, want %v", s.kernel, kernel)
	}
	for i, k := range kernel {
		if k < 1 || k > slideLimit {
			return nil, fmt.Errorf("kernel size %v is out of range", kernel)
		}
		if s.kernel != nil && s.kernel[i] != k {
			return nil, fmt.Errorf("attribute \"kernel_shape\" is %v, want %v", s.kernel, kernel)
		}
	}
	r.kernel = kernel
	for _, a := range []struct {
		name    string
		list    *[]int
		n, fill int
	}{
		{"strides", &r.stride, rank, 1}, {"dilations", &r.dilation, rank, 1},
		{"pads", &r.pads, 2 * rank, 0}, {"output_padding", &r.outPad, rank, 0},
	} {
		if len(*a.list) == 0 {
			*a.list = make([]int, a.n)
			for i := range *a.list {
				(*a.list)[i] = a.fill
			}
		}
		if len(*a.list) != a.n {
			return nil, fmt.Errorf("attribute %q has %d elements, want %d", a.name, len(*a.list), a.n)
		}
	}
	return &r, nil
}

// extent is how much of the input the window covers on axis i.
func (s *slide) extent(i int) int { return (s.kernel[i]-1)*s.dilation[i] + 1 }

func (s *slide) same() bool { return s.auto == "SAME_UPPER" || s.auto == "SAME_LOWER" }

// padding is the pads of axis i for an input of size in.
func (s *slide) padding(i, in int) (begin, end int) {
	switch {
	case s.auto == "VALID":
		return 0, 0
	case !s.same():
		return s.pads[i], s.pads[len(s.kernel)+i]
	}
	out := (in + s.stride[i] - 1) / s.stride[i]
	total := max((out-1)*s.stride[i]+s.extent(i)-in, 0)
	if in == 0 {
		total = 0
	}
	return s.halve(total)
}

// halve splits the padding total as auto_pad says.
func (s *slide) halve(total int) (begin, end int) {
	begin = total / 2
	if s.auto == "SAME_LOWER" {
		begin = total - begin
	}
	return begin, total - begin
}

// out is the number of window positions on axis i.
func (s *slide) out(i, in int) (int, error) {
	begin, end := s.padding(i, in)
	room, stride := in+begin+end-s.extent(i), s.stride[i]
	if in == 0 && room < 0 {
		return 0, nil
	}
	n := max(room+stride, 0) / stride
	if s.ceil && room > -stride && room%stride != 0 && n*stride < in+begin {
		n++ // the last window starts inside the input or its first padding
	}
	if n == 0 {
		return 0, fmt.Errorf("spatial axis %d: the window covers %d, the padded input is %d", i, s.extent(i), in+begin+end)
	}
	return n, nil
}

// outDim is out for a dimension that may be symbolic.
func (s *slide) outDim(i int, d graph.Dim) (graph.Dim, error) {
	if d.IsKnown() {
		n, err := s.out(i, int(d.Value))
		return graph.Known(int64(n)), err
	}
	begin, end := s.padding(i, s.extent(i))
	grow := begin + end - s.extent(i) + s.stride[i] // the size is ⌊(in+grow)/stride⌋
	if s.same() {
		grow = s.stride[i] - 1
	}
	if s.ceil && s.stride[i] != 1 {
		return graph.Unknown(), nil
	}
	return symbol.Of(d).Plus(symbol.Int(int64(grow))).Over(symbol.Int(int64(s.stride[i]))).Dim(), nil
}

// window is the geometry over an input of spatial shape in.
func (s *slide) window(in []int) (*kernel.Window, error) {
	rank := len(s.kernel)
	if len(in) != rank {
		return nil, fmt.Errorf("input 0 has %d spatial axes, want %d", len(in), rank)
	}
	out, begin, end := make([]int, rank), make([]int, rank), make([]int, rank)
	for i, d := range in {
		var err error
		if out[i], err = s.out(i, d); err != nil {
			return nil, err
		}
		begin[i], end[i] = s.padding(i, d)
	}
	return kernel.NewWindow(in, s.kernel, out, s.stride, s.dilation, begin, end)
}

// infer is the output shape: batch n, channels m and the window positions
// over the spatial dims.
func (s *slide) infer(n, m graph.Dim, in graph.Shape) (graph.Shape, error) {
	if len(in) != len(s.kernel) {
		return nil, fmt.Errorf("input 0 has %d spatial axes, want %d", len(in), len(s.kernel))
	}
	out := graph.Shape{n, m}
	for i, d := range in {
		o, err := s.outDim(i, d)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}
