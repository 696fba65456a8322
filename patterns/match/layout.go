package match

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
)

// layouts are the operators that move elements and compute none: each gives
// the views of its outputs from those of its inputs, nil where it cannot say.
var layouts = map[string]func(a *Analysis, n *graph.Node) []*View{
	"Identity": same, "Cast": same, "CastLike": same, "Dropout": same, "QuantizeLinear": same, "DequantizeLinear": same,
	"OptionalGetElement": same, "Optional": same, "Contiguous": same, "DynamicQuantizeLinear": same,
	"Reshape": viewReshape, "Flatten": viewReshape, "Squeeze": viewSqueeze, "Unsqueeze": viewUnsqueeze,
	"Transpose": viewTranspose, "Slice": viewSlice, "Split": viewSplit, "Concat": viewConcat, "QLinearConcat": viewQConcat, "Gather": viewGather,
	"ConcatFromSequence": viewSequence, "SequenceAt": viewElement,
	"Expand": viewExpand, "Tile": viewExpand, "Add": viewNeutral, "Sub": viewNeutral, "Mul": viewNeutral, "Div": viewNeutral,
}

func same(a *Analysis, n *graph.Node) []*View {
	v := a.View(n.Input(0))
	if v != nil && len(n.Outputs) > 0 && n.Outputs[0] != nil && n.Outputs[0].Shape() == nil && n.Inputs[0].Shape() != nil && n.Op != "OptionalGetElement" {
		n.Outputs[0].Type.Shape = n.Inputs[0].Shape().Clone()
	}
	return []*View{v}
}

func viewReshape(a *Analysis, n *graph.Node) []*View {
	x := n.Input(0)
	return []*View{reshape(a.View(x), a.shape(x), a.shape(n.Output(0)))}
}

// ints are the integers of attribute name or, from the opset at which it
// became an input, of input i; ok is false where they are not known.
func (a *Analysis) ints(n *graph.Node, name string, i int) (r []int64, ok bool) {
	if at := n.Attr(name); at != nil {
		return at.Ints, at.Kind == graph.AttrInts
	}
	v := n.Input(i)
	if v == nil {
		return nil, true
	}
	return a.infer.Of(v).Ints()
}

// axes maps axes, which may be negative, into [0, rank).
func axes(x []int64, rank int) ([]int, bool) {
	r := make([]int, len(x))
	for i, e := range x {
		if e < 0 {
			e += int64(rank)
		}
		if e < 0 || e >= int64(rank) {
			return nil, false
		}
		r[i] = int(e)
	}
	return r, true
}

func viewSqueeze(a *Analysis, n *graph.Node) []*View {
	v := a.View(n.Input(0))
	if v == nil {
		return []*View{nil}
	}
	list, ok := a.ints(n, "axes", 1)
	if !ok {
		return []*View{nil}
	}
	if n.Attr("axes") == nil && n.Input(1) == nil {
		for d, s := range a.shape(n.Input(0)) {
			if s.Value == 1 {
				list = append(list, int64(d))
			}
		}
	}
	drop, ok := axes(list, v.Rank)
	if !ok {
		return []*View{nil}
	}
	return []*View{v.remap(func(p Piece) Piece {
		q := Piece{Field: p.Field, Fixed: slices.Clone(p.Fixed)}
		for d := range p.Dims {
			if slices.Contains(drop, d) {
				q.Fixed = append(q.Fixed, p.Dims[d]...)
				continue
			}
			q.Dims, q.At = append(q.Dims, p.Dims[d]), append(q.At, p.At[d])
		}
		return q
	})}
}

func viewUnsqueeze(a *Analysis, n *graph.Node) []*View {
	v := a.View(n.Input(0))
	list, ok := a.ints(n, "axes", 1)
	if v == nil || !ok {
		return []*View{nil}
	}
	rank := v.Rank + len(list)
	add, ok := axes(list, rank)
	if !ok {
		return []*View{nil}
	}
	return []*View{v.remap(func(p Piece) Piece {
		q := Piece{Field: p.Field, Fixed: p.Fixed}
		for d, k := 0, 0; d < rank; d++ {
			if slices.Contains(add, d) || k >= len(p.Dims) {
				q.Dims, q.At = append(q.Dims, nil), append(q.At, 0)
				continue
			}
			q.Dims, q.At = append(q.Dims, p.Dims[k]), append(q.At, p.At[k])
			k++
		}
		return q
	})}
}

// remap is v with each piece changed by f.
func (v *View) remap(f func(Piece) Piece) *View {
	r := &View{Const: v.Const, Pieces: make([]Piece, len(v.Pieces))}
	for i, p := range v.Pieces {
		r.Pieces[i] = f(p)
		r.Rank = len(r.Pieces[i].Dims)
	}
	return r
}

