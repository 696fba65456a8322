package kernel

import "unsafe"

// CopyStrided copies an N-D block between two strided layouts:
//
//	for each index i of shape:
//		dst[dstAt + Σ i[d]*dstStride[d]] = src[srcAt + Σ i[d]*srcStride[d]]
//
// Strides may be negative; a source stride of 0 broadcasts. Destination
// elements must be distinct. E is any element type: Transpose, Slice, Expand,
// Concat, Split, Tile and Pad's interior are calls of this.
func CopyStrided[E any](par Parallel, shape []int, dst []E, dstAt int, dstStride []int, src []E, srcAt int, srcStride []int) {
	n := newNest(shape, dstStride, srcStride)
	ds, ss := n.step[0], n.step[1]
	if last := len(n.shape) - 1; last >= 0 && ds == 1 && n.strides[1][last] == 1 && n.inner >= tile/2 && n.shape[last] >= tile/2 {
		copyTransposed(par, n, dst, dstAt, src, srcAt)
		return
	}
	n.each(par, func(_, size int, off *[4]int) {
		d, s := dstAt+off[0], srcAt+off[1]
		switch {
		case ds == 1 && ss == 1:
			copy(dst[d:d+size], src[s:s+size])
		case ds == 1 && ss == 0:
			fill(dst[d:d+size], src[s])
		case ds == 1 && ss == 2:
			copyEven(dst[d:d+size], src[s:])
		case ds == 1:
			for i := range dst[d : d+size] {
				dst[d+i] = src[s]
				s += ss
			}
		default:
			for range size {
				dst[d] = src[s]
				d += ds
				s += ss
			}
		}
	})
}

// copyEven is for i: dst[i] = src[2i].
func copyEven[E any](dst, src []E) {
	src = src[:2*len(dst)-1]
	n := 0
	if fast32.even != nil && isWord[E]() && len(dst) >= vectorLen {
		n = len(dst) &^ (vectorLen - 1)
		fast32.even(at32(dst), at32(src), n)
	}
	for i := n; i < len(dst); i++ {
		dst[i] = src[2*i]
	}
}

// copyTransposed copies where the destination is contiguous along the last
// dimension and the source along the one before it, in square tiles.
func copyTransposed[E any](par Parallel, n *nest, dst []E, dstAt int, src []E, srcAt int) {
	last := len(n.shape) - 1
	rows, cols := n.shape[last], n.inner
	ds, ss := n.strides[0][last], n.step[1]
	outer := &nest{shape: n.shape[:last], strides: [][]int{n.strides[0][:last], n.strides[1][:last]}}
	outer.rows = product(outer.shape)
	stripes := (rows + tile - 1) / tile
	par.Do(outer.rows*stripes, grainFor(tile*cols), func(lo, hi int) {
		for b := lo; b < hi; b++ {
			c := outer.at(b / stripes)
			r0 := b % stripes * tile
			r1 := min(r0+tile, rows)
			d0, s0 := dstAt+c.off[0], srcAt+c.off[1]
			r0 += transposeFast(dst[d0+r0*ds:], src[s0+r0:], ds, ss, r1-r0, cols)
			for c0 := 0; c0 < cols; c0 += tile {
				c1 := min(c0+tile, cols)
				for r := r0; r < r1; r++ {
					out := dst[d0+r*ds+c0 : d0+r*ds+c1]
					s := s0 + r + c0*ss
					for i := range out {
						out[i] = src[s]
						s += ss
					}
				}
			}
		}
	})
}

