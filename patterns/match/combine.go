package match

import (
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
)

// combined links a node that works element by element on several operands.
func (a *Analysis) combined(f *Field, n *graph.Node) {
	var data, fixed []*graph.Value
	for _, i := range operands(n) {
		switch v := n.Input(i); {
		case v == nil:
		case a.Static(v):
			fixed = append(fixed, v)
		default:
			data = append(data, v)
		}
	}
	mul := n.Op == "Mul" || n.Op == "Div" || n.Op == "QLinearMul"
	if len(data) == 1 {
		m := Clip
		switch {
		case mul:
			m = a.spread(data[0], fixed, Scale, ScaleChan, ScaleRow)
		case n.Op == "Add" || n.Op == "Sub" || n.Op == "Sum" || n.Op == "QLinearAdd":
			m = a.spread(data[0], fixed, Shift, ShiftChan, ShiftRow)
		case n.Op == "Pow" || n.Op == "Mod":
			m = Power
		}
		f.linkTo(data[0], a.aligned(f, data[0]), m, false, false)
		return
	}
	big := a.widest(data)
	marks := make([]Marks, len(data))
	for i := range data {
		if marks[i] = Sum; !mul {
			continue
		}
		marks[i] = Product
		switch {
		case i != big && a.channelsOf(data[i], data[big]) == 1 && a.channelsOf(data[big], data[big]) != 1:
			marks[i] = Factor
		case i == big && len(data) == 2 && a.channelsOf(data[1-i], data[i]) == 1 && a.channelsOf(data[i], data[i]) != 1:
			marks[i] = Factored
		}
	}
	if !mul && len(data) == 2 && a.mixes(data[0], data[1]) {
		marks[0], marks[1] = marks[0]|ChanMix, marks[1]|ChanMix
	}
	for i, v := range data {
		switch {
		case len(data) != 2:
		case !mul && a.position(data[1-i]) && !a.position(v):
			marks[i] = ShiftRow
		case mul && a.swish(v, data[1-i]):
			marks[0], marks[1] = Rectify, Rectify
		case n.Op == "Div" && i == 0 && a.normOf(data[1], v):
			marks[0], marks[1] = Norm, Norm
		}
	}
	f.linkTo(data[big], a.aligned(f, data[big]), marks[big], false, false)
	for i, v := range data {
		if i != big {
			f.linkTo(v, a.aligned(f, v), marks[i], false, false)
		}
	}
}

// spread tells a constant operand that is one number from one that differs
// from channel to channel and one that differs from row to row of v.
func (a *Analysis) spread(v *graph.Value, fixed []*graph.Value, number, channel, row Marks) Marks {
	w := a.View(v)
	m := number
	for _, c := range fixed {
		s := a.shape(c)
		if s == nil {
			return row
		}
		cd := -1
		if w != nil {
			cd = w.ChanDim() - w.Rank // from the right, negative
			if w.ChanDim() < 0 {
				cd = -99
			}
		}
		for d, x := range s {
			k := d - len(s)
			switch {
			case x.Value == 1:
			case k == cd:
				m = max(m, channel)
			case w != nil && k == -w.Rank && len(s) > 2 && !x.IsKnown():
			default:
				m = max(m, row)
			}
		}
	}
	return m
}

// widest is the operand with the most channels; of equals one that comes from
// a layer, then the first.
func (a *Analysis) widest(data []*graph.Value) int {
	best, most := 0, int64(-2)
	for i, v := range data {
		w := a.View(v)
		if w == nil {
			continue
		}
		n := int64(0)
		if c := w.ChanDim(); c >= 0 {
			n = 1
			if s := a.shape(v); s != nil && c < len(s) && s[c].Value != 1 {
				n = 1 << 40
				if s[c].IsKnown() {
					n = s[c].Value
				}
			}
		}
		if n > most {
			best, most = i, n
		}
	}
	return best
}

// channelsOf is the size of v where the channels of ref are, as broadcasting
// aligns the two; -1 if unknown.
func (a *Analysis) channelsOf(v, ref *graph.Value) int64 {
	w, s := a.View(ref), a.shape(v)
	if w == nil || s == nil {
		return -1
	}
	c := w.ChanDim()
	if c < 0 {
		return -1
	}
	k := c - w.Rank + len(s)
	if k < 0 {
		return 1
	}
	return s[k].Value
}

// position reports whether v is made of indices.
func (a *Analysis) position(v *graph.Value) bool {
	w := a.View(v)
	return w != nil && len(w.Pieces) > 0 && w.Pieces[0].Field.Position
}

// swish reports whether g is the sigmoid of v: x·σ(x) is a rectifier.
func (a *Analysis) swish(v, g *graph.Value) bool {
	f := a.fields[a.unwrapped(g)]
	return f != nil && f.Kind == Gate && a.unwrapped(f.Reads()) == a.unwrapped(v)
}

