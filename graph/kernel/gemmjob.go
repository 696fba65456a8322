package kernel

import "unsafe"

// job is a batch of matrix products of one size, C = alpha*A*B (+ C), in
// tasks: a task is a range of rows times a range of columns of one C.
type job[T Float] struct {
	tile    tileShape[T]
	batch   int
	m, n, k int
	alpha   T
	add     bool            // C is added to, not stored
	a       func(t int) []T // packed A of product t
	packedB []T             // packed B of all products, or nil
	packB   func(t int, dst []T, p0, kc, j0, nc int)
	c       func(t int) []T
	ldc     int

	// before prepares rows [i0, i1) × columns [j0, j1) of C where add is set.
	before func(t int, c []T, i0, i1, j0, j1 int)

	// split of C into tasks
	rows, cols         int // size of a task
	rowTasks, colTasks int
}

// wantTasks is the number of tasks that keeps a few workers evenly busy.
const wantTasks = 16

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

// plan splits C: whole rows if the columns give enough tasks.
func (j *job[T]) plan() {
	j.cols = blockCols
	if j.batch*(j.n/blockCols) < wantTasks {
		even := (j.n*j.batch + wantTasks - 1) / wantTasks
		j.cols = min(blockCols, max(2*j.tile.cols, roundUp(even, j.tile.cols)))
	}
	j.colTasks = (j.n + j.cols - 1) / j.cols
	j.rows = packedRows(j.m)
	if t := j.batch * j.colTasks; t < wantTasks {
		parts := (wantTasks + t - 1) / t
		j.rows = max(8*tileRows, roundUp((j.m+parts-1)/parts, tileRows))
	}
	j.rowTasks = (j.m + j.rows - 1) / j.rows
}

// run does the products.
func (j *job[T]) run(par Parallel) {
	if j.k == 0 {
		j.runEmpty(par)
		return
	}
	j.plan()
	tasks := j.batch * j.colTasks * j.rowTasks
	cost := min(j.rows, j.m) * min(j.cols, j.n) * j.k / 8
	par.Do(tasks, grainFor(cost), func(lo, hi int) {
		b := borrow[T](j.cols*min(j.k, blockDepth) + tileRows*j.tile.cols)
		defer b.free()
		edge := b.s[:tileRows*j.tile.cols]
		for lo < hi {
			col := lo / j.rowTasks
			r0 := lo % j.rowTasks
			r1 := min(j.rowTasks, r0+hi-lo)
			j.task(col/j.colTasks, col%j.colTasks*j.cols, r0*j.rows, min(j.m, r1*j.rows), b.s[len(edge):], edge)
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
				if !j.add {
					clear(c[i*j.ldc : i*j.ldc+j.n])
				}
			}
			if j.before != nil {
				j.before(t, c, 0, j.m, 0, j.n)
			}
		}
	})
}

// task computes rows [i0, i1) and one range of columns of product t.
func (j *job[T]) task(t, j0, i0, i1 int, buf, edge []T) {
	a, c := j.a(t), j.c(t)
	nc := min(j.cols, j.n-j0)
	if j.before != nil {
		j.before(t, c, i0, i1, j0, j0+nc)
	}
	height, width := packedRows(j.m), roundUp(j.n, j.tile.cols)
	for p0 := 0; p0 < j.k; p0 += blockDepth {
		kc := min(blockDepth, j.k-p0)
		b := buf
		if j.packedB != nil {
			b = j.packedB[(t*j.k+p0)*width+j0*kc:]
		} else {
			j.packB(t, buf, p0, kc, j0, nc)
		}
		for i := i0; i < i1; i += blockRows {
			j.block(kc, a[p0*height:], b, c, i, min(i+blockRows, i1), j0, nc, j.add || p0 > 0, edge)
		}
	}
}

// block multiplies a block of A, which stays in cache, by the packed columns.
func (j *job[T]) block(kc int, a, b, c []T, i0, i1, j0, nc int, add bool, edge []T) {
	cols := j.tile.cols
	for q := 0; q < nc; q += cols {
		pb := unsafe.Pointer(&b[q*kc])
		w := min(cols, nc-q)
		for i := i0; i < i1; i += tileRows {
			pa := unsafe.Pointer(&a[i*kc])
			h := min(tileRows, i1-i)
			at := i*j.ldc + j0 + q
			if h == tileRows && w == cols && j.alpha == 1 {
				_ = c[at+(tileRows-1)*j.ldc+cols-1]
				j.tile.kernel(kc, pa, pb, unsafe.Pointer(&c[at]), j.ldc, add)
				continue
			}
			j.tile.kernel(kc, pa, pb, unsafe.Pointer(&edge[0]), cols, false)
			for r := range h {
				store(c[at+r*j.ldc:][:w], edge[r*cols:], j.alpha, add)
			}
		}
	}
}

// store is for i: c[i] = alpha*x[i] (+ c[i]).
func store[T Float](c, x []T, alpha T, add bool) {
	x = x[:len(c)]
	switch {
	case alpha == 1 && add:
		addVV(c, c, x)
		return
	case alpha == 1:
		copy(c, x)
		return
	case add:
		for i, v := range x {
			c[i] += alpha * v
		}
		return
	}
	for i, v := range x {
		c[i] = alpha * v
	}
}
