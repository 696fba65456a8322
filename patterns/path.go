package patterns

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// Step is one stop of a Path: an operator, or a run of them that was folded.
type Step struct {
	Tensor string // what it gives
	Type   graph.Type
	Ops    []string // the operators, in the order in which they run
	// To is the step that this one enters; -1 if it is an output of the graph.
	To int
	// Marks say what the tensor is to the head: its class logits, an output.
	Marks []string
	// Beside is what else enters the operators.
	Beside []Joining
	// Skipped is set where the run does more than to move elements.
	Skipped bool

	value *graph.Value
	moves bool
}

// Joining is data that enters a path: its role, empty where nothing is known of
// it, one of its tensors, and how many there are.
type Joining struct {
	Role   string
	Tensor string
	Type   graph.Type
	Count  int
}

// Path is the way of h's class channels from the last layer with weights to an
// output of the graph. It is a tree: the steps of each level come before the
// step in which they meet, and outputs are last. Of several ways the one is
// taken that keeps the class channels longest, then the shortest.
func (r *Report) Path(h *Head) []*Step {
	w := r.ways()
	starts := w.starts(h)
	logits := map[*graph.Value]string{}
	for i, l := range h.Levels {
		logits[l.Source] = "class logits"
		if len(h.Levels) > 1 {
			logits[l.Source] = fmt.Sprintf("class logits, level %d of %d", i+1, len(h.Levels))
		}
	}
	w.reach(starts)
	f := &folding{ways: w}
	toLogits := w.nearest(func(v *graph.Value) bool { return logits[w.In.Of(v)] != "" })
	toEnd := w.nearest(func(v *graph.Value) bool { return w.output[v] })
	for _, v := range starts {
		for v != nil && w.at[v] == nil {
			w.at[v] = w.step(v, logits[w.In.Of(v)])
			next, ok := toLogits[v]
			if !ok || next == nil {
				next = toEnd[v]
			}
			if next == nil {
				f.ends = append(f.ends, v)
				break
			}
			w.to[v] = next
			w.from[next] = append(w.from[next], v)
			v = next
		}
	}
	for _, v := range f.ends {
		f.branch(v)
	}
	return f.steps
}

func (r *Report) ways() *ways {
	s := r.site
	if s.output == nil {
		s.output = map[*graph.Value]bool{}
		for _, v := range s.Model.Graph.Outputs {
			s.output[v] = true
		}
		s.owner = map[*graph.Graph]*graph.Node{}
		for _, n := range s.Nodes {
			for _, g := range n.Subgraphs() {
				s.owner[g] = n
			}
		}
	}
	return &ways{site: s, of: map[*match.Field][]match.Span{}, at: map[*graph.Value]*Step{},
		to: map[*graph.Value]*graph.Value{}, from: map[*graph.Value][]*graph.Value{}}
}

// ways is the search for a path.
type ways struct {
	*site
	of      map[*match.Field][]match.Span // the channels of classes, by layer
	reached []*graph.Value                // in the order of nodes
	at      map[*graph.Value]*Step
	to      map[*graph.Value]*graph.Value
	from    map[*graph.Value][]*graph.Value
}

// starts are what the layers behind h's parts give.
func (w *ways) starts(h *Head) []*graph.Value {
	var list []*graph.Value
	seen := map[*graph.Value]bool{nil: true}
	for _, p := range h.parts {
		for _, x := range p.Roots {
			w.of[x.Field] = append(w.of[x.Field], x.Span)
			if v := w.outer(x.Field.Value); !seen[v] {
				seen[v] = true
				list = append(list, v)
			}
		}
	}
	return list
}

// top is the node of the main graph that n is, or lies in.
func (w *ways) top(n *graph.Node) *graph.Node {
	for n != nil && n.Graph() != w.Model.Graph {
		n = w.owner[n.Graph()]
	}
	return n
}

// outer is v, or for a value of a subgraph what its node gives; nil if that
// is nothing.
func (w *ways) outer(v *graph.Value) *graph.Value {
	if v.Graph() == w.Model.Graph {
		return v
	}
	if n := w.top(v.Producer()); n != nil {
		return n.Output(0)
	}
	return nil
}

// consumers are the values of the main graph that v's readers give.
func (w *ways) consumers(v *graph.Value) func(yield func(*graph.Value) bool) {
	return func(yield func(*graph.Value) bool) {
		for _, u := range v.Uses() {
			n := w.top(u.Node)
			if n == nil {
				continue
			}
			for _, o := range n.Outputs {
				if o != nil && !w.Static(o) && !yield(o) {
					return
				}
			}
		}
	}
}

