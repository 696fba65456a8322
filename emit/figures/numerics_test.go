package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/interp/orttest"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

var (
	numerics = flag.String("numerics", "", "write the table of TestNumerics to this file")
	python   = flag.String("python", "", "a Python 3 with torch and torchvision, for PyTorch's columns")
)

// magnitudes are those of the logits that the table is about.
var magnitudes = []float64{0, 1e-3, 1, 10, 30, 88, 100}

// targets are those of each logit: three classes of an anchor.
var targets = [][]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0.5, 0.25, 0.25}, {0, 0, 0}, {0.25, 0, 0}}

const classes = 3

// probes is a batch of anchors whose first logit is of one of the sizes, either
// sign; the others have the same under a sigmoid, and 0 under a softmax. size is the
// index of each anchor's.
func probes(l *loss.Loss, sizes []float64) (b loss.Batch, size []int) {
	b = loss.Batch{N: 1, C: classes}
	for i, m := range sizes {
		for _, z := range []float64{m, -m} {
			for _, q := range targets {
				if l.Activation == loss.Softmax && q[0]+q[1]+q[2] != 1 {
					continue
				}
				row := []float64{float64(float32(z)), 0, 0}
				if l.Activation == loss.Sigmoid {
					row[1], row[2] = row[0], row[0]
				}
				b.Logits, b.Target, size = append(b.Logits, row...), append(b.Target, q...), append(size, i)
			}
		}
	}
	b.A = len(size)
	return b, size
}

// answer is a loss's values of each anchor, and the derivative of their sum.
type answer struct{ value, grad []float64 }

// errors is the relative errors of value and gradient, the worst for each size.
// Below the least normal number of float32, errors are relative to that.
func (a answer) errors(want *loss.Outcome, size []int) (value, grad []float64) {
	value, grad = make([]float64, len(magnitudes)), make([]float64, len(magnitudes))
	worst := func(list []float64, i int, got, want float64) {
		if e := math.Abs(got-want) / math.Max(math.Abs(want), 0x1p-126); !(e <= list[i]) {
			list[i] = e // NaN too
		}
	}
	for i, k := range size {
		if want.Undecided != nil && want.Undecided[i] {
			continue
		}
		worst(value, k, a.value[i], want.PerAnchor[i])
		for c := range classes {
			worst(grad, k, a.grad[i*classes+c], want.Grad[i*classes+c])
		}
	}
	return value, grad
}

// stock is the batch's answer by ONNX Runtime, of logits of type d.
func stock(t *testing.T, o loss.Options, b loss.Batch, d tensor.DType) answer {
	t.Helper()
	m, err := newAlone(o, d, []int{b.N, b.A, b.C}, emit.LogitsGradientForm)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "loss.onnx")
	if err := onnx.WriteFile(path, m.Model, onnx.Options{}); err != nil {
		t.Fatal(err)
	}
	feeds := map[string]*tensor.Tensor{"logits": floats(d, b.Logits, b.N, b.A, b.C)}
	for _, in := range m.loss.Inputs {
		if in.Role == loss.RoleTarget {
			feeds[in.Value.Name] = floats(d, b.Target, b.N, b.A, b.C)
		} else { // a state before the first step
			n := in.Value.Shape()[0].Value
			feeds[in.Value.Name] = tensor.Of([]int{int(n)}, make([]float32, n))
		}
	}
	out := orttest.Run(t, path, feeds, orttest.Options{Optimize: true})
	return answer{op.Floats(out[m.value.Name]), op.Floats(out[m.slope.Name])}
}

func floats(d tensor.DType, x []float64, shape ...int) *tensor.Tensor {
	f := make([]float32, len(x))
	for i, v := range x {
		f[i] = float32(v)
	}
	if d != tensor.Float16 {
		return tensor.Of(shape, f)
	}
	h := make([]tensor.F16, len(f))
	tensor.ToFloat16(h, f)
	return tensor.Of(shape, h)
}

