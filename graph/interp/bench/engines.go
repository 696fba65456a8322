//go:build ortbench

package main

import (
	"context"
	"fmt"

	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
	ort "github.com/yalue/onnxruntime_go"
)

// interpEngine is the interpreter.
type interpEngine struct {
	plan  *interp.Plan
	feeds map[string]*tensor.Tensor
	work  float64 // multiplications and additions of one run
}

func openInterp(file string, feeds map[string]*tensor.Tensor, threads int) (engine, error) {
	m, err := onnx.ReadFile(file)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	e := &interpEngine{feeds: feeds}
	if e.plan, err = interp.New(m, interp.Options{Threads: threads}); err != nil {
		return nil, err
	}
	_, prof, err := e.plan.RunProfiled(context.Background(), feeds)
	if err != nil {
		return nil, err
	}
	for _, r := range prof.Records {
		e.work += float64(r.Work)
	}
	return e, nil
}

func (e *interpEngine) run() error {
	_, err := e.result()
	return err
}

func (e *interpEngine) result() (map[string]*tensor.Tensor, error) {
	return e.plan.Run(context.Background(), e.feeds)
}

func (e *interpEngine) close() {}

// library is the path of ONNX Runtime's shared library.
var library string

// ortEngine is ONNX Runtime with its default options, but for the threads.
type ortEngine struct {
	session *ort.DynamicAdvancedSession
	in      []ort.Value
	outputs []string
}

func openORT(file string, feeds map[string]*tensor.Tensor, threads int) (engine, error) {
	if !ort.IsInitialized() {
		ort.SetSharedLibraryPath(library)
		if err := ort.InitializeEnvironment(); err != nil {
			return nil, err
		}
	}
	opts, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer opts.Destroy()
	if err := opts.SetIntraOpNumThreads(threads); err != nil {
		return nil, err
	}
	inputs, outputs, err := ort.GetInputOutputInfo(file)
	if err != nil {
		return nil, err
	}
	e := &ortEngine{}
	var names []string
	for _, v := range inputs {
		x := feeds[v.Name]
		if x == nil {
			continue // an initializer
		}
		if x.DType != tensor.Float32 {
			return nil, fmt.Errorf("input %q is %v, want float32", v.Name, x)
		}
		var shape ort.Shape
		for _, d := range x.Shape {
			shape = append(shape, int64(d))
		}
		t, err := ort.NewTensor(shape, tensor.Data[float32](x))
		if err != nil {
			return nil, err
		}
		names, e.in = append(names, v.Name), append(e.in, t)
	}
	for _, v := range outputs {
		e.outputs = append(e.outputs, v.Name)
	}
	e.session, err = ort.NewDynamicAdvancedSession(file, names, e.outputs, opts)
	return e, err
}

func (e *ortEngine) run() error {
	out := make([]ort.Value, len(e.outputs))
	if err := e.session.Run(e.in, out); err != nil {
		return err
	}
	for _, v := range out {
		v.Destroy()
	}
	return nil
}

func (e *ortEngine) result() (map[string]*tensor.Tensor, error) {
	out := make([]ort.Value, len(e.outputs))
	if err := e.session.Run(e.in, out); err != nil {
		return nil, err
	}
	got := map[string]*tensor.Tensor{}
	for i, v := range out {
		if t, ok := v.(*ort.Tensor[float32]); ok {
			var shape []int
			for _, d := range t.GetShape() {
				shape = append(shape, int(d))
			}
			got[e.outputs[i]] = tensor.Of(shape, append([]float32{}, t.GetData()...))
		}
		v.Destroy()
	}
	return got, nil
}

func (e *ortEngine) close() {
	e.session.Destroy()
	for _, v := range e.in {
		v.Destroy()
	}
}
