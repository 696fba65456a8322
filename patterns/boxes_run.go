package patterns

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// The bounds of a run of what lies behind the last layers.
const (
	maxTrialMemory = 1 << 30 // bytes
	longestTrial   = 3 * time.Second
	maxTrialNodes  = 5000
	maxTried       = 512 // tensors that may hold the boxes
	maxAnchors     = 500_000
	trialRows      = 128 // of a picture whose size the model leaves open
	trialColumns   = 192
)

// trial is what lies behind the last layers of a network, run by itself: the graph is cut at
// its layers, and those of the boxes are given numbers that were made up.
type trial struct {
	*site
	head   *Head
	out    *Regression
	maps   []*grid
	boxes  []rule.Root
	pooled bool // whether the boxes are of regions
	input  *picture

	tried []*graph.Value // tensors that depend on the boxes, in the order of nodes
	cuts  map[*graph.Value]*tensor.Tensor
	plan  *interp.Plan

	// What the runs gave: with layers of boxes and classes at 0, at 1, at -1, at the number of
	// the cell, and with one side of all boxes at more.
	zero, one, less, code map[string]*tensor.Tensor
	side                  [Sides]map[string]*tensor.Tensor
	sideway               float32 // what the side was given
}

var errNoBoxes = errors.New("no layer on the places of the classes makes boxes")

// run runs the trial.
func (t *trial) run() error {
	if len(t.boxes) == 0 {
		return errNoBoxes
	}
	if n := len(t.Nodes); n > maxTrialNodes {
		return fmt.Errorf("the graph has %d nodes", n)
	}
	t.reach()
	fetch := map[string]bool{}
	var ends []*graph.Value
	add := func(v *graph.Value) {
		if v != nil && !fetch[v.Name] && v.Graph() == t.Model.Graph {
			fetch[v.Name] = true
			ends = append(ends, v)
		}
	}
	for _, l := range t.head.Levels {
		add(t.value(l.Source.Name))
	}
	for _, v := range t.tried {
		add(v)
	}
	ctx, cancel := context.WithTimeout(context.Background(), longestTrial)
	defer cancel()
	if err := t.cut(ctx, ends); err != nil {
		return err
	}
	var err error
	feeds := slices.Sorted(maps.Keys(named(t.cuts)))
	if t.plan, err = interp.New(t.Model, interp.Options{Feeds: feeds, Fetches: slices.Sorted(maps.Keys(fetch)), MaxMemory: maxTrialMemory}); err != nil {
		return err
	}
	t.number()
	return t.runAll(ctx)
}

func named(of map[*graph.Value]*tensor.Tensor) map[string]*tensor.Tensor {
	m := map[string]*tensor.Tensor{}
	for v, x := range of {
		m[v.Name] = x
	}
	return m
}

// reach finds the tensors between the layers of the boxes and what chooses from them.
func (t *trial) reach() {
	w := (&Report{site: t.site}).ways()
	seen := map[*graph.Value]bool{}
	var queue []*graph.Value
	add := func(v *graph.Value) {
		if v != nil && !seen[v] && v.Graph() == t.Model.Graph && len(queue) < maxTried {
			seen[v] = true
			queue = append(queue, v)
		}
	}
	for _, r := range t.boxes {
		add(r.Field.Value)
	}
	for i := 0; i < len(queue); i++ {
		for o := range w.consumers(queue[i]) {
			f := t.Field(o)
			if f == nil || f.Kind != match.Weighing && f.Kind != match.Pairing && f.Kind != match.Dark && f.Chosen() == nil && !f.Position {
				add(o)
			}
		}
	}
	slices.SortStableFunc(queue, func(a, b *graph.Value) int { return t.Order(a) - t.Order(b) })
	t.tried = queue
}

