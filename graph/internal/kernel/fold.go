package kernel

// FoldWindows adds unfolded planes back together, for each of the given number
// of planes: x has shape (planes, taps, Out…), dst (planes, In…):
//
//	dst = 0; for p, k…, o…: dst[p, o*Stride+k*Dilation-PadBegin…] += x[p, k…, o…]
//
// Positions outside the plane are left out.
func FoldWindows[T Float](par Parallel, w *Window, planes int, dst, x []T) {
	size := w.taps * w.outSize
	par.Do(planes, grainFor(size), func(lo, hi int) {
		for p := lo; p < hi; p++ {
			foldPlane(w, dst[p*w.inSize:][:w.inSize], x[p*size:][:size], 0)
		}
	})
}
