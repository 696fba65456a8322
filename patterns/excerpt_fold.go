package patterns

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// maxEnds is how many outputs of the graph an excerpt shows.
const maxEnds = 12

// fold makes the blocks and edges of the members: a block each, but one for a
// chain of operators of one role or that only move elements, one for a branch
// in front of last layers, and one for all that lies deeper than there is room
// for.
func (e *excerpt) fold(out *Excerpt) {
	e.tints = map[*graph.Value]Tint{}
	for _, v := range e.order {
		e.tints[v] = e.tint(v)
	}
	into := e.chains()
	deepest := e.room(into)
	at := map[*graph.Value]int{}
	post := -1
	for _, v := range e.order {
		switch {
		case into[v] != v:
		case e.depth[v] <= deepest:
			at[v] = len(out.Blocks)
			out.Blocks = append(out.Blocks, e.block(v))
		case post < 0:
			post = len(out.Blocks)
			out.Blocks = append(out.Blocks, &Block{Tint: Post, Folded: true})
			fallthrough
		default:
			at[v] = post
		}
	}
	for _, v := range e.order {
		at[v] = at[into[v]]
		b := out.Blocks[at[v]]
		if n := v.Producer(); n != nil && !e.edge[v] {
			b.Ops = append(b.Ops, n.Op)
		}
		if e.tints[v] == Background && at[v] != post {
			b.Tint = Background
		}
	}
	e.link(out, at)
	e.end(out, at)
}

// chains is for each member the one whose block it is part of: the last of its
// chain, or of its branch.
func (e *excerpt) chains() map[*graph.Value]*graph.Value {
	into := make(map[*graph.Value]*graph.Value, len(e.order))
	for _, v := range e.order {
		into[v] = v
	}
	last := func(v *graph.Value) *graph.Value {
		for into[v] != v {
			into[v] = into[into[v]]
			v = into[v]
		}
		return v
	}
	for _, v := range slices.Backward(e.order) {
		p := e.pred[v]
		switch {
		case e.branch(v):
			for _, x := range p {
				if a, b := last(x), last(v); a != b && e.branch(x) {
					if e.Order(a) > e.Order(b) {
						a, b = b, a
					}
					into[a] = b
				}
			}
		case len(p) == 1 && e.succ[p[0]] == 1 && e.joins(p[0], v):
			into[p[0]] = last(v)
		}
	}
	for _, v := range e.order {
		into[v] = last(v)
	}
	return into
}

// branch reports whether v lies in front of a last layer, behind the features.
func (e *excerpt) branch(v *graph.Value) bool { return e.depth[v] == 0 && !e.edge[v] }

// joins reports whether member v continues the chain that p ends.
func (e *excerpt) joins(p, v *graph.Value) bool {
	moves := func(x *graph.Value) bool { return e.Field(x) == nil && x.Producer() != nil }
	switch {
	case e.edge[p] || e.branch(p) || e.output[p] || e.logits[e.In.Of(p)]:
		return false
	case moves(p) && moves(v):
		return true
	case e.depth[p] == 1 || e.tints[p] != e.tints[v]:
		return false
	}
	return e.tints[p] != Activated && e.tints[p] != Background
}

// room is the depth up to which members have blocks of their own: the largest
// at which they are no more than there is room for.
func (e *excerpt) room(into map[*graph.Value]*graph.Value) int {
	of := map[int]int{}
	deepest := 1
	for _, v := range e.order {
		if into[v] == v {
			of[e.depth[v]]++
			deepest = max(deepest, e.depth[v])
		}
	}
	n := of[0] + of[1]
	for d := 2; d <= deepest; d++ {
		if n += of[d]; n > maxBlocks {
			return d - 1
		}
	}
	return deepest
}

// block is the block of member v, without the operators of its chain.
func (e *excerpt) block(v *graph.Value) *Block {
	b := &Block{Tensor: e.nameOf(v), Type: e.typeOf(v), Tint: e.tints[v], Branch: e.branch(v)}
	if n := v.Producer(); n != nil && !e.edge[v] {
		b.Node, b.Attrs = n.Name, plainAttrs(n)
	}
	if f := e.Field(v); f != nil && !e.edge[v] {
		pre, post := f.At(match.All)
		b.Reasons = reasonsOf(pre|post, None)
	}
	return b
}

