package kernel

import "math"

// ReduceOp names a reduction over the axis of an (outer, axis, inner) shape.
type ReduceOp int

// The reductions. Float sums of any kind are taken in float64, in blocks, so
// that the error does not grow with the length.
const (
	ReduceSum       ReduceOp = iota // Σx; 0 for an empty axis
	ReduceMean                      // Σx / axis; NaN for an empty axis
	ReduceMax                       // NaN if any is; the least value for an empty axis
	ReduceMin                       // NaN if any is; the greatest value for an empty axis
	ReduceProd                      // Πx; 1 for an empty axis
	ReduceSumSquare                 // Σx²
	ReduceL1                        // Σ|x|
	ReduceL2                        // √Σx²
	ReduceLogSum                    // ln Σx
	ReduceLogSumExp                 // ln Σ exp x, stable
)

// sumBlock is the number of terms added one after another before the sum is
// added to the total.
const sumBlock = 128

// reduction is the algebra of a ReduceOp in float64.
type reduction struct {
	sums  bool // fold adds the terms
	start float64
	fold  func(acc, x []float64) // for i: acc[i] = acc[i] ∘ f(x[i])
	join  func(acc, x []float64) // for i: acc[i] = acc[i] ∘ x[i]
	last  func(acc float64, n int) float64
}

func reductionOf(op ReduceOp) reduction {
	same := func(acc float64, _ int) float64 { return acc }
	switch op {
	case ReduceMax:
		return reduction{false, math.Inf(-1), foldMax, foldMax, same}
	case ReduceMin:
		return reduction{false, math.Inf(1), foldMin, foldMin, same}
	case ReduceProd:
		return reduction{false, 1, foldProd, foldProd, same}
	case ReduceMean:
		return reduction{true, 0, foldSum, foldSum, func(acc float64, n int) float64 { return acc / float64(n) }}
	case ReduceSumSquare:
		return reduction{false, 0, foldSquare, foldSum, same}
	case ReduceL1:
		return reduction{false, 0, foldAbs, foldSum, same}
	case ReduceL2:
		return reduction{false, 0, foldSquare, foldSum, func(acc float64, _ int) float64 { return math.Sqrt(acc) }}
	case ReduceLogSum:
		return reduction{true, 0, foldSum, foldSum, func(acc float64, _ int) float64 { return math.Log(acc) }}
	}
	return reduction{true, 0, foldSum, foldSum, same}
}

func foldSum(acc, x []float64) {
	x = x[:len(acc)]
	for i := range acc {
		acc[i] += x[i]
	}
}

func foldSquare(acc, x []float64) {
	x = x[:len(acc)]
	for i := range acc {
		acc[i] += x[i] * x[i]
	}
}

func foldAbs(acc, x []float64) {
	x = x[:len(acc)]
	for i := range acc {
		acc[i] += math.Abs(x[i])
	}
}

func foldProd(acc, x []float64) {
	x = x[:len(acc)]
	for i := range acc {
		acc[i] *= x[i]
	}
}

func foldMax(acc, x []float64) {
	x = x[:len(acc)]
	for i := range acc {
		acc[i] = max(acc[i], x[i])
	}
}

func foldMin(acc, x []float64) {
	x = x[:len(acc)]
	for i := range acc {
		acc[i] = min(acc[i], x[i])
	}
}

// lanes are interleaved accumulators: the sum so far, that of the current
// block, and the next terms.
type lanes struct{ total, acc, in [reduceTile]float64 }

// Reduce reduces the middle axis of x, of shape (outer, axis, inner):
//
//	for o, i: dst[o*inner+i] = op over a of x[(o*axis+a)*inner+i]
func Reduce[T Float](par Parallel, op ReduceOp, dst, x []T, outer, axis, inner int) {
	if op == ReduceLogSumExp {
		logSumExpAxis(par, dst, x, outer, axis, inner)
		return
	}
	r := reductionOf(op)
	if inner == 1 {
		par.Do(outer, grainFor(axis), func(lo, hi int) {
			var l lanes
			for o := lo; o < hi; o++ {
				dst[o] = T(r.last(reduceRow(&r, &l, x[o*axis:(o+1)*axis]), axis))
			}
		})
		return
	}
	tiles := (inner + reduceTile - 1) / reduceTile
	par.Do(outer*tiles, grainFor(axis*min(inner, reduceTile)), func(lo, hi int) {
		var l lanes
		for t := lo; t < hi; t++ {
			o, i := t/tiles, t%tiles*reduceTile
			n := min(reduceTile, inner-i)
			reduceColumns(&r, &l, dst[o*inner+i:][:n], x[o*axis*inner:], i, axis, inner)
		}
	})
}