// cut finds the layers and inputs that ends depend on, and what each gives: nothing but
// zeros, or where sizes or regions depend on data what a run on a grey picture gives.
func (t *trial) cut(ctx context.Context, ends []*graph.Value) error {
	t.cuts = map[*graph.Value]*tensor.Tensor{}
	seen := map[*graph.Value]bool{}
	stack := slices.Clone(ends)
	known := !t.pooled
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if v == nil || seen[v] || v.Init != nil || v.Graph() != t.Model.Graph {
			continue
		}
		seen[v] = true
		f := t.Field(v)
		if v.Producer() == nil || f != nil && (f.Kind == match.Weighing || f.Kind == match.Pairing) {
			x, err := t.zeros(v)
			if err != nil {
				return err
			}
			t.cuts[v], known = x, known && x != nil
			continue
		}
		stack = append(append(stack, v.Producer().Inputs...), v.Producer().Captures()...)
	}
	if known {
		return nil
	}
	return t.whole(ctx)
}

// zeros is a tensor of v's type and shape, nil where that is not known. A batch is one
// picture.
func (t *trial) zeros(v *graph.Value) (*tensor.Tensor, error) {
	shape := t.Shape(v)
	d := v.Type.DType
	if f := t.Field(v); f != nil && d == tensor.Invalid {
		d = t.Fact(v).DType
	}
	if t.Field(v) != nil && v.Producer() != nil && d != tensor.Float32 {
		return nil, fmt.Errorf("its layers give %v", d)
	}
	dims := make([]int, len(shape))
	for i, x := range shape {
		switch {
		case x.IsKnown():
			dims[i] = int(x.Value)
		case i == 0 && len(shape) > 2:
			dims[i] = 1
		default:
			return nil, nil
		}
	}
	if n, err := tensor.Count(dims); shape == nil || err != nil || n > maxTrialMemory/8 {
		return nil, err
	}
	return tensor.Make(d, dims...)
}

