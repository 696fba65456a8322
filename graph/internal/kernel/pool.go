package kernel

import "math"

// outerRows calls f for each input row under output row r: offset of the row,
// and its kernel position is outer position number k.
func (w *Window) outerRows(r int, f func(base int)) {
	var lo, hi, at, k [maxRank]int
	last := len(w.In) - 1
	for d := last - 1; d >= 0; d-- {
		o := r % w.Out[d]
		r /= w.Out[d]
		lo[d], hi[d] = w.overlap(d, o)
		if lo[d] >= hi[d] {
			return
		}
		at[d] = o*w.Stride[d] - w.PadBegin[d]
		k[d] = lo[d]
	}
	for {
		base := 0
		for d := range last {
			base += (at[d] + k[d]*w.Dilation[d]) * w.inStride[d]
		}
		f(base)
		d := last - 1
		for ; d >= 0; d-- {
			if k[d]++; k[d] < hi[d] {
				break
			}
			k[d] = lo[d]
		}
		if d < 0 {
			return
		}
	}
}

// reach is the range of kernel positions of the last dimension that are inside
// the input at some output position.
func (w *Window) reach() (lo, hi int) {
	last := len(w.In) - 1
	if w.Out[last] == 0 || w.In[last] == 0 {
		return 0, 0
	}
	lo, _ = w.overlap(last, w.Out[last]-1)
	_, hi = w.overlap(last, 0)
	return lo, hi
}

// poolRows runs f on all pieces of input rows that lie under output row r:
// the outputs [lo, hi) read x[at], x[at+stride], ….
func (w *Window) poolRows(r int, f func(lo, hi, at int)) {
	last := len(w.In) - 1
	from, to := w.reach()
	w.outerRows(r, func(base int) {
		for k := from; k < to; k++ {
			lo, hi := w.inside(last, k)
			if lo < hi {
				f(lo, hi, base+lo*w.Stride[last]+k*w.Dilation[last]-w.PadBegin[last])
			}
		}
	})
}

// MaxPool takes the greatest input under each window position, for each of the
// given number of planes:
//
//	for p, o…: dst[p, o…] = max over k… of x[p, o*Stride+k*Dilation-PadBegin…]
//
// over the positions inside the input. NaN wins. A position without any
// gets lowest. If indices is not nil, it gets the offset in x of the first
// greatest element, or -1; the spatial part is counted with the first
// dimension fastest if columnMajor.
func MaxPool[T Number](par Parallel, w *Window, planes int, dst []T, indices []int64, x []T, lowest T, columnMajor bool) {
	if height, width, ok := w.paddedSize(); ok && indices == nil {
		maxPlanes(par, w, height, width, planes, dst, x, lowest)
		return
	}
	if size, stride := w.square(); stride == 2 && (size == 2 || size == 3) && fast32.maxPlanes[size-2] != nil && isFloat32[T]() && indices == nil {
		p := newMaskedWindow(w, fast32.maxPlanes[size-2])
		par.Do(planes, grainFor(w.outSize*w.taps/8), func(lo, hi int) {
			for t := lo; t < hi; t++ {
				p.plane(float32s(dst[t*w.outSize:]), float32s(x[t*w.inSize:][:w.inSize]), nil, float32(lowest), nil)
			}
		})
		return
	}
	rows, width := w.rows()
	stride := w.Stride[len(w.In)-1]
	par.Do(planes*rows, grainFor(width*w.taps), func(lo, hi int) {
		columns := borrow[T](w.In[len(w.In)-1])
		defer columns.free()
		for t := lo; t < hi; t++ {
			plane := t / rows
			src := x[plane*w.inSize:][:w.inSize]
			out := dst[t*width:][:width]
			fill(out, lowest)
			if indices == nil {
				maxOfRows(w, t%rows, out, src, columns.s)
				continue
			}
			index := indices[t*width:][:width]
			fill(index, -1)
			w.poolRows(t%rows, func(lo, hi, at int) {
				maxIndexed(out[lo:hi], index[lo:hi], src, at, stride)
			})
			for i, v := range index {
				if v < 0 {
					continue
				}
				if columnMajor {
					v = w.columnMajor(int(v))
				}
				index[i] = v + int64(plane*w.inSize)
			}
		}
	})
}

