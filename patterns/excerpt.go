package patterns

import (
	"cmp"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// Tint is what a block of an excerpt is to the head: how a picture colours it.
type Tint string

// The tints. Mixed channels are those of several roles in one tensor.
const (
	Feature    Tint = "feature"
	Logits     Tint = "class logits"
	Classes    Tint = "classes"
	Activated  Tint = "activation"
	Background Tint = "background cut off"
	Boxes      Tint = "boxes"
	Confidence Tint = "objectness"
	Mixed      Tint = "mixed channels"
	Post       Tint = "post-processing"
	Ends       Tint = "output"
)

// Block is an operator of an excerpt, several that were folded, or a tensor
// that enters or leaves the excerpt.
type Block struct {
	Ops    []string
	Node   string // the name of the last operator's node; may be empty
	Tensor string
	Type   graph.Type
	Tint   Tint
	// Attrs are the last operator's attributes but for tensors and graphs.
	Attrs []*graph.Attr
	// Reasons are the evidence in what is done with the tensor's channels.
	Reasons []Reason
	// Branch is set for the operators of a branch in front of its last layers,
	// Folded for what lies too deep to be shown.
	Branch, Folded bool
}

// Excerpt is a part of a graph. Edges lead from a block to a later one.
type Excerpt struct {
	Blocks []*Block
	Edges  [][2]int
	// Levels is how many levels of the head were left out.
	Levels int
}

// Bounds of an excerpt: levels of a head, operators of a branch in front of
// its last layer, blocks.
const (
	maxLevels = 8
	maxTower  = 400
	maxBlocks = 100
)

// Neighbourhood is the graph around h: from the features that its branches
// share, through the branches of classes, boxes and objectness, to the outputs.
// What makes it larger than a picture can show is folded into one block.
func (r *Report) Neighbourhood(h *Head) *Excerpt {
	e := &excerpt{ways: r.ways(), head: h, logits: map[*graph.Value]bool{}}
	for _, l := range h.Levels {
		e.logits[l.Source] = true
	}
	out := &Excerpt{}
	e.collect(out)
	e.fold(out)
	return out
}

// excerpt is an Excerpt in the making.
type excerpt struct {
	*ways
	head    *Head
	logits  map[*graph.Value]bool
	roots   []*graph.Value
	members map[*graph.Value]bool // what is drawn, features included
	edge    map[*graph.Value]bool // the features
	depth   map[*graph.Value]int  // the longest way from a last layer; 0 in front of them
	order   []*graph.Value
	pred    map[*graph.Value][]*graph.Value // among members
	succ    map[*graph.Value]int            // how many members read a member
	tints   map[*graph.Value]Tint
	conf    map[*match.Field][]match.Span // of objectness, by layer
}

// collect finds the members.
func (e *excerpt) collect(out *Excerpt) {
	classes := e.starts(e.head)
	if n := len(classes); n > maxLevels {
		classes, out.Levels = classes[:maxLevels], n-maxLevels
	}
	others := e.companions(classes)
	e.reach(slices.Concat(classes, others))
	ends := e.nearest(func(v *graph.Value) bool { return e.output[v] })
	dead := func(v *graph.Value) bool { _, ok := ends[v]; return !ok }
	classes, others = slices.DeleteFunc(classes, dead), slices.DeleteFunc(others, dead)
	e.roots = slices.Concat(classes, others)
	e.members, e.edge, e.depth = map[*graph.Value]bool{}, map[*graph.Value]bool{}, map[*graph.Value]int{}
	e.towers(classes, others)
	e.reached = slices.DeleteFunc(e.reached, dead)
	for _, v := range e.reached {
		e.members[v] = true
	}
	for v := range e.members {
		e.order = append(e.order, v)
	}
	slices.SortFunc(e.order, func(a, b *graph.Value) int {
		return cmp.Or(cmp.Compare(e.Order(a), e.Order(b)), cmp.Compare(a.Name, b.Name))
	})
	e.connect()
}

// connect finds the edges among members, and their depths.
func (e *excerpt) connect() {
	e.pred, e.succ = map[*graph.Value][]*graph.Value{}, map[*graph.Value]int{}
	for _, v := range e.roots {
		e.depth[v] = 1
	}
	for _, v := range e.reached {
		e.depth[v] = max(e.depth[v], 1)
		delete(e.edge, v) // behind one layer, in front of another
	}
	for _, v := range e.order {
		seen := map[*graph.Value]bool{}
		for o := range e.consumers(v) {
			if !e.members[o] || e.edge[o] || seen[o] {
				continue
			}
			seen[o] = true
			e.pred[o] = append(e.pred[o], v)
			e.succ[v]++
			if d := e.depth[v]; d > 0 {
				e.depth[o] = max(e.depth[o], d+1)
			}
		}
	}
}

// companions are the outputs of the layers of boxes and objectness whose maps
// are as large as those of the layers of classes.
func (e *excerpt) companions(classes []*graph.Value) []*graph.Value {
	sizes := map[string]bool{}
	for f := range e.of {
		if slices.Contains(classes, e.outer(f.Value)) {
			sizes[rule.Spatial(f)] = true
		}
	}
	var list []*graph.Value
	add := func(f *match.Field) {
		v := e.outer(f.Value)
		if v != nil && sizes[rule.Spatial(f)] && e.of[f] == nil && !slices.Contains(list, v) && len(list) < 3*maxLevels {
			list = append(list, v)
		}
	}
	for _, b := range e.Boxes.All {
		add(b.Field)
	}
	for _, p := range e.Parts {
		if p.Role == rule.Objectness {
			for _, r := range p.Roots {
				add(r.Field)
			}
		}
	}
	return list
}

// inputs are the data that make v.
func (e *excerpt) inputs(v *graph.Value) []*graph.Value {
	n := v.Producer()
	if n == nil {
		return nil
	}
	var list []*graph.Value
	seen := make(map[*graph.Value]bool, len(n.Inputs))
	for _, x := range n.Inputs {
		if x != nil && !seen[x] && !e.Static(x) {
			seen[x] = true
			list = append(list, x)
		}
	}
	return list
}

// towers adds the operators of each branch in front of its last layer, back to
// what another branch reads too, and that as a feature.
func (e *excerpt) towers(classes, others []*graph.Value) {
	a, b := e.ancestors(classes), e.ancestors(others)
	shared := func(v *graph.Value) bool { return a[v] && b[v] || len(others) == 0 }
	for _, root := range slices.Concat(classes, others) {
		e.members[root] = true
		queue := []*graph.Value{root}
		for i := 0; i < len(queue); i++ {
			for _, x := range e.inputs(queue[i]) {
				if e.members[x] {
					continue
				}
				e.members[x] = true
				if shared(x) || i > maxTower || x.Producer() == nil {
					e.edge[x] = true
				} else {
					queue = append(queue, x)
				}
			}
		}
	}
}

// ancestors are what the values are computed from, themselves included.
func (e *excerpt) ancestors(of []*graph.Value) map[*graph.Value]bool {
	seen := map[*graph.Value]bool{}
	queue := slices.Clone(of)
	for i := 0; i < len(queue); i++ {
		if seen[queue[i]] {
			continue
		}
		seen[queue[i]] = true
		queue = append(queue, e.inputs(queue[i])...)
	}
	return seen
}
