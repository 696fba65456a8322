package loss_test

import (
	"fmt"
	"log"

	"github.com/onnxloss/onnxloss/emit/loss"
	_ "github.com/onnxloss/onnxloss/emit/loss/all"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// The closed form of a loss, in float64: one image of two anchors and three classes.
func ExampleEval() {
	out, err := loss.Eval(loss.Classification, loss.Options{Name: "sigmoid-focal", Target: loss.Index, Reduction: loss.Positives}, loss.Batch{
		N: 1, A: 2, C: 3,
		Logits: []float64{2, -1, -3, 0, -4, -4},
		Index:  []int64{0, -1}, // the second anchor has no class
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.4f of %.4f\n", out.Loss, out.PerAnchor)
	fmt.Printf("%+.4f\n", out.Grad)
	// Output:
	// 0.1475 of [0.0175 0.1300]
	// [-0.0012 +0.0394 +0.0002 +0.2237 +0.0000 +0.0000]
}

// The graph of a loss, appended to logits.
func ExampleEmit() {
	m := graph.New(17)
	logits, err := m.Graph.AddInput("logits", graph.TensorOf(tensor.Float32, graph.Shape{graph.Named("batch"), graph.Known(100), graph.Known(80)}))
	if err != nil {
		log.Fatal(err)
	}
	r, err := loss.Emit(logits, loss.Classification, loss.Options{Name: "bce", AnchorWeights: true}, "")
	if err != nil {
		log.Fatal(err)
	}
	for _, in := range r.Inputs {
		fmt.Println(in.Role, in.Value.Type.DType, in.Value.Shape())
	}
	fmt.Println("loss", r.Loss.Type.DType, r.Loss.Shape(), r.Options.Reduction)
	// Output:
	// target float32 [batch,100,80]
	// target_weight float32 [batch,100]
	// loss float32 [] mean
}
