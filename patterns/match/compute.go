package match

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
)

// compute makes the fields of n's outputs and links them to its inputs.
func (a *Analysis) compute(n *graph.Node, o flow.Flow) {
	if a.inside[n] {
		f := a.field(n.Outputs[0], n, Map)
		for _, i := range operands(n) {
			if v := n.Input(i); v != nil && !a.Static(v) {
				f.linkTo(v, a.aligned(f, v), 0, false, true)
			}
		}
		a.finish(f)
		return
	}
	if w, ok := a.written[n]; ok {
		f := a.field(n.Outputs[0], n, Gate)
		if w.Effect == flow.Softmax {
			f.Kind = Pick
		}
		a.activate(f, w.value, w.Flow, w.axis)
		a.finish(f)
		return
	}
	for i, v := range n.Outputs {
		if v == nil {
			continue
		}
		f := a.field(v, n, Map)
		switch o.Pass {
		case flow.Mapped:
			a.mapped(f, n, o)
		case flow.Combined:
			a.combined(f, n)
		case flow.Reduced, flow.Located:
			a.reduced(f, n, o)
		case flow.Ranked:
			a.ranked(f, n, i)
		case flow.Contracted:
			a.contracted(f, n, o)
		case flow.Cropped, flow.Sampled:
			a.placed(f, n, o)
		case flow.Selected, flow.Chosen:
			a.selected(f, n, o)
		case flow.Compared, flow.Conditioned:
			a.compared(f, n, o)
		default:
			a.dark(f, n)
		}
		a.finish(f)
		if i > 0 && o.Pass != flow.Ranked {
			f.links = nil // the first output has them
		}
	}
}

// aligned maps axes one to one from the right, as broadcasting does; dimensions
// of size 1 that the field has not are -1.
func (a *Analysis) aligned(f *Field, v *graph.Value) []int {
	w := a.View(v)
	dims := make([]int, len(f.Shape))
	s := a.shape(v)
	for d := range dims {
		dims[d] = -1
		if w == nil {
			continue
		}
		k := d - (len(dims) - w.Rank)
		if k < 0 || s != nil && k < len(s) && s[k].Value == 1 && f.Shape[d].Value != 1 {
			continue
		}
		dims[d] = k
	}
	return dims
}

// linkTo adds a link.
func (f *Field) linkTo(v *graph.Value, dims []int, m Marks, gate, stop bool) {
	f.links = append(f.links, link{v, dims, m, gate, stop})
}

// finish completes a field whose links are set.
func (a *Analysis) finish(f *Field) {
	if n := f.Node; n != nil && (n.Op == "TopK" && f.Value.Index() == 1 || n.Op == "ArgMax" || n.Op == "ArgMin" || n.Op == "NonZero") {
		f.Position = true
	}
	a.inherit(f)
	a.sizes(f)
	f.Places = a.places(f)
	f.Pooled = a.pooled(f)
	f.Stride = a.stride(f)
	a.letters(f)
}

// sizes fills in what inference left open of f's shape: a layer's channels from
// its weights, other sizes from what f is computed from.
func (a *Analysis) sizes(f *Field) {
	if f.Shape == nil || f.Shape.IsStatic() || f.reshaped {
		return
	}
	f.Shape = f.Shape.Clone()
	if f.Kind == Weighing && f.Chan >= 0 && !f.Shape[f.Chan].IsKnown() {
		f.Shape[f.Chan] = a.weightChannels(f.Node)
	}
	for _, l := range f.links {
		w := a.View(l.value)
		if w == nil || f.Kind == Weighing || f.Kind == Pairing {
			continue
		}
		for d, k := range l.dims {
			if k < 0 || k >= w.Rank || f.Shape[d].IsKnown() {
				continue
			}
			if n := w.Extent(k); n > 1 {
				f.Shape[d] = graph.Known(n)
			}
		}
	}
	a.views[f.Value] = f.view()
}

// weightChannels is how many channels the weights of n make.
func (a *Analysis) weightChannels(n *graph.Node) graph.Dim {
	w := a.shape(n.Input(operands(n)[1]))
	switch {
	case n.Op == "Conv" && len(w) > 2, n.Op == "QLinearConv" && len(w) > 2, n.Op == "FusedConv" && len(w) > 2:
		return w[0]
	case n.Op == "MatMul" && len(w) == 2 && a.Static(n.Input(1)):
		return w[1]
	case n.Op == "Gemm" && len(w) == 2:
		return w[1-n.Int("transB", 0)]
	}
	return graph.Unknown()
}

