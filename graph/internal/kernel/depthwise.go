package kernel

// convDepthwise is Conv with one input channel per group: each output plane is
// a sum of shifted input planes, added row by row.
func convDepthwise[T Float](par Parallel, g *ConvGeom, x, w, bias, y []T, finish Finish) {
	if isFloat32[T]() {
		if p := newMaskedPlanes(g); p != nil {
			p.run(par, float32s(x), float32s(w), float32s(bias), float32s(y), finish)
			return
		}
		if p := newTapPlanes(g); p != nil {
			p.run(par, float32s(x), float32s(w), float32s(bias), float32s(y), finish)
			return
		}
	}
	then := apart(finish, y, g.outStep)
	par.Do(g.N*g.M, grainFor(g.outSize*g.taps), func(lo, hi int) {
		eachPlane(g, lo, hi, x, w, bias, y, then, func(dst, src, w []T, bias T, _ int) { depthwisePlane(g.Window, dst, src, w, bias) })
	})
}

// eachPlane has plane compute output planes [lo, hi), each from input plane c, and
// finishes them, if finish is not nil.
func eachPlane[T Float](g *ConvGeom, lo, hi int, x, w, bias, y []T, finish func(first, count, at, n int), plane func(dst, src, w []T, bias T, c int)) {
	pending := lo // the first plane that is not finished
	for t := lo; t < hi; t++ {
		n, m := t/g.M, t%g.M
		c := n*g.C + m/g.mg
		var b T
		if bias != nil {
			b = bias[m]
		}
		plane(y[t*g.outStep:][:g.outSize], x[c*g.inStep:][:g.inSize], w[m*g.taps:][:g.taps], b, c)
		if count := t + 1 - pending; finish != nil && (t == hi-1 || (count+1)*g.outSize > finishElems) {
			finish(pending, count, 0, g.outSize)
			pending = t + 1
		}
	}
}

// depthwisePlane convolves one plane.
func depthwisePlane[T Float](win *Window, dst, src, w []T, bias T) {
	fill(dst, bias)
	last := len(win.In) - 1
	_, width := win.rows()
	outer := product(win.Kernel[:last])
	kw := win.Kernel[last]
	for row, at := 0, 0; at < len(dst); row, at = row+1, at+width {
		out := dst[at : at+width]
		for k := range outer {
			base, ok := win.outerOffset(row, k)
			if ok {
				depthwiseRow(win, out, src[base:base+win.In[last]], w[k*kw:][:kw])
			}
		}
	}
}

// outerOffset is the offset of the input row that output row r reads under
// outer kernel position k; ok is false if it is padding.
func (w *Window) outerOffset(r, k int) (base int, ok bool) {
	for d := len(w.In) - 2; d >= 0; d-- {
		o, p := r%w.Out[d], k%w.Kernel[d]
		r /= w.Out[d]
		k /= w.Kernel[d]
		i := o*w.Stride[d] - w.PadBegin[d] + p*w.Dilation[d]
		if uint(i) >= uint(w.In[d]) {
			return 0, false
		}
		base += i * w.inStride[d]
	}
	return base, true
}

// depthwiseRow is for o, k: out[o] += in[o*stride + k*dilation - pad] * w[k]
// where the input position is inside.
func depthwiseRow[T Float](win *Window, out, in, w []T) {
	d := len(win.In) - 1
	s := win.Stride[d]
	if len(w) == 3 && s <= 2 {
		depthwiseRow3(win, out, in, w)
		return
	}
	for k, v := range w {
		lo, hi := win.inside(d, k)
		if lo < hi {
			addStrided(out[lo:hi], v, in[lo*s+k*win.Dilation[d]-win.PadBegin[d]:], s)
		}
	}
}

// depthwiseRow3 is depthwiseRow for three taps: where all are inside, they are
// added together.
func depthwiseRow3[T Float](win *Window, out, in, w []T) {
	d := len(win.In) - 1
	s, dil := win.Stride[d], win.Dilation[d]
	lo, _ := win.inside(d, 0)
	_, hi := win.inside(d, 2)
	if lo >= hi {
		lo, hi = 0, 0
	}
	for k, v := range w {
		from, to := win.inside(d, k)
		at := k*dil - win.PadBegin[d]
		for o := from; o < min(lo, to); o++ {
			out[o] += v * in[o*s+at]
		}
		for o := max(hi, from); o < to; o++ {
			out[o] += v * in[o*s+at]
		}
	}
	if lo == hi {
		return
	}
	w0, w1, w2 := w[0], w[1], w[2]
	at := lo*s - win.PadBegin[d]
	mid := out[lo:hi]
	reach := (len(mid)-1)*s + 1
	x0, x1, x2 := in[at:][:reach], in[at+dil:][:reach], in[at+2*dil:][:reach]
	if s == 1 {
		for i := range mid {
			mid[i] += w0*x0[i] + w1*x1[i] + w2*x2[i]
		}
		return
	}
	for i := range mid {
		mid[i] += w0*x0[i*s] + w1*x1[i*s] + w2*x2[i*s]
	}
}

// addStrided is for i: y[i] += v*x[i*s].
func addStrided[T Float](y []T, v T, x []T, s int) {
	if s == 1 {
		axpy(y, v, x)
		return
	}
	at := 0
	for i := range y {
		y[i] += v * x[at]
		at += s
	}
}
