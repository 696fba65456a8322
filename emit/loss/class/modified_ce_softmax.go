package class

import (
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "modified-ce-softmax", Golden: "modified_ce_softmax",
		Equation: "−Σ [qᵢ log pᵢ + (1−qᵢ) log(1−pᵢ)], p = softmax(z)",
		Source:   "the project's general form with both terms: cross-entropy that penalizes wrong classes explicitly",
		When:     "a softmax head, when wrong classes should be penalized individually and not only through the softmax",
		Logits: &loss.Logits{
			Activation: loss.Softmax, Eps: true, Instead: "bce",
			Terms:    loss.BothTerms,
			Build:    (*loss.Build).BCE,
			Gradient: func(b *loss.Build) *graph.Value { return b.SoftmaxGradient(op.Neg(b.Q), op.Neg(b.NotQ())) },
			Closed:   (*loss.Point).BCE,
		},
	})
}
