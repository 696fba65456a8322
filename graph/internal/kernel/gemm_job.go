package kernel

// job is a batch of matrix products of one size, C = alpha*A*B (+ C), in
// tasks: a task is a range of panels of A times a range of columns of one C.
type job[T Float] struct {
	tile    *tileShape[T]
	batch   int
	m, n, k int
	alpha   T
	add     bool            // C is added to, not stored
	a       func(t int) []T // packed A of product t
	packedB []T             // packed B of all products, or nil
	packB   func(t int, dst []T, p0, kc, j0, nc int)
	// plainB, if it is there, has product t's B by rows of stride ldb; only
	// panels that are not full are packed then.
	plainB func(t int) []T
	ldb    int
	// spreadB, if it is there, has what product t's B is read from, where all of a
	// panel's columns follow each other: at the sum of off[p] and what column gives
	// for the first. Panels for which column gives -1, or that are not full, are
	// packed.
	spreadB func(t int) []T
	off     []int
	column  func(j int) int
	act     *float32 // parameters of an FusedActivation of C, if alpha is 1; nil for none
	c       func(t int) []T
	ldc     int

	// start has what is added to the rows of product t's C; nil is nothing.
	start func(t int) []T
	// before prepares rows [i0, i1) × columns [j0, j1) of C where add is set.
	before func(t int, c []T, i0, i1, j0, j1 int)
	// after is told rows [i0, i1) × nc columns from j0 of C that are complete.
	after func(t, i0, i1, j0, nc int)

	// split of C into tasks
	panels, cols       int // size of a task
	rowTasks, colTasks int
}

// setBeta makes the job add to beta*C.
func (j *job[T]) setBeta(beta T) {
	if beta == 0 {
		return
	}
	j.add = true
	if beta == 1 {
		return
	}
	j.before = func(_ int, c []T, i0, i1, j0, j1 int) {
		for i := i0; i < i1; i++ {
			row := c[i*j.ldc+j0 : i*j.ldc+j1]
			for q := range row {
				row[q] *= beta
			}
		}
	}
}

// plan splits C: whole rows if the columns give enough tasks. Where rows and the
// sum are short, ranges of columns are wide: what follows the products works on
// rows of a task, and begins anew in each. Where B is read in place and much smaller
// than C, or rows are short, tasks have all columns: so a core that then works on some
// channels (a depthwise convolution's) has most of them in its cache.
func (j *job[T]) plan() {
	most := blockElems / (min(j.k, blockDepth) + min(j.m, blockDepth))
	most = max(blockCols, most/j.tile.cols*j.tile.cols)
	even := (j.n*j.batch + wantTasks - 1) / wantTasks
	j.cols = min(most, max(2*j.tile.cols, roundUp(even, j.tile.cols)))
	short := j.n <= most || j.m >= 2*j.k && j.n*j.k <= blockElems
	if j.plainB != nil && short && j.tile.panels(j.m)*j.batch >= wantTasks/2 {
		j.cols = roundUp(j.n, j.tile.cols)
	}
	j.colTasks = (j.n + j.cols - 1) / j.cols
	j.panels = j.tile.panels(j.m)
	if t := j.batch * j.colTasks; t < wantTasks {
		parts := (wantTasks + t - 1) / t
		j.panels = max((48+j.tile.rows-1)/j.tile.rows, (j.panels+parts-1)/parts)
	}
	j.rowTasks = (j.tile.panels(j.m) + j.panels - 1) / j.panels
}

// run does the products.
func (j *job[T]) run(par Parallel) {
	if j.k == 0 {
		j.runEmpty(par)
		return
	}
	j.plan()
	tasks := j.batch * j.colTasks * j.rowTasks
	cost := min(j.panels*j.tile.rows, j.m) * min(j.cols, j.n) * j.k / 8
	par.Do(tasks, grainFor(cost), func(lo, hi int) {
		b := borrow[T](j.cols*min(j.k, blockDepth) + (j.tile.rows+1)*j.tile.cols)
		defer b.free()
		edge := b.s[:j.tile.rows*j.tile.cols]
		for lo < hi {
			col := lo / j.rowTasks
			r0 := lo % j.rowTasks
			r1 := min(j.rowTasks, r0+hi-lo)
			j.task(col/j.colTasks, col%j.colTasks*j.cols, r0*j.panels, min(j.tile.panels(j.m), r1*j.panels), b.s[len(edge):], edge)
			lo += r1 - r0
		}
	})
}

// runEmpty is the job with an empty sum.
func (j *job[T]) runEmpty(par Parallel) {
	par.Do(j.batch, 1, func(lo, hi int) {
		for t := lo; t < hi; t++ {
			c := j.c(t)
			for i := range j.m {
				row := c[i*j.ldc : i*j.ldc+j.n]
				switch {
				case j.add:
				case j.start != nil:
					fill(row, j.start(t)[i])
				default:
					clear(row)
				}
			}
			if j.before != nil {
				j.before(t, c, 0, j.m, 0, j.n)
			}
			if j.after != nil {
				j.after(t, 0, j.m, 0, j.n)
			}
		}
	})
}

