package curves

import (
	"fmt"
	"math"

	"github.com/onnxloss/onnxloss/emit/loss"
	_ "github.com/onnxloss/onnxloss/emit/loss/all" // all that may be named
)

// Axis is what curves are drawn over.
type Axis string

// The axes.
const (
	Probability Axis = "p"
	Logit       Axis = "logit"
)

// reach is the greatest logit drawn.
const reach = 8

// ends is where the axis begins and ends.
func (a Axis) ends() (least, greatest float64) {
	if a == Logit {
		return -reach, reach
	}
	return 0, 1
}

// central reports whether x is away from the ends, where losses have no bound.
func (a Axis) central(x float64) bool {
	least, greatest := a.ends()
	return x >= least+0.02*(greatest-least) && x <= greatest-0.02*(greatest-least)
}

// samples is how many points a curve has.
const samples = 301

// at is the place t of the axis, in [0, 1], and its logit. Probabilities are denser at
// the ends, where losses are steep, and as near to 0 and 1 as no picture can tell.
func (a Axis) at(t float64) (x, z float64) {
	if a == Logit {
		x = (2*t - 1) * reach
		return x, x
	}
	const near = 1e-12
	x = min(max((1-math.Cos(math.Pi*t))/2, near), 1-near)
	return x, math.Log(x / (1 - x))
}

// Curve is one loss to draw.
type Curve struct {
	Label   string
	Options loss.Options
	// Classes is how many the slice of a softmax has.
	Classes int
}

// Point is a loss of the drawn class at a place of the axis.
type point struct {
	x           float64 // p or z
	value, grad float64
}

// over samples the curve. Where the drawn class is not true, one of the others of
// a softmax is.
func (c Curve) over(by Axis, positive bool) ([]point, error) {
	l, kind, err := find(c.Options.Name)
	if err != nil {
		return nil, err
	}
	classes := 1
	if l.Activation == loss.Softmax {
		classes = c.Classes
	}
	o := c.Options
	o.Reduction = loss.Sum
	if o, err = o.Resolve(kind, classes); err != nil {
		return nil, err
	}
	points := make([]point, samples)
	for i := range points {
		x, z := by.at(float64(i) / (samples - 1))
		b := loss.Batch{N: 1, A: 1, C: classes, Logits: make([]float64, classes), Target: make([]float64, classes)}
		if l.Statistics != nil {
			b.A = 2
			b.Logits = append(b.Logits, make([]float64, classes)...)
			b.Target = append(b.Target, make([]float64, classes)...)
			b.Target[classes] = 1
		}
		b.Logits[0] = z
		if classes > 1 {
			b.Logits[0] += math.Log(float64(classes - 1)) // so that z is still log p/(1−p)
		}
		switch {
		case positive:
			b.Target[0] = 1
		case classes > 1:
			b.Target[classes-1] = 1
		}
		if o.Target == loss.Bins {
			b.Target = []float64{float64((classes - 1) * pick(!positive))} // the place of the true bin
		}
		out, err := loss.Eval(kind, o, b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Label, err)
		}
		points[i] = point{x, out.PerAnchor[0], math.Abs(out.Grad[0])}
	}
	return points, nil
}

func pick(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// find is the loss of any kind by name.
func find(name string) (*loss.Loss, loss.Kind, error) {
	for _, k := range loss.Kinds {
		if l, err := loss.Find(k, name); err == nil {
			return l, k, nil
		}
	}
	return nil, 0, fmt.Errorf("there is no loss %q", name)
}

// row is the curve's loss; nil if there is none.
func (c Curve) row() *loss.Loss {
	l, _, _ := find(c.Options.Name)
	return l
}
