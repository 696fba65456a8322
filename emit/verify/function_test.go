package verify_test

import (
	"context"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph/text"
	"github.com/onnxloss/onnxloss/patterns"
)

// TestFunctionsAreProved: every loss passes as a function too, with all that
// belongs to it: gradient, state and check of the targets.
func TestFunctionsAreProved(t *testing.T) {
	for _, l := range loss.All() {
		if l.Kind != loss.Classification {
			continue
		}
		m, err := text.Parse(smallHead)
		if err != nil {
			t.Fatal(err)
		}
		r, err := patterns.Locate(m, patterns.Options{})
		if err != nil {
			t.Fatal(err)
		}
		o := l.Plain(3)
		o.CheckTargets = true
		x, err := emit.Rewrite(m, r.Heads[:1], emit.Options{Loss: o, Form: emit.LogitsGradientForm, AsFunction: true})
		if err != nil {
			t.Fatalf("%s: %v", l.Name, err)
		}
		report, err := verify.Training(context.Background(), m, verify.Options{})
		if err != nil {
			t.Errorf("%s: %v", l.Name, err)
		}
		if len(x.Functions) != 1 || report == nil || len(report.Checks) < 9 {
			t.Errorf("%s: functions %v, report %v", l.Name, x.Functions, report)
		}
	}
}