// task computes panels [r0, r1) of the rows and one range of columns of
// product t.
func (j *job[T]) task(t, j0, r0, r1 int, buf, edge []T) {
	a, c := j.a(t), j.c(t)
	nc := min(j.cols, j.n-j0)
	panels := j.tile.panels(j.m)
	if j.before != nil {
		j.before(t, c, panelRow(r0, panels, j.m), panelRow(r1, panels, j.m), j0, j0+nc)
	}
	var start []T
	if j.start != nil {
		start = j.start(t)
	}
	width := roundUp(j.n, j.tile.cols)
	inCache := max(1, blockRows/j.tile.rows)
	for p0 := 0; p0 < j.k; p0 += blockDepth {
		s := strip[T]{kc: min(blockDepth, j.k-p0), a: a[p0*j.m:], b: buf, c: c, edge: edge, j0: j0, nc: nc, add: j.add || p0 > 0, start: start}
		if p0+s.kc == j.k {
			s.act = j.act
		}
		switch full := nc / j.tile.cols * j.tile.cols; {
		case j.packedB != nil:
			s.b = j.packedB[(t*j.k+p0)*width+j0*s.kc:]
		case j.plainB != nil:
			s.plain = j.plainB(t)[p0*j.ldb+j0:]
			if full < nc {
				j.packB(t, buf[full*s.kc:], p0, s.kc, j0+full, nc-full)
			}
		case j.spreadB != nil:
			s.spread, s.off = j.spreadB(t), j.off[p0:p0+s.kc]
			for q := 0; q < nc; q += j.tile.cols {
				if w := min(j.tile.cols, nc-q); w < j.tile.cols || j.column(j0+q) < 0 {
					j.packB(t, buf[q*s.kc:], p0, s.kc, j0+q, w)
				}
			}
		default:
			j.packB(t, buf, p0, s.kc, j0, nc)
		}
		for r := r0; r < r1; r += inCache {
			j.block(&s, r, min(r+inCache, r1))
		}
	}
	if j.after != nil {
		j.after(t, panelRow(r0, panels, j.m), panelRow(r1, panels, j.m), j0, nc)
	}
}

// strip is one block of the summed index of a task.
type strip[T Float] struct {
	kc          int
	plain       []T
	spread      []T
	off         []int
	a, b, c     []T
	edge, start []T
	j0, nc      int
	add         bool
	act         *float32
}

// block multiplies panels [r0, r1) of A, which stay in cache, by the packed
// columns.
func (j *job[T]) block(s *strip[T], r0, r1 int) {
	cols := j.tile.cols
	if s.kc < rowsFirst {
		for r := r0; r < r1; r++ {
			for q := 0; q < s.nc; {
				count := max(1, (s.nc-q)/cols)
				if s.spread != nil {
					count = 1
				}
				j.panel(s, r, q, count)
				q += count * cols
			}
		}
		return
	}
	for q := 0; q < s.nc; q += cols {
		for r := r0; r < r1; r++ {
			j.panel(s, r, q, 1)
		}
	}
}

// panel multiplies panel r of A by the columns of count panels of B, from column q.
// Several are full.
func (j *job[T]) panel(s *strip[T], r, q, count int) {
	cols, panels := j.tile.cols, j.tile.panels(j.m)
	w := min(cols, s.nc-q)
	b, ldb, next := s.b[q*s.kc:], cols, cols*s.kc
	if s.plain != nil && w == cols {
		b, ldb, next = s.plain[q:], j.ldb, cols
	}
	i, end := panelRow(r, panels, j.m), panelRow(r+1, panels, j.m)
	var start *T
	if s.start != nil {
		start = &s.start[i]
	}
	if s.spread != nil && w == cols {
		if at := j.column(s.j0 + q); at >= 0 {
			b, c := s.spread[at:], s.c[i*j.ldc+s.j0+q:]
			_, _ = b[s.off[s.kc-1]+cols-1], c[(end-i-1)*j.ldc+cols-1]
			j.tile.spread[end-i-1](s.kc, &s.a[i*s.kc], &b[0], &s.off[0], &c[0], j.ldc, start, s.add, 1, 0, s.act)
			return
		}
	}
	c := s.c[i*j.ldc+s.j0+q:]
	if w == cols && j.alpha == 1 {
		_, _ = b[(count-1)*next+(s.kc-1)*ldb+cols-1], c[(end-i-1)*j.ldc+count*cols-1]
		j.tile.kernels[end-i-1][1](s.kc, &s.a[i*s.kc], &b[0], ldb, &c[0], j.ldc, start, s.add, count, next, s.act)
		return
	}
	for k := range count {
		j.one(s, s.a[i*s.kc:], b[k*next:], ldb, c[k*cols:], end-i, w, start)
	}
}

// one computes a tile of h rows, of which w columns are stored.
func (j *job[T]) one(s *strip[T], a, b []T, ldb int, c []T, h, w int, start *T) {
	cols := j.tile.cols
	half := 1
	if 2*w <= cols {
		half = 0
	}
	kernel := j.tile.kernels[h-1][half]
	if w == cols>>(1-half) && j.alpha == 1 {
		_ = c[(h-1)*j.ldc+w-1]
		kernel(s.kc, &a[0], &b[0], ldb, &c[0], j.ldc, start, s.add, 1, 0, s.act)
		return
	}
	add := s.add && j.alpha == 1
	if add {
		for r := range h {
			copy(s.edge[r*cols:][:w], c[r*j.ldc:])
		}
	}
	kernel(s.kc, &a[0], &b[0], ldb, &s.edge[0], cols, start, add, 1, 0, s.act)
	for r := range h {
		store(c[r*j.ldc:][:w], s.edge[r*cols:], j.alpha, s.add && !add)
	}
}

// store is for i: c[i] = alpha*x[i] (+ c[i]).
func store[T Float](c, x []T, alpha T, add bool) {
	x = x[:len(c)]
	switch {
	case alpha == 1 && !add:
		copy(c, x)
	case add:
		for i, v := range x {
			c[i] += alpha * v
		}
	default:
		for i, v := range x {
			c[i] = alpha * v
		}
	}
}
