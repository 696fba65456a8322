package verify_test

import (
	"context"
	"fmt"
	"log"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph/text"
	"github.com/onnxloss/onnxloss/patterns"
)

// A training graph is proved, then one of its numbers is changed.
func ExampleTraining() {
	m, err := text.Parse(smallHead)
	if err != nil {
		log.Fatal(err)
	}
	found, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := emit.Rewrite(m, found.Heads[:1], emit.Options{Loss: loss.Options{Name: "bce", Reduction: loss.Sum}}); err != nil {
		log.Fatal(err)
	}
	report, err := verify.Training(context.Background(), m, verify.Options{})
	fmt.Println(report.Summary(), err)
	for _, c := range report.Checks {
		if c.Name == "interface" {
			fmt.Println(c)
		}
	}

	for _, n := range m.Graph.Nodes {
		if n.Op == "ReduceSum" {
			n.SetOp("", "ReduceMean")
		}
	}
	report, _ = verify.Training(context.Background(), m, verify.Options{})
	fmt.Println(report.Summary())
	// Output:
	// proved <nil>
	// ok        interface names, types and shapes of all inputs and outputs, as declared and as computed, against the manifest and its roles: 26 compared
	// failed: loss, loss64, gradient, tails, masked, empty
}
