package verify

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// gather reads the canonical rows [N, A, C] of a head's levels straight from
// the tensors of the original network, by the manifest's description: for each
// image, level, row, column and anchor, the class channels.
func gather(levels []patterns.PartRecord, sources []*tensor.Tensor, classes int) (*tensor.Tensor, error) {
	parts := make([]*rows, len(levels))
	images, anchors := -1, 0
	for i, l := range levels {
		r, err := newRows(l, sources[i], classes)
		if err != nil {
			return nil, fmt.Errorf("level %d, %q: %w", i, l.Source, err)
		}
		if images >= 0 && r.images != images {
			return nil, fmt.Errorf("level %d, %q: %d images, want %d as level 0 has", i, l.Source, r.images, images)
		}
		parts[i], images = r, r.images
		anchors += r.count()
	}
	out := make([]float32, 0, images*anchors*classes)
	for n := range images {
		for _, r := range parts {
			out = r.append(out, n)
		}
	}
	return tensor.Of([]int{images, anchors, classes}, out), nil
}

// rows reads one level. Each loop has a length and a stride into data; those
// of the anchors are two, since anchors may share the channel axis.
type rows struct {
	data            []float32
	images, classes int
	imageStride     int
	classStride     int
	at              int // offset of the first class channel
	loops           [4]loop
}

// loop is one of: merged rows or rows, columns, anchors, groups of channels.
type loop struct{ n, stride int }

func newRows(l patterns.PartRecord, t *tensor.Tensor, classes int) (*rows, error) {
	if t == nil || t.DType != tensor.Float32 || len(l.Layout) != t.Rank() {
		return nil, fmt.Errorf("%v does not have the layout %q", t, l.Layout)
	}
	r := &rows{data: tensor.Data[float32](t), images: 1, classes: classes}
	for i := range r.loops {
		r.loops[i] = loop{1, 0}
	}
	strides := tensor.Strides(t.Shape)
	for i, a := range l.Layout {
		n, s := t.Shape[i], strides[i]
		switch a {
		case 'N':
			r.images, r.imageStride = n, s
		case 'H', 'R':
			r.loops[0] = loop{n, s}
		case 'W':
			r.loops[1] = loop{n, s}
		case 'A':
			r.loops[2] = loop{n, s}
		case 'C':
			if err := r.channels(l.Slice, n, s); err != nil {
				return nil, err
			}
		case '1':
		default:
			return nil, fmt.Errorf("layout %q: no such axis %q", l.Layout, a)
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
		return fmt.Errorf("channels %d to %d of groups of %d do not give %d classes of %d channels", start, stop, group, r.classes, n)
	}
	r.at, r.classStride = start*stride, stride
	r.loops[3] = loop{n / group, group * stride}
	return nil
}

func (r *rows) count() int {
	n := 1
	for _, l := range r.loops {
		n *= l.n
	}
	return n
}

func (r *rows) append(out []float32, image int) []float32 {
	a, b, c, d := r.loops[0], r.loops[1], r.loops[2], r.loops[3]
	for i := range a.n {
		for j := range b.n {
			for k := range c.n {
				for m := range d.n {
					p := image*r.imageStride + i*a.stride + j*b.stride + k*c.stride + m*d.stride + r.at
					for range r.classes {
						out = append(out, r.data[p])
						p += r.classStride
					}
				}
			}
		}
	}
	return out
}
