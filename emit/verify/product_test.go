package verify_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/patterns"
)

// The choices that TestProduct combines, each of which has some levels.
const (
	ofLayout  = iota
	ofNumbers // of the network
	ofDType   // of the logits
	ofLoss
	ofForm
	ofReduction
	ofConfidence
	ofTarget
	ofFunction
)

var (
	classLosses = loss.Names(loss.Classification)
	confidences = []string{"", "bce", "mse"}
	targets     = []string{loss.Dense, loss.Index}
)

// levels are how many levels each choice has.
func levels() []int {
	return []int{len(layouts), len(numbers), len(emit.DTypes), len(classLosses), len(emit.Forms), len(loss.Reductions()), len(confidences), len(targets), 2}
}

// pairs is rows of choices in which each two levels of two choices meet: of some rows
// that have a pair which is missing, the one that has the most.
func pairs(levels []int, r *rand.Rand) [][]int {
	type pair struct{ f, g, x, y int }
	missing, order := map[pair]bool{}, []pair{}
	for f := range levels {
		for g := range f {
			for x := range levels[f] {
				for y := range levels[g] {
					missing[pair{f, g, x, y}] = true
					order = append(order, pair{f, g, x, y})
				}
			}
		}
	}
	each := func(row []int, do func(pair)) {
		for f := range row {
			for g := range f {
				do(pair{f, g, row[f], row[g]})
			}
		}
	}
	var rows [][]int
	for _, p := range order {
		if !missing[p] {
			continue
		}
		var best []int
		most := -1
		for range 40 {
			row := make([]int, len(levels))
			for i, n := range levels {
				row[i] = r.IntN(n)
			}
			row[p.f], row[p.g] = p.x, p.y
			gain := 0
			each(row, func(q pair) {
				if missing[q] {
					gain++
				}
			})
			if gain > most {
				best, most = row, gain
			}
		}
		each(best, func(q pair) { delete(missing, q) })
		rows = append(rows, best)
	}
	return rows
}

func TestPairs(t *testing.T) {
	n := []int{3, 4, 2, 5}
	met := map[string]bool{}
	for _, row := range pairs(n, rand.New(rand.NewPCG(1, 1))) {
		for f := range row {
			for g := range f {
				met[fmt.Sprint(f, g, row[f], row[g])] = true
			}
		}
	}
	if want := 4*3 + 2*3 + 2*4 + 5*3 + 5*4 + 5*2; len(met) != want {
		t.Errorf("%d pairs, want %d", len(met), want)
	}
}

// TestProduct rewrites and proves detectors with each pair of choices; or with every
// nth combination of them all, where ONNXLOSS_PRODUCT is n. Nothing is refused but a
// confidence of what has none.
func TestProduct(t *testing.T) {
	every := 0
	if s := os.Getenv("ONNXLOSS_PRODUCT"); s != "" {
		var err error
		if every, err = strconv.Atoi(s); err != nil || every < 1 {
			t.Fatalf("ONNXLOSS_PRODUCT=%s: want a whole number of at least 1", s)
		}
	}
	r := rand.New(rand.NewPCG(2, 7))
	proved, refused := 0, 0
	try := func(row []int) {
		err := product(t, row, r)
		var none *emit.NoObjectnessError
		switch {
		case errors.As(err, &none) && layouts[row[ofLayout]] == "classifier":
			refused++
		case err != nil:
			t.Errorf("%v: %v", named(row), err)
		default:
			proved++
		}
	}
	if every == 0 {
		for _, row := range pairs(levels(), r) {
			try(row)
		}
	} else {
		combinations(levels(), every, try)
	}
	t.Logf("%d proved, %d without a confidence", proved, refused)
}

// combinations calls do for every nth row of levels.
func combinations(levels []int, n int, do func(row []int)) {
	all := 1
	for _, x := range levels {
		all *= x
	}
	for i := 0; i < all; i += n {
		row, rest := make([]int, len(levels)), i
		for k, x := range levels {
			row[k], rest = rest%x, rest/x
		}
		do(row)
	}
}

func named(row []int) []any {
	return []any{
		layouts[row[ofLayout]], numbers[row[ofNumbers]], emit.DTypes[row[ofDType]], classLosses[row[ofLoss]], emit.Forms[row[ofForm]],
		loss.Reductions()[row[ofReduction]], confidences[row[ofConfidence]], targets[row[ofTarget]], row[ofFunction] == 1,
	}
}

// product rewrites a detector as row says, with other options drawn from r, and
// proves it.
func product(t *testing.T, row []int, r *rand.Rand) error {
	t.Helper()
	l, err := loss.Find(loss.Classification, classLosses[row[ofLoss]])
	if err != nil {
		t.Fatal(err)
	}
	d := detector{
		layout: layouts[row[ofLayout]], dtype: numbers[row[ofNumbers]], activation: map[loss.Activation]string{loss.Sigmoid: "Sigmoid", loss.Softmax: "Softmax"}[l.Activation], images: "n",
		classes: 3, anchors: 1 + r.IntN(2), levels: 2, objectness: confidences[row[ofConfidence]] != "", masks: r.IntN(4) == 0, boxes: "Exp",
	}
	if d.layout == "columns" {
		d.anchors = 1 // which has no objectness for each
	}
	m, raw := file(t, d.text())
	found, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		return err
	}
	classes := found.Heads[0].Classes
	o := emit.Options{
		DType: emit.DTypes[row[ofDType]], Form: emit.Forms[row[ofForm]], Confidence: confidences[row[ofConfidence]], AsFunction: row[ofFunction] == 1,
		Loss: l.Plain(classes),
	}
	o.Loss.Reduction, o.Loss.Target = loss.Reductions()[row[ofReduction]], targets[row[ofTarget]]
	if l.Counts {
		o.Loss.ClassCounts = counts(classes)
	}
	switch r.IntN(8) {
	case 0:
		if l.Targets == loss.Labels {
			o.Loss.LabelSmoothing = 0.1
		}
	case 1:
		o.Loss.IgnoreIndex = new(int64)
		*o.Loss.IgnoreIndex = 255
	case 2:
		o.Loss.AnchorWeights = true
	case 3:
		o.Loss.ClassWeights = counts(classes)
	case 4:
		o.Loss.CheckTargets = true
	case 5:
		if l.Eps {
			o.Loss.Eps = 1e-7
		}
	case 6:
		if l.Terms != nil {
			o.Loss.Modulate = &loss.Modulation{Gamma: []float64{1.5}}
		}
	}
	if _, err := emit.Rewrite(found.Model, found.Heads[:1], o); err != nil {
		return err
	}
	return proveFile(t, found.Model, raw, 1)
}