// paddedSize is the height and width of the padded plane that maxPlanes needs, if the
// window has two dimensions and slides by 1, and the padded plane is not much larger
// than the planes.
func (w *Window) paddedSize() (height, width int, ok bool) {
	if len(w.In) != 2 {
		return 0, 0, false
	}
	for d := range w.In {
		if w.Stride[d] != 1 || w.Dilation[d] != 1 || w.Kernel[d] > 2*w.In[d] || w.PadBegin[d] > w.In[d] || w.PadEnd[d] > w.In[d] {
			return 0, 0, false
		}
	}
	return w.Out[0] + w.Kernel[0] - 1, w.Out[1] + w.Kernel[1] - 1, true
}

// maxPlanes is MaxPool for windows that slide by 1. A plane is put into a padded plane
// of lowest, where a window is a row of neighbours, and then a row of rows; of
// twice the size, it is the greater of two.
func maxPlanes[T Number](par Parallel, w *Window, height, width, planes int, dst, x []T, lowest T) {
	size := w.Out[0] * w.Out[1]
	if size == 0 {
		return
	}
	par.Do(planes, grainFor(8*height*width), func(lo, hi int) {
		padded := borrow[T](height * width)
		defer padded.free()
		for p := lo; p < hi; p++ {
			fill(padded.s, lowest)
			src, out := x[p*w.inSize:][:w.inSize], dst[p*size:][:size]
			for r := range w.In[0] {
				if at := r + w.PadBegin[0]; at >= 0 && at < height {
					from := max(-w.PadBegin[1], 0)
					copy(padded.s[at*width:][:width][max(w.PadBegin[1], 0):], src[r*w.In[1]:][:w.In[1]][min(from, w.In[1]):])
				}
			}
			maxOfWindow(padded.s, w.Kernel[1], 1)
			maxOfWindow(padded.s, w.Kernel[0], width)
			for r := range w.Out[0] {
				copy(out[r*w.Out[1]:][:w.Out[1]], padded.s[r*width:])
			}
		}
	})
}

// maxOfWindow is for i: x[i] = the greatest of x[i], x[i+step], …, of n elements,
// those beyond the end left out.
func maxOfWindow[T Number](x []T, n, step int) {
	have := 1
	for have < n {
		more := min(have, n-have) * step
		if more >= len(x) {
			return
		}
		maxStrided(x[:len(x)-more], x[more:], 1)
		have = min(2*have, n)
	}
}

// maxOfRows folds the input rows under output row r into out: first into one
// row of the input's width, columns, then over the kernel's width.
func maxOfRows[T Number](w *Window, r int, out, src, columns []T) {
	last := len(w.In) - 1
	stride := w.Stride[last]
	some := false
	w.outerRows(r, func(base int) {
		if row := src[base:][:len(columns)]; some {
			maxStrided(columns, row, 1)
		} else {
			copy(columns, row)
			some = true
		}
	})
	if !some {
		return
	}
	from, to := w.reach()
	for k := from; k < to; k++ {
		if lo, hi := w.inside(last, k); lo < hi {
			maxStrided(out[lo:hi], columns[lo*stride+k*w.Dilation[last]-w.PadBegin[last]:], stride)
		}
	}
}

// maxStrided is for i: y[i] = max(y[i], x[i*s]).
func maxStrided[T Number](y, x []T, s int) {
	from := maxFast(y, x, s)
	at := from * s
	for i, v := range y[from:] {
		if e := x[at]; e > v || e != e {
			y[from+i] = e
		}
		at += s
	}
}