// torch is the batches' answers by PyTorch, in float32 and in float64.
func torch(t *testing.T, list []loss.Options, batches []loss.Batch) []map[string]answer {
	t.Helper()
	type request struct {
		Loss       string             `json:"loss"`
		Params     map[string]float64 `json:"params"`
		Counts     []float64          `json:"counts"`
		Background *int               `json:"background"`
		Logits     [][]float64        `json:"logits"`
		Target     [][]float64        `json:"target"`
	}
	rows := func(x []float64) (r [][]float64) {
		for ; len(x) > 0; x = x[classes:] {
			r = append(r, x[:classes])
		}
		return r
	}
	var all struct {
		Cases []request `json:"cases"`
	}
	for i, o := range list {
		o, err := o.Resolve(loss.Classification, classes)
		if err != nil {
			t.Fatal(err)
		}
		all.Cases = append(all.Cases, request{o.Name, o.Params, o.ClassCounts, o.Background, rows(batches[i].Logits), rows(batches[i].Target)})
	}
	in, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(*python, "numerics.py")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []map[string]map[string][]string
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	var answers []map[string]answer
	for _, g := range got {
		a := map[string]answer{}
		for d, x := range g {
			a[d] = answer{parsed(t, x["value"]), parsed(t, x["grad"])}
		}
		answers = append(answers, a)
	}
	return answers
}

func parsed(t *testing.T, list []string) (x []float64) {
	t.Helper()
	for _, s := range list {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		x = append(x, v)
	}
	return x
}

// judged is all that the table says of one loss.
type judged struct {
	l              *loss.Loss
	o              loss.Options
	b              loss.Batch
	want           *loss.Outcome
	size           []int
	value, grad    []float64 // by size
	value16        float64
	grad16         float64
	torch, torch64 answer
}