// reduceRow reduces a contiguous row; element i goes to lane i mod w.
func reduceRow[T Float](r *reduction, l *lanes, x []T) float64 {
	if r.sums {
		total := 0.0
		for len(x) > sumBlock*8 {
			total += sumRow(x[:sumBlock*8])
			x = x[sumBlock*8:]
		}
		return total + sumRow(x)
	}
	w := reduceTile
	for w > 8 && w*8 > len(x) {
		w /= 2
	}
	total, acc, in := l.total[:w], l.acc[:w], l.in[:w]
	fill(total, r.start)
	for len(x) > 0 {
		block := x[:min(len(x), sumBlock*w)]
		x = x[len(block):]
		fill(acc, r.start)
		for len(block) > 0 {
			m := min(len(block), w)
			foldRow(r, acc[:m], in[:m], block)
			block = block[m:]
		}
		r.join(total, acc)
	}
	for w /= 2; w > 0; w /= 2 {
		r.join(total[:w], total[w:2*w])
	}
	return total[0]
}

// foldRow folds len(acc) terms into acc; in is scratch of that length.
func foldRow[T Float](r *reduction, acc, in []float64, x []T) {
	x = x[:len(acc)]
	n := 0
	if r.sums {
		if n = vectors[T](fast32.accumulate != nil, len(acc)); n > 0 {
			fast32.accumulate(&acc[0], at32(x), n)
		}
	}
	acc, in, x = acc[n:], in[n:], x[n:]
	if len(x) == 0 {
		return
	}
	for k, v := range x {
		in[k] = float64(v)
	}
	r.fold(acc, in)
}

// sumRow is the sum of a row in eight lanes.
func sumRow[T Float](x []T) float64 {
	if n := vectors[T](fast32.sumLanes != nil, len(x)); n > 0 {
		l := fast32.sumLanes(at32(x), n)
		return sumLanes(&l, x[n:])
	}
	var a, b, c, d, e, f, g, h float64
	for ; len(x) >= 8; x = x[8:] {
		y := x[:8]
		a += float64(y[0])
		b += float64(y[1])
		c += float64(y[2])
		d += float64(y[3])
		e += float64(y[4])
		f += float64(y[5])
		g += float64(y[6])
		h += float64(y[7])
	}
	return sumLanes(&[8]float64{a, b, c, d, e, f, g, h}, x)
}

// sumLanes is the sum of eight lanes and of the last few elements of their row.
func sumLanes[T Float](l *[8]float64, rest []T) float64 {
	for i, v := range rest {
		l[i] += float64(v)
	}
	return l[0] + l[4] + (l[2] + l[6]) + (l[1] + l[5] + (l[3] + l[7]))
}

// reduceColumns reduces len(dst) neighbouring columns, the first being i.
func reduceColumns[T Float](r *reduction, l *lanes, dst, x []T, i, axis, inner int) {
	n := len(dst)
	total, acc, in := l.total[:n], l.acc[:n], l.in[:n]
	fill(total, r.start)
	for a := 0; a < axis; a += sumBlock {
		fill(acc, r.start)
		for b := a; b < min(a+sumBlock, axis); b++ {
			foldRow(r, acc, in, x[b*inner+i:])
		}
		r.join(total, acc)
	}
	for k, v := range total {
		dst[k] = T(r.last(v, axis))
	}
}

// ReduceInt is Reduce for integers: sums and products wrap; the mean and the
// root truncate. Logarithms are not defined on integers: for them the result
// is the truncated value of the float64 one.
func ReduceInt[T Integer](par Parallel, op ReduceOp, dst, x []T, outer, axis, inner int) {
	par.Do(outer*inner, grainFor(axis), func(lo, hi int) {
		for t := lo; t < hi; t++ {
			dst[t] = reduceInt(op, x, t/inner*axis*inner+t%inner, axis, inner)
		}
	})
}

func reduceInt[T Integer](op ReduceOp, x []T, at, n, stride int) T {
	var acc T
	var logs float64
	switch op {
	case ReduceProd:
		acc = 1
	case ReduceMax, ReduceMin:
		if n == 0 {
			least, greatest := integerLimits[T]()
			if op == ReduceMin {
				return greatest
			}
			return least
		}
		acc = x[at]
	}
	for range n {
		v := x[at]
		at += stride
		switch op {
		case ReduceMax:
			acc = max(acc, v)
		case ReduceMin:
			acc = min(acc, v)
		case ReduceProd:
			acc *= v
		case ReduceSumSquare, ReduceL2:
			acc += v * v
		case ReduceL1:
			if v < 0 {
				v = -v
			}
			acc += v
		case ReduceLogSumExp:
			logs += math.Exp(float64(v))
		default:
			acc += v
		}
	}
	switch op {
	case ReduceMean:
		if n > 0 {
			acc /= T(n)
		}
	case ReduceL2:
		acc = T(math.Sqrt(float64(acc)))
	case ReduceLogSum:
		acc = T(math.Log(float64(acc)))
	case ReduceLogSumExp:
		acc = T(math.Log(logs))
	}
	return acc
}
