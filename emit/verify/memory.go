package verify

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Need estimates the bytes that Training holds while it runs the network.
type Need struct {
	Weights     int64
	Activations int64 // the peak for 2 images; -1 if sizes are unknown before the run
}

// Total is the bytes that are known.
func (n Need) Total() int64 { return n.Weights + max(n.Activations, 0) }

func (n Need) String() string {
	const mb = 1e6
	if n.Activations < 0 {
		return fmt.Sprintf("%.1f MB of weights, plus activations of unknown size", float64(n.Weights)/mb)
	}
	return fmt.Sprintf("%.1f MB: weights %.1f MB, activations %.1f MB", float64(n.Total())/mb, float64(n.Weights)/mb, float64(n.Activations)/mb)
}

// MemoryError is the error of a proof that was not started because it would need more
// memory than Options.MaxMemory. Options.Sample needs neither weights nor activations.
type MemoryError struct {
	Need Need
	err  error // wraps interp.ErrMemory
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("verification needs about %v; %v", e.Need, e.err)
}

func (e *MemoryError) Unwrap() error { return e.err }

// memory returns a *MemoryError if the proof needs more memory than allowed.
func (p *proof) memory() error {
	if p.opts.Sample {
		return nil
	}
	need, err := Memory(p.model)
	if err != nil {
		return err
	}
	if err := interp.Fits(p.opts.MaxMemory)(tensor.Uint8, int(need.Total())); err != nil {
		return &MemoryError{need, err}
	}
	if p.opts.Need != nil {
		p.opts.Need(need)
	}
	return nil
}

// Memory estimates what verifying m in full needs. It refines the types in m.
func Memory(m *graph.Model) (Need, error) {
	facts := op.InferModel(m)
	if err := facts.ReadErr(); err != nil {
		return Need{}, err
	}
	need := Need{}
	for _, v := range m.Graph.Inits {
		need.Weights += int64(v.Init.Len()) * int64(v.Init.DType.Size())
	}
	last := map[*graph.Value]int{} // the last node that reads a value
	for i, n := range m.Graph.Nodes {
		for _, v := range n.Outputs {
			last[v] = i
		}
		for _, v := range append(n.Captures(), n.Inputs...) {
			last[v] = i
		}
	}
	for _, v := range m.Graph.Outputs {
		delete(last, v)
	}
	dead := make([]int64, len(m.Graph.Nodes))
	live := int64(0)
	for i, n := range m.Graph.Nodes {
		for _, v := range n.Outputs {
			if v == nil {
				continue
			}
			size, ok := bytesOf(facts.Of(v).Type)
			if !ok {
				need.Activations = -1
				return need, nil
			}
			live += size
			if k, ok := last[v]; ok {
				dead[k] += size
			}
		}
		need.Activations = max(need.Activations, live)
		live -= dead[i]
	}
	return need, nil
}

// images is the number of images drawn if it is not fixed.
const images = 2

// bytesOf is the size of a tensor, with images as the first dimension if that is not
// fixed.
func bytesOf(t graph.Type) (n int64, ok bool) {
	if t.Kind != graph.TensorKind || t.Shape == nil || t.DType == tensor.Invalid {
		return 0, false
	}
	n = int64(t.DType.Size())
	for i, d := range t.Shape {
		switch {
		case d.IsKnown():
			n *= d.Value
		case i == 0:
			n *= images
		default:
			return 0, false
		}
	}
	return n, true
}
