package interp

import (
	"reflect"
	"sync"

	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// tiles runs a loop over tiles of rows.
func (f *frame) tiles(t *plan.Tiles, x *op.Call) error {
	shape := t.Shape(x.In)
	rows := 0
	if shape != nil {
		rows = tensor.Elements(shape[:t.Rank-1])
	}
	perTile := max(1, t.Elems/max(1, tensor.Elements(shape[max(len(shape)-1, 0):])))
	if rows <= perTile {
		return f.whole(t, x)
	}
	run := &tiling{Tiles: t, call: x, parent: f, rows: rows, shape: shape}
	return run.run(perTile)
}

// whole runs the steps one by one, as one record of a profile.
func (f *frame) whole(t *plan.Tiles, x *op.Call) error {
	inner := *f.run
	inner.prof = nil
	sub := newFrame(t.Whole, nil, &inner)
	defer sub.release()
	if err := sub.steps(x.In); err != nil {
		return err
	}
	for i, o := range t.Whole.Outputs {
		x.Set(i, sub.vals[o.Slot])
		f.run.arena.hand(sub.vals[o.Slot])
		sub.vals[o.Slot] = nil
	}
	return nil
}

// steps runs the frame's steps on the given inputs.
func (f *frame) steps(in []*tensor.Tensor) error {
	for i, slot := range f.prog.Inputs {
		if f.vals[slot] = in[i]; in[i] != nil {
			f.run.arena.retain(in[i])
		}
	}
	for _, s := range f.prog.Steps {
		if err := f.step(s); err != nil {
			return err
		}
	}
	return nil
}

// tiling is one run of a loop over tiles.
type tiling struct {
	*plan.Tiles
	call   *op.Call
	parent *frame
	shape  []int // full
	rows   int

	mu     sync.Mutex
	idle   []*frame // of cores that are done with a part
	failed error
}

func (t *tiling) run(perTile int) error {
	if err := t.first(perTile); err != nil {
		return err
	}
	tiles := (t.rows + perTile - 1) / perTile
	t.call.Parallel(tiles-1, 1, func(lo, hi int) {
		f := t.frame()
		var err error
		for k := lo + 1; k < hi+1 && err == nil; k++ {
			from, to := k*perTile, min((k+1)*perTile, t.rows)
			t.place(f, from, to)
			if err = f.steps(t.inputs(from, to)); err == nil {
				t.collect(f, from, to)
			}
			f.release()
		}
		t.done(f, err)
	})
	for _, f := range t.idle {
		f.run.arena.giveBack()
	}
	return t.failed
}

// first computes the first tile, which shows the element types of the outputs,
// and allocates these.
func (t *tiling) first(rows int) error {
	f := t.frame()
	defer t.done(f, nil)
	defer f.release()
	if err := f.steps(t.inputs(0, rows)); err != nil {
		return err
	}
	for i, e := range t.Out {
		d := f.vals[t.Tile.Outputs[i].Slot].DType
		if _, err := t.call.New(i, d, e.Of(t.shape, -1)...); err != nil {
			return err
		}
	}
	t.collect(f, 0, rows)
	return nil
}

// place has the tile's results written into rows [lo, hi) of the outputs.
func (t *tiling) place(f *frame, lo, hi int) {
	if f.into == nil {
		f.into = make([]*tensor.Tensor, len(f.vals))
	}
	for i, o := range t.Tile.Outputs {
		f.into[o.Slot] = part(t.call.Out[i], lo, hi, t.rows, t.Out[i].Of(t.shape, hi-lo))
	}
}

// collect copies those of a tile's results to rows [lo, hi) of the outputs that are
// elsewhere.
func (t *tiling) collect(f *frame, lo, hi int) {
	for i, o := range t.Tile.Outputs {
		if v := f.vals[o.Slot]; f.into == nil || v != f.into[o.Slot] {
			dst := part(t.call.Out[i], lo, hi, t.rows, nil)
			reflect.Copy(reflect.ValueOf(dst.Store().Data), reflect.ValueOf(v.Store().Data))
		}
	}
}

// frame is one for a core, whose arena takes its memory from the run's.
func (t *tiling) frame() *frame {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.idle) - 1; n >= 0 {
		f := t.idle[n]
		t.idle = t.idle[:n]
		return f
	}
	outer := t.parent.run
	a := newArena(0, 0)
	a.parent = outer.arena
	r := &run{ctx: outer.ctx, arena: a, double: outer.double}
	r.env = op.Env{Alloc: a.alloc, Free: a.freeTensor, Parallel: func(n, _ int, body func(lo, hi int)) {
		if n > 0 {
			body(0, n)
		}
	}}
	return newFrame(t.Tile, nil, r)
}

func (t *tiling) done(f *frame, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.idle = append(t.idle, f)
	if t.failed == nil {
		t.failed = err
	}
}

// inputs are the inputs' rows [lo, hi).
func (t *tiling) inputs(lo, hi int) []*tensor.Tensor {
	in := make([]*tensor.Tensor, len(t.In))
	for i, v := range t.call.In {
		if in[i] = v; t.In[i].IsCut() {
			in[i] = part(v, lo, hi, t.rows, t.In[i].Of(t.shape, hi-lo))
		}
	}
	return in
}

// part is rows [lo, hi) of a tensor of so many, in the given shape.
func part(t *tensor.Tensor, lo, hi, rows int, shape []int) *tensor.Tensor {
	n := t.Len() / rows
	if shape == nil {
		shape = []int{(hi - lo) * n}
	}
	return t.Part(lo*n, shape...)
}
