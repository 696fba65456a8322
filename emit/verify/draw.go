package verify

import (
	"math/rand/v2"

	"github.com/onnxloss/onnxloss/emit/loss"
)

// newBatch draws targets and weights for logits of the given shape: anchors with one class,
// soft or several classes, no class, and ignored ones if there is an ignore index.
func newBatch(t *term, shape []int, r *rand.Rand) loss.Batch {
	b := loss.Batch{N: shape[0], A: shape[1], C: shape[2], Logits: make([]float64, shape[0]*shape[1]*shape[2])}
	if t.opts.Target == loss.Index {
		b.Index = make([]int64, b.N*b.A)
	} else if t.opts.Target == loss.Bins {
		b.Target = make([]float64, b.N*b.A)
	} else {
		b.Target = make([]float64, len(b.Logits))
	}
	for i := range b.N * b.A {
		t.drawTarget(&b, i, r)
	}
	if t.opts.AnchorWeights {
		b.Weight = make([]float64, b.N*b.A)
		for i := range b.Weight {
			b.Weight[i] = float64(float32(2 * r.Float64()))
		}
	}
	b.Normalizer = 7
	t.drawState(&b, r)
	return b
}

// drawState draws a state of the loss during training, with some elements still initial.
func (t *term) drawState(b *loss.Batch, r *rand.Rand) {
	states, err := t.opts.States(t.kind, t.classes)
	if err != nil {
		return // already refused by check
	}
	for _, s := range states {
		x := make([]float64, s.Len)
		for i := range x {
			if x[i] = s.Initial; r.IntN(4) > 0 {
				x[i] = float64(100 * r.Float32())
			}
		}
		b.State = append(b.State, x)
	}
}

func (t *term) drawTarget(b *loss.Batch, i int, r *rand.Rand) {
	if t.opts.Target == loss.Bins { // before the first bin, among the bins, and beyond the last
		b.Target[i] = float64(float32((1.2*r.Float64() - 0.1) * float64(b.C)))
		return
	}
	ignored := t.opts.IgnoreIndex != nil && r.IntN(4) == 0
	negative := t.mines && r.IntN(8) > 0
	if b.Index != nil {
		b.Index[i] = int64(r.IntN(b.C+1) - 1)
		switch {
		case ignored:
			b.Index[i] = *t.opts.IgnoreIndex
		case negative:
			b.Index[i] = int64(*t.opts.Background)
		}
		return
	}
	q := b.Target[i*b.C:][:b.C]
	if negative && !ignored {
		q[*t.opts.Background] = 1
		return
	}
	kind := r.IntN(4)
	for k := range q {
		switch {
		case ignored:
			q[k] = float64(*t.opts.IgnoreIndex)
		case kind == 0: // a soft target for every class
			q[k] = float64(r.Float32())
		case kind == 1 && r.IntN(3) == 0: // several classes
			q[k] = 1
		}
	}
	if kind == 2 && !ignored {
		q[r.IntN(b.C)] = 1
	}
}

// right is b with correct logits, confident by least or up to 24, and at most one class per
// anchor.
func (t *term) right(b loss.Batch, least float64, r *rand.Rand) loss.Batch {
	b.Logits = make([]float64, len(b.Logits))
	if b.Target != nil {
		b.Target = make([]float64, len(b.Target))
	}
	index := make([]int64, b.N*b.A)
	for i := range index {
		class := r.IntN(b.C)
		for k := range b.C {
			b.Logits[i*b.C+k] = -least - (24-least)*r.Float64()
		}
		b.Logits[i*b.C+class] *= -1
		switch {
		case t.opts.Target == loss.Bins:
			b.Target[i] = float64(class)
		case b.Target != nil:
			b.Target[i*b.C+class] = 1
		default:
			index[i] = int64(class)
		}
	}
	if b.Index != nil {
		b.Index = index
	}
	return b
}
