package kernel

// Rows is a binary operation as loops over rows, so that the inner loop holds
// no call. All slices of one call have the same length.
type Rows[D, S any] struct {
	VV func(dst []D, a, b []S)   // for i: dst[i] = op(a[i], b[i])
	VS func(dst []D, a []S, b S) // for i: dst[i] = op(a[i], b)
	SV func(dst []D, a S, b []S) // for i: dst[i] = op(a, b[i])
}

// rowsOf makes Rows of a scalar function, for operations that cost much more
// than a call.
func rowsOf[D, S any](f func(a, b S) D) Rows[D, S] {
	return Rows[D, S]{
		VV: func(dst []D, a, b []S) {
			for i := range dst {
				dst[i] = f(a[i], b[i])
			}
		},
		VS: func(dst []D, a []S, b S) {
			for i := range dst {
				dst[i] = f(a[i], b)
			}
		},
		SV: func(dst []D, a S, b []S) {
			for i := range dst {
				dst[i] = f(a, b[i])
			}
		},
	}
}

// BroadcastStrides returns the strides with which a contiguous array of shape in
// is read under the output shape out: in is aligned to the right of out, and
// its dimensions of size 1 get stride 0. ok is false if the shapes do not
// broadcast.
func BroadcastStrides(out, in []int) (strides []int, ok bool) {
	skip := len(out) - len(in)
	if skip < 0 {
		return nil, false
	}
	strides = make([]int, len(out))
	n := 1
	for d := len(in) - 1; d >= 0; d-- {
		switch {
		case in[d] == out[skip+d]:
			strides[skip+d] = n
		case in[d] != 1:
			return nil, false
		}
		n *= in[d]
	}
	return strides, true
}

// Broadcast applies op over an output shape:
//
//	for each index i of shape, in row-major order, with number t:
//		dst[t] = op(a[Σ i[d]*aStride[d]], b[Σ i[d]*bStride[d]])
//
// Strides of 0 broadcast. dst is contiguous; it may be the same slice as an
// operand of the same layout.
func Broadcast[D, S any](par Parallel, shape []int, dst []D, a []S, aStride []int, b []S, bStride []int, op Rows[D, S]) {
	n := newNest(shape, aStride, bStride)
	sa, sb := n.step[0], n.step[1]
	if n.inner == 1 { // a single element: stride does not matter
		sa, sb = 1, 1
	}
	common := (sa == 1 || sa == 0) && (sb == 1 || sb == 0) && sa+sb > 0
	if !common {
		broadcastGathered(par, n, dst, a, b, op)
		return
	}
	n.each(par, func(at, size int, off *[4]int) {
		d, ia, ib := dst[at:at+size], off[0], off[1]
		switch {
		case sa == 1 && sb == 1:
			op.VV(d, a[ia:ia+size], b[ib:ib+size])
		case sa == 1 && sb == 0:
			op.VS(d, a[ia:ia+size], b[ib])
		default:
			op.SV(d, a[ia], b[ib:ib+size])
		}
	})
}

// Pairs applies op to elements of the same place in dst, a and b, of which a or b
// may be a single element, which goes with all.
func Pairs[D, S any](par Parallel, dst []D, a, b []S, op Rows[D, S]) {
	par.Do(len(dst), elementGrain, func(lo, hi int) {
		switch d := dst[lo:hi]; {
		case len(b) == 1 && len(a) == len(dst):
			op.VS(d, a[lo:hi], b[0])
		case len(a) == 1:
			op.SV(d, a[0], b[lo:hi])
		default:
			op.VV(d, a[lo:hi], b[lo:hi])
		}
	})
}

func broadcastGathered[D, S any](par Parallel, n *nest, dst []D, a, b []S, op Rows[D, S]) {
	sa, sb := n.step[0], n.step[1]
	par.Do(n.rows*n.inner, elementGrain, func(lo, hi int) {
		bufA, bufB := make([]S, gatherChunk), make([]S, gatherChunk)
		n.walk(lo, hi, func(at, size int, off *[4]int) {
			ia, ib := off[0], off[1]
			for end := at + size; at < end; at += gatherChunk {
				m := min(end-at, gatherChunk)
				for i := range m {
					bufA[i], bufB[i] = a[ia], b[ib]
					ia += sa
					ib += sb
				}
				op.VV(dst[at:at+m], bufA[:m], bufB[:m])
			}
		})
	})
}

// Where selects element by element, with broadcasting by strides:
//
//	for each index i of shape, with number t:
//		dst[t] = cond[Σ i*condStride] ? a[Σ i*aStride] : b[Σ i*bStride]
func Where[E any](par Parallel, shape []int, dst []E, cond []bool, condStride []int, a []E, aStride []int, b []E, bStride []int) {
	n := newNest(shape, condStride, aStride, bStride)
	sc, sa, sb := n.step[0], n.step[1], n.step[2]
	n.each(par, func(at, size int, off *[4]int) {
		ic, ia, ib := off[0], off[1], off[2]
		d := dst[at : at+size]
		if sc == 0 && size > 1 {
			from, i, s := b, ib, sb
			if cond[ic] {
				from, i, s = a, ia, sa
			}
			for k := range d {
				d[k] = from[i]
				i += s
			}
			return
		}
		for k := range d {
			if cond[ic] {
				d[k] = a[ia]
			} else {
				d[k] = b[ib]
			}
			ic += sc
			ia += sa
			ib += sb
		}
	})
}

// Fold applies a binary operation over several inputs of one shape, as the
// variadic operators (Sum, Max, Min) need it: dst already holds the first
// operand broadcast to shape, and
//
//	for each index i of shape, with number t: dst[t] = op(dst[t], x[Σ i*xStride])
func Fold[E any](par Parallel, shape []int, dst, x []E, xStride []int, op Rows[E, E]) {
	Broadcast(par, shape, dst, dst, rowStrides(shape), x, xStride, op)
}
