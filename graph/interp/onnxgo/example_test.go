package onnxgo_test

import (
	"fmt"
	"log"
	"os"

	"github.com/owulveryck/onnx-go"
	"gorgonia.org/tensor"

	"github.com/onnxloss/onnxloss/graph/interp/onnxgo"
)

// A detector, run by way of onnx-go.
func Example() {
	file, err := os.ReadFile("../../../testdata/models/yolov1.onnx")
	if err != nil {
		log.Fatal(err)
	}
	backend := onnxgo.NewBackend()
	model := onnx.NewModel(backend)
	if err := model.UnmarshalBinary(file); err != nil {
		log.Fatal(err)
	}
	image := tensor.New(tensor.WithShape(1, 3, 416, 416), tensor.Of(tensor.Float32))
	if err := model.SetInput(0, image); err != nil {
		log.Fatal(err)
	}
	if err := backend.Run(); err != nil {
		log.Fatal(err)
	}
	outputs, err := model.GetOutputTensors()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("boxes: ", outputs[0].Shape())
	fmt.Println("scores:", outputs[1].Shape())
	// Output:
	// boxes:  (1, 169, 4)
	// scores: (1, 169, 20)
}
