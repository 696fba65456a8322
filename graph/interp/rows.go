package interp

import (
	"reflect"
	"slices"
	"sync"

	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// tileElems is how many elements of a full value one tile holds: few enough for
// a tile of every value alive at once to lie in a core's second cache, enough
// for the cost of a step to be that of its loop.
const tileElems = 1 << 14

// rowStep is steps that work on rows (op.Op.Rows) run as one: on a tile of rows
// after another, so that what passes between them stays in the cache. Only what
// others read is ever whole. Kernels of rows give the same bits however rows are
// cut, so the results are those of the steps run one by one; that is also what is
// done where shapes are not those planned, or all is one tile.
type rowStep struct {
	prog  *program // reads its inputs by number, and has the outputs that others read
	tiles *program // the same for tiles: its elementwise steps are joined
	in    []rowInput
	out   []extent
	rank  int // of full values
}

// rowInput is what is known of an input of a rowStep.
type rowInput struct {
	extent
	rank  int
	dtype tensor.DType
}

// extent is how a value lies along the rows. The full shape of a rowStep is
// [rows…, C].
type extent uint8

const (
	one     extent = iota // one element
	row                   // [1…, C], the same for all rows
	full                  // [rows…, C]
	column                // [rows…, 1]
	dropped               // [rows…]
)

// run is the kernel of the joint step.
func (r *rowStep) run(x *op.Call) error {
	f := x.Frame.(*frame)
	shape := r.shape(x.In)
	rows := 0
	if shape != nil {
		rows = product(shape[:r.rank-1])
	}
	perTile := max(1, tileElems/max(1, product(shape[max(len(shape)-1, 0):])))
	if rows <= perTile {
		return r.unfused(x, f)
	}
	t := &tiling{rowStep: r, call: x, parent: f, rows: rows, shape: shape}
	return t.run(perTile)
}

// shape is the full shape, if all inputs fit it; else nil.
func (r *rowStep) shape(in []*tensor.Tensor) []int {
	var s []int
	for i, t := range in {
		if e := r.in[i]; t == nil || t.DType != e.dtype || t.IsSequence() || t.IsNone() || t.Rank() != e.rank {
			return nil
		} else if e.extent == full {
			s = t.Shape
		}
	}
	for i, t := range in {
		if s == nil || !r.in[i].fits(t.Shape, s) {
			return nil
		}
	}
	return s
}

// isCut reports whether a tile has only its own rows of the value.
func (e extent) isCut() bool { return e >= full }

// fits tells whether a value of the given shape, of the rank that is known of it, lies
// along rows of full as e says.
func (e extent) fits(shape, full []int) bool {
	rows, last := full[:len(full)-1], len(shape)-1
	switch e {
	case one:
		return product(shape) == 1
	case row:
		return product(shape[:last]) == 1 && shape[last] == full[len(full)-1]
	case column:
		return shape[last] == 1 && slices.Equal(shape[:last], rows)
	case dropped:
		return slices.Equal(shape, rows)
	}
	return slices.Equal(shape, full)
}

// of is the shape of a value along all rows of full, or along the given number
// of rows in one.
func (e extent) of(full []int, rows int) []int {
	s := append([]int{}, full...)
	if rows >= 0 {
		for i := range s[:len(s)-1] {
			s[i] = 1
		}
		s[len(s)-2] = rows
	}
	switch e {
	case column:
		s[len(s)-1] = 1
	case dropped:
		s = s[:len(s)-1]
	}
	return s
}

// unfused runs the steps one by one, as one record of a profile.
func (r *rowStep) unfused(x *op.Call, parent *frame) error {
	inner := *parent.run
	inner.prof = nil
	f := newFrame(r.prog, nil, &inner)
	defer f.release()
	if err := f.steps(x.In); err != nil {
		return err
	}
	for i, o := range r.prog.outputs {
		x.Set(i, f.vals[o.slot])
		f.run.arena.hand(f.vals[o.slot])
		f.vals[o.slot] = nil
	}
	return nil
}

// steps runs the frame's steps on the given inputs.
func (f *frame) steps(in []*tensor.Tensor) error {
	for i, slot := range f.prog.inputs {
		if f.vals[slot] = in[i]; in[i] != nil {
			f.run.arena.retain(in[i])
		}
	}
	for i := range f.prog.steps {
		if err := f.step(&f.prog.steps[i]); err != nil {
			return err
		}
	}
	return nil
}

// tiling is one run of a rowStep by tiles.
type tiling struct {
	*rowStep
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
	for i, e := range t.out {
		d := f.vals[t.tiles.outputs[i].slot].DType
		if _, err := t.call.New(i, d, e.of(t.shape, -1)...); err != nil {
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
	for i, o := range t.tiles.outputs {
		f.into[o.slot] = part(t.call.Out[i], lo, hi, t.rows, t.out[i].of(t.shape, hi-lo))
	}
}

// collect copies those of a tile's results to rows [lo, hi) of the outputs that are
// elsewhere.
func (t *tiling) collect(f *frame, lo, hi int) {
	for i, o := range t.tiles.outputs {
		if v := f.vals[o.slot]; f.into == nil || v != f.into[o.slot] {
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
	return newFrame(t.tiles, nil, r)
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
	in := make([]*tensor.Tensor, len(t.in))
	for i, v := range t.call.In {
		if in[i] = v; t.in[i].isCut() {
			in[i] = part(v, lo, hi, t.rows, t.in[i].of(t.shape, hi-lo))
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

func product(s []int) int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}
