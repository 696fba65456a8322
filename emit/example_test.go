package emit_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

const detector = "../testdata/models/yolov1.onnx"

// From a detector's file to that of its training graph, which is proved before it appears.
func ExampleFile() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	var p verify.Prover
	x, err := emit.File(context.Background(), detector, filepath.Join(dir, "train.onnx"), emit.FileOptions{
		Options: emit.Options{Loss: loss.Options{Name: "focal-softmax"}, Form: emit.LogitsGradientForm},
		Prove:   p.Prove,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, port := range append(x.Inputs, x.Outputs...) {
		fmt.Println(port.Role, port.Name, port.DType, *port.Shape)
	}
	fmt.Println(p.Report.Summary())
	// Output:
	// image images float32 [1 3 416 416]
	// target target float32 [1 169 20]
	// original bboxes float32 [1 169 4]
	// original scores float32 [1 169 20]
	// logits logits float32 [1 169 20]
	// loss loss float32 []
	// logits_gradient logits_gradient float32 [1 169 20]
	// proved
}

// The same step by step.
func ExampleRewrite() {
	m, err := onnx.ReadFile(detector)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	found, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		log.Fatal(err)
	}
	x, err := emit.Rewrite(found.Model, found.Heads[:1], emit.Options{Loss: loss.Options{Name: "ce", Target: loss.Index}})
	if err != nil {
		log.Fatal(err)
	}
	report, err := verify.Training(context.Background(), found.Model, verify.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(x.Loss.Name, x.Output(emit.RoleLoss, "").Name, report.Summary())
	// onnx.WriteFile("train.onnx", found.Model, onnx.Options{}) writes it.

	// Output:
	// ce loss proved
}

// What a trainer feeds beside the images, sized by a batch of these.
func ExampleManifest_Targets() {
	m, err := onnx.ReadFile(detector)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	t, err := emit.Append(context.Background(), m, emit.FileOptions{Options: emit.Options{
		Loss: loss.Options{Name: "ce", Target: loss.Index, AnchorWeights: true},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer t.Close()
	images, err := tensor.Make(tensor.Float32, 1, 3, 416, 416)
	if err != nil {
		log.Fatal(err)
	}
	targets, err := t.Manifest.Targets(map[string]*tensor.Tensor{"images": images})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(targets["target"], targets["target_weight"])
	// Output:
	// int64[1,169] float32[1,169]
}
