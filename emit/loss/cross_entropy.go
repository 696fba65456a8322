package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

// CrossEntropy is the positive term alone, without modulation, q · (−log p): with a
// softmax, negative classes act through p only.
func (b *Build) CrossEntropy() *graph.Value { return op.Mul(b.Q, b.PlainCostOfP()) }

// CrossEntropy is q · (−log p).
func (x *Point) CrossEntropy() Dual { return Dual{Value: -x.Q * x.LogP, P: -x.Q * x.DLogP} }

// BCE is q·(−log p) + (1−q)·(−log(1−p)).
func (x *Point) BCE() Dual {
	q, notQ := x.Q, 1-x.Q
	return Dual{
		Value: -q*x.LogP - notQ*x.LogNotP,
		P:     -q * x.DLogP,
		NotP:  -notQ * x.DLogNotP,
	}
}

// BCEGradient is the derivative of BCE with respect to z for a sigmoid, p − q.
func (b *Build) BCEGradient() *graph.Value { return b.ByDepth(b.Residual()) }
