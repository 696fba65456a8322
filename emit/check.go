package emit

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
)

// CheckModel reports what makes m broken, so that no runtime loads it, wherever in m it
// lies: a file of weights that is missing or too short, and nodes that ONNX's schemas
// refuse; see onnx.CheckExternal and op.CheckNodes. Weights are not read. That elements
// have as many bytes as type and dimensions say is checked when a model is read.
func CheckModel(m *graph.Model) error {
	if err := onnx.CheckExternal(m); err != nil {
		return err
	}
	return op.CheckNodes(m)
}
