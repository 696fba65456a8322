package kernel

// nest walks up to four strided operands over one index space, row by row.
// Dimensions of size 1 are dropped and neighbours that are contiguous in every
// operand are merged, so a row is as long as the layouts allow.
type nest struct {
	shape   []int   // outer dimensions, slowest first; the row is not among them
	strides [][]int // per operand: strides of the outer dimensions
	rows    int     // product of shape
	inner   int     // length of a row
	step    []int   // per operand: stride inside a row
}

// newNest merges the dimensions of shape. Each operand has one stride per
// dimension; 0 broadcasts.
func newNest(shape []int, strides ...[]int) *nest {
	k := len(strides)
	n := &nest{strides: make([][]int, k), step: make([]int, k), rows: 1, inner: 1}
	for d, size := range shape {
		if size == 1 {
			continue
		}
		last := len(n.shape) - 1
		if last >= 0 && mergeable(n.strides, strides, last, d, size) {
			n.shape[last] *= size
			for i := range strides {
				n.strides[i][last] = strides[i][d]
			}
			continue
		}
		n.shape = append(n.shape, size)
		for i := range strides {
			n.strides[i] = append(n.strides[i], strides[i][d])
		}
	}
	if last := len(n.shape) - 1; last >= 0 {
		n.inner = n.shape[last]
		n.shape = n.shape[:last]
		for i := range strides {
			n.step[i] = n.strides[i][last]
			n.strides[i] = n.strides[i][:last]
		}
	}
	n.rows = product(n.shape)
	return n
}

func mergeable(merged, strides [][]int, last, d, size int) bool {
	for i := range strides {
		if merged[i][last] != strides[i][d]*size {
			return false
		}
	}
	return true
}

// cursor is a position in a nest: the current row and each operand's offset.
type cursor struct {
	nest *nest
	idx  []int
	off  [4]int
}

// at returns a cursor on the row with the given number.
func (n *nest) at(row int) cursor {
	c := cursor{nest: n, idx: make([]int, len(n.shape))}
	for d := len(n.shape) - 1; d >= 0; d-- {
		c.idx[d] = row % n.shape[d]
		row /= n.shape[d]
		for i := range n.strides {
			c.off[i] += c.idx[d] * n.strides[i][d]
		}
	}
	return c
}

// next moves to the following row.
func (c *cursor) next() {
	n := c.nest
	for d := len(n.shape) - 1; d >= 0; d-- {
		c.idx[d]++
		for i := range n.strides {
			c.off[i] += n.strides[i][d]
		}
		if c.idx[d] < n.shape[d] {
			return
		}
		c.idx[d] = 0
		for i := range n.strides {
			c.off[i] -= n.strides[i][d] * n.shape[d]
		}
	}
}

// each calls row for every maximal piece of a row, split over par:
// first element of the piece, its length, the offset of each operand.
func (n *nest) each(par Parallel, row func(at, size int, off *[4]int)) {
	par.Do(n.rows*n.inner, elementGrain, func(lo, hi int) { n.walk(lo, hi, row) })
}

// walk is each for the elements [lo, hi), which are not empty.
func (n *nest) walk(lo, hi int, row func(at, size int, off *[4]int)) {
	i := lo % n.inner
	c := n.at(lo / n.inner)
	var off [4]int
	for at := lo; at < hi; {
		size := min(n.inner-i, hi-at)
		off = c.off
		for k, s := range n.step {
			off[k] += i * s
		}
		row(at, size, &off)
		at += size
		i = 0
		c.next()
	}
}