func viewTranspose(a *Analysis, n *graph.Node) []*View {
	v := a.View(n.Input(0))
	if v == nil {
		return []*View{nil}
	}
	perm := n.Ints("perm")
	if perm == nil {
		for d := v.Rank - 1; d >= 0; d-- {
			perm = append(perm, int64(d))
		}
	}
	order, ok := axes(perm, v.Rank)
	if !ok || len(order) != v.Rank {
		return []*View{nil}
	}
	return []*View{v.remap(func(p Piece) Piece {
		q := Piece{Field: p.Field, Fixed: p.Fixed}
		for _, d := range order {
			q.Dims, q.At = append(q.Dims, p.Dims[d]), append(q.At, p.At[d])
		}
		return q
	})}
}

// viewSequence joins the tensors that a node has put into a sequence.
func viewSequence(a *Analysis, n *graph.Node) []*View {
	if s := a.sequence(n.Input(0)); s != nil && n.Int("new_axis", 0) == 0 {
		return viewConcat(a, &graph.Node{Op: "Concat", Attrs: n.Attrs, Inputs: s.Inputs, Outputs: n.Outputs})
	}
	return []*View{nil}
}

// viewElement is a tensor that a node has put into a sequence.
func viewElement(a *Analysis, n *graph.Node) []*View {
	at, ok := a.infer.Of(n.Input(1)).Ints()
	if s := a.sequence(n.Input(0)); s != nil && ok && len(at) == 1 {
		if k, ok := axes(at, len(s.Inputs)); ok {
			return []*View{a.View(s.Inputs[k[0]])}
		}
	}
	return []*View{nil}
}

// sequence is the node that makes the sequence v of tensors; nil if that is not known.
func (a *Analysis) sequence(v *graph.Value) *graph.Node {
	if p := a.producer(v); p != nil && p.Op == "SequenceConstruct" {
		return p
	}
	return nil
}

// isTaken reports whether all that reads the sequence of node n has a view of it.
func (a *Analysis) isTaken(n *graph.Node) bool {
	if n.Op != "SequenceConstruct" || n.Output(0) == nil {
		return false
	}
	for _, u := range n.Output(0).Uses() {
		if u.Node == nil || u.Node.Op != "ConcatFromSequence" && u.Node.Op != "SequenceAt" {
			return false
		}
	}
	return true
}

func viewConcat(a *Analysis, n *graph.Node) []*View {
	r := &View{}
	at := int64(0)
	for _, x := range n.Inputs {
		if v := a.View(x); v != nil {
			r.Rank = v.Rank
		}
	}
	dims, ok := axes([]int64{n.Int("axis", 0)}, r.Rank)
	if !ok {
		return []*View{nil}
	}
	d := dims[0]
	for _, x := range n.Inputs {
		v := a.View(x)
		if v == nil && !a.Static(x) || v != nil && v.Rank != r.Rank {
			return []*View{nil}
		}
		k := int64(-1)
		if s := a.shape(x); s != nil && d < len(s) {
			k = s[d].Value
		}
		if v == nil {
			r.Const = r.Const || k != 0
		} else {
			r.Const = r.Const || v.Const
			for _, p := range v.Pieces {
				if k < 0 && len(v.Pieces) == 1 {
					k = size(p.Dims[d])
				}
				off := int64(-1)
				if at >= 0 && p.At[d] >= 0 {
					off = at + p.At[d]
				}
				r.Pieces = append(r.Pieces, p.with(d, p.Dims[d], off))
			}
		}
		if at >= 0 && k >= 0 {
			at += k
		} else {
			at = -1
		}
	}
	if len(r.Pieces) > maxPieces {
		return []*View{nil}
	}
	return []*View{r}
}

func viewExpand(a *Analysis, n *graph.Node) []*View {
	x := n.Input(0)
	v, in, out := a.View(x), a.shape(x), a.shape(n.Output(0))
	if v == nil {
		return []*View{nil}
	}
	rank := v.Rank
	if out != nil {
		rank = len(out)
	} else if s := a.shape(n.Input(1)); len(s) == 1 && s[0].IsKnown() {
		rank = max(rank, int(s[0].Value))
	}
	if rank < v.Rank || rank > 16 {
		return []*View{nil}
	}
	return []*View{v.remap(func(p Piece) Piece {
		q := Piece{Field: p.Field, Fixed: p.Fixed, Dims: make([][]Atom, rank), At: make([]int64, rank)}
		for d := range rank {
			k := d - (rank - v.Rank)
			want := int64(-1)
			if out != nil {
				want = out[d].Value
			}
			switch {
			case k < 0:
				q.Dims[d] = repeat(want)
			case size(p.Dims[k]) == 1 && (in == nil || in[k].Value == 1) && want != 1:
				q.Fixed = append(slices.Clone(q.Fixed), p.Dims[k]...)
				q.Dims[d] = repeat(want)
			case n.Op == "Tile" && want >= 0 && size(p.Dims[k]) >= 0 && want != size(p.Dims[k]) && in != nil && want != in[k].Value:
				q.Dims[d] = append(repeat(want/max(size(p.Dims[k]), 1)), p.Dims[k]...)
				q.At[d] = p.At[k]
			default:
				q.Dims[d], q.At[d] = p.Dims[k], p.At[k]
			}
		}
		return q
	})}
}

func repeat(n int64) []Atom {
	if n == 1 {
		return nil
	}
	return []Atom{{-1, 1, 0, n}}
}
