//go:build ortbench

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// compareLosses prints a row of each model, a loss of "logits" [N, A, C] with its
// gradient: its times beside those of a command that runs PyTorch's focal loss.
func compareLosses(w *tabwriter.Writer, files []string, torch string, threads, rounds int, pause time.Duration) error {
	fmt.Fprintln(w, "| loss\t| ONNX Runtime, ms\t| its passes alone, ms\t| onnxloss, ms\t| PyTorch's focal, ms\t| ONNX Runtime / passes\t| ONNX Runtime / PyTorch\t| onnxloss / PyTorch\t|")
	fmt.Fprintln(w, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	peer, err := openChild(torch)
	if err != nil {
		return err
	}
	defer peer.close()
	for _, file := range files {
		if err := compareLoss(w, file, peer, threads, rounds, pause); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// additions is how many passes the model of passes makes.
const additions = 24

func compareLoss(w *tabwriter.Writer, file string, peer *child, threads, rounds int, pause time.Duration) error {
	feeds, moved, err := batchOf(file)
	if err != nil {
		return err
	}
	pass, err := passes(feeds["logits"].Shape)
	if err != nil {
		return err
	}
	defer os.RemoveAll(filepath.Dir(pass))
	var engines []engine
	for _, o := range []struct {
		open opening
		file string
	}{{openORT, file}, {openORT, pass}, {openInterp, file}} {
		e, err := o.open(o.file, feeds, threads)
		if err != nil {
			return err
		}
		defer e.close()
		if err := e.run(); err != nil {
			return err
		}
		engines = append(engines, e)
	}
	runs := []func() error{engines[0].run, engines[1].run, engines[2].run, peer.run}
	times := make([][]float64, len(runs))
	for range rounds {
		for i, run := range runs {
			time.Sleep(pause)
			began := time.Now()
			if err := run(); err != nil {
				return err
			}
			times[i] = append(times[i], time.Since(began).Seconds()*1e3)
		}
	}
	ort, alone, ours, torch := median(times[0]), median(times[1])*float64(moved)/float64(additions*3*4*feeds["logits"].Len()), median(times[2]), median(times[3])
	fmt.Fprintf(w, "| %s\t| %.1f\t| %.1f\t| %.1f\t| %.1f\t| %.2f\t| %.2f\t| %.2f\t|\n", strings.TrimSuffix(filepath.Base(file), ".onnx"),
		ort, alone, ours, torch, ort/alone, ort/torch, ours/torch)
	return nil
}

// batchOf is a batch for a loss, one anchor in 200 with an object, and the bytes
// that its nodes move when they are run one by one.
func batchOf(file string) (map[string]*tensor.Tensor, int64, error) {
	m, err := onnx.ReadFile(file)
	if err != nil {
		return nil, 0, err
	}
	defer m.Close()
	r := rand.New(rand.NewPCG(1, 2))
	feeds := map[string]*tensor.Tensor{}
	for _, v := range m.Graph.Inputs {
		shape := v.Shape().Ints()
		t, err := tensor.Make(tensor.Float32, shape...)
		if err != nil {
			return nil, 0, err
		}
		x := tensor.Data[float32](t)
		switch v.Name {
		case "logits":
			for i := range x {
				x[i] = float32(r.NormFloat64()*3 - 2)
			}
		case "target":
			for c := shape[2]; len(x) > 0; x = x[c:] {
				if r.IntN(200) == 0 {
					x[r.IntN(c)] = 1
				}
			}
		}
		feeds[v.Name] = t
	}
	plan, err := interp.New(m, interp.Options{Unfused: true})
	if err != nil {
		return nil, 0, err
	}
	_, prof, err := plan.RunProfiled(context.Background(), feeds)
	if err != nil {
		return nil, 0, err
	}
	moved := int64(0)
	for _, r := range prof.Records {
		moved += r.Bytes
	}
	return feeds, moved, nil
}

// passes writes a model that adds a tensor of logits again and again, which moves
// three of them each time.
func passes(shape []int) (string, error) {
	m := graph.New(13)
	z, err := m.Graph.AddInput("logits", graph.TensorOf(tensor.Float32, graph.Static(shape...)))
	if err != nil {
		return "", err
	}
	q, err := m.Graph.AddInput("target", graph.TensorOf(tensor.Float32, graph.Static(shape...)))
	if err != nil {
		return "", err
	}
	y := z
	for range additions {
		y = op.Add(y, q)
	}
	m.Graph.AddOutput(op.ReduceMax(y, []int64{2}, false))
	dir, err := os.MkdirTemp("", "pass")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "passes.onnx")
	return file, onnx.WriteFile(file, m, onnx.Options{})
}

// child is a command that does a run for each line it is sent, and answers with a
// line.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func openChild(command string) (*child, error) {
	args := strings.Fields(command)
	if len(args) == 0 {
		return nil, fmt.Errorf("no command that runs PyTorch")
	}
	c := &child{cmd: exec.Command(args[0], args[1:]...)}
	c.cmd.Stderr = os.Stderr
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	return c, c.run()
}

func (c *child) run() error {
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		return err
	}
	_, err := c.out.ReadString('\n')
	return err
}

func (c *child) close() {
	c.in.Close()
	c.cmd.Wait()
}
