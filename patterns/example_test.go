package patterns_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/patterns"
)

// Where the classification head of a detector is, and why.
func ExampleLocate() {
	m, err := onnx.ReadFile("../testdata/models/ssd.onnx")
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	r, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		log.Fatal(err)
	}
	h := r.Heads[0]
	fmt.Println(h.Classes, "classes,", h.Activation, "at", h.Confidence)
	for _, l := range h.Levels {
		fmt.Println(l.Source.Name, l.Layout, l.Anchors)
	}
	fmt.Println(h.Evidence[0])
	// Output:
	// 21 classes, softmax at 0.88
	// /Concat_5_output_0 NRC 2386
	// a softmax over its channels, beside boxes
}

// A head that is not there: the error says why.
func ExampleLocate_notFound() {
	m, err := onnx.ReadFile("../testdata/models/ssd.onnx")
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	_, err = patterns.Locate(m, patterns.Options{Classes: 1000})
	var none *patterns.NotFoundError
	if errors.As(err, &none) {
		fmt.Println(none.Reason)
	}
	// Output: the model's head has 21 classes, not 1000
}
