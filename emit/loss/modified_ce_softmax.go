package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	register(&Loss{
		Name: "modified-ce-softmax", Golden: "modified_ce_softmax", Activation: Softmax, Eps: true, Instead: "bce",
		Equation: "−Σ [qᵢ log pᵢ + (1−qᵢ) log(1−pᵢ)], p = softmax(z)",
		Source:   "the project's general form with both terms: cross-entropy that penalizes wrong classes explicitly",
		When:     "a softmax head whose wrong classes should be charged one by one and not only through the softmax",
		Terms:    twoTerms,
		Build:    (*Build).BCE,
		Gradient: func(b *Build) *graph.Value { return b.SoftmaxSlope(op.Neg(b.Q), op.Neg(b.NotQ())) },
		Closed:   closedBinaryCrossEntropy,
	})
}
