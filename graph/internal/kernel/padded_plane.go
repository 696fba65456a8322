package kernel

// paddedPlane is an image set into zeros, so that every kernel position of every
// output position of a two-dimensional window is inside: row r and column c of the
// padded plane are those of the image, less PadBegin. Where the window moves by more than
// one column, a row of the padded plane is laid out as space-to-depth lays out columns: those
// first that are a multiple of the stride, then those that are one more, and so on. So what
// neighbouring outputs read under one kernel position lies side by side. After the padded plane come paddedSlack
// elements that vectors may read.
type paddedPlane struct {
	*Window
	height, width int // in rows and columns
	step          int // Stride[1]
	part          int // elements that every step-th column, from one of the first on, takes in a row
	row           int // elements of a row
}

const paddedSlack = 2 * maxCols

// newPaddedPlane returns nil where the window has another rank, or where the padded plane
// would be much larger than the image.
func newPaddedPlane(w *Window) *paddedPlane {
	if len(w.In) != 2 || w.outSize == 0 {
		return nil
	}
	f := &paddedPlane{Window: w, step: w.Stride[1]}
	f.height = (w.Out[0]-1)*w.Stride[0] + (w.Kernel[0]-1)*w.Dilation[0] + 1
	f.width = (w.Out[1]-1)*w.Stride[1] + (w.Kernel[1]-1)*w.Dilation[1] + 1
	f.part = (f.width + f.step - 1) / f.step
	if f.step > 1 {
		f.part += 2 * vectorLen // that vectors of a part may spill into
	}
	f.row = f.step * f.part
	size, err := checkedProduct(f.height, f.row)
	if err != nil || size > 8*(w.inSize+w.outSize)+1<<14 {
		return nil
	}
	return f
}

func (f *paddedPlane) size() int { return f.height * f.row }

// at is the place of a column in a row of the padded plane.
func (f *paddedPlane) at(col int) int { return col%f.step*f.part + col/f.step }

// fillPadded writes the padded plane of an image.
func fillPadded[T Float](f *paddedPlane, dst, src []T) {
	from := max(0, -f.PadBegin[1]) // first column of the image that is inside
	left := min(max(0, f.PadBegin[1]), f.width)
	n := max(0, min(f.In[1]-from, f.width-left))
	top := min(max(0, f.PadBegin[0]), f.height)
	end := max(top, min(f.height, f.In[0]+f.PadBegin[0]))
	if n == 0 {
		top, end = f.height, f.height
	}
	clear(dst[:top*f.row])
	clear(dst[end*f.row : f.height*f.row])
	image := src[min(max(0, -f.PadBegin[0]), f.In[0])*f.In[1]:]
	if from == 0 && isFloat32[T]() { // all rows but the last: vectors spill into the row that follows
		done := f.fillFast(float32s(dst[top*f.row:]), float32s(image), end-top-1, left, n)
		top, image = top+done, image[done*f.In[1]:]
	}
	for ; top < end; top++ {
		row := dst[top*f.row:][:f.row]
		clear(row)
		if f.step == 1 {
			copy(row[left:left+n], image[from:])
		} else {
			for k, v := range image[from : from+n] {
				row[f.at(left+k)] = v
			}
		}
		image = image[f.In[1]:]
	}
}

// fillFast writes as many of the rows as fast32 can, all or none, and returns how many.
func (f *paddedPlane) fillFast(dst, image []float32, rows, left, n int) int {
	switch {
	case rows <= 0 || n < vectorLen*f.step:
	case f.step == 1 && fast32.padRows != nil && n == f.In[1] && f.width >= left+vectorLen:
		clear(dst[:left])
		vecs, zeros := (n+vectorLen-1)/vectorLen, (f.width-n+vectorLen-1)/vectorLen
		_, _ = dst[rows*f.row+left+vectorLen-1], image[(rows-1)*n+vecs*vectorLen-1]
		fast32.padRows(&dst[left], &image[0], rows, n, f.row, vecs, max(zeros, 1))
		return rows
	case f.step == 2 && fast32.splitRows != nil:
		first, second := f.at(left), f.at(left+1)
		n0, n1, vecs := (n+1)/2, n/2, (n+2*vectorLen-1)/(2*vectorLen)
		used := f.part - 2*vectorLen
		if first%f.part > vectorLen || max(used-first%f.part-n0, used-second%f.part-n1) > vectorLen {
			return 0 // zeros on the left, or on the right, that a vector does not cover
		}
		_, _ = dst[rows*f.row-1], image[(rows-1)*f.In[1]+vecs*2*vectorLen-1]
		fast32.splitRows(&dst[0], &image[0], rows, f.In[1], f.row, f.part, first, second, n0, n1, vecs)
		return rows
	}
	return 0
}

