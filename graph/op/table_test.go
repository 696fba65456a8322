package op_test

import (
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/op/flow"
)

// TestRowsAreComplete ranges over the table: nothing can be added half.
func TestRowsAreComplete(t *testing.T) {
	rows := op.All()
	if len(rows) < 100 {
		t.Errorf("the table has %d rows only", len(rows))
	}
	for _, o := range rows {
		switch {
		case o.Equation == "":
			t.Errorf("%s: no equation", o.Name)
		case len(o.Versions) == 0 || !slices.IsSorted(o.Versions) || o.Versions[0] < 1:
			t.Errorf("%s: versions %v", o.Name, o.Versions)
		case o.Kernel == nil:
			t.Errorf("%s: no kernel", o.Name)
		case o.Infer == nil:
			t.Errorf("%s: no shape rule", o.Name)
		case (o.Grad == nil) == (o.NoGrad == ""):
			t.Errorf("%s: a gradient rule or a reason why there is none, one of the two", o.Name)
		case o.Grad != nil && !(o.Check.Lo < o.Check.Hi):
			t.Errorf("%s: a gradient rule without a domain to check it on", o.Name)
		case o.Flow.Pass == 0:
			t.Errorf("%s: what becomes of channels is not stated", o.Name)
		case slices.Max(o.Flow.Inputs(1)) >= o.In.Max && o.In.Max >= 0 && o.Flow.Pass > flow.Untraced && o.In.Max > 0:
			t.Errorf("%s: reads the channels of inputs %v, it has %d", o.Name, o.Flow.Inputs(1), o.In.Max)
		case o.Flow.Channels != 0 && o.Flow.Pass != flow.Contracted:
			t.Errorf("%s: a channel axis of weights, but no layer", o.Name)
		case o.In.Min < 0 || o.In.Max >= 0 && o.In.Max < o.In.Min || o.Out.Min < 0 || o.Out.Max >= 0 && o.Out.Max < o.Out.Min:
			t.Errorf("%s: arity %v → %v", o.Name, o.In, o.Out)
		case slices.Compact(slices.Clone(o.Versions)) == nil || len(slices.Compact(slices.Clone(o.Versions))) != len(o.Versions):
			t.Errorf("%s: a version twice in %v", o.Name, o.Versions)
		}
	}
}

// TestFlowOf: what domains share is found in each, what has no row stays apart.
func TestFlowOf(t *testing.T) {
	for _, c := range []struct {
		domain, name string
		want         flow.Pass
	}{
		{"", "Conv", flow.Contracted}, {"ai.onnx", "Conv", flow.Contracted}, {"com.microsoft.nchwc", "Conv", flow.Contracted},
		{"com.microsoft", "QGemm", flow.Contracted}, {"com.microsoft", "NhwcConv", flow.Contracted}, {"", "STFT", flow.Untraced},
		{"my.domain", "Conv", 0}, {"", "NoSuch", 0},
	} {
		if got := op.FlowOf(c.domain, c.name).Pass; got != c.want {
			t.Errorf("%s.%s: %d, want %d", c.domain, c.name, got, c.want)
		}
	}
}

func TestSinceIsTheSchemaInForce(t *testing.T) {
	clip := op.Lookup("ai.onnx", "Clip")
	for _, c := range []struct{ opset, want int64 }{{0, 0}, {1, 1}, {7, 6}, {10, 6}, {11, 11}, {12, 12}, {22, 13}} {
		if got := clip.Since(c.opset); got != c.want {
			t.Errorf("Clip at opset %d: version %d, want %d", c.opset, got, c.want)
		}
	}
}
