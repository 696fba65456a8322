package emit

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// Canonical appends the nodes that join the parts, one per level, into
// one tensor [N, A, C] of element type float32 or float64: levels in order,
// then rows, columns, anchors.
func Canonical(parts []patterns.Part) (*graph.Value, error) {
	if len(parts) == 0 {
		return nil, fmt.Errorf("the head has no levels")
	}
	g := parts[0].Source.Graph()
	rows := make([]*graph.Value, len(parts))
	for i, p := range parts {
		if p.Source.Graph() != g {
			return nil, fmt.Errorf("level %d: %q and %q are in different graphs", i, p.Source.Name, parts[0].Source.Name)
		}
		v, err := canonicalRows(p)
		if err != nil {
			return nil, fmt.Errorf("level %d: %q: %w", i, p.Source.Name, err)
		}
		rows[i] = v
	}
	out := rows[0]
	if len(rows) > 1 {
		out = op.Concat(1, rows...)
	}
	if out != nil && (out.Type.DType == tensor.Float16 || out.Type.DType == tensor.BFloat16) {
		out = op.Cast(out, tensor.Float32)
	}
	return out, g.Err()
}

// canonicalRows is one part as [N, A, C].
func canonicalRows(p patterns.Part) (*graph.Value, error) {
	if t := &p.Source.Type; t.DType == tensor.Invalid {
		t.DType = tensor.Float32 // the output of an operator that the table lacks
	}
	if err := checkLayout(p); err != nil {
		return nil, err
	}
	v, layout := ungroup(p)
	if n := p.Slice.Len(); n != p.Slice.Stride {
		axis := int64(layout.ChannelAxis())
		v = op.Slice(v, axis, int64(p.Slice.Start), int64(p.Slice.Stop))
	}
	v, layout = order(v, layout)
	switch {
	case (layout == "NRC" || layout == "N1C") && p.Source.Shape()[p.Layout.ChannelAxis()].IsKnown():
		return v, nil
	case layout.Index(patterns.Batch) < 0:
		return op.Reshape(v, 1, -1, int64(p.Slice.Len())), nil
	}
	return op.Reshape(v, 0, -1, int64(p.Slice.Len())), nil
}

// checkLayout checks a part against what is known of its tensor.
func checkLayout(p patterns.Part) error {
	shape, c := p.Source.Shape(), p.Layout.ChannelAxis()
	if len(shape) != len(p.Layout) || c < 0 {
		return fmt.Errorf("layout %s does not fit shape %v", p.Layout, shape)
	}
	s := p.Slice
	if s.Stop < 0 || s.Stride < 0 {
		return fmt.Errorf("the graph does not fix the number of classes")
	}
	if s.Start < 0 || s.Len() <= 0 || s.Stop > s.Stride {
		return fmt.Errorf("invalid slice: channels %d to %d of %d", s.Start, s.Stop, s.Stride)
	}
	if n := shape[c]; !n.IsKnown() && s != (patterns.Slice{Stop: s.Stride, Stride: s.Stride}) || n.IsKnown() && int(n.Value)%s.Stride != 0 {
		return fmt.Errorf("axis %d of %v is not a multiple of %d channels", c, shape, s.Stride)
	}
	return nil
}

// ungroup splits anchors that share the channel axis off into an axis of their own. It
// merges the axes after the channels into one, so that dynamic sizes need no computed
// shape; these are in row-major order already.
func ungroup(p patterns.Part) (*graph.Value, patterns.Layout) {
	c := p.Layout.ChannelAxis()
	groups := p.Source.Shape()[c].Value / int64(p.Slice.Stride)
	if !p.Source.Shape()[c].IsKnown() || groups == 1 {
		return p.Source, p.Layout
	}
	dims := make([]int64, c, c+3)
	dims = append(dims, groups, int64(p.Slice.Stride))
	layout := p.Layout[:c] + "AC"
	if c+1 < len(p.Layout) {
		dims = append(dims, -1)
		layout += "R"
	}
	return op.Reshape(p.Source, dims...), layout
}

// order transposes to batch, rows, columns, merged rows, anchors, channels.
func order(v *graph.Value, l patterns.Layout) (*graph.Value, patterns.Layout) {
	var perm []int64
	var sorted patterns.Layout
	for _, a := range "NHWR1AC" {
		for i := range len(l) {
			if rune(l[i]) == a {
				perm = append(perm, int64(i))
				sorted += l[i : i+1]
			}
		}
	}
	if sorted == l {
		return v, l
	}
	return op.Transpose(v, perm...), sorted
}
