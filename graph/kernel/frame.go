package kernel

// frame is an image set into zeros, so that every kernel position of every
// output position of a two-dimensional window is inside: element (r, s) of the
// frame is (r-PadBegin[0], s-PadBegin[1]) of the image. After the frame come
// frameSlack elements that vectors may read.
type frame struct {
	*Window
	height, width int
}

const frameSlack = 2 * maxCols * 2

// newFrame gives nil where the window has another rank, or where the frame
// would be much larger than the image.
func newFrame(w *Window) *frame {
	if len(w.In) != 2 || w.outSize == 0 {
		return nil
	}
	f := &frame{Window: w}
	f.height = (w.Out[0]-1)*w.Stride[0] + (w.Kernel[0]-1)*w.Dilation[0] + 1
	f.width = (w.Out[1]-1)*w.Stride[1] + (w.Kernel[1]-1)*w.Dilation[1] + 1
	size, err := checkedProduct(f.height, f.width)
	if err != nil || size > 8*(w.inSize+w.outSize)+1<<12 {
		return nil
	}
	return f
}

func (f *frame) size() int { return f.height * f.width }

// fillFrame writes the frame of an image.
func fillFrame[T Float](f *frame, dst, src []T) {
	from := max(0, -f.PadBegin[1]) // first column of the image that is inside
	left := min(max(0, f.PadBegin[1]), f.width)
	n := max(0, min(f.In[1]-from, f.width-left))
	top := min(max(0, f.PadBegin[0]), f.height)
	end := max(top, min(f.height, f.In[0]+f.PadBegin[0]))
	if n == 0 {
		top, end = f.height, f.height
	}
	clear(dst[:top*f.width])
	clear(dst[end*f.width : f.height*f.width])
	at := top * f.width
	image := src[max(0, -f.PadBegin[0])*f.In[1]:]
	// All rows but the last: vectors spill into the row that follows.
	if rows := end - top - 1; rows > 0 && n >= vectorLen && from == 0 && n == f.In[1] && f.width >= left+vectorLen && isFloat32[T]() && fast32.frameRows != nil {
		clear(dst[at : at+left])
		vecs, zeros := (n+vectorLen-1)/vectorLen, (f.width-n+vectorLen-1)/vectorLen
		_, _ = dst[at+rows*f.width+left+vectorLen-1], image[(rows-1)*n+vecs*vectorLen-1]
		fast32.frameRows(at32(dst[at+left:]), at32(image), rows, n, f.width, vecs, max(zeros, 1))
		top, at, image = top+rows, at+rows*f.width, image[rows*n:]
	}
	for ; top < end; top++ {
		row := dst[at:][:f.width]
		clear(row[:left])
		copy(row[left:left+n], image[from:])
		clear(row[left+n:])
		at += f.width
		image = image[f.In[1]:]
	}
}

// offsets are those of channel c's kernel position k, in order c, k, in frames
// that follow each other.
func (f *frame) offsets(channels int) []int {
	off := make([]int, 0, channels*f.taps)
	for c := range channels {
		for i := range f.Kernel[0] {
			for j := range f.Kernel[1] {
				off = append(off, c*f.size()+i*f.Dilation[0]*f.width+j*f.Dilation[1])
			}
		}
	}
	return off
}

// run is neighbours in an output row: columns [at, at+size) of a panel, whose
// first lies at from in a frame under kernel position 0.
type run struct{ at, from, size int }

// runs splits the output positions [j, j+n) by output rows.
func (f *frame) runs(list []run, j, n int) []run {
	width := f.Out[1]
	for at := 0; at < n; {
		r, o := (j+at)/width, (j+at)%width
		size := min(n-at, width-o)
		list = append(list, run{at, r*f.Stride[0]*f.width + o*f.Stride[1], size})
		at += size
	}
	return list
}

// column is where output position j lies in a frame under kernel position 0, if it
// and the n-1 after it are neighbours in one output row; else -1.
func (f *frame) column(j, n int) int {
	r, o := j/f.Out[1], j%f.Out[1]
	if o+n > f.Out[1] {
		return -1
	}
	return r*f.Stride[0]*f.width + o*f.Stride[1]
}

// packFrames packs a block of the unfolded input from the frames of its
// channels. The layout is packColumns'; a panel's last row may be followed by
// as many arbitrary elements as a vector has.
func packFrames[T Float](f *frame, tile *tileShape[T], dst, x []T, off []int, j0, nc int) {
	kc, cols := len(off), tile.cols
	lists := borrow[run](cols)
	defer lists.free()
	for j := 0; j < nc; j += cols {
		packRuns(dst[j*kc:], x, off, cols, f.runs(lists.s[:0], j0+j, min(cols, nc-j)), f.Stride[1])
	}
}

// packChannels packs columns [j0, j0+nc) of the rows that begin at off in x. The
// layout is packFrames'.
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
		packRuns(dst, x, off[:rows], cols, list, 1)
	}
}

// packRuns is for p and each run: for i < size: dst[p*cols+at+i] = x[off[p]+from+i*step].
// The list does not last.
func packRuns[T Float](dst, x []T, off []int, cols int, list []run, step int) {
	if isFloat32[T]() && step <= len(fast32.gather) && fast32.gather[step-1] != nil {
		for i := range list {
			list[i].size = (list[i].size + vectorLen - 1) / vectorLen
		}
		fast32.gather[step-1](at32(dst), at32(x), &off[0], len(off), cols, &list[0].at, len(list))
		return
	}
	for p, o := range off {
		for _, r := range list {
			src := x[o+r.from:]
			d := dst[p*cols+r.at:][:r.size]
			if step == 1 {
				copy(d, src)
				continue
			}
			for i := range d {
				d[i] = src[i*step]
			}
		}
	}
}
