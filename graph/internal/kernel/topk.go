package kernel

import (
	"fmt"
	"runtime"
	"slices"
	"unsafe"
)

// TopK takes the k greatest (or least) elements along the middle axis of x, of
// shape (outer, axis, inner), best first; values and indices have shape
// (outer, k, inner). Equal elements come in the order of their indices; NaN
// counts as greater than anything.
func TopK[T Number](par Parallel, values []T, indices []int64, x []T, outer, axis, inner, k int, largest bool, stop Stop) error {
	if k < 0 || k > axis {
		return fmt.Errorf("k is %d, the axis has %d elements", k, axis)
	}
	par.Do(outer*inner, grainFor(8*axis), func(lo, hi int) {
		line, order := make([]T, axis), make([]int, axis)
		before := OrderWith(stop, func(i, j int) int { return ranking(line[i], line[j], i, j, largest) })
		for t := lo; t < hi; t++ {
			o, i := t/inner, t%inner
			for a := range line {
				line[a] = x[(o*axis+a)*inner+i]
				order[a] = a
			}
			best := order
			if k < axis/2 {
				best = selectFirst(order, k, before)
			}
			slices.SortFunc(best, before)
			for r, a := range best[:k] {
				at := (o*k+r)*inner + i
				values[at], indices[at] = line[a], int64(a)
			}
		}
	})
	return nil
}

// TopKScratch is the bytes that TopK takes beside its operands: a line and its order for
// each core that has one of the lines.
func TopKScratch[T Number](lines, axis int) int {
	var element T
	return min(lines, runtime.GOMAXPROCS(0)) * axis * int(unsafe.Sizeof(element)+unsafe.Sizeof(0))
}

// ranking is negative if element a, of index i, comes before b, of index j.
func ranking[T Number](a, b T, i, j int, largest bool) int {
	c := 0
	switch {
	case a == b || a != a && b != b:
		return i - j
	case a > b || a != a:
		c = -1
	default:
		c = 1
	}
	if !largest {
		c = -c
	}
	return c
}

// selectFirst moves the k first of order to its front, as a heap with the
// last of them on top.
func selectFirst(order []int, k int, before func(i, j int) int) []int {
	heap := order[:k]
	if k == 0 {
		return heap
	}
	down := func(i int) {
		for {
			c := 2*i + 1
			if c >= k {
				return
			}
			if c+1 < k && before(heap[c], heap[c+1]) < 0 {
				c++
			}
			if before(heap[i], heap[c]) >= 0 {
				return
			}
			heap[i], heap[c] = heap[c], heap[i]
			i = c
		}
	}
	for i := k/2 - 1; i >= 0; i-- {
		down(i)
	}
	for _, e := range order[k:] {
		if before(e, heap[0]) < 0 {
			heap[0] = e
			down(0)
		}
	}
	return heap
}