// inherit takes the channel axis, the root and the activity of f from what it
// is computed from, where they are not its own.
func (a *Analysis) inherit(f *Field) {
	own := f.Kind == Weighing || f.Kind == Pairing || f.Kind == Dark || f.Kind == Source
	if own {
		if f.Root == nil && f.Kind != Source {
			f.Root, f.RootSpan = f, All
		}
		return
	}
	f.Active = f.Kind == Gate || f.Kind == Pick
	for _, l := range f.links {
		if l.stop {
			continue
		}
		v := a.View(l.value)
		if v == nil || len(v.Pieces) == 0 {
			continue
		}
		p := &v.Pieces[0]
		f.Active = f.Active || p.Field.Active
		f.Position = f.Position || p.Field.Position && f.Root == nil
		if f.Chan < 0 {
			if c := v.ChanDim(); c >= 0 {
				f.Chan = slices.Index(l.dims, c)
			}
		}
		if f.Root == nil {
			f.Root, f.RootSpan = p.root()
		}
	}
}

// root is the layer behind a piece, and the part of its channels.
func (p *Piece) root() (*Field, Span) {
	f := p.Field
	return f.Root, compose(f.RootSpan, p.Span())
}

// compose is the part of a span t of channels that are themselves the span s.
func compose(s, t Span) Span {
	switch {
	case t == All:
		return s
	case s == All:
		return t
	case t.Stride == 0 && t.Stop >= 0:
		return Span{s.Start + t.Start, s.Start + t.Stop, s.Stride}
	case t.Stride != 0 && s.Stride == 0:
		return Span{(s.Start + t.Start) % t.Stride, (s.Start+t.Start)%t.Stride + t.Stop - t.Start, t.Stride}
	}
	return s
}

func (a *Analysis) activate(f *Field, v *graph.Value, o flow.Flow, axis int) {
	m := marks[o.Effect]
	if o.Effect == flow.Softmax {
		w := a.View(v)
		if axis < 0 {
			axis += len(f.Shape)
		}
		if w != nil && w.ChanDim() >= 0 && w.ChanDim() != axis && len(w.Pieces) > 0 && !w.holds(axis) {
			m = SoftmaxRow
		} else if axis < len(f.Shape) && axis >= 0 {
			f.Chan = axis
		}
	}
	f.linkTo(v, a.aligned(f, v), m, true, false)
}

// holds reports whether dimension d shows a digit of channels.
func (v *View) holds(d int) bool {
	for i := range v.Pieces {
		p := &v.Pieces[i]
		if d >= 0 && d < len(p.Dims) {
			for _, x := range p.Dims[d] {
				if x.Axis == p.Field.Chan && x.Size != 1 {
					return true
				}
			}
		}
	}
	return false
}

func (a *Analysis) softmaxAxis(n *graph.Node) int {
	if n.Graph() == nil || n.Graph().Opset("") >= 13 {
		return int(n.Int("axis", -1))
	}
	return int(n.Int("axis", 1))
}

func (a *Analysis) mapped(f *Field, n *graph.Node, o flow.Flow) {
	switch o.Effect {
	case flow.Sigmoid:
		f.Kind = Gate
		a.activate(f, n.Input(0), o, -1)
		return
	case flow.Softmax:
		f.Kind = Pick
		a.activate(f, n.Input(0), o, a.softmaxAxis(n))
		return
	case flow.Normalization:
		if a.unfolds(f, n) {
			return
		}
	}
	m := marks[o.Effect]
	if m.Has(Norm | Pool | Resize) {
		if s := a.shape(n.Input(0)); s != nil && f.Shape == nil {
			f.Shape = make(graph.Shape, len(s))
			for i := range s {
				f.Shape[i] = graph.Unknown()
			}
			a.views[f.Value] = f.view()
		}
	}
	f.linkTo(n.Input(0), a.aligned(f, n.Input(0)), m, false, o.Places == flow.Blocked || o.Places == flow.Unblocked)
	for i, v := range n.Inputs {
		if i > 0 && v != nil && !a.Static(v) {
			f.linkTo(v, nil, Contract, false, true)
		}
	}
}