// maxIndexed is maxStrided of x[at:] that also keeps the offset.
func maxIndexed[T Number](y []T, index []int64, x []T, at, s int) {
	for i, v := range y {
		if e := x[at]; index[i] < 0 || e > v || e != e && v == v {
			y[i], index[i] = e, int64(at)
		}
		at += s
	}
}

// columnMajor renumbers an input position.
func (w *Window) columnMajor(at int) int64 {
	out, step := 0, 1
	for d := range w.In {
		out += at / w.inStride[d] % w.In[d] * step
		step *= w.In[d]
	}
	return int64(out)
}

// AveragePool takes the mean of the inputs under each window position, for
// each plane. The divisor is the number of kernel positions inside the input,
// or inside the padded input if countPad. Where it is 0 the result is 0.
func AveragePool[T Float](par Parallel, w *Window, planes int, dst, x []T, countPad bool) {
	counts := make([][]float64, len(w.In))
	for d := range counts {
		counts[d] = make([]float64, w.Out[d])
		for o := range counts[d] {
			counts[d][o] = w.count(d, o, countPad)
		}
	}
	accumulate(par, w, planes, dst, x, func(acc []float64, x []T, s int) {
		at := 0
		for i := range acc {
			acc[i] += float64(x[at])
			at += s
		}
	}, func(out []T, acc []float64, row int) {
		last := len(w.In) - 1
		n := 1.0
		for d := last - 1; d >= 0; d-- {
			n *= counts[d][row%w.Out[d]]
			row /= w.Out[d]
		}
		for i, v := range acc {
			if m := n * counts[last][i]; m > 0 {
				out[i] = T(v / m)
			} else {
				out[i] = 0
			}
		}
	})
}

// count is the number of kernel positions of dimension d at output position o
// that are inside the input, or the padded input.
func (w *Window) count(d, o int, padded bool) float64 {
	if !padded {
		lo, hi := w.overlap(d, o)
		return float64(hi - lo)
	}
	room := w.In[d] + w.PadEnd[d] - (o*w.Stride[d] - w.PadBegin[d])
	if room <= 0 {
		return 0
	}
	return float64(min(w.Kernel[d], (room-1)/w.Dilation[d]+1))
}

// LpPool takes the p-norm (Σ|x|^p)^(1/p) of the inputs under each window
// position, for each plane.
func LpPool[T Float](par Parallel, w *Window, planes int, dst, x []T, p float64) {
	accumulate(par, w, planes, dst, x, func(acc []float64, x []T, s int) {
		at := 0
		for i := range acc {
			acc[i] += powAbs(float64(x[at]), p)
			at += s
		}
	}, func(out []T, acc []float64, _ int) {
		for i, v := range acc {
			out[i] = T(rootOf(v, p))
		}
	})
}

// powAbs is |x|^p.
func powAbs(x, p float64) float64 {
	switch p {
	case 1:
		return math.Abs(x)
	case 2:
		return x * x
	}
	return math.Pow(math.Abs(x), p)
}

// rootOf is x^(1/p).
func rootOf(x, p float64) float64 {
	switch p {
	case 1:
		return x
	case 2:
		return math.Sqrt(x)
	}
	return math.Pow(x, 1/p)
}

// accumulate folds the inputs of each output row into a float64 row and hands
// it to last, with the row's number in its plane.
func accumulate[T Float](par Parallel, w *Window, planes int, dst, x []T, fold func(acc []float64, x []T, s int), last func(out []T, acc []float64, row int)) {
	rows, width := w.rows()
	stride := w.Stride[len(w.In)-1]
	par.Do(planes*rows, grainFor(width*w.taps), func(lo, hi int) {
		acc := borrow[float64](width)
		defer acc.free()
		for t := lo; t < hi; t++ {
			src := x[t/rows*w.inSize:][:w.inSize]
			clear(acc.s)
			w.poolRows(t%rows, func(lo, hi, at int) { fold(acc.s[lo:hi], src[at:], stride) })
			last(dst[t*width:][:width], acc.s, t%rows)
		}
	})
}
