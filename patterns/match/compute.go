package match

import (
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	table "github.com/onnxloss/onnxloss/graph/op"
)

// compute makes the fields of n's outputs and links them to its inputs.
func (a *Analysis) compute(n *graph.Node, o operator) {
	if w, ok := a.written(n); ok {
		f := a.field(n.Outputs[0], n, Gate)
		if w.role == picks {
			f.Kind = Pick
		}
		a.activate(f, w.value, w.operator, w.axis)
		a.finish(f)
		return
	}
	for i, v := range n.Outputs {
		if v == nil {
			continue
		}
		f := a.field(v, n, Map)
		switch o.role {
		case gates:
			f.Kind = Gate
			a.activate(f, n.Input(0), o, -1)
		case picks:
			f.Kind = Pick
			a.activate(f, n.Input(0), o, a.softmaxAxis(n))
		case maps:
			a.mapped(f, n, o)
		case combines:
			a.combined(f, n)
		case reduces, argues:
			a.reduced(f, n, o)
		case ranks:
			a.ranked(f, n, i)
		case contracts:
			a.contracted(f, n)
		case selects, chooses:
			a.selected(f, n, o)
		case compares, indexes:
			a.compared(f, n, o)
		default:
			a.dark(f, n)
		}
		a.finish(f)
		if i > 0 && o.role != ranks {
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
	a.letters(f)
}

// sizes fills in what inference left open of f's shape: a layer's channels from
// its weights, other sizes from what f is computed from.
func (a *Analysis) sizes(f *Field) {
	if f.Shape == nil || f.Shape.IsStatic() {
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
			if n := w.extent(k); n > 1 {
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

func (a *Analysis) activate(f *Field, v *graph.Value, o operator, axis int) {
	m := o.mark
	if o.role == picks {
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

func (a *Analysis) mapped(f *Field, n *graph.Node, o operator) {
	if n.Op == "Exp" && a.partOfActivation(n) {
		f.linkTo(n.Input(0), nil, 0, false, true)
		return
	}
	if o.mark == Norm || o.mark == Pool || o.mark == Resize {
		if s := a.shape(n.Input(0)); s != nil && f.Shape == nil {
			f.Shape = make(graph.Shape, len(s))
			for i := range s {
				f.Shape[i] = graph.Unknown()
			}
			a.views[f.Value] = f.view()
		}
	}
	f.linkTo(n.Input(0), a.aligned(f, n.Input(0)), o.mark, false, n.Op == "DepthToSpace" || n.Op == "SpaceToDepth")
	for i, v := range n.Inputs {
		if i > 0 && v != nil && !a.Static(v) {
			f.linkTo(v, nil, Contract, false, true)
		}
	}
}

func (a *Analysis) reduced(f *Field, n *graph.Node, o operator) {
	x := n.Input(0)
	w := a.View(x)
	if w == nil {
		f.linkTo(x, nil, MaxRow, false, false)
		return
	}
	list, ok := a.ints(n, "axes", 1)
	if o.role == argues {
		list, ok = []int64{n.Int("axis", 0)}, true
	}
	keep := n.Int("keepdims", 1) != 0
	gone, fine := axes(list, w.Rank)
	if !ok || !fine || len(gone) == 0 {
		gone = nil
		for d := range w.Rank {
			gone = append(gone, d)
		}
	}
	dims := make([]int, 0, w.Rank)
	for d := range w.Rank {
		switch {
		case !slices.Contains(gone, d):
			dims = append(dims, d)
		case keep:
			dims = append(dims, -1)
		}
	}
	m := MaxRow
	c := w.ChanDim()
	if c >= 0 && slices.Contains(gone, c) && len(gone) < w.Rank {
		switch {
		case o.role == argues:
			m = ArgMax
		case n.Op == "ReduceMax":
			m = MaxChan
		default:
			m = SumChan
		}
	}
	if len(f.Shape) != len(dims) {
		dims = nil
	}
	f.linkTo(x, dims, m, false, o.role == argues)
}

func (a *Analysis) ranked(f *Field, n *graph.Node, i int) {
	x := n.Input(0)
	m := TopK
	if w := a.View(x); w != nil {
		axis := int(n.Int("axis", -1))
		if axis < 0 {
			axis += w.Rank
		}
		if c := w.ChanDim(); c == axis && len(w.Pieces) > 0 && len(w.Pieces[0].Dims[c]) == 1 && w.Pieces[0].Dims[c][0].Size != 1 {
			m = TopKChan
		}
	}
	f.linkTo(x, a.aligned(f, x), m, false, i == 1)
}

func (a *Analysis) selected(f *Field, n *graph.Node, o operator) {
	if o.role == chooses {
		f.linkTo(n.Input(0), nil, Index, false, true)
		for _, i := range []int{1, 2} {
			if v := n.Input(i); v != nil && !a.Static(v) {
				f.linkTo(v, a.aligned(f, v), 0, false, false)
			}
		}
		return
	}
	f.linkTo(n.Input(0), a.selectDims(f, n), 0, false, false)
	for i, v := range n.Inputs {
		switch {
		case i == 0 || v == nil || a.Static(v):
		case i == 2:
			f.linkTo(v, nil, 0, false, false)
		default:
			f.linkTo(v, nil, Index, false, true)
		}
	}
}

// selectDims says which dimension of its data each axis of a selection is.
func (a *Analysis) selectDims(f *Field, n *graph.Node) []int {
	w := a.View(n.Input(0))
	if w == nil || f.Shape == nil {
		return nil
	}
	dims := make([]int, len(f.Shape))
	for d := range dims {
		dims[d] = d
	}
	switch n.Op {
	case "Gather":
		axis := int(n.Int("axis", 0))
		if axis < 0 {
			axis += w.Rank
		}
		more := len(dims) - w.Rank
		for d := range dims {
			switch {
			case d < axis:
			case d <= axis+more:
				dims[d] = -1
				if more == 0 {
					dims[d] = d
				}
			default:
				dims[d] = d - more
			}
		}
	case "GatherND":
		for d := range dims {
			k := d + w.Rank - len(dims)
			dims[d] = -1
			if k >= 0 && k < w.Rank && d >= len(a.shape(n.Input(1)))-1 {
				dims[d] = k
			}
		}
	case "Compress":
		if len(dims) != w.Rank {
			return nil
		}
	}
	return dims
}

func (a *Analysis) compared(f *Field, n *graph.Node, o operator) {
	for _, v := range n.Inputs {
		if v == nil || a.Static(v) {
			continue
		}
		m := Index
		if o.mark != 0 {
			m = o.mark
		}
		f.linkTo(v, nil, m, false, true)
	}
}

// dark links a node that nothing is known of: a suppression by the shapes of
// its inputs, anything else as opaque.
func (a *Analysis) dark(f *Field, n *graph.Node) {
	f.Kind = Dark
	roles := a.suppression(n)
	for i, v := range n.Inputs {
		if v == nil || a.Static(v) {
			continue
		}
		m := Opaque
		if roles != nil {
			m = roles[i]
		}
		if n.Domain == "body" {
			f.linkTo(v, nil, 0, false, false)
			continue
		}
		f.linkTo(v, nil, m, false, true)
	}
}

// suppression tells boxes and scores of a non-maximum suppression, ONNX's or
// another's: every operator that is called so has its boxes first and then its
// scores. Others that no table knows are taken for one by their shapes: boxes
// have 4 numbers a row, scores as many rows. It is nil for any other operator.
func (a *Analysis) suppression(n *graph.Node) []Marks {
	if lookup(n).role != unknown || layouts[n.Op] != nil || len(n.Subgraphs()) > 0 || graph.CanonicalDomain(n.Domain) == "" && n.Op != "NonMaxSuppression" && table.Lookup("", n.Op) != nil {
		return nil
	}
	r := make([]Marks, len(n.Inputs))
	if name := strings.ToLower(n.Op); (strings.Contains(name, "nms") || strings.Contains(name, "nonmaxsuppression")) && len(r) >= 2 {
		for i := range r {
			r[i] = []Marks{NMSBox, NMSScore, 0, 0, 0}[min(i, 4)]
		}
		return r
	}
	boxes := -1
	for i, v := range n.Inputs {
		s := a.shape(v)
		if v == nil || a.Static(v) || len(s) < 2 {
			continue
		}
		switch {
		case boxes < 0 && s[len(s)-1].Value == 4:
			boxes, r[i] = i, NMSBox
		case boxes >= 0 && sharesRows(a.shape(n.Inputs[boxes]), s):
			r[i] = NMSScore
		}
	}
	for _, m := range r {
		if m == NMSScore {
			return r
		}
	}
	return nil
}

// sharesRows reports whether scores of shape s may belong to boxes of shape b.
func sharesRows(b, s graph.Shape) bool {
	for _, d := range b[:len(b)-1] {
		for _, e := range s {
			if d.Value != 1 && (d.Same(e) || !d.IsKnown() && !e.IsKnown()) {
				return true
			}
		}
	}
	return false
}
