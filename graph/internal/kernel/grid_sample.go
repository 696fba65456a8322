package kernel

import (
	"fmt"
	"math"
)

// GridPadding says what GridSample reads outside its input.
type GridPadding int

// The paddings of ONNX's GridSample.
const (
	GridZeros      GridPadding = iota // 0
	GridBorder                        // the nearest element of the edge
	GridReflection                    // the input mirrored at its edges, as often as needed
)

// Sampling is the parameters of GridSample.
type Sampling struct {
	Nearest      bool // the nearest element, halves to even
	Cubic        bool // cubic with coefficient -0.75; else linear
	Padding      GridPadding
	AlignCorners bool // -1 and 1 are the centres of the edge elements, else their outer edges
}

// maxGridRank bounds the spatial rank of GridSample: a cubic sample reads
// 4^rank elements.
const maxGridRank = 4

// gridTap is the elements that one coordinate reads along one dimension: their
// offsets in the plane, -1 for none, and weights.
type gridTap struct {
	n      int
	offset [4]int
	weight [4]float64
}

// GridSample reads x, of shape (images, channels, in…), at points given by
// grid, of shape (images, points, rank), with coordinates from -1 to 1 along
// the input, the last dimension's first; dst has shape (images, channels,
// points):
//
//	dst[n, c, p] = Σ_t weight[t] * x[n, c, position[t]…]
//
// over the 1, 2^rank or 4^rank elements around the point. A coordinate that is
// NaN counts as far outside.
func GridSample[T Float](par Parallel, s *Sampling, dst, x []T, images, channels int, in []int, grid []T, points int) error {
	rank := len(in)
	if rank < 1 || rank > maxGridRank {
		return fmt.Errorf("%d spatial dimensions, want 1 to %d", rank, maxGridRank)
	}
	size := product(in)
	if size == 0 && images*channels*points > 0 {
		return fmt.Errorf("cannot sample an input of shape %v", in)
	}
	stride := rowStrides(in)
	par.Do(images*points, grainFor(channels*8), func(lo, hi int) {
		var taps [maxGridRank]gridTap
		for t := lo; t < hi; t++ {
			for d := range rank {
				taps[d] = s.taps(float64(grid[t*rank+rank-1-d]), in[d], stride[d])
			}
			n, p := t/points, t%points
			for c := range channels {
				plane := x[(n*channels+c)*size:][:size]
				dst[(n*channels+c)*points+p] = T(sampleSum(taps[:rank], plane, 0))
			}
		}
	})
	return nil
}

// sampleSum is the weighted sum over all combinations of taps.
func sampleSum[T Float](taps []gridTap, plane []T, base int) (sum float64) {
	t := &taps[0]
	for i := range t.n {
		if t.offset[i] < 0 {
			continue
		}
		v := 0.0
		if at := base + t.offset[i]; len(taps) == 1 {
			v = float64(plane[at])
		} else {
			v = sampleSum(taps[1:], plane, at)
		}
		sum += t.weight[i] * v
	}
	return sum
}

// taps returns the elements that grid coordinate g reads along a dimension.
func (s *Sampling) taps(g float64, in, stride int) (t gridTap) {
	const far = 1 << 40
	x := ((g+1)*float64(in) - 1) / 2
	if s.AlignCorners {
		x = (g + 1) / 2 * float64(in-1)
	}
	x = max(min(x, far), -far)
	if x != x {
		x = -far
	}
	if s.Nearest {
		t.n, t.weight[0] = 1, 1
		t.offset[0] = s.inside(int(math.RoundToEven(x)), in) * stride
		return t
	}
	p := Interpolation{Cubic: s.Cubic, A: -0.75}
	first := 0
	t.n = 2
	if s.Cubic {
		first, t.n = -1, 4
	}
	base := int(math.Floor(x))
	ratio := x - float64(base)
	for i := range t.n {
		t.weight[i] = p.kernelAt(math.Abs(float64(first+i) - ratio))
		t.offset[i] = s.inside(base+first+i, in) * stride
	}
	return t
}

// inside is the position read for position i, or -1 for none.
func (s *Sampling) inside(i, in int) int {
	if i >= 0 && i < in {
		return i
	}
	switch s.Padding {
	case GridBorder:
		return min(max(i, 0), in-1)
	case GridReflection:
		if s.AlignCorners { // mirrors on the centres of the edge elements
			if in == 1 {
				return 0
			}
			period := 2 * (in - 1)
			i = ((i % period) + period) % period
			return min(i, period-i)
		}
		period := 2 * in
		i = ((i % period) + period) % period
		return min(i, period-1-i)
	}
	return -1
}
