package verify_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/interp/orttest"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// sizes are given to dynamic axes of images; where a network takes one image
// alone, the batch is one.
var sizes = map[string]int{"batch": 2, "height": 96, "width": 128}

// TestTrainingGraphsInORT runs each model before and after losses are put on it,
// a third of them in turn, in stock ONNX Runtime, graph optimizations off: the
// original outputs must keep their bits, and the loss must be that of the closed
// form on the logits that the runtime itself gives.
func TestTrainingGraphsInORT(t *testing.T) {
	orttest.Need(t)
	for k, model := range orttest.Models(t) {
		t.Run(model.Name, func(t *testing.T) {
			file := model.File(t)
			m := open(t, file)
			images := orttest.Inputs(t, m.Graph, sizes, 2)
			before, err := orttest.TryRun(t, file, images, orttest.Options{})
			if err != nil {
				one := maps.Clone(sizes)
				one["batch"] = 1
				images = orttest.Inputs(t, m.Graph, one, 2)
				before = orttest.Run(t, file, images, orttest.Options{})
			}
			for i, l := range loss.All() {
				if l.Kind != loss.Classification || (i+k)%3 != 0 {
					continue
				}
				t.Run(l.Name, func(t *testing.T) { checkInORT(t, file, l, matrixOptions[i%len(matrixOptions)], images, before) })
			}
		})
	}
}

// matrixOptions are what the losses of the matrix are joined with, in turn.
var matrixOptions = []loss.Options{
	{},
	{Target: loss.Index, Reduction: loss.Positives},
	{Reduction: loss.Sum, LabelSmoothing: 0.1},
	{Reduction: loss.Fed, AnchorWeights: true},
	{Target: loss.Index, Reduction: loss.None, IgnoreIndex: new(int64)},
}

// counts is numbers of objects of so many classes.
func counts(classes int) []float64 {
	n := make([]float64, classes)
	for i := range n {
		n[i] = float64(1 + 1000/(i+1))
	}
	return n
}

func open(t *testing.T, file string) *graph.Model {
	t.Helper()
	m, err := onnx.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func checkInORT(t *testing.T, file string, l *loss.Loss, o loss.Options, images, before map[string]*tensor.Tensor) {
	m := open(t, file)
	r, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if l.Activation == loss.Softmax && r.Heads[0].Classes == 1 {
		t.Skip("a softmax over one class is refused")
	}
	plain := l.Plain(r.Heads[0].Classes)
	o.Name, o.Background = l.Name, plain.Background
	if l.Counts {
		o.ClassCounts = counts(r.Heads[0].Classes)
	}
	if l.Targets != loss.Labels {
		o.LabelSmoothing = 0
	}
	x, err := emit.Rewrite(m, r.Heads[:1], emit.Options{Loss: o, Form: emit.LogitsGradientForm})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), filepath.Base(file))
	if err := onnx.WriteFile(path, m, onnx.Options{}); err != nil {
		t.Fatal(err)
	}
	b := drawBatch(x.Loss, logitsShape(t, path, x, images))
	feeds := targetFeeds(x, b)
	for name, v := range images {
		feeds[name] = v
	}
	after := orttest.Run(t, path, feeds, orttest.Options{})
	for name, want := range before {
		if got := after[name]; got.String() != want.String() || !sameBits(got, want) {
			t.Errorf("output %q is not what it was: %v, %v", name, got, want)
		}
	}
	b.Logits = op.Floats(after[x.Output(emit.RoleLogits, "").Name])
	checkLoss(t, x, b, after)
}

