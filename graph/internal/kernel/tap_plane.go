package kernel

// tapPlanes runs depthwise convolutions of float32 by fast32.taps, which sums
// all taps of some vectors of outputs at once, from padded planes.
type tapPlanes struct {
	*paddedPlane
	g      *ConvGeom
	off    []int // of the taps in the padded plane
	vecs   int   // vectors in an output row
	blocks []int // vectors in each block of columns
}

// newTapPlanes returns nil where there is no loop or no padded plane for the geometry.
func newTapPlanes(g *ConvGeom) *tapPlanes {
	f := newPaddedPlane(g.Window)
	if f == nil || fast32.taps[0] == nil {
		return nil
	}
	p := &tapPlanes{paddedPlane: f, g: g, off: f.offsets(1), vecs: (g.Out[1] + vectorLen - 1) / vectorLen}
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
		b := borrow[float32](p.size() + slack + paddedSlack + p.vecs*vectorLen)
		defer b.free()
		clear(b.s[p.size():])
		padded, row := b.s[:p.size()+slack+paddedSlack], b.s[p.size()+slack+paddedSlack:]
		ready := -1 // the plane that padded has
		eachPlane(g, lo, hi, x, w, bias, y, then, func(dst, src, w []float32, bias float32, c int) {
			if c != ready {
				fillPadded(p.paddedPlane, padded, src)
				ready = c
			}
			p.plane(dst, padded, row, w, bias)
		})
	})
}

// plane convolves a padded plane. Whole vectors are stored, so a row spills
// into the next, whose first block comes after it; rows that would spill
// beyond the plane go through row.
func (p *tapPlanes) plane(dst, padded, row, w []float32, bias float32) {
	width, count := p.g.Out[1], p.g.Out[0]
	inside := 0
	if room := len(dst) - len(row); room >= 0 {
		inside = min(count, room/width+1)
		p.rows(dst, padded, w, bias, inside, width)
	}
	for r := inside; r < count; r++ {
		p.rows(row, padded[r*p.Stride[0]*p.row:], w, bias, 1, len(row))
		copy(dst[r*width:(r+1)*width], row)
	}
}

// rows convolves rows of a plane, the last block of columns first.
func (p *tapPlanes) rows(dst, padded, w []float32, bias float32, rows, width int) {
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
			fast32.taps[s](&dst[done*width+col*vectorLen], &padded[done*p.Stride[0]*p.row+col*vectorLen],
				&w[0], &p.off[0], len(w), bias, n, width, p.Stride[0]*p.row)
			done += n
		}
	}
}
