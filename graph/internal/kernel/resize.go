package kernel

import (
	"fmt"
	"math"
)

// Interpolation is a separable interpolation of Resize.
type Interpolation struct {
	Cubic          bool    // cubic, else linear
	A              float64 // the cubic coefficient, commonly -0.75 or -0.5
	Coordinate     Coordinate
	ExcludeOutside bool // weights of positions outside the input become 0
	Antialias      bool // the filter widens when the axis shrinks
	Extrapolation  float64
}

// axisFilter is the interpolation of one axis as a table: output o is the sum
// of weight[o*taps+t] times input index[o*taps+t]. outside marks the outputs
// that take the extrapolation value.
type axisFilter struct {
	in, out, taps int
	index         []int
	weight        []float64
	outside       []bool
}

// kernelAt is the interpolation kernel at distance x ≥ 0.
func (p *Interpolation) kernelAt(x float64) float64 {
	switch {
	case !p.Cubic:
		return max(0, 1-x)
	case x <= 1:
		return ((p.A+2)*x-(p.A+3))*x*x + 1
	case x < 2:
		return ((p.A*x-5*p.A)*x+8*p.A)*x - 4*p.A
	}
	return 0
}

// maxFilter bounds the table of an axis, in elements.
const maxFilter = 1 << 26

func (p *Interpolation) filter(a ResizeAxis) (*axisFilter, error) {
	l, err := a.affine(p.Coordinate)
	if err != nil {
		return nil, err
	}
	width, shrink := 1.0, 1.0
	if p.Cubic {
		width = 2
	}
	if p.Antialias {
		shrink = min(a.Scale.Num/a.Scale.Den, 1)
		width *= max(a.Scale.Den/a.Scale.Num, 1)
	}
	if width > maxFilter {
		return nil, fmt.Errorf("scale %v makes a filter that is too wide", shrink)
	}
	first := int(math.Floor(-width)) + 1
	f := &axisFilter{in: a.In, out: a.Out, taps: 2 - 2*first}
	if n, err := checkedProduct(f.taps, a.Out); err != nil || n > maxFilter {
		return nil, fmt.Errorf("scale %v makes a filter that is too wide", shrink)
	}
	f.index, f.weight = make([]int, a.Out*f.taps), make([]float64, a.Out*f.taps)
	f.outside = make([]bool, a.Out)
	for o := range a.Out {
		base, ratio, _ := l.at(o)
		f.outside[o] = p.Coordinate == CoordCropAndResize && outside(base, ratio, a.In)
		p.weigh(f.index[o*f.taps:][:f.taps], f.weight[o*f.taps:][:f.taps], base, first, a.In, ratio, shrink)
	}
	return f, nil
}

// weigh fills in the taps of one output position.
func (p *Interpolation) weigh(index []int, weight []float64, base, first, in int, ratio, shrink float64) {
	sum := 0.0
	for t := range index {
		i := base + first + t
		w := p.kernelAt(math.Abs(float64(first+t)-ratio) * shrink)
		if i < 0 || i >= in {
			if p.ExcludeOutside {
				w = 0
			}
			i = min(max(i, 0), in-1)
		}
		index[t], weight[t] = i, w
		sum += w
	}
	if (p.ExcludeOutside || p.Antialias) && sum != 0 {
		for t := range weight {
			weight[t] /= sum
		}
	}
}

// Resize interpolates x, whose shape is the axes' In, into dst, whose shape is
// their Out: axis after axis, each output being the weighted sum of the inputs
// around its coordinate. Axes that are Copied stay as they are. For nearest mode
// use NearestTable and IndexCopy.
func Resize[T Float](par Parallel, p *Interpolation, axes []ResizeAxis, dst, x []T) error {
	shape := make([]int, len(axes))
	filters := make([]*axisFilter, len(axes))
	last := -1
	for d, a := range axes {
		shape[d] = a.In
		if a.Copied(p.Coordinate) {
			continue
		}
		f, err := p.filter(a)
		if err != nil {
			return fmt.Errorf("axis %d: %w", d, err)
		}
		filters[d] = f
		last = d
	}
	if last < 0 {
		copy(dst, x)
		return nil
	}
	src, held := x, scratch[T]{}
	for d, f := range filters {
		if f == nil {
			continue
		}
		shape[d] = f.out
		out, next := dst, scratch[T]{}
		if d != last {
			n, err := checkedProduct(shape...)
			if err != nil {
				return err
			}
			next = borrow[T](n)
			out = next.s
		}
		filterAxis(par, f, out, src, product(shape[:d]), product(shape[d+1:]))
		if held.b != nil {
			held.free()
		}
		src, held = out, next
	}
	if p.Coordinate == CoordCropAndResize {
		extrapolate(shape, filters, dst, T(p.Extrapolation))
	}
	return nil
}

// filterAxis is, for x of shape (outer, in, inner) and dst (outer, out, inner):
//
//	dst[o, j, i] = Σ_t weight[j, t] * x[o, index[j, t], i]
func filterAxis[T Float](par Parallel, f *axisFilter, dst, x []T, outer, inner int) {
	if inner == 1 {
		par.Do(outer, grainFor(f.out*f.taps), func(lo, hi int) {
			for o := lo; o < hi; o++ {
				filterLine(f, dst[o*f.out:][:f.out], x[o*f.in:][:f.in])
			}
		})
		return
	}
	par.Do(outer*f.out, grainFor(inner*f.taps), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			o, j := r/f.out, r%f.out
			d := dst[r*inner:][:inner]
			clear(d)
			for t := range f.taps {
				if w := f.weight[j*f.taps+t]; w != 0 {
					axpy(d, T(w), x[(o*f.in+f.index[j*f.taps+t])*inner:])
				}
			}
		}
	})
}

// filterLine is filterAxis for one contiguous line.
func filterLine[T Float](f *axisFilter, dst, x []T) {
	if f.taps == 2 {
		index, weight := f.index[:2*len(dst)], f.weight[:2*len(dst)]
		for j := range dst {
			dst[j] = T(weight[2*j]*float64(x[index[2*j]]) + weight[2*j+1]*float64(x[index[2*j+1]]))
		}
		return
	}
	at := 0
	for j := range dst {
		sum := 0.0
		for range f.taps {
			sum += f.weight[at] * float64(x[f.index[at]])
			at++
		}
		dst[j] = T(sum)
	}
}

// extrapolate writes v where any coordinate was outside.
func extrapolate[T Float](shape []int, filters []*axisFilter, dst []T, v T) {
	for i := range dst[:product(shape)] {
		for d, r := len(shape)-1, i; d >= 0; d-- {
			if f := filters[d]; f != nil && f.outside[r%shape[d]] {
				dst[i] = v
				break
			}
			r /= shape[d]
		}
	}
}
