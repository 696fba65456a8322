package compare

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"

	"github.com/onnxloss/onnxloss/emit/loss"
	_ "github.com/onnxloss/onnxloss/emit/loss/all" // the losses that entries may name
)

// Entry is a loss with its options, under the label that the user gave it.
type Entry struct {
	Label   string
	Options loss.Options
}

// Report is the result of a comparison.
type Report struct {
	Images  int `json:"images"`
	Anchors int `json:"anchors"` // per image
	Classes int `json:"classes"`
	Ignored int `json:"ignored"`
	// Groups are the numbers of anchors of the batch in each group.
	Groups []Count `json:"groups"`
	Losses []Row   `json:"losses"`
}

// Count is the size of a group.
type Count struct {
	Group   string `json:"group"`
	Anchors int    `json:"anchors"`
}

// Row is the result of one loss.
type Row struct {
	Label string        `json:"label"`
	Loss  *loss.Options `json:"loss"` // with all options resolved; nil if it was not computed
	// Value is the reduced loss; Gradient is the sum of the norms of the anchors' gradients.
	Value    float64 `json:"value"`
	Gradient float64 `json:"gradientNorm"`
	// Groups are the parts of the groups of anchors; Target and Wrong are those of the
	// classes with a target above 0 and of all other classes.
	Groups []Part `json:"groups"`
	Target Part   `json:"targetClasses"`
	Wrong  Part   `json:"wrongClasses"`
	// Left is the reason why the loss does not apply; "" if it does.
	Left string `json:"notApplicable,omitempty"`
}

// Part is the part of a loss and its gradient due to some anchors or classes. The
// gradient of anchors is the sum of their gradients' norms, that of classes the sum of
// absolute derivatives. Shares are of the whole batch; 0 if its total is 0.
type Part struct {
	Of            string  `json:"of"`
	Loss          float64 `json:"loss"`
	LossShare     float64 `json:"lossShare"`
	Gradient      float64 `json:"gradientNorm"`
	GradientShare float64 `json:"gradientShare"`
}

// Losses compares entries on b. A loss that does not apply to the head gets a row that
// says why. It fails if targets are outside [0, 1], if a logit is not finite (a
// *NotFiniteError), or if weights or counts do not fit the number of classes (a
// *loss.OptionError).
func Losses(entries []Entry, b *Batch) (*Report, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	r := &Report{Images: b.N, Anchors: b.A, Classes: b.C, Losses: make([]Row, len(entries))}
	of, sizes := b.groups(), make([]int, Groups+1)
	for _, g := range of {
		sizes[g]++
	}
	for g := range Groups {
		r.Groups = append(r.Groups, Count{Group(g).String(), sizes[g]})
	}
	r.Ignored = sizes[ignored]
	errs := make([]error, len(entries))
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, e := range entries {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			r.Losses[i], errs[i] = b.row(e, of)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}

// NotFiniteError is the error if a logit is not a finite number.
type NotFiniteError struct {
	Image, Anchor, Class int
	Logit                float64
}

func (e *NotFiniteError) Error() string {
	return fmt.Sprintf("the logit of image %d, anchor %d, class %d is %v", e.Image, e.Anchor, e.Class, e.Logit)
}

// check checks the batch's sizes, that logits are finite, and that targets are in [0, 1].
func (b *Batch) check() error {
	if n := b.N * b.A * b.C; len(b.Logits) != n || len(b.Target) != n {
		return fmt.Errorf("%d logits and %d targets for [%d, %d, %d]", len(b.Logits), len(b.Target), b.N, b.A, b.C)
	}
	for i, z := range b.Logits {
		if math.IsNaN(z) || math.IsInf(z, 0) {
			return &NotFiniteError{i / b.C / b.A, i / b.C % b.A, i % b.C, z}
		}
	}
	for i := range b.N * b.A {
		q := b.Target[i*b.C:][:b.C]
		if b.ignores(q) {
			continue
		}
		for k, x := range q {
			if !(x >= 0 && x <= 1) {
				return fmt.Errorf("target of image %d, anchor %d, class %d is %v, want a number in [0, 1]", i/b.A, i%b.A, k, x)
			}
		}
	}
	return nil
}

// row evaluates one loss on the batch, whose anchors are in the given groups.
func (b *Batch) row(e Entry, of []Group) (Row, error) {
	row := Row{Label: e.Label}
	o := e.Options
	o.Target, o.IgnoreIndex, o.AnchorWeights = loss.Dense, b.Ignore, false
	if b.Background >= 0 && o.Background == nil {
		o.Background = &b.Background
	}
	o, err := o.Resolve(loss.Classification, b.C)
	var refused *loss.OptionError
	switch {
	case !errors.As(err, &refused):
	case refused.Option == "class_weights", refused.Option == "class_counts" && o.ClassCounts != nil:
		return row, err // wrong for all losses alike
	default:
		row.Left = refused.Reason
		if refused.Option != "loss" {
			row.Left += fmt.Sprintf(" (%s)", strings.ReplaceAll(refused.Option, "_", "-"))
		}
		return row, nil
	}
	if err != nil {
		return row, err
	}
	batch := b.Batch
	batch.Normalizer = 1
	out, err := loss.Eval(loss.Classification, o, batch)
	if err != nil {
		return row, fmt.Errorf("%s: %w", e.Label, err)
	}
	row.Loss, row.Value = &o, out.Loss
	row.divide(b, out, of)
	return row, nil
}

// divide sets the parts of the row. Charges are scaled to sum to the reduced loss.
func (r *Row) divide(b *Batch, out *loss.Outcome, of []Group) {
	groups := make([]Part, Groups)
	for g := range groups {
		groups[g].Of = Group(g).String()
	}
	r.Target.Of, r.Wrong.Of = "target classes", "wrong classes"
	for i, g := range of {
		if g == ignored {
			continue
		}
		square := 0.0
		for k := i * b.C; k < (i+1)*b.C; k++ {
			part := &r.Wrong
			if b.Target[k] > 0 {
				part = &r.Target
			}
			part.Loss += out.Charges[k]
			part.Gradient += math.Abs(out.Grad[k])
			square += out.Grad[k] * out.Grad[k]
		}
		groups[g].Loss += out.PerAnchor[i]
		groups[g].Gradient += math.Sqrt(square)
		r.Gradient += math.Sqrt(square)
	}
	r.Groups = groups
	share(groups, r.Value)
	classes := []Part{r.Target, r.Wrong}
	share(classes, r.Value)
	r.Target, r.Wrong = classes[0], classes[1]
}

// share sets the shares of parts, whose losses are scaled to sum to value.
func share(parts []Part, value float64) {
	var sum, gradient float64
	for _, p := range parts {
		sum, gradient = sum+p.Loss, gradient+p.Gradient
	}
	for i := range parts {
		p := &parts[i]
		if sum != 0 {
			p.LossShare = p.Loss / sum
		}
		if gradient != 0 {
			p.GradientShare = p.Gradient / gradient
		}
		p.Loss = value * p.LossShare
	}
}
