package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// weighRow makes the weights of one query of its scores, in row; seen keeps
// the scores of the stage that the node's fourth output shows.
func weighRow[T float32 | float64](a *attention, seen, weights []T, row []float64, bias func(row []float64)) {
	show := func(stage int64) {
		if a.mode == stage {
			for i, v := range row {
				seen[i] = T(v)
			}
		}
	}
	for i, v := range seen {
		row[i] = float64(v)
	}
	if a.cap > 0 {
		for i, v := range row {
			row[i] = a.cap * math.Tanh(v/a.cap)
		}
	}
	show(1)
	bias(row)
	show(2)
	softmaxRow(row)
	show(3)
	for i, v := range row {
		weights[i] = T(v)
	}
}

// softmaxRow is the softmax of a row in place; a row that is masked out
// altogether becomes 0.
func softmaxRow(row []float64) {
	top := math.Inf(-1)
	for _, v := range row {
		top = max(top, v)
	}
	if math.IsInf(top, -1) {
		clear(row)
		return
	}
	sum := 0.0
	for i, v := range row {
		row[i] = math.Exp(v - top)
		sum += row[i]
	}
	for i := range row {
		row[i] /= sum
	}
}

// attentionBias gives a function that adds the masks to the scores of query i
// of head h of batch entry b.
func attentionBias(x *Call, a attention, batch, heads, queries, keys, past int) (func(b, h, i int, row []float64), error) {
	var lens []int
	if x.Has(6) {
		var err error
		if lens, err = Ints(x.In[6]); err != nil || len(lens) != batch {
			return nil, x.InputError(6, "%v, want %d lengths", x.In[6], batch)
		}
	}
	mask, err := attentionMask(x, batch, heads, queries, keys)
	if err != nil {
		return nil, err
	}
	return func(b, h, i int, row []float64) {
		if mask != nil {
			mask(b, h, i, row)
		}
		end := len(row)
		if lens != nil {
			end = min(end, max(lens[b], 0))
		}
		at := past + i
		if lens != nil {
			at = lens[b] - queries + i
		}
		begin := 0
		if a.left >= 0 {
			begin = min(max(at-int(min(a.left, tensor.MaxElems)), 0), end)
		}
		if a.right >= 0 {
			end = min(end, max(at+int(min(a.right, tensor.MaxElems))+1, begin))
		}
		if a.causal {
			end = min(end, max(at+1, begin))
		}
		for k := range row {
			if k < begin || k >= end {
				row[k] = math.Inf(-1)
			}
		}
	}, nil
}

// attentionMask reads input 3, a bias of the scores' type or truth values that
// say which keys are seen; keys behind its end are not.
func attentionMask(x *Call, batch, heads, queries, keys int) (func(b, h, i int, row []float64), error) {
	if !x.Has(3) {
		return nil, nil
	}
	t := x.In[3]
	if t.Rank() < 1 {
		return nil, x.InputError(3, "%v, want at least one axis", t)
	}
	last := t.Shape[t.Rank()-1]
	width := last
	if last == 1 {
		width = keys
	}
	strides, ok := kernel.BroadcastStrides([]int{batch, heads, queries, width}, t.Shape)
	if !ok || width > keys {
		return nil, x.InputError(3, "shape %v does not broadcast to [%d %d %d %d]", t.Shape, batch, heads, queries, keys)
	}
	var at func(k int) float64
	if t.DType == tensor.Bool {
		data := tensor.Data[bool](t)
		at = func(k int) float64 {
			if data[k] {
				return 0
			}
			return math.Inf(-1)
		}
	} else {
		w, err := convert(x, t, tensor.Float64, rounding{})
		if err != nil {
			return nil, x.InputError(3, "%v", err)
		}
		data := append([]float64{}, tensor.Data[float64](w)...)
		dropTemp(x, w, t)
		at = func(k int) float64 { return data[k] }
	}
	return func(b, h, i int, row []float64) {
		from := b*strides[0] + h*strides[1] + i*strides[2]
		for k := range row {
			if k >= width {
				row[k] = math.Inf(-1)
			} else {
				row[k] += at(from + k*strides[3])
			}
		}
	}, nil
}
