package interp_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/orttest"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
)

// microsoftCases are nodes of ONNX Runtime's own domain: inputs, outputs and
// the call. Scales and zero points are constants.
var microsoftCases = []string{
	`float[2,4,9,9] x, float[6,4,3,3] w, float[6] b => y = FusedConv <activation = "Relu", pads = [1,1,1,1]> (x, w, b)`,
	`float[2,4,9,9] x, float[6,2,3,3] w, float[6] b, float[2,6,4,4] z => y = FusedConv <activation = "LeakyRelu", activation_params = [0.2], group = 2, strides = [2,2]> (x, w, b, z)`,
	`float[1,3,7,8] x, float[5,3,1,1] w => y = FusedConv <activation = "Clip", activation_params = [-0.5, 0.5]> (x, w)`,
	`float[1,3,7,8] x, float[5,3,1,1] w => y = FusedConv <activation = "HardSigmoid", activation_params = [0.3, 0.4]> (x, w)`,
	`float[3,4] a, float[5,4] b, float[5] c => y = FusedGemm <activation = "LeakyRelu", activation_alpha = 0.2, transB = 1, alpha = 0.5> (a, b, c)`,
	`float[2,3,5] a, float[2,4,5] b => y = FusedMatMul <transB = 1, alpha = 0.25> (a, b)`,
	`float[3,2,5] a, float[2,5,4] b => y = FusedMatMul <transBatchA = 1> (a, b)`,
	`float[5,2,3] a, float[2,5,4] b => y = FusedMatMul <transBatchA = 1, transA = 1> (a, b)`,
	`float[2,5,3] a, float[5,4] b => y = FusedMatMul <transA = 1> (a, b)`,
	`float[2,7] x => y = Gelu (x)`,
	`float[2,7] x, float[7] b => y = BiasGelu (x, b)`,
	`float[2,7] x, float[7] b => y = FastGelu (x, b)`,
	`float[2,7] x => y = FastGelu (x)`,
	`float[2,7] x => y = QuickGelu <alpha = 1.5> (x)`,
	`float[2,5,5] x => y = Trilu <upper = 0> (x)`,
	`float[2,3,5,6] x, float[2,4,4,2] grid => y = GridSample <mode = "bicubic", padding_mode = "border", align_corners = 1> (x, grid)`,
	`float[2,3,8] x, float[2,3,8] skip, float[8] g, float[8] b, float[8] bias => y, "", "", sum = SkipLayerNormalization <epsilon = 0.00001> (x, skip, g, b, bias)`,
	`float[2,3,8] x, float[2,3,8] skip, float[8] g => y = SkipSimplifiedLayerNormalization <epsilon = 0.00001> (x, skip, g)`,
	`uint8[1,6,7,3] x => y = NhwcMaxPool <kernel_shape = [3,2], strides = [2,1], pads = [1,0,1,0]> (x)`,
	`uint8[2,3,4] x, uint8[3,1] y => z = QLinearAdd (x, s, z8, y, t, z9, u, z8)`,
	`int8[2,3,4] x, int8[4] y => z = QLinearMul (x, s, i8, y, t, i9, u, i8)`,
	`int8[2,3,4] x => y = QLinearSigmoid (x, s, i8, v, i9)`,
	`int8[2,3,4] x => y = QLinearLeakyRelu <alpha = 0.1> (x, s, i8, t, i9)`,
	`uint8[2,3,4] x => y = QLinearSoftmax <axis = 1, opset = 12> (x, s, z8, v, z0)`,
	`uint8[2,3,4] x => y = QLinearSoftmax <axis = 1, opset = 13> (x, s, z8, v, z0)`,
	`uint8[2,3,4,5] x => y = QLinearGlobalAveragePool (x, s, z8, t, z9)`,
	`uint8[2,4,5,3] x => y = QLinearGlobalAveragePool <channels_last = 1> (x, s, z8, t, z9)`,
	`uint8[1,3,7,7] x => y = QLinearAveragePool <kernel_shape = [3,3], pads = [1,1,1,1], ceil_mode = 1, strides = [2,2]> (x, s, z8, t, z9)`,
	`uint8[2,3] x, uint8[2,5] y => z = QLinearConcat <axis = 1> (u, z9, x, s, z8, y, t, z9)`,
	`bool[2,3] c, uint8[2,3] x, uint8[3] y => z = QLinearWhere (c, x, s, z8, y, t, z9, u, z8)`,
	`uint8[1,3,7,7] x, int8[4,3,3,3] w, int32[4] b => y = QLinearConv <pads = [1,1,1,1]> (x, s, z8, w, v, i0, r, z9, b)`,
	`uint8[1,7,7,3] x, uint8[4,3,3,3] w => y = QLinearConv <pads = [1,1,1,1], channels_last = 1> (x, s, z8, w, v, z9, r, z9)`,
	`float[3,5] x => y = QuantizeLinear (x, s, z8)`,
	`int8[3,5] x => y = DequantizeLinear (x, s, i8)`,
	`uint8[3,5] a, int8[4,5] b, int32[4] c => y = QGemm <transB = 1, alpha = 0.5> (a, s, z8, b, v, i9, c, r, z9)`,
	`uint8[3,5] a, int8[5,4] b => y = QGemm (a, s, z8, b, v, i9)`,
	`uint8[3,5] a, int8[5,4] b, float[4] bias => y = MatMulIntegerToFloat (a, b, s, t, z8, i9, bias)`,
	`float[3,5] a, int8[5,4] b, float[4] bias => y = DynamicQuantizeMatMul (a, b, t, i9, bias)`,
}

