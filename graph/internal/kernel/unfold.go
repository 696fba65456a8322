package kernel

// maxRank bounds the spatial ranks for which the unfolding keeps coordinates
// on the stack.
const maxRank = 8

// segment is a part of a panel whose output positions are neighbours in one
// output row.
type segment struct {
	at, size int          // first column of the panel, number of columns
	pos      [maxRank]int // input position under kernel position 0
	base     int          // its offset in a channel
}

// packUnfolded packs a block of the unfolded input: row p is channel
// p/taps under kernel position p%taps, column j the output position j. The
// layout is packColumns'.
func packUnfolded[T Float](w *Window, cols int, dst, x []T, p0, kc, j0, nc int) {
	var segs [maxCols]segment
	for j := 0; j < nc; j += cols {
		panel := dst[j*kc:][:kc*cols]
		width := min(cols, nc-j)
		if width < cols {
			clear(panel)
		}
		list := w.segments(segs[:0], j0+j, width)
		t := w.tapAt(p0)
		for p := range kc {
			row := panel[p*cols:][:cols]
			for i := range list {
				unfoldSegment(w, row, x, &list[i], &t)
			}
			w.nextTap(&t)
		}
	}
}

// tap is a row of the unfolded input: a kernel position of a channel.
type tap struct {
	k      [maxRank]int // kernel position
	shift  [maxRank]int // k*Dilation
	offset int          // of the channel, plus that of shift
}

func (w *Window) tapAt(p int) tap {
	t := tap{offset: p / w.taps * w.inSize}
	p %= w.taps
	for d := len(w.Kernel) - 1; d >= 0; d-- {
		t.k[d] = p % w.Kernel[d]
		p /= w.Kernel[d]
		t.shift[d] = t.k[d] * w.Dilation[d]
		t.offset += t.shift[d] * w.inStride[d]
	}
	return t
}

func (w *Window) nextTap(t *tap) {
	for d := len(w.Kernel) - 1; d >= 0; d-- {
		t.k[d]++
		t.shift[d] += w.Dilation[d]
		t.offset += w.Dilation[d] * w.inStride[d]
		if t.k[d] < w.Kernel[d] {
			return
		}
		t.offset -= t.shift[d] * w.inStride[d]
		t.k[d], t.shift[d] = 0, 0
	}
	t.offset += w.inSize
}

// unfoldSegment writes one segment of one row of a panel.
func unfoldSegment[T Float](w *Window, row, x []T, s *segment, t *tap) {
	last := len(w.In) - 1
	dst := row[s.at : s.at+s.size]
	for d := range last {
		if uint(s.pos[d]+t.shift[d]) >= uint(w.In[d]) {
			clear(dst)
			return
		}
	}
	first, step := s.pos[last]+t.shift[last], w.Stride[last]
	at := t.offset + s.base
	if first >= 0 && first+(s.size-1)*step < w.In[last] {
		switch {
		case step == 1 && s.size == 16:
			*(*[16]T)(dst) = *(*[16]T)(x[at:])
		case step == 1:
			copy(dst, x[at:at+s.size])
		default:
			for i := range dst {
				dst[i] = x[at+i*step]
			}
		}
		return
	}
	for i := range dst {
		if uint(first+i*step) < uint(w.In[last]) {
			dst[i] = x[at+i*step]
		} else {
			dst[i] = 0
		}
	}
}

// segments splits the output positions [j, j+n) by output rows.
func (w *Window) segments(list []segment, j, n int) []segment {
	last := len(w.Out) - 1
	width := w.Out[last]
	for at := 0; at < n; {
		s := segment{at: at}
		row, o := (j+at)/width, (j+at)%width
		s.size = min(n-at, width-o)
		for d := last; d >= 0; d-- {
			if d < last {
				o = row % w.Out[d]
				row /= w.Out[d]
			}
			s.pos[d] = o*w.Stride[d] - w.PadBegin[d]
			s.base += s.pos[d] * w.inStride[d]
		}
		list = append(list, s)
		at += s.size
	}
	return list
}
