package onnxgo

import (
	"fmt"
	"math"

	"github.com/onnxloss/onnxloss/graph/op"
)

// preferredOpset is taken where a model leaves the choice.
const preferredOpset = 11

// form is a way to write an operator that only the opsets from Min to Max
// have: an attribute, or a number of inputs from Inputs to MaxInputs. 0 is no
// bound. The figures are from ONNX's change log of operators.
type form struct {
	attr              string
	inputs, maxInputs int
	min, max          int64
}

var reduceForms = []form{{attr: "axes", max: 17}, {inputs: 2, min: 18}}

var axesForms = []form{{attr: "axes", max: 12}, {inputs: 2, min: 13}}

var arithmeticForms = []form{{attr: "broadcast", max: 6}, {attr: "axis", max: 6}}

// forms is by operator.
var forms = map[string][]form{
	"Add":                arithmeticForms,
	"Sub":                arithmeticForms,
	"Mul":                arithmeticForms,
	"Div":                arithmeticForms,
	"ArgMax":             {{attr: "select_last_index", min: 12}},
	"ArgMin":             {{attr: "select_last_index", min: 12}},
	"AveragePool":        {{attr: "ceil_mode", min: 10}, {attr: "dilations", min: 19}},
	"BatchNormalization": {{attr: "spatial", max: 8}, {attr: "training_mode", min: 14}},
	"Cast":               {{attr: "saturate", min: 19}},
	"Clip":               {{attr: "min", max: 10}, {attr: "max", max: 10}, {inputs: 2, min: 11}},
	"Constant": {
		{attr: "value_float", min: 12}, {attr: "value_floats", min: 12}, {attr: "value_int", min: 12},
		{attr: "value_ints", min: 12}, {attr: "value_string", min: 12}, {attr: "value_strings", min: 12},
		{attr: "sparse_value", min: 11},
	},
	"DepthToSpace":    {{attr: "mode", min: 11}},
	"Dropout":         {{attr: "ratio", max: 11}, {attr: "seed", min: 12}, {inputs: 2, min: 12}},
	"GatherND":        {{attr: "batch_dims", min: 12}},
	"Gemm":            {{attr: "broadcast", max: 6}, {maxInputs: 2, min: 11}},
	"GRU":             {{attr: "layout", min: 14}},
	"LSTM":            {{attr: "layout", min: 14}},
	"MaxPool":         {{attr: "ceil_mode", min: 10}, {attr: "dilations", min: 10}},
	"Pad":             {{attr: "pads", max: 10}, {attr: "value", max: 10}, {inputs: 2, min: 11}, {inputs: 4, min: 18}},
	"QuantizeLinear":  {{attr: "axis", min: 13}, {attr: "saturate", min: 19}},
	"ReduceL1":        reduceForms,
	"ReduceL2":        reduceForms,
	"ReduceLogSum":    reduceForms,
	"ReduceLogSumExp": reduceForms,
	"ReduceMax":       reduceForms,
	"ReduceMean":      reduceForms,
	"ReduceMin":       reduceForms,
	"ReduceProd":      reduceForms,
	"ReduceSum":       axesForms,
	"ReduceSumSquare": reduceForms,
	"Reshape":         {{attr: "shape", max: 4}, {attr: "allowzero", min: 14}},
	"Resize":          {{maxInputs: 2, min: 10, max: 10}, {inputs: 3, min: 11}, {attr: "antialias", min: 18}, {attr: "axes", min: 18}},
	"RNN":             {{attr: "layout", min: 14}},
	"RoiAlign":        {{attr: "coordinate_transformation_mode", min: 16}},
	"Scatter":         {{max: 10}},
	"ScatterElements": {{attr: "reduction", min: 16}},
	"ScatterND":       {{attr: "reduction", min: 16}},
	"Shape":           {{attr: "start", min: 15}, {attr: "end", min: 15}},
	"Slice":           {{attr: "starts", max: 9}, {inputs: 2, min: 10}},
	"Split":           {{attr: "split", max: 12}, {inputs: 2, min: 13}, {attr: "num_outputs", min: 18}},
	"Squeeze":         axesForms,
	"TopK":            {{attr: "k", max: 9}, {inputs: 2, min: 10}, {attr: "largest", min: 11}, {attr: "sorted", min: 11}},
	"Unsqueeze":       axesForms,
	"Upsample":        {{attr: "scales", max: 8}, {inputs: 2, min: 9}, {max: 9}},
}

// bound is one end of the range of opsets, and the node that sets it.
type bound struct {
	version int64
	node    string
}

// inferOpset is the opset closest to preferredOpset that has every node in the
// form in which it is written.
func inferOpset(ops []operation) (int64, error) {
	lo, hi := bound{1, ""}, bound{math.MaxInt64, ""}
	for i, o := range ops {
		name := fmt.Sprintf("node %d (%s)", i, o.name)
		if row := op.Lookup("", o.name); row != nil && row.Versions[0] > lo.version {
			lo = bound{row.Versions[0], name}
		}
		for _, f := range forms[o.name] {
			if !f.fits(o) {
				continue
			}
			if f.min > lo.version {
				lo = bound{f.min, name}
			}
			if f.max > 0 && f.max < hi.version {
				hi = bound{f.max, name}
			}
		}
	}
	if lo.version > hi.version {
		return 0, fmt.Errorf("no opset has all nodes as they are written: %s wants at least %d, %s at most %d", lo.node, lo.version, hi.node, hi.version)
	}
	return min(max(preferredOpset, lo.version), hi.version), nil
}

func (f form) fits(o operation) bool {
	_, has := o.attrs[f.attr]
	return (f.attr == "" || has) && len(o.in) >= f.inputs && (f.maxInputs == 0 || len(o.in) <= f.maxInputs)
}
