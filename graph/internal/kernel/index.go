package kernel

import "fmt"

// IndexError is an index out of its range in an index tensor.
type IndexError struct {
	At    int   // position in the index tensor
	Index int64 // its value
	Limit int   // valid values are -Limit … Limit-1
}

func (e *IndexError) Error() string {
	return fmt.Sprintf("index %d at position %d is outside [%d, %d]", e.Index, e.At, -e.Limit, e.Limit-1)
}

// normalizeIndices writes indices to dst with negative ones counted from the
// end. The error is an *IndexError for one outside [-limit, limit-1].
func normalizeIndices[I Signed](dst []int, indices []I, limit int) error {
	for p, v := range indices {
		i := int64(v)
		if i < 0 {
			i += int64(limit)
		}
		if i < 0 || i >= int64(limit) {
			return &IndexError{At: p, Index: int64(v), Limit: limit}
		}
		dst[p] = int(i)
	}
	return nil
}

// Gather takes slices along the middle axis of data, of shape
// (outer, axis, inner):
//
//	for o, k, i: dst[(o*len(index)+k)*inner+i] = data[(o*axis+index[k])*inner+i]
//
// Negative indices count from the end; the error is an *IndexError.
func Gather[E any, I Signed](par Parallel, dst, data []E, outer, axis, inner int, index []I) error {
	at := borrow[int](len(index))
	defer at.free()
	if err := normalizeIndices(at.s, index, axis); err != nil {
		return err
	}
	n := len(index)
	par.Do(outer*n, grainFor(inner), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			s := (r/n*axis + at.s[r%n]) * inner
			copy(dst[r*inner:(r+1)*inner], data[s:s+inner])
		}
	})
	return nil
}

// elementOffsets turns index, an index tensor of shape ishape that picks along
// axis of an array of shape dshape, into offsets in that array:
//
//	at[t] = offset of (i0, …, index[t], …) for index position (i0, …)
//
// ishape[d] <= dshape[d] for d != axis.
func elementOffsets[I Signed](at []int, index []I, ishape, dshape []int, axis int) error {
	if err := normalizeIndices(at, index, dshape[axis]); err != nil {
		return err
	}
	stride := rowStrides(dshape)
	axisStride := stride[axis]
	stride[axis] = 0
	n := newNest(ishape, stride)
	n.each(nil, func(t, size int, off *[4]int) {
		base := off[0]
		for k := range at[t : t+size] {
			at[t+k] = at[t+k]*axisStride + base
			base += n.step[0]
		}
	})
	return nil
}

// GatherElements picks one element for each index: for each position t of
// index, of shape ishape,
//
//	dst[t] = data[position of t with its coordinate on axis replaced by index[t]]
//
// The error is an *IndexError.
func GatherElements[E any, I Signed](dst, data []E, dshape []int, axis int, index []I, ishape []int) error {
	at := borrow[int](len(index))
	defer at.free()
	if err := elementOffsets(at.s, index, ishape, dshape, axis); err != nil {
		return err
	}
	for t, o := range at.s {
		dst[t] = data[o]
	}
	return nil
}

// ScatterElements is the inverse of GatherElements: for each position t of
// index, in order,
//
//	dst[position of t with its coordinate on axis replaced by index[t]] ∘= updates[t]
//
// combine is nil for plain assignment. The error is an *IndexError.
func ScatterElements[E any, I Signed](dst []E, dshape []int, axis int, index []I, ishape []int, updates []E, combine func(old, update E) E) error {
	at := borrow[int](len(index))
	defer at.free()
	if err := elementOffsets(at.s, index, ishape, dshape, axis); err != nil {
		return err
	}
	for t, o := range at.s {
		if combine == nil {
			dst[o] = updates[t]
		} else {
			dst[o] = combine(dst[o], updates[t])
		}
	}
	return nil
}

// tupleOffsets turns index tuples of depth len(limits) into offsets.
func tupleOffsets[I Signed](at []int, index []I, limits []int, inner int) error {
	depth := len(limits)
	for t := range at {
		o := 0
		for d, limit := range limits {
			i := int64(index[t*depth+d])
			if i < 0 {
				i += int64(limit)
			}
			if i < 0 || i >= int64(limit) {
				return &IndexError{At: t*depth + d, Index: int64(index[t*depth+d]), Limit: limit}
			}
			o = o*limit + int(i)
		}
		at[t] = o * inner
	}
	return nil
}

// GatherND copies slices picked by index tuples. data has shape
// (batch, limits…, inner), index (batch, n, len(limits)), dst (batch, n, inner):
//
//	dst[b, k, :] = data[b, index[b, k, 0], index[b, k, 1], …, :]
//
// The error is an *IndexError.
func GatherND[E any, I Signed](par Parallel, dst, data []E, batch int, limits []int, inner int, index []I, n int) error {
	at := borrow[int](batch * n)
	defer at.free()
	if err := tupleOffsets(at.s, index, limits, inner); err != nil {
		return err
	}
	size := product(limits) * inner
	par.Do(batch*n, grainFor(inner), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			s := r/n*size + at.s[r]
			copy(dst[r*inner:(r+1)*inner], data[s:s+inner])
		}
	})
	return nil
}

// ScatterND writes slices to the places named by n index tuples, in order:
//
//	dst[index[k, 0], index[k, 1], …, :] ∘= updates[k, :]
//
// dst has shape (limits…, inner). combine is nil for plain assignment. The
// error is an *IndexError.
func ScatterND[E any, I Signed](dst []E, limits []int, inner int, index []I, n int, updates []E, combine func(old, update E) E) error {
	at := borrow[int](n)
	defer at.free()
	if err := tupleOffsets(at.s, index, limits, inner); err != nil {
		return err
	}
	for k, o := range at.s {
		d, u := dst[o:o+inner], updates[k*inner:(k+1)*inner]
		if combine == nil {
			copy(d, u)
			continue
		}
		for i := range d {
			d[i] = combine(d[i], u[i])
		}
	}
	return nil
}