// transposeFast copies as many of the first rows as fast32 can, whole, and returns how
// many: for r, c < cols: dst[r*ds+c] = src[c*ss+r].
func transposeFast[E any](dst, src []E, ds, ss, rows, cols int) int {
	blocks := cols / vectorLen
	rows &^= vectorLen - 1
	if fast32.transpose == nil || !isWord[E]() || rows == 0 || blocks == 0 || ds < 0 || ss < 0 {
		return 0
	}
	_, _ = dst[(rows-1)*ds+cols-1], src[(cols-1)*ss+rows-1]
	for r := 0; r < rows; r += vectorLen {
		fast32.transpose(at32(dst[r*ds:]), at32(src[r:]), ds, ss, blocks)
		for k := r; k < r+vectorLen; k++ {
			for c := blocks * vectorLen; c < cols; c++ {
				dst[k*ds+c] = src[c*ss+k]
			}
		}
	}
	return rows
}

// fill sets every element: for i: dst[i] = v.
func fill[E any](dst []E, v E) {
	for i := range dst {
		dst[i] = v
	}
}

// IndexCopy gathers along every axis by a table:
//
//	dst[i0, i1, …] = src[table[0][i0], table[1][i1], …]
//
// and pad where any table entry is negative. A nil table is the identity.
// dst has shape out and src shape in, both contiguous. The result is an
// *IndexError if a table entry reaches beyond its axis. Nearest-neighbour
// Resize and Pad of every mode are calls of this.
func IndexCopy[E any](par Parallel, dst []E, out []int, src []E, in []int, table [][]int, pad E) error {
	for d, t := range table {
		if t == nil {
			continue
		}
		for _, i := range t[:out[d]] {
			if i >= in[d] {
				return &IndexError{Index: int64(i), Limit: in[d]}
			}
		}
	}
	if len(out) == 0 {
		copy(dst[:1], src[:1])
		return nil
	}
	last := len(out) - 1
	width := out[last]
	if width == 0 {
		return nil
	}
	stride := rowStrides(in)
	twice := in[last]*2 == width && isTwice(table[last])
	par.Do(product(out[:last]), grainFor(width), func(lo, hi int) {
		before := -1 // where the row before came from
		for row := lo; row < hi; row++ {
			base := tableOffset(row, out[:last], stride, table)
			d := dst[row*width : row*width+width]
			switch {
			case base < 0:
				fill(d, pad)
			case table[last] == nil:
				copy(d, src[base:base+width])
			case base == before:
				copy(d, dst[(row-1)*width:])
			case twice && isWord[E]():
				copyTwice(words(d), words(src[base:base+in[last]]))
			default:
				indexRow(d, src[base:base+in[last]], table[last], pad)
			}
			before = base
		}
	})
	return nil
}

// isTwice reports whether a table takes each position twice.
func isTwice(table []int) bool {
	for i, k := range table {
		if k != i/2 {
			return false
		}
	}
	return len(table) > 0
}

// copyTwice is for i: dst[2i] = dst[2i+1] = src[i].
func copyTwice(dst, src []uint32) {
	dst = dst[:2*len(src)]
	for len(src) >= 4 {
		a, b, c, d := src[0], src[1], src[2], src[3]
		dst[0], dst[1], dst[2], dst[3], dst[4], dst[5], dst[6], dst[7] = a, a, b, b, c, c, d, d
		dst, src = dst[8:], src[4:]
	}
	for i, v := range src {
		dst[2*i], dst[2*i+1] = v, v
	}
}

// isWord reports whether E has four bytes.
func isWord[E any]() bool {
	var e E
	return unsafe.Sizeof(e) == 4
}

// words is x, of elements of four bytes, as such.
func words[E any](x []E) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

func indexRow[E any](dst, src []E, index []int, pad E) {
	for i := range dst {
		if j := index[i]; j >= 0 {
			dst[i] = src[j]
		} else {
			dst[i] = pad
		}
	}
}

// tableOffset is the source offset of an output row, or -1 if it is padding.
func tableOffset(row int, out, stride []int, table [][]int) int {
	base := 0
	for d := len(out) - 1; d >= 0; d-- {
		i := row % out[d]
		row /= out[d]
		if table[d] != nil {
			if i = table[d][i]; i < 0 {
				return -1
			}
		}
		base += i * stride[d]
	}
	return base
}