// normOf reports whether y is the length of the vectors x, kept from zero and
// repeated: x/|x| is a normalization.
func (a *Analysis) normOf(y, x *graph.Value) bool {
	for range 8 {
		n := a.producer(y)
		if n == nil {
			return false
		}
		switch n.Op {
		case "ReduceL2", "ReduceL1":
			return a.unwrapped(n.Input(0)) == a.unwrapped(x)
		case "ReduceSum", "ReduceMean":
			square := a.producer(n.Input(0))
			return square != nil && (square.Op == "Mul" && square.Input(0) == square.Input(1) || square.Op == "Pow" || square.Op == "Abs") &&
				a.unwrapped(square.Input(0)) == a.unwrapped(x)
		case "Expand", "Clip", "Max", "Add", "Sqrt", "Pow", "Unsqueeze":
			y = n.Input(0)
		default:
			return false
		}
	}
	return false
}

// mixes reports whether x and y are different channels of one layer.
func (a *Analysis) mixes(x, y *graph.Value) bool {
	v, w := a.View(x), a.View(y)
	if v == nil || w == nil {
		return false
	}
	for i := range min(len(v.Pieces), 8) {
		f, s := v.Pieces[i].root()
		for j := range min(len(w.Pieces), 8) {
			g, t := w.Pieces[j].root()
			if f != nil && f == g && !s.Meets(t) {
				return true
			}
		}
	}
	return false
}

// contracted makes f the output of a layer or of a product of two data.
func (a *Analysis) contracted(f *Field, n *graph.Node, o flow.Flow) {
	x, w := n.Input(0), n.Input(operands(n)[1])
	f.Kind = Weighing
	f.Chan = a.layerChannels(f, n, o, x, w)
	mark := Layer
	if !a.Static(x) && !a.Static(w) {
		f.Kind, mark = Pairing, Contract
	}
	for _, v := range []*graph.Value{x, w} {
		if a.Static(v) {
			continue
		}
		if a.remixes(f, n, v) {
			f.Kind, f.Chan = Map, -1
			f.linkTo(v, a.aligned(f, v), ChanMix, false, false)
			continue
		}
		if a.weighs(f, v) {
			f.Kind, f.Chan = Map, -1
			f.linkTo(v, nil, Weighted, false, false)
			continue
		}
		f.linkTo(v, nil, mark, false, true)
		if u := a.View(v); mark == Contract && u != nil && len(u.Pieces) > 0 && u.Pieces[0].Field.Kind == Pick {
			a.attention = true
		}
	}
}

// placed makes f what is read of a map in regions or at places that are data.
func (a *Analysis) placed(f *Field, n *graph.Node, o flow.Flow) {
	at := Region
	if o.Pass == flow.Sampled {
		at = Index
	}
	f.Kind = Dark
	f.linkTo(n.Input(0), nil, Layer, false, true)
	f.linkTo(n.Input(1), nil, at, false, true)
}

// layerChannels is the axis of a layer's output that its weights make.
func (a *Analysis) layerChannels(f *Field, n *graph.Node, o flow.Flow, x, w *graph.Value) int {
	rank := len(f.Shape)
	switch o.Channels {
	case flow.Equation:
		in, out, ok := strings.Cut(strings.ReplaceAll(n.Str("equation", ""), " ", ""), "->")
		first, second, two := strings.Cut(in, ",")
		if !ok || !two {
			return rank - 1
		}
		if a.Static(x) {
			second = first
		}
		other := first
		if a.Static(x) {
			_, other, _ = strings.Cut(in, ",")
		}
		for i, c := range out {
			if strings.ContainsRune(second, c) && !strings.ContainsRune(other, c) {
				return i
			}
		}
		return rank - 1
	case flow.Product:
		if a.Static(x) && rank >= 2 {
			return rank - 2
		}
		return rank - 1
	case flow.Last:
		return rank - 1
	}
	return min(1, rank-1)
}

// remixes reports whether n multiplies v with a constant matrix of no more
// than 8 rows and columns: coordinates become other coordinates.
func (a *Analysis) remixes(f *Field, n *graph.Node, v *graph.Value) bool {
	if n.Op != "MatMul" || v != n.Input(0) || f.Kind != Weighing {
		return false
	}
	s := a.shape(n.Input(1))
	w := a.View(v)
	return w != nil && len(f.Shape) == w.Rank && len(s) == 2 && s[0].IsKnown() && s[0].Same(s[1]) && s[0].Value <= 8
}

// weighs reports whether the layer that makes f takes a weighted mean of the
// softmax v: one number for each distribution.
func (a *Analysis) weighs(f *Field, v *graph.Value) bool {
	w := a.View(v)
	if w == nil || len(w.Pieces) == 0 || f.Kind != Weighing {
		return false
	}
	if !slices.ContainsFunc(w.Pieces, func(p Piece) bool { return p.Field.Kind == Pick }) {
		return false
	}
	return len(f.Shape) < w.Rank || f.Channels() == 1
}