// reach finds what depends on the starts.
func (w *ways) reach(starts []*graph.Value) {
	seen := map[*graph.Value]bool{}
	w.reached = slices.Clone(starts)
	for _, v := range starts {
		seen[v] = true
	}
	for i := 0; i < len(w.reached); i++ {
		for o := range w.consumers(w.reached[i]) {
			if !seen[o] {
				seen[o] = true
				w.reached = append(w.reached, o)
			}
		}
	}
	slices.SortStableFunc(w.reached, func(a, b *graph.Value) int { return cmp.Compare(w.Order(a), w.Order(b)) })
}

// nearest is for every reached value that leads to a goal the next on its way
// there; nil for a goal.
func (w *ways) nearest(goal func(*graph.Value) bool) map[*graph.Value]*graph.Value {
	next := map[*graph.Value]*graph.Value{}
	far := map[*graph.Value]int{}
	for _, v := range slices.Backward(w.reached) {
		if goal(v) {
			next[v], far[v] = nil, 0
			continue
		}
		best, by := math.MaxInt, (*graph.Value)(nil)
		for o := range w.consumers(v) {
			if _, ok := next[o]; !ok {
				continue
			}
			if d := far[o] + w.cost(o); d < best || d == best && w.Order(o) < w.Order(by) {
				best, by = d, o
			}
		}
		if by != nil {
			next[v], far[v] = by, best
		}
	}
	return next
}

// cost is the length of a step to v: long where it leaves the class channels.
func (w *ways) cost(v *graph.Value) int {
	if w.meets(v, w.of) {
		return 1
	}
	return 1 << 20
}

// meets reports whether v shows channels of layers in of, or what is computed
// from them.
func (s *site) meets(v *graph.Value, of map[*match.Field][]match.Span) bool {
	view := s.View(v)
	if view == nil {
		return false
	}
	for i := range view.Pieces {
		f, t, ok := view.Pieces[i].Root(match.All, -1)
		if ok && f != nil && slices.ContainsFunc(of[f], t.Meets) {
			return true
		}
	}
	return false
}

// step is the stop at v.
func (w *ways) step(v *graph.Value, mark string) *Step {
	x := &Step{Tensor: w.nameOf(v), Type: w.typeOf(v), value: v, To: -1}
	if n := v.Producer(); n != nil {
		x.Ops = []string{n.Op}
	}
	f := w.Field(v)
	x.moves = f == nil && v.Producer() != nil
	if mark != "" {
		x.Marks = append(x.Marks, mark)
	}
	if f != nil && v.Producer() != nil && (f.Kind == match.Gate || f.Kind == match.Pick) {
		if op := v.Producer().Op; op == "Div" || op == "Reciprocal" {
			x.Marks = append(x.Marks, map[match.Kind]string{match.Gate: "a sigmoid, written out", match.Pick: "a softmax, written out"}[f.Kind])
		}
	}
	if w.output[v] {
		x.Marks = append(x.Marks, "output")
	}
	return x
}

// nameOf is v's name in the model; for one inside a function with the scope of
// the call.
func (s *site) nameOf(v *graph.Value) string {
	if o := s.In.Of(v); o != nil {
		return o.Name
	}
	return v.Name
}

// typeOf is v's type with the shape that the analysis knows.
func (s *site) typeOf(v *graph.Value) graph.Type {
	t := v.Type
	if shape := s.Shape(v); shape != nil {
		t.Shape = shape
	}
	return t
}

// join notes what else enters step x.
func (w *ways) join(x *Step) {
	n := x.value.Producer()
	if n == nil || len(w.from[x.value]) == 0 {
		return
	}
	seen := map[*graph.Value]bool{}
	for _, v := range n.Inputs {
		if v == nil || seen[v] || w.Static(v) || w.at[v] != nil {
			continue
		}
		seen[v] = true
		x.beside(Joining{w.roleOf(v), w.nameOf(v), w.typeOf(v), 1})
	}
}

// beside adds j to what enters x.
func (x *Step) beside(j Joining) {
	for i := range x.Beside {
		if x.Beside[i].Role == j.Role {
			x.Beside[i].Count += j.Count
			return
		}
	}
	x.Beside = append(x.Beside, j)
}

// roleOf is the role of the channels that v shows, by the parts and boxes that
// come from the same layers; empty where nothing is known of them.
func (s *site) roleOf(v *graph.Value) string {
	view := s.View(v)
	if view == nil {
		return ""
	}
	if s.meets(v, s.Boxes.Of) {
		return rule.Box.String()
	}
	for i := range view.Pieces {
		f, t, ok := view.Pieces[i].Root(match.All, -1)
		if !ok || f == nil {
			continue
		}
		for _, p := range s.OfLayer[f] {
			if p.Role != rule.Neutral && p.Role != rule.Hidden && t.Meets(p.Roots[0].Span) {
				return p.Role.String()
			}
		}
	}
	return ""
}
