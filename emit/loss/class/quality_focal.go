package class

import (
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "quality-focal", Golden: "quality_focal",
		Equation: "Σ |qᵢ − pᵢ|^β BCE(pᵢ, qᵢ), p = σ(z)",
		Source:   "quality focal loss, Li et al., Generalized Focal Loss (arXiv 2006.04388), eq. 2",
		When:     "targets that state how well the box fits (its overlap with the object) instead of 1, so that scores rank boxes (GFL, RTMDet)",
		Params:   []loss.Param{distance("beta", 2)},
		Logits: &loss.Logits{
			Activation: loss.Sigmoid, Eps: true, Targets: loss.Qualities,
			Build:    qualityFocal("beta"),
			Gradient: gradQualityFocal("beta"),
			Closed:   closedQualityFocal("beta"),
		},
	})
}

// distance is the parameter of the losses that weigh by |q − p|. Between 0 and
// 1 the derivative at p = q would be infinite.
func distance(name string, def float64) loss.Param {
	return loss.Param{Name: name, Default: def, Lo: 1, Hi: 100, Zero: true, Doc: "exponent of the distance to the target; 0 turns it off"}
}

// qualityFocal is |q − p|^β times binary cross-entropy.
func qualityFocal(param string) func(b *loss.Build) *graph.Value {
	return func(b *loss.Build) *graph.Value {
		β, d := b.Param(param), b.Residual()
		switch {
		case β == 0:
			return b.BCE()
		case loss.IsEven(β):
			return op.Mul(b.Pow(d, β), b.BCE())
		}
		return op.Mul(b.Pow(op.Abs(d), β), b.BCE())
	}
}

// gradQualityFocal is its derivative by z for an even β, of
// d^(β−1) (β p(1−p) BCE + d²) by −|z|.
func gradQualityFocal(param string) func(b *loss.Build) *graph.Value {
	return func(b *loss.Build) *graph.Value {
		β, d := b.Param(param), b.Residual()
		switch {
		case β == 0:
			return b.BCEGradient()
		case !loss.IsEven(β):
			return nil
		}
		derivative := op.Add(op.Mul(b.Scale(b.Spread(), β), b.BCE()), b.Pow(d, 2))
		return b.ByDepth(op.Mul(b.Pow(d, β-1), derivative))
	}
}

func closedQualityFocal(param string) func(x *loss.Point) loss.Dual {
	return func(x *loss.Point) loss.Dual {
		q, p := x.Q*x.NotP, (1-x.Q)*x.P
		d := loss.Dual{Value: q - p, P: -p, NotP: q}
		if d.Value < 0 {
			d = d.Scale(-1)
		}
		return d.Pow(x.Param(param)).Times(x.BCE())
	}
}