// offsets are those of channel c's kernel position k, in order c, k, in padded planes
// that follow each other.
func (f *paddedPlane) offsets(channels int) []int {
	off := make([]int, 0, channels*f.taps)
	for c := range channels {
		for i := range f.Kernel[0] {
			for j := range f.Kernel[1] {
				off = append(off, c*f.size()+i*f.Dilation[0]*f.row+f.at(j*f.Dilation[1]))
			}
		}
	}
	return off
}

// run is neighbours in an output row: columns [at, at+size) of a panel, whose
// first lies at from in a padded plane under kernel position 0.
type run struct{ at, from, size int }

// runs splits the output positions [j, j+n) by output rows.
func (f *paddedPlane) runs(list []run, j, n int) []run {
	width := f.Out[1]
	for at := 0; at < n; {
		r, o := (j+at)/width, (j+at)%width
		size := min(n-at, width-o)
		list = append(list, run{at, r*f.Stride[0]*f.row + o, size})
		at += size
	}
	return list
}

// column is where output position j lies in a padded plane under kernel position 0, if it
// and the n-1 after it are neighbours in one output row; else -1.
func (f *paddedPlane) column(j, n int) int {
	r, o := j/f.Out[1], j%f.Out[1]
	if o+n > f.Out[1] {
		return -1
	}
	return r*f.Stride[0]*f.row + o
}

// packPadded packs a block of the unfolded input from the padded planes of its
// channels. The layout is packColumns'; a panel's last row may be followed by
// as many arbitrary elements as a vector has.
func packPadded[T Float](f *paddedPlane, tile *tileShape[T], dst, x []T, off []int, j0, nc int) {
	kc, cols := len(off), tile.cols
	lists := borrow[run](cols)
	defer lists.free()
	for j := 0; j < nc; j += cols {
		packRuns(dst[j*kc:], x, off, cols, f.runs(lists.s[:0], j0+j, min(cols, nc-j)))
	}
}

// packChannels packs columns [j0, j0+nc) of the rows that begin at off in x. The
// layout is packPadded'.
func packChannels[T Float](tile *tileShape[T], dst, x []T, off []int, j0, nc int) {
	kc, cols := len(off), tile.cols
	rows := kc // those of which whole vectors can be read
	for rows > 0 && off[rows-1]+j0+roundUp(nc, vectorLen) > len(x) {
		rows--
	}
	lists := borrow[run]((nc + cols - 1) / cols)
	defer lists.free()
	list := lists.s[:0]
	for j := 0; j < nc; j += cols {
		w := min(cols, nc-j)
		list = append(list, run{j * kc, j0 + j, w})
		for p := rows; p < kc; p++ {
			copy(dst[j*kc+p*cols:][:w], x[off[p]+j0+j:])
		}
	}
	if rows > 0 {
		packRuns(dst, x, off[:rows], cols, list)
	}
}

// packRuns is for p and each run: for i < size: dst[p*cols+at+i] = x[off[p]+from+i].
// The list does not last.
func packRuns[T Float](dst, x []T, off []int, cols int, list []run) {
	if isFloat32[T]() && fast32.gather != nil {
		for i := range list {
			list[i].size = (list[i].size + vectorLen - 1) / vectorLen
		}
		fast32.gather(at32(dst), at32(x), &off[0], len(off), cols, &list[0].at, len(list))
		return
	}
	for p, o := range off {
		for _, r := range list {
			copy(dst[p*cols+r.at:][:r.size], x[o+r.from:])
		}
	}
}
