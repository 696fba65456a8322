package emit_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/thorough"
	"github.com/onnxloss/onnxloss/patterns/variant"
)

// The designs that the calibration is counted on, which no rule was tuned on.
const calibrationSeed, calibrationDesigns = 81, 2

// calibrationFile has the table; UPDATE=1 with ONNXLOSS_THOROUGH=1 writes it.
const calibrationFile = "../patterns/CALIBRATION.md"

// bands are the lower bounds of confidence that are counted apart.
var bands = []float64{0.97, 0.94, 0.9, 0.85, 0.7, 0}

// TestCalibration counts how often answers are right by their confidence, on detectors that
// were drawn apart, and holds that to what the confidence promises and to the committed table.
func TestCalibration(t *testing.T) {
	if thorough.Every(2) > 1 {
		t.Skip("a count of some hundred models: for .ci/run")
	}
	right, answers := make([]int, len(bands)), make([]int, len(bands))
	refused, rightly, open := 0, 0, 0
	for seed := uint64(calibrationSeed); seed < calibrationSeed+calibrationDesigns; seed++ {
		vs := variant.Dense(variant.Design(seed, 1))
		for i, v := range vs {
			v.Name = fmt.Sprintf("calibration%d.%d", seed, i)
		}
		for _, v := range append(vs, variant.Others(seed)...) {
			if err := v.Build(); err != nil {
				t.Fatal(err)
			}
			d := judge(t, v)
			switch {
			case d.confidence == 0 && d.class == "right":
				rightly++
			case d.confidence == 0:
				refused++
			case v.Key.Expect == variant.Unsure && d.confidence < sure:
				open++
			default:
				b := 0
				for d.confidence < bands[b] {
					b++
				}
				if answers[b]++; d.class == "right" {
					right[b]++
				} else {
					t.Logf("%.2f: %s: %v", d.confidence, d.why, v)
				}
			}
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, `# Calibration of the locator

Counted on %d designs of generated models (package variant, seeds %d to %d) that no rule was tuned on, of every family. An
answer is right if it selects the values of the class logits, with the right number of classes, activation and background.

| confidence | answers | right | share |
|---|---|---|---|
`, calibrationDesigns, calibrationSeed, calibrationSeed+calibrationDesigns-1)
	upper := "1"
	for b, low := range bands {
		share := "–"
		if answers[b] > 0 {
			share = fmt.Sprintf("%.1f %%", 100*float64(right[b])/float64(answers[b]))
		}
		fmt.Fprintf(&table, "| %g to %s | %d | %d | %s |\n", low, upper, answers[b], right[b], share)
		upper = fmt.Sprint(low)
		if least := min(low, 0.99); float64(right[b]) < least*float64(answers[b])-0.5 {
			t.Errorf("of %d answers at %g or more %d are right", answers[b], low, right[b])
		}
	}
	fmt.Fprintf(&table, "\nRefused: %d, of which %d rightly, since there is no head or nothing in the model tells. Answered below %g where\nnothing tells: %d.\n",
		refused+rightly, rightly, sure, open)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(calibrationFile, []byte(table.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(calibrationFile)
	if err != nil || string(want) != table.String() {
		t.Errorf("%v: %s is not fresh: UPDATE=1 writes it; the count is now\n%s", err, calibrationFile, table.String())
	}
}
