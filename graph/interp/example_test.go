package interp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

const classifier = "../../testdata/models/classifier.onnx"

// open plans the model in a file.
func open(file string, opts interp.Options) *interp.Plan {
	m, err := onnx.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	plan, err := interp.New(m, opts)
	if err != nil {
		log.Fatal(err)
	}
	return plan
}

// grey is an image all of one value.
func grey(v float32) map[string]*tensor.Tensor {
	x, err := tensor.Make(tensor.Float32, 1, 3, 64, 64)
	if err != nil {
		log.Fatal(err)
	}
	pixels := tensor.Data[float32](x)
	for i := range pixels {
		pixels[i] = v
	}
	return map[string]*tensor.Tensor{"input": x}
}

// A model is read, planned once, and run any number of times, also from
// several goroutines at once.
func Example() {
	m, err := onnx.ReadFile(classifier)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	plan, err := interp.New(m, interp.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range plan.Feeds() {
		fmt.Println("feed ", v.Name, v.Type)
	}
	x, err := tensor.Make(tensor.Float32, 1, 3, 64, 64)
	if err != nil {
		log.Fatal(err)
	}
	out, err := plan.Run(context.Background(), map[string]*tensor.Tensor{"input": x})
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range plan.Fetches() {
		fmt.Println("fetch", name, out[name])
	}
	fmt.Println(len(tensor.Data[float32](out[plan.Fetches()[0]])), "numbers")
	// Output:
	// feed  input float32[batch,3,64,64]
	// fetch output float32[1,12]
	// 12 numbers
}

// Any value of the graph can be fetched, and any fed: what lies before a fed
// value is not run.
func ExampleOptions_fetches() {
	opts := interp.Options{Fetches: []string{"/Flatten_output_0"}}
	features, err := open(classifier, opts).Run(context.Background(), grey(0.5))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(features["/Flatten_output_0"])
	rest := open(classifier, interp.Options{Feeds: opts.Fetches})
	out, err := rest.Run(context.Background(), features)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(out[rest.Fetches()[0]])
	// Output:
	// float32[1,24]
	// float32[1,12]
}

// With Double, a float32 model is computed in float64 throughout: how far
// float32 is off shows in the difference.
func ExampleOptions_double() {
	wide := open(classifier, interp.Options{Double: true})
	out, err := wide.Run(context.Background(), grey(0.5))
	if err != nil {
		log.Fatal(err)
	}
	narrow, err := open(classifier, interp.Options{}).Run(context.Background(), grey(0.5))
	if err != nil {
		log.Fatal(err)
	}
	name := wide.Fetches()[0]
	worst := 0.0
	for i, v := range tensor.Data[float64](out[name]) {
		worst = max(worst, v-float64(tensor.Data[float32](narrow[name])[i]))
	}
	fmt.Println(out[name].DType, worst < 1e-4)
	// Output:
	// float64 true
}

// What the passes that fuse nodes have made of a model: its steps after the one called
// epilogues. fuse.Passes lists them all.
func ExampleOptions_afterPass() {
	open(classifier, interp.Options{AfterPass: func(pass string, p *plan.Program) {
		if pass == "epilogues" {
			fmt.Println(len(p.Graph.Nodes), "nodes,", len(p.Steps), "steps")
			fmt.Println(p.Steps[0].Name(), "with", p.Steps[0].Fused)
		}
	}})
	// Output:
	// 12 nodes, 8 steps
	// Conv with epilogue activation
}

// A profile has the time, the work and the bytes of every node, by operator
// too; as a trace, chrome://tracing and Perfetto draw it.
func ExamplePlan_RunProfiled() {
	_, prof, err := open(classifier, interp.Options{}).RunProfiled(context.Background(), grey(0.5))
	if err != nil {
		log.Fatal(err)
	}
	work := int64(0)
	for _, t := range prof.ByOp() {
		work += t.Work
	}
	fmt.Println(work, "multiplications and additions")
	f, err := os.CreateTemp("", "trace-*.json")
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	fmt.Println(prof.WriteTrace(f, "classifier"))
	// Output:
	// 1217088 multiplications and additions
	// <nil>
}

// A run ends with its context.
func ExamplePlan_Run_cancel() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Nanosecond)
	defer cancel()
	_, err := open(classifier, interp.Options{}).Run(ctx, grey(0.5))
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output: true
}

// A run that would hold more than MaxMemory ends with ErrMemory.
func ExampleOptions_maxMemory() {
	weights := open(classifier, interp.Options{}).WeightBytes()
	_, err := open(classifier, interp.Options{MaxMemory: weights + 10_000}).Run(context.Background(), grey(0.5))
	fmt.Println(errors.Is(err, interp.ErrMemory))
	// Output: true
}