// link adds the edges, each once.
func (e *excerpt) link(out *Excerpt, at map[*graph.Value]int) {
	seen := map[[2]int]bool{}
	for _, v := range e.order {
		for _, x := range e.pred[v] {
			k := [2]int{at[x], at[v]}
			if k[0] != k[1] && !seen[k] {
				seen[k] = true
				out.Edges = append(out.Edges, k)
			}
		}
	}
}

// end adds a block for each output of the graph.
func (e *excerpt) end(out *Excerpt, at map[*graph.Value]int) {
	shown := 0
	for _, v := range e.Model.Graph.Outputs {
		i, ok := at[v]
		if !ok {
			continue
		}
		if shown++; shown > maxEnds {
			continue
		}
		out.Blocks = append(out.Blocks, &Block{Tensor: e.nameOf(v), Type: e.typeOf(v), Tint: Ends})
		out.Edges = append(out.Edges, [2]int{i, len(out.Blocks) - 1})
	}
}

// tint is what v is to the head.
func (e *excerpt) tint(v *graph.Value) Tint {
	if e.edge[v] {
		return Feature
	}
	if e.logits[e.In.Of(v)] {
		return Logits
	}
	c, b, o := e.meets(v, e.of), e.meets(v, e.Boxes.Of), e.meets(v, e.confidences())
	if e.depth[v] == 0 {
		c, b, o = e.ahead(v)
	}
	f := e.Field(v)
	switch {
	case c && e.depth[v] > 0 && f != nil && (f.Kind == match.Gate || f.Kind == match.Pick):
		return Activated
	case c && (b || o), b && o:
		return Mixed
	case c && e.cuts(v):
		return Background
	case c:
		return Classes
	case b:
		return Boxes
	case o:
		return Confidence
	}
	return Post
}

// cuts reports whether v shows the head's classes without its background.
func (e *excerpt) cuts(v *graph.Value) bool {
	k := int64(e.head.Background)
	view, before := e.View(v), e.pred[v]
	if k < 0 || view == nil || e.Field(v) != nil || len(before) != 1 || len(view.Pieces) == 0 || !view.Pieces[0].Field.Active {
		return false
	}
	at := match.Span{Start: k, Stop: k + 1}
	shows := func(w *match.View) bool {
		return w != nil && len(w.Pieces) > 0 && w.Pieces[0].Span().Meets(at)
	}
	return !shows(view) && shows(e.View(before[0]))
}

// confidences are the channels of objectness, by layer.
func (e *excerpt) confidences() map[*match.Field][]match.Span {
	if e.conf == nil {
		e.conf = map[*match.Field][]match.Span{}
		for _, p := range e.Parts {
			if p.Role == rule.Objectness {
				for _, r := range p.Roots {
					e.conf[r.Field] = append(e.conf[r.Field], r.Span)
				}
			}
		}
	}
	return e.conf
}

// ahead says whose last layers v, which lies in front of them, leads to.
func (e *excerpt) ahead(v *graph.Value) (c, b, o bool) {
	queue, seen := []*graph.Value{v}, map[*graph.Value]bool{}
	for i := 0; i < len(queue) && i < maxTower; i++ {
		for x := range e.consumers(queue[i]) {
			if !e.members[x] || seen[x] || e.edge[x] {
				continue
			}
			if seen[x] = true; e.depth[x] == 0 {
				queue = append(queue, x)
				continue
			}
			c, b, o = c || e.meets(x, e.of), b || e.meets(x, e.Boxes.Of), o || e.meets(x, e.confidences())
		}
	}
	return c, b, o
}

// plainAttrs are n's attributes but for tensors and graphs.
func plainAttrs(n *graph.Node) []*graph.Attr {
	var list []*graph.Attr
	for _, a := range n.Attrs {
		if a.Graph == nil && len(a.Graphs) == 0 && a.Tensor == nil && len(a.Tensors) == 0 {
			list = append(list, a)
		}
	}
	return list
}
