package op

import "github.com/onnxloss/onnxloss/graph/op/flow"

func init() {
	Register(&Op{
		Name: "TensorScatter", Equation: "y = x, then y[b, …, indices[b]+i, …] = update[b, …, i, …] along axis, around its end if circular",
		Flow:     flow.Flow{Pass: flow.Untraced},
		Versions: []int64{24}, In: Arity{2, 3}, Out: Arity{1, 1}, Infer: SameAsInput, Kernel: makeTensorScatter,
		NoGrad: "it keeps the keys and values of a decoder between its steps, where nothing is trained; ScatterND has the rule",
	})
}

func makeTensorScatter(s *Spec) (Kernel, error) {
	axis, mode := s.Int("axis", -2), s.Str("mode", "linear")
	if mode != "linear" && mode != "circular" {
		return nil, attrError("mode", mode, "linear or circular")
	}
	return func(x *Call) error {
		cache, update := x.In[0], x.In[1]
		if err := sameType(x, 1); err != nil {
			return err
		}
		k, err := Axis(axis, cache.Rank())
		if err != nil || k == 0 {
			return attrError("axis", axis, "an axis of the cache other than the first")
		}
		want := append([]int{}, cache.Shape...)
		if update.Rank() == len(want) && update.Shape[k] <= want[k] {
			want[k] = update.Shape[k]
		}
		if !sameShape(update.Shape, want) {
			return x.InputError(1, "shape %v, want that of the cache, %v, or less on axis %d", update.Shape, cache.Shape, k)
		}
		at, err := writeIndices(x, cache.Shape[0], cache.Shape[k], update.Shape[k], mode == "circular")
		if err != nil {
			return err
		}
		out, err := x.New(0, cache.DType, cache.Shape...)
		if err != nil || out.Len() == 0 {
			return err
		}
		copyAll(out, cache)
		outer, size, inner := dimsAround(cache.Shape, k)
		r := rowCopy{outer / cache.Shape[0], size, update.Shape[k], inner, at}
		mover{
			func(d, s []uint8) { copyRows(r, d, s) },
			func(d, s []uint16) { copyRows(r, d, s) },
			func(d, s []uint32) { copyRows(r, d, s) },
			func(d, s []uint64) { copyRows(r, d, s) },
			func(d, s []complex128) { copyRows(r, d, s) },
			func(d, s []string) { copyRows(r, d, s) },
		}.run(out, update)
		return nil
	}, nil
}

// writeIndices is where each batch entry's update begins, by input 2 or at 0.
func writeIndices(x *Call, batch, size, rows int, circular bool) ([]int, error) {
	at := make([]int, batch)
	if !x.Has(2) {
		return at, nil
	}
	if !sameShape(x.In[2].Shape, []int{batch}) {
		return nil, x.InputError(2, "shape %v, want [%d]", x.In[2].Shape, batch)
	}
	list, err := int64s(x, 2)
	if err != nil {
		return nil, err
	}
	for i, v := range list {
		switch {
		case circular && size > 0:
			v = (v%int64(size) + int64(size)) % int64(size)
		case v < 0 || v > int64(size-rows):
			return nil, x.InputError(2, "%d rows from %d on do not fit into %d", rows, v, size)
		}
		at[i] = int(v)
	}
	return at, nil
}

// rowCopy puts rows of inner elements into a cache that has size of them:
// heads caches for each batch entry, from row at[b] on, around its end.
type rowCopy struct {
	heads, size, rows, inner int
	at                       []int
}

func copyRows[T any](r rowCopy, dst, src []T) {
	for b, first := range r.at {
		for h := range r.heads {
			cache := b*r.heads + h
			for i := range r.rows {
				row := (first + i) % r.size
				copy(dst[(cache*r.size+row)*r.inner:][:r.inner], src[(cache*r.rows+i)*r.inner:])
			}
		}
	}
}
