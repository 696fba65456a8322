//go:build ortbench

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/advancedclimatesystems/gonnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend/x/gorgonnx"
	gorgonia "gorgonia.org/tensor"
)

// comparePeers prints what each of the Go libraries makes of each model.
func comparePeers(w *tabwriter.Writer, files []string, size int) {
	names := []string{"onnxloss", "gonnx", "onnx-go"}
	fmt.Fprintln(w, "| model\t| onnxloss, ms\t| gonnx\t| onnx-go with Gorgonia\t|")
	fmt.Fprintln(w, "|---\t|---\t|---\t|---\t|")
	for _, file := range files {
		fmt.Fprintf(w, "| %s\t|", strings.TrimSuffix(filepath.Base(file), ".onnx"))
		for _, name := range names {
			fmt.Fprintf(w, " %s\t|", attempt(name, file, size))
		}
		fmt.Fprintln(w)
	}
}

// attempt is the time of a peer's second run, or why there is none.
func attempt(name, file string, size int) (result string) {
	defer func() {
		if r := recover(); r != nil {
			result = fmt.Sprintf("panic: %v", r)
		}
	}()
	feeds, err := feedsOf(file, size)
	if err != nil {
		return err.Error()
	}
	e, err := engines[name](file, feeds, 1)
	if err != nil {
		return strings.TrimSpace(err.Error())
	}
	defer e.close()
	var took time.Duration
	for range 2 {
		began := time.Now()
		if err := e.run(); err != nil {
			return strings.TrimSpace(err.Error())
		}
		took = time.Since(began)
	}
	return fmt.Sprintf("%.0f ms", took.Seconds()*1e3)
}

func dense(x *tensor.Tensor) *gorgonia.Dense {
	return gorgonia.New(gorgonia.WithShape(x.Shape...), gorgonia.WithBacking(append([]float32{}, tensor.Data[float32](x)...)))
}

type gonnxEngine struct {
	model *gonnx.Model
	in    gonnx.Tensors
}

func openGonnx(file string, feeds map[string]*tensor.Tensor, _ int) (engine, error) {
	m, err := gonnx.NewModelFromFile(file)
	if err != nil {
		return nil, err
	}
	e := &gonnxEngine{m, gonnx.Tensors{}}
	for name, x := range feeds {
		e.in[name] = dense(x)
	}
	return e, nil
}

func (e *gonnxEngine) run() error {
	_, err := e.model.Run(e.in)
	return err
}

func (e *gonnxEngine) close() {}

type gorgoniaEngine struct {
	graph *gorgonnx.Graph
	model *onnx.Model
	in    *gorgonia.Dense
}

func openGorgonia(file string, feeds map[string]*tensor.Tensor, _ int) (engine, error) {
	if len(feeds) != 1 {
		return nil, errors.New("it is given one input here")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	e := &gorgoniaEngine{graph: gorgonnx.NewGraph()}
	e.model = onnx.NewModel(e.graph)
	for _, x := range feeds {
		e.in = dense(x)
	}
	return e, e.model.UnmarshalBinary(data)
}

func (e *gorgoniaEngine) run() error {
	if err := e.model.SetInput(0, e.in); err != nil {
		return err
	}
	return e.graph.Run()
}

func (e *gorgoniaEngine) close() {}
