package curves

import (
	"fmt"
	"math"

	"github.com/onnxloss/onnxloss/emit/loss"
	_ "github.com/onnxloss/onnxloss/emit/loss/all" // the losses that curves may name
)

// Axis is the quantity on the horizontal axis.
type Axis string

// The axes.
const (
	Probability Axis = "p"
	Logit       Axis = "logit"
)

// reach is the greatest logit plotted.
const reach = 8

// ends are the ends of the axis.
func (a Axis) ends() (least, greatest float64) {
	if a == Logit {
		return -reach, reach
	}
	return 0, 1
}

// central reports whether x is not near an end, where losses are unbounded.
func (a Axis) central(x float64) bool {
	least, greatest := a.ends()
	return x >= least+0.02*(greatest-least) && x <= greatest-0.02*(greatest-least)
}

// samples is the number of points of a curve.
const samples = 301

// at is the point at fraction t of the axis, and its logit. Probabilities are denser at
// the ends, where losses are steep, and come closer to 0 and 1 than a picture can show.
func (a Axis) at(t float64) (x, z float64) {
	if a == Logit {
		x = (2*t - 1) * reach
		return x, x
	}
	const near = 1e-12
	x = min(max((1-math.Cos(math.Pi*t))/2, near), 1-near)
	return x, math.Log(x / (1 - x))
}

// Curve is one loss to plot.
type Curve struct {
	Label   string
	Options loss.Options
	// Classes is the number of classes of a softmax.
	Classes int
}

// Point is the loss at a point of the axis.
type point struct {
	x           float64 // p or z
	value, grad float64
}

// over samples the curve. If the plotted class is not the true one, another class of the
// softmax is.
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

// find is the loss of any kind called name.
func find(name string) (*loss.Loss, loss.Kind, error) {
	for _, k := range loss.Kinds {
		if l, err := loss.Find(k, name); err == nil {
			return l, k, nil
		}
	}
	return nil, 0, fmt.Errorf("no loss is called %q", name)
}

// row is the curve's loss; nil if there is none.
func (c Curve) row() *loss.Loss {
	l, _, _ := find(c.Options.Name)
	return l
}
