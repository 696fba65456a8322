package emit_test

import (
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
	"github.com/onnxloss/onnxloss/patterns"
)

// typedHead is a detector all of whose numbers are of one type.
const typedHead = `<ir_version: 8, opset_import: ["" : 17]>
g (TYPE[N,2,2,3] image) => (TYPE[N,3,2,3] scores, TYPE[N,4,2,3] box) <TYPE[3,2,1,1] w = {1,2,3,4,5,6}, TYPE[4,2,1,1] b = {1,2,3,4,5,6,7,8}> {
  z = Conv(image, w)
  scores = Sigmoid(z)
  e = Conv(image, b)
  box = Exp(e)
}`

// TestTypesOfHeads: logits, dense targets and the gradient have the head's own type, but
// float32 for one of 16 bits; the loss has that of logits, but no less than float32.
func TestTypesOfHeads(t *testing.T) {
	for _, c := range []struct {
		head         string
		asked        tensor.DType
		logits, loss string
	}{
		{"float16", tensor.Invalid, "float32", "float32"},
		{"bfloat16", tensor.Invalid, "float32", "float32"},
		{"float", tensor.Invalid, "float32", "float32"},
		{"double", tensor.Invalid, "float64", "float64"},
		{"float16", tensor.Float16, "float16", "float32"},
		{"double", tensor.Float16, "float16", "float32"},
		{"double", tensor.Float32, "float32", "float32"},
		{"float", tensor.Float64, "float64", "float64"},
	} {
		m, err := text.Parse(strings.ReplaceAll(typedHead, "TYPE", c.head))
		if err != nil {
			t.Fatal(err)
		}
		r, err := patterns.Locate(m, patterns.Options{})
		if err != nil {
			t.Fatal(err)
		}
		x, err := emit.Rewrite(m, r.Heads[:1], emit.Options{Loss: loss.Options{Name: "bce", AnchorWeights: true}, Form: emit.LogitsGradientForm, DType: c.asked})
		if err != nil {
			t.Fatal(err)
		}
		for port, want := range map[*emit.Port]string{
			x.Output(emit.RoleLogits, ""): c.logits, x.Input(emit.RoleTarget, ""): c.logits, x.Output(emit.RoleLogitsGradient, ""): c.logits,
			x.Output(emit.RoleLoss, ""): c.loss, x.Input(emit.RoleTargetWeight, ""): c.loss,
		} {
			if v := m.Graph.Value(port.Name); port.DType != want || v.Type.DType.String() != want {
				t.Errorf("%s head, %v asked: %s is %s, the graph has %v, want %s", c.head, c.asked, port.Name, port.DType, v.Type.DType, want)
			}
		}
	}
}