// TestMicrosoftAgreesWithORT holds the operators that ONNX Runtime's optimizer
// and quantizer write against the runtime: floats closely, quantized elements
// within one step, as roundings differ.
func TestMicrosoftAgreesWithORT(t *testing.T) {
	orttest.Need(t)
	for _, c := range microsoftCases {
		m, feeds := microsoftModel(t, c)
		file := filepath.Join(t.TempDir(), "model.onnx")
		if err := onnx.WriteFile(file, m, onnx.Options{}); err != nil {
			t.Fatal(err)
		}
		want, err := orttest.TryRun(t, file, feeds, orttest.Options{})
		if err != nil {
			t.Errorf("%s: ONNX Runtime: %v", c, err)
			continue
		}
		for name, got := range run(t, m, feeds, names(m.Graph.Outputs)) {
			if err := near(got, want[name]); err != nil {
				t.Errorf("%s: %q: %v", c, name, err)
			}
		}
	}
}

const microsoftScales = `<float s = {0.05}, float t = {0.03}, float u = {0.1}, float v = {0.00390625}, float r = {2.0},
uint8 z0 = {0}, uint8 z8 = {120}, uint8 z9 = {130}, int8 i0 = {0}, int8 i8 = {-3}, int8 i9 = {5}>`

// microsoftModel is a case as a model, with inputs that are made up.
func microsoftModel(t *testing.T, src string) (*graph.Model, map[string]*tensor.Tensor) {
	t.Helper()
	inputs, node, _ := strings.Cut(src, " => ")
	outputs, call, _ := strings.Cut(node, " = ")
	named := strings.ReplaceAll(outputs, `"", `, "")
	m, err := text.Parse(fmt.Sprintf(`<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>
g (%s) => (%s) %s { %s = com.microsoft.%s }`, inputs, named, microsoftScales, outputs, call))
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	for _, err := range op.InferModel(m).Errs() {
		t.Errorf("%s: %v", src, err)
	}
	for _, v := range m.Graph.Outputs {
		if !v.Shape().IsStatic() || v.Type.DType == tensor.Invalid {
			t.Errorf("%s: %q is of type %v by inference", src, v.Name, v.Type)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	feeds := map[string]*tensor.Tensor{}
	for _, v := range m.Graph.Inputs {
		x, err := tensor.Make(v.Type.DType, v.Shape().Ints()...)
		if err != nil {
			t.Fatal(err)
		}
		switch d := x.Store().Data.(type) {
		case []float32:
			for i := range d {
				d[i] = r.Float32()*2 - 1
			}
		case []uint8:
			for i := range d {
				d[i] = uint8(r.IntN(256))
			}
		case []int8:
			for i := range d {
				d[i] = int8(r.IntN(256) - 128)
			}
		case []int32:
			for i := range d {
				d[i] = int32(r.IntN(2000) - 1000)
			}
		case []bool:
			for i := range d {
				d[i] = r.IntN(2) == 1
			}
		}
		feeds[v.Name] = x
	}
	return m, feeds
}

// near compares floats by difference, and 8-bit elements within one step.
func near(got, want *tensor.Tensor) error {
	switch want.DType {
	case tensor.Uint8:
		return within1(tensor.Data[uint8](got), tensor.Data[uint8](want))
	case tensor.Int8:
		return within1(tensor.Data[int8](got), tensor.Data[int8](want))
	}
	_, err := difference(got, want)
	return err
}

func within1[T int8 | uint8](got, want []T) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d elements, want %d", len(got), len(want))
	}
	for i, g := range got {
		if d := int(g) - int(want[i]); d < -1 || d > 1 {
			return fmt.Errorf("element %d: got %d, want %d", i, g, want[i])
		}
	}
	return nil
}
