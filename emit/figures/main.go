package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

//go:generate go run . costs COSTS.md

func main() {
	err := fmt.Errorf("want: figures costs FILE, or figures models DIR")
	if len(os.Args) == 3 {
		switch os.Args[1] {
		case "costs":
			err = writeCosts(os.Args[2])
		case "models":
			err = writeModels(os.Args[2])
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// full is the shape of logits that the tables are about: a batch of 8 images, the
// anchors of a YOLO at 640×640, the classes of COCO.
var full = []int{8, 8400, 80}

// summed is the standard of l, with the sum over all anchors.
func summed(l *loss.Loss) loss.Options {
	o := standard(l, full[2])
	o.Reduction = loss.Sum
	return o
}

// writeModels writes a model of each loss and its gradient. The loss is of shape
// [1] there, since not all who load ONNX Runtime's library know scalars.
func writeModels(dir string) error {
	for _, l := range classification() {
		m, err := newAlone(summed(l), tensor.Float32, full, emit.LogitsGradientForm)
		if err != nil {
			return err
		}
		m.Graph.Outputs[0] = op.Unsqueeze(m.value, 0)
		if err := m.Check(); err != nil {
			return err
		}
		if err := onnx.WriteFile(filepath.Join(dir, l.Name+".onnx"), m.Model, onnx.Options{}); err != nil {
			return err
		}
	}
	return nil
}
