package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// runBatch is Scan of version 8: the body runs over the steps of each batch
// entry by itself, as many as sequence_lens says; scan outputs are zero
// behind them.
func (s *scan) runBatch(x *Call) error {
	in := x.In[s.first:]
	batch, steps, err := s.batchSizes(x, in)
	if err != nil {
		return err
	}
	lens := make([]int, batch)
	for b := range lens {
		lens[b] = steps
	}
	if x.Has(0) {
		if lens, err = Ints(x.In[0]); err != nil || len(lens) != batch {
			return x.InputError(0, "%v, want %d lengths", x.In[0], batch)
		}
	}
	if batch == 0 {
		return fmt.Errorf("a batch of 0 entries has no outputs")
	}
	outs := make([]stack, len(s.graph.Outputs))
	for i := range outs {
		outs[i].x = x
	}
	defer freeStacks(outs)
	for b := range batch {
		if lens[b] < 0 || lens[b] > steps {
			return x.InputError(0, "length %d, want 0 to %d", lens[b], steps)
		}
		if err := s.runEntry(x, in, b, lens[b], steps, outs); err != nil {
			return fmt.Errorf("batch entry %d: %w", b, err)
		}
	}
	for i := range x.Out {
		if err := outs[i].output(i, 0, false, tensor.Float32, nil); err != nil {
			return err
		}
	}
	return nil
}

// batchSizes is the batch size and the number of steps that all inputs have.
func (s *scan) batchSizes(x *Call, in []*tensor.Tensor) (batch, steps int, err error) {
	batch, steps = -1, -1
	for i, t := range in {
		if t.Rank() < 1 || i >= s.states && t.Rank() < 2 {
			return 0, 0, x.InputError(s.first+i, "rank %d is too low", t.Rank())
		}
		if batch < 0 {
			batch = t.Shape[0]
		}
		if i >= s.states && steps < 0 {
			steps = t.Shape[1]
		}
		if t.Shape[0] != batch || i >= s.states && t.Shape[1] != steps {
			return 0, 0, x.InputError(s.first+i, "shape %v, want batch %d and steps %d", t.Shape, batch, steps)
		}
	}
	return batch, steps, nil
}

// runEntry runs one batch entry and appends its results to outs.
func (s *scan) runEntry(x *Call, in []*tensor.Tensor, b, length, steps int, outs []stack) error {
	entry := make([]*tensor.Tensor, len(in))
	for i, t := range in {
		var err error
		if entry[i], err = sliceAt(x, t, 0, b); err != nil {
			return err
		}
	}
	state, stacks, err := s.walk(x, entry, length)
	defer freeStacks(stacks)
	if err != nil {
		return err
	}
	for i, t := range state {
		if err := outs[i].add(t); err != nil {
			return err
		}
	}
	for k := range stacks {
		t, err := s.padded(&stacks[k], k, length, steps)
		if err != nil {
			return err
		}
		if err := outs[s.states+k].add(t); err != nil {
			return err
		}
		x.Env.Free(t)
	}
	return nil
}

// padded is the steps of one stack, with zeros up to steps.
func (s *scan) padded(st *stack, k, length, steps int) (*tensor.Tensor, error) {
	d, shape := emptyStep(s.graph.Outputs[s.states+k].Type)
	d = s.dtype(d)
	if st.n > 0 {
		d, shape = st.dtype, st.shape
	}
	t, err := st.x.Temp(d, append([]int{steps}, shape...)...)
	if err != nil {
		return nil, err
	}
	clearAll(t)
	if st.n > 0 && t.Len() > 0 {
		full := append([]int{length}, shape...)
		strides := tensor.Strides(full)
		copyStrided(st.x, full, t, 0, strides, st.buf, 0, strides)
	}
	return t, nil
}