// TestNumerics holds each loss, in float32 as ONNX Runtime runs it, to float64: to
// a relative error of a few units in the last place, or to what PyTorch has where
// the logarithm of a softmax, or a difference, is as the runtime computes it.
func TestNumerics(t *testing.T) {
	orttest.Need(t)
	var list []*judged
	for _, l := range classification() {
		j := &judged{l: l, o: standard(l, classes)}
		j.o.Reduction = loss.None
		j.b, j.size = probes(l, magnitudes)
		j.want = eval(t, j.o, j.b)
		j.value, j.grad = stock(t, j.o, j.b, tensor.Float32).errors(j.want, j.size)
		j.half(t)
		j.finite(t)
		list = append(list, j)
	}
	if *python == "" {
		t.Log("not compared with PyTorch: no -python")
		return
	}
	var options []loss.Options
	var batches []loss.Batch
	for _, j := range list {
		options, batches = append(options, j.o), append(batches, j.b)
	}
	for i, a := range torch(t, options, batches) {
		list[i].torch, list[i].torch64 = a["float32"], a["float64"]
		list[i].compare(t)
	}
	if *numerics != "" {
		if err := os.WriteFile(*numerics, []byte(table(list)), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func eval(t *testing.T, o loss.Options, b loss.Batch) *loss.Outcome {
	t.Helper()
	want, err := loss.Eval(loss.Classification, o, b)
	if err != nil {
		t.Fatal(err)
	}
	return want
}

// half takes the errors of float16 graphs: relative for values, relative to the
// greatest for gradients.
func (j *judged) half(t *testing.T) {
	b := j.b
	b.Logits = op.Floats(floats(tensor.Float16, b.Logits, len(b.Logits)))
	want, got := eval(t, j.o, b), stock(t, j.o, b, tensor.Float16)
	greatest := 0.0
	for _, g := range want.Grad {
		greatest = math.Max(greatest, math.Abs(g))
	}
	value, _ := got.errors(want, j.size)
	for _, e := range value {
		j.value16 = math.Max(j.value16, e)
	}
	for i, g := range want.Grad {
		if want.Undecided == nil || !want.Undecided[i/classes] {
			j.grad16 = math.Max(j.grad16, math.Abs(got.grad[i]-g)/greatest)
		}
	}
	if !(j.grad16 <= 1e-3) {
		t.Errorf("%s in float16: the gradient is off by %.1e of the greatest", j.l.Name, j.grad16)
	}
}

// finite looks for numbers that are none up to ±1e4.
func (j *judged) finite(t *testing.T) {
	b, _ := probes(j.l, []float64{88, 89, 100, 104, 1e3, 1e4})
	for _, d := range []tensor.DType{tensor.Float32, tensor.Float16} {
		a := stock(t, j.o, b, d)
		for _, list := range [][]float64{a.value, a.grad} {
			for i, x := range list {
				if math.IsNaN(x) || math.IsInf(x, 0) {
					t.Errorf("%s in %v: number %d is %v", j.l.Name, d, i, x)
				}
			}
		}
	}
}

// noise is an error that counts as none: 64 halves of float32's last place.
const noise = 64 * 0x1p-24

// within reports whether an error is noise, or no greater than PyTorch's.
func within(ours, torch float64) bool {
	return ours <= noise || ours <= torch || math.IsNaN(torch) && !math.IsNaN(ours)
}

// compare holds the loss to PyTorch's errors, and PyTorch's transcription, in
// float64, to the loss.
func (j *judged) compare(t *testing.T) {
	value, grad := j.torch.errors(j.want, j.size)
	for i, m := range magnitudes {
		if !within(j.value[i], value[i]) {
			t.Errorf("%s at ±%v: the value's error is %.1e, PyTorch's %.1e", j.l.Name, m, j.value[i], value[i])
		}
		if !within(j.grad[i], grad[i]) {
			t.Errorf("%s at ±%v: the gradient's error is %.1e, PyTorch's %.1e", j.l.Name, m, j.grad[i], grad[i])
		}
	}
	value, grad = j.torch64.errors(j.want, j.size)
	for i, m := range magnitudes[:4] {
		if !(value[i] <= 1e-7 && grad[i] <= 1e-7) {
			t.Errorf("%s at ±%v: PyTorch's float64 is off by %.1e, its gradient by %.1e", j.l.Name, m, value[i], grad[i])
		}
	}
}

func table(list []*judged) string {
	var s strings.Builder
	s.WriteString(numericsHead)
	s.WriteString("| loss | |")
	for _, m := range magnitudes {
		fmt.Fprintf(&s, " %v |", m)
	}
	s.WriteString(" float16 |\n|---|---|" + strings.Repeat("---|", len(magnitudes)+1) + "\n")
	for _, j := range list {
		value, grad := j.torch.errors(j.want, j.size)
		for _, row := range []struct {
			name, of    string
			ours, torch []float64
			half        float64
		}{{j.l.Name, "value", j.value, value, j.value16}, {"", "gradient", j.grad, grad, j.grad16}} {
			fmt.Fprintf(&s, "| %s | %s |", row.name, row.of)
			for i := range magnitudes {
				fmt.Fprintf(&s, " %s / %s |", figure(row.ours[i]), figure(row.torch[i]))
			}
			fmt.Fprintf(&s, " %s |\n", figure(row.half))
		}
	}
	return s.String()
}

func figure(x float64) string {
	if x == 0 {
		return "0"
	}
	return fmt.Sprintf("%.0e", x)
}

const numericsHead = `# How many digits the losses keep

Relative errors in float32 against float64, this project's in stock ONNX Runtime (onnxruntime-node) / PyTorch's: the worst over
anchors of three classes with a logit of ± the size at the head of the column, in all classes under a sigmoid, in one under a
softmax where the others are 0; with targets of one class, of none, of shares and of a quality. Float64 is the closed form of
emit/loss, which the tests hold to golden values at 1e-9. PyTorch's is torchvision's or torch.nn.functional's loss where there
is one, and else the paper's equation in float32 (numerics.py); in float64 it agrees with the closed form to 1e-7 for sizes up
to 10. Each number of the gradient counts by itself. Below 1.2e-38, float32's least normal number, an error is relative to that.

Nowhere is the error greater than PyTorch's but for noise, 4e-6 (64 halves of the last place), which is seen where terms of a
gradient cancel. Plain cross-entropies take LogSoftmax as the runtime has it: like PyTorch's, it is exact to 6e-8 absolutely, so
that small losses of very right answers have an error of 1. No number of value or gradient is NaN or infinite up to ±1e4, in
float32 and float16. The last column is the form --dtype float16: the value's relative error from the rounded logits, and the
gradient's, relative to its greatest.

With ONNXLOSS_ORT set as for the tests, this makes the table:

    go test ./emit/figures -run Numerics -args -python /usr/bin/python3 -numerics NUMERICS.md

`
