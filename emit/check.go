package emit

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
)

// CheckModel reports defects anywhere in m that keep runtimes from loading it: weight files
// that are missing or too short, and nodes that ONNX's schemas reject; see
// onnx.CheckExternal and op.CheckNodes. It does not read weights. That tensors have the
// number of bytes that their type and shape require is checked when a model is read.
func CheckModel(m *graph.Model) error {
	if err := onnx.CheckExternal(m); err != nil {
		return err
	}
	return op.CheckNodes(m)
}