// whole runs the network on a grey picture for what its layers give.
func (t *trial) whole(ctx context.Context) error {
	if err := t.Affordable(); err != nil {
		return err
	}
	var fetch []string
	for v := range t.cuts {
		if v.Producer() != nil {
			fetch = append(fetch, v.Name)
		}
	}
	feeds := map[string]*tensor.Tensor{}
	plan, err := interp.New(t.Model, interp.Options{Fetches: fetch, MaxMemory: maxTrialMemory})
	if err != nil {
		return err
	}
	for _, v := range plan.Feeds() {
		if feeds[v.Name], err = t.grey(v); err != nil {
			return err
		}
	}
	got, err := plan.Run(ctx, feeds)
	if err != nil {
		return err
	}
	for v := range t.cuts {
		if t.cuts[v] = got[v.Name]; v.Producer() == nil {
			if t.cuts[v] = feeds[v.Name]; t.cuts[v] == nil {
				if t.cuts[v], err = t.grey(v); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// grey is a picture of one brightness, or zeros for any other input.
func (t *trial) grey(v *graph.Value) (*tensor.Tensor, error) {
	dims := make([]int, len(v.Shape()))
	for i, x := range v.Shape() {
		switch {
		case x.IsKnown():
			dims[i] = int(x.Value)
		case t.input == nil || v != t.input.value || i == 0:
			dims[i] = 1
		case i == t.input.row:
			dims[i] = trialRows
		case i == t.input.row+1:
			dims[i] = trialColumns
		default:
			dims[i] = 3
		}
	}
	x, err := tensor.Make(v.Type.DType, dims...)
	if err == nil && x.DType == tensor.Float32 && t.input != nil && v == t.input.value {
		for i := range tensor.Data[float32](x) {
			tensor.Data[float32](x)[i] = 0.5
		}
	}
	return x, err
}

// number gives the cells of all maps numbers.
func (t *trial) number() {
	n := 0
	for _, g := range t.maps {
		m := g.field.Places
		x := t.cuts[g.field.Value]
		if x == nil {
			continue
		}
		if g.first = n; m == g.field && x.Rank() == 4 {
			row := 2
			if m.Chan == 3 {
				row = 1
			}
			g.rows, g.columns = x.Shape[row], x.Shape[row+1]
		} else if g.Rows.IsKnown() && g.Columns.IsKnown() {
			g.rows, g.columns = int(g.Rows.Value), int(g.Columns.Value)
		}
		n += g.rows * g.columns
		g.Stride = t.stride(g, graph.Known(int64(g.rows)), graph.Known(int64(g.columns)))
	}
}

// runAll runs what lies behind the cuts for every setting of the layers.
func (t *trial) runAll(ctx context.Context) error {
	constant := func(x float32) func(first, place int) float32 {
		return func(int, int) float32 { return x }
	}
	numbered := func(first, place int) float32 { return float32(first + place) }
	var err error
	run := func(to *map[string]*tensor.Tensor, side int, classes bool, give func(first, place int) float32) {
		if err != nil {
			return
		}
		feeds := named(t.cuts)
		for _, g := range t.maps {
			for _, s := range g.spans {
				x := constant(0)
				if classes {
					x = give
				}
				t.fill(feeds, g.field, s, g.first, nil, x)
			}
		}
		for _, r := range t.boxes {
			t.fill(feeds, r.Field, r.Span, t.firstOf(r), nil, constant(0))
			t.fill(feeds, r.Field, r.Span, t.firstOf(r), t.chooses(r, side), give)
		}
		*to, err = t.plan.Run(ctx, feeds)
	}
	t.sideway = 1
	run(&t.zero, -1, true, constant(0))
	run(&t.one, -1, true, constant(1))
	run(&t.less, -1, true, constant(-1))
	run(&t.code, -1, true, numbered)
	for k := range t.side {
		run(&t.side[k], k, false, constant(t.sideway))
	}
	return err
}

// firstOf is the number of the first cell of the map that r lies over.
func (t *trial) firstOf(r rule.Root) int {
	if g := t.gridOf(r); g != nil {
		return g.first
	}
	return 0
}

// gridOf is the class map of the size of r's; nil if there is none.
func (t *trial) gridOf(r rule.Root) *grid {
	for _, g := range t.maps {
		if rule.MapSize(g.field) == rule.MapSize(r.Field) {
			return g
		}
	}
	return nil
}

// fill sets the channels of span of layer f that choose takes, all where it is nil.
func (t *trial) fill(feeds map[string]*tensor.Tensor, f *match.Field, span match.Span, first int, choose func(ch int) bool, give func(first, place int) float32) {
	old := feeds[f.Value.Name]
	if old == nil || old.DType != tensor.Float32 || f.Chan < 0 || f.Chan >= old.Rank() {
		return
	}
	x := tensor.Of(old.Shape, slices.Clone(tensor.Data[float32](old)))
	feeds[f.Value.Name] = x
	n, inner := x.Shape[f.Chan], 1
	for _, d := range x.Shape[f.Chan+1:] {
		inner *= d
	}
	data := tensor.Data[float32](x)
	for i := range data {
		ch, place := i/inner%n, i/inner/n*inner+i%inner
		if at := within(span, ch); at >= 0 && (choose == nil || choose(at)) {
			data[i] = give(first, place)
		}
	}
}

// within is the place of channel ch in its group of s; -1 if it is none of s.
func within(s match.Span, ch int) int {
	if s.Stride > 0 {
		ch %= int(s.Stride)
	}
	if ch < int(s.Start) || s.Stop >= 0 && ch >= int(s.Stop) {
		return -1
	}
	return ch - int(s.Start)
}

// chooses says which channels of r are side k of the boxes: of a distribution its last
// bin. It takes all for k of -1.
func (t *trial) chooses(r rule.Root, k int) func(ch int) bool {
	if k < 0 {
		return nil
	}
	n := t.perAnchor(r)
	if bins := t.bins(r); bins > 0 {
		return func(ch int) bool { return ch%bins == bins-1 && ch/bins%Sides == k }
	}
	return func(ch int) bool { return ch%n == k }
}

// perAnchor is how many channels of r one anchor has.
func (t *trial) perAnchor(r rule.Root) int {
	n := int(r.Count())
	if g := t.gridOf(r); g != nil && g.PerCell > 0 && r.Span.Stride == 0 && n%g.PerCell == 0 {
		n /= g.PerCell
	}
	if t.pooled && n%Sides == 0 || n < Sides {
		n = Sides
	}
	return n
}

// bins is over how many bins each side of a box of r is a distribution; 0 if it is none.
func (t *trial) bins(r rule.Root) int {
	n := t.perAnchor(r)
	if n%Sides != 0 || n <= Sides {
		return 0
	}
	pre, _ := r.Field.At(r.Span)
	if !pre.Has(match.Weighted|match.Softmax|match.SoftmaxRow) && len(t.head.Distributions) == 0 {
		return 0
	}
	return n / Sides
}
