package verify

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// gather reads the canonical rows [N, A, C] of a head's levels directly from
// the tensors of the original network, as described by the manifest: the class
// channels of each image, level, row, column and anchor.
func gather(levels []patterns.PartRecord, sources []*tensor.Tensor, classes int) (*tensor.Tensor, error) {
	parts := make([]*rows, len(levels))
	images, anchors := -1, 0
	for i, l := range levels {
		r, err := newRows(l, sources[i], classes)
		if err != nil {
			return nil, fmt.Errorf("level %d, %q: %w", i, l.Source, err)
		}
		if images >= 0 && r.images != images {
			return nil, fmt.Errorf("level %d, %q: %d images, but level 0 has %d", i, l.Source, r.images, images)
		}
		parts[i], images = r, r.images
		anchors += r.count()
	}
	out := make([]float64, 0, images*anchors*classes)
	for n := range images {
		for _, r := range parts {
			out = r.append(out, n)
		}
	}
	return tensor.Of([]int{images, anchors, classes}, out), nil
}

// rows reads one level by nested loops over positions and anchors, outermost
// first. Anchors that share the channel axis are the innermost loop.
type rows struct {
	data            []float64
	images, classes int
	imageStride     int
	classStride     int
	at              int // offset of the first class channel
	loops           []loop
}

// loop is one loop: its length and its stride in the data.
type loop struct{ n, stride int }

func newRows(l patterns.PartRecord, t *tensor.Tensor, classes int) (*rows, error) {
	if t == nil || !t.DType.IsFloat() || len(l.Layout) != t.Rank() {
		return nil, fmt.Errorf("%v does not have the layout %q", t, l.Layout)
	}
	r := &rows{data: op.Floats(t), images: 1, classes: classes}
	strides := tensor.Strides(t.Shape)
	for _, a := range "NHWR1AC" {
		for i := range t.Shape {
			if rune(l.Layout[i]) != a {
				continue
			}
			switch n, s := t.Shape[i], strides[i]; a {
			case 'N':
				r.images, r.imageStride = n, s
			case 'C':
				if err := r.channels(l.Slice, n, s); err != nil {
					return nil, err
				}
			default:
				r.loops = append(r.loops, loop{n, s})
			}
		}
	}
	return r, nil
}

func (r *rows) channels(s *patterns.SliceRecord, n, stride int) error {
	start, stop, group := 0, n, n
	if s != nil {
		start, stop = s.Start, s.Stop
		if s.Stride != nil {
			group = *s.Stride
		}
	}
	if start < 0 || stop-start != r.classes || group <= 0 || stop > group || n%group != 0 {
		return fmt.Errorf("channels %d to %d in groups of %d do not select %d classes from %d channels", start, stop, group, r.classes, n)
	}
	r.at, r.classStride = start*stride, stride
	r.loops = append(r.loops, loop{n / group, group * stride})
	return nil
}

func (r *rows) count() int {
	n := 1
	for _, l := range r.loops {
		n *= l.n
	}
	return n
}

// append adds the rows of one image to out.
func (r *rows) append(out []float64, image int) []float64 {
	at := make([]int, len(r.loops))
	for range r.count() {
		p := image*r.imageStride + r.at
		for i, l := range r.loops {
			p += at[i] * l.stride
		}
		for range r.classes {
			out = append(out, r.data[p])
			p += r.classStride
		}
		for i := len(at) - 1; i >= 0; i-- {
			if at[i]++; at[i] < r.loops[i].n {
				break
			}
			at[i] = 0
		}
	}
	return out
}
