package main

import (
	"fmt"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// alone is a model of nothing but a loss of logits [N, A, C]: an input "logits",
// the inputs that the loss adds, and as outputs the loss, its new state, and its
// derivative by the logits where that is wanted.
type alone struct {
	*graph.Model
	loss  *loss.Result
	value *graph.Value // of each anchor, or reduced
	slope *graph.Value // [N, A, C]; nil in the form without
}

// opset is what PyTorch exports by default.
const opset = 13

// newAlone builds the loss that o names over logits of the given shape and element
// type.
func newAlone(o loss.Options, d tensor.DType, shape []int, form emit.Form) (*alone, error) {
	m := graph.New(opset)
	z, err := m.Graph.AddInput("logits", graph.TensorOf(d, graph.Static(shape...)))
	if err != nil {
		return nil, err
	}
	a := &alone{Model: m}
	if a.loss, err = loss.Emit(z, loss.Classification, o, ""); err != nil {
		return nil, err
	}
	if a.value = a.loss.Loss; a.value == nil {
		a.value = a.loss.PerAnchor
	}
	m.Graph.AddOutput(a.value)
	if form == emit.LogitsGradientForm {
		if a.slope, err = emit.LogitsGradient(a.value, z, a.loss); err != nil {
			return nil, err
		}
		m.Graph.AddOutput(a.slope)
	}
	for _, v := range a.loss.NewState {
		m.Graph.AddOutput(v)
	}
	if err := m.Graph.Prune(0, 0); err != nil {
		return nil, err
	}
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	return a, nil
}

// classification is the losses of class logits.
func classification() []*loss.Loss {
	var list []*loss.Loss
	for _, l := range loss.All() {
		if l.Kind == loss.Classification {
			list = append(list, l)
		}
	}
	return list
}

// standard is l with its defaults for so many classes, of which the last is the
// background where l needs one; objects of the first are the most.
func standard(l *loss.Loss, classes int) loss.Options {
	o := loss.Options{Name: l.Name}
	if l.Background {
		last := classes - 1
		o.Background = &last
	}
	for i := range classes {
		if l.Counts {
			o.ClassCounts = append(o.ClassCounts, 1000/float64(1+3*i))
		}
	}
	return o
}