// checkLoss holds the runtime's loss to the closed form.
func checkLoss(t *testing.T, x *emit.Manifest, b loss.Batch, out map[string]*tensor.Tensor) {
	want, err := loss.Eval(loss.Classification, x.Loss, b)
	if err != nil {
		t.Fatal(err)
	}
	for i, in := range x.States("") {
		agree(t, in.Name, op.Floats(out[x.Output(emit.RoleNewState, in.Name).Name]), want.State[i])
	}
	slope, greatest, limit := op.Floats(out[x.Output(emit.RoleLogitsGradient, "").Name]), 0.0, 1e-5
	if x.Output(emit.RoleLogitsGradient, "").DType == tensor.Float16.String() {
		greatest, limit = 0x1p-14, 1e-3
	}
	for _, g := range want.Grad {
		greatest = math.Max(greatest, math.Abs(g))
	}
	for i, g := range want.Grad {
		if undecided := want.Undecided != nil && want.Undecided[i/b.C]; !undecided && !(math.Abs(slope[i]-g) <= limit*greatest) {
			t.Fatalf("gradient[%d]: got %v, want %v (the greatest is %v)", i, slope[i], g, greatest)
		}
	}
	if x.Loss.Reduction != loss.None {
		agree(t, "loss", op.Floats(out[x.Output(emit.RoleLoss, "").Name]), []float64{want.Loss})
		return
	}
	agree(t, "per-anchor loss", op.Floats(out[x.Output(emit.RolePerAnchor, "").Name]), want.PerAnchor)
}

// agree compares at 1e-5 relative; below a loss of 0.05 at 5e-7 absolute, which
// is the resolution of the runtime's LogSoftmax.
func agree(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if e := math.Abs(got[i] - w); !(e <= 1e-5*math.Max(0.05, math.Abs(w))) {
			t.Fatalf("%s[%d]: got %v, want %v", what, i, got[i], w)
		}
	}
}

// logitsShape asks the interpreter, since the runtime wants targets of that
// shape before it gives any logits.
func logitsShape(t *testing.T, path string, x *emit.Manifest, images map[string]*tensor.Tensor) []int {
	t.Helper()
	name := x.Output(emit.RoleLogits, "").Name
	var feeds []string
	for in := range images {
		feeds = append(feeds, in)
	}
	plan, err := interp.New(open(t, path), interp.Options{Feeds: feeds, Fetches: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := plan.Run(context.Background(), images)
	if err != nil {
		t.Fatal(err)
	}
	return out[name].Shape
}

func drawBatch(o loss.Options, shape []int) loss.Batch {
	r := rand.New(rand.NewPCG(3, 4))
	b := loss.Batch{N: shape[0], A: shape[1], C: shape[2], Normalizer: 3}
	for range b.N * b.A {
		if o.Target == loss.Index {
			b.Index = append(b.Index, int64(r.IntN(b.C+1)-1))
		}
		if o.AnchorWeights {
			b.Weight = append(b.Weight, float64(r.Float32()))
		}
	}
	for range b.N * b.A * b.C {
		if o.Target != loss.Index {
			b.Target = append(b.Target, float64(r.Float32()))
		}
	}
	b.Logits = make([]float64, b.N*b.A*b.C)
	states, err := o.States(loss.Classification, b.C)
	if err != nil {
		panic(err)
	}
	for _, s := range states {
		x := make([]float64, s.Len)
		for i := range x {
			x[i] = float64(50 * r.Float32())
		}
		b.State = append(b.State, x)
	}
	return b
}

func targetFeeds(x *emit.Manifest, b loss.Batch) map[string]*tensor.Tensor {
	feeds := map[string]*tensor.Tensor{}
	for _, in := range x.Inputs {
		switch in.Role {
		case emit.RoleTarget:
			if b.Index != nil {
				feeds[in.Name] = tensor.Of([]int{b.N, b.A}, b.Index)
			} else {
				feeds[in.Name] = tensor.Of([]int{b.N, b.A, b.C}, single(b.Target))
			}
		case emit.RoleTargetWeight:
			feeds[in.Name] = tensor.Of([]int{b.N, b.A}, single(b.Weight))
		case emit.RoleNormalizer:
			feeds[in.Name] = tensor.Scalar(float32(b.Normalizer))
		}
	}
	for i, in := range x.States("") {
		feeds[in.Name] = tensor.Vector(single(b.State[i])...)
	}
	return feeds
}

func single(x []float64) []float32 {
	f := make([]float32, len(x))
	for i, v := range x {
		f[i] = float32(v)
	}
	return f
}

func sameBits(a, b *tensor.Tensor) bool {
	return fmt.Sprint(a.Store().Data) == fmt.Sprint(b.Store().Data)
}
