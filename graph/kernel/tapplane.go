package kernel

// tapPlanes runs depthwise convolutions of float32 by fast32.taps, which sums
// all taps of some vectors of outputs at once, from the frames of the planes.
type tapPlanes struct {
	*frame
	g      *ConvGeom
	off    []int // of the taps in the frame
	vecs   int   // vectors in an output row
	blocks []int // vectors in each block of columns
}

// newTapPlanes gives nil where there is no loop or no frame for the geometry.
func newTapPlanes(g *ConvGeom) *tapPlanes {
	f := newFrame(g.Window)
	if f == nil || fast32.taps[0] == nil {
		return nil
	}
	p := &tapPlanes{frame: f, g: g, off: f.offsets(1), vecs: (g.Out[1] + vectorLen - 1) / vectorLen}
	for left := p.vecs; left > 0; {
		n := min(left, 4)
		if left == 5 || left == 6 {
			n = 3
		}
		p.blocks = append(p.blocks, n)
		left -= n
	}
	return p
}

func (p *tapPlanes) run(par Parallel, x, w, bias, y []float32, finish Finish) {
	g := p.g
	then := apart(finish, y, g.outStep)
	slack := p.vecs*vectorLen + 2 // that a row of vectors reads beyond its outputs
	par.Do(g.N*g.M, grainFor(g.outSize*g.taps/8), func(lo, hi int) {
		b := borrow[float32](p.size() + slack + frameSlack + p.vecs*vectorLen)
		defer b.free()
		clear(b.s[p.size():])
		frame, row := b.s[:p.size()+slack+frameSlack], b.s[p.size()+slack+frameSlack:]
		held := -1 // the plane in the frame
		eachPlane(g, lo, hi, x, w, bias, y, then, func(dst, src, w []float32, bias float32, c int) {
			if c != held {
				fillFrame(p.frame, frame, src)
				held = c
			}
			p.plane(dst, frame, row, w, bias)
		})
	})
}

// plane convolves a framed plane. Whole vectors are stored, so a row spills
// into the next, whose first block comes after it; rows that would spill
// beyond the plane go through row.
func (p *tapPlanes) plane(dst, frame, row, w []float32, bias float32) {
	width, count := p.g.Out[1], p.g.Out[0]
	inside := 0
	if room := len(dst) - len(row); room >= 0 {
		inside = min(count, room/width+1)
		p.rows(dst, frame, w, bias, inside, width)
	}
	for r := inside; r < count; r++ {
		p.rows(row, frame[r*p.Stride[0]*p.row:], w, bias, 1, len(row))
		copy(dst[r*width:(r+1)*width], row)
	}
}

// rows convolves rows of a plane, the last block of columns first.
func (p *tapPlanes) rows(dst, frame, w []float32, bias float32, rows, width int) {
	col := p.vecs
	for i := len(p.blocks) - 1; i >= 0; i-- {
		vecs := p.blocks[i]
		col -= vecs
		done := 0
		for s := len(tapShapes) - 1; s >= 0 && done < rows; s-- {
			n := (rows - done) / tapShapes[s].rows * tapShapes[s].rows
			if tapShapes[s].vecs != vecs || n == 0 {
				continue
			}
			fast32.taps[s](&dst[done*width+col*vectorLen], &frame[done*p.Stride[0]*p.row+col*vectorLen],
				&w[0], &p.off[0], len(w), bias, n, width, p.Stride[0]*p.row)
			done += n
		}
	}
}
