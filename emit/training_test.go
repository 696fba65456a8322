package emit_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

func bce() emit.Options { return emit.Options{Loss: loss.Options{Name: "bce"}} }

// TestFile: nothing lies under the name of the output unless it is proved.
func TestFile(t *testing.T) {
	refuse := errors.New("refused")
	for _, c := range []struct {
		name    string
		o       emit.FileOptions
		in, err string // a part of the error; "" for none
	}{
		{"proved", emit.FileOptions{Prove: new(verify.Prover).Prove}, detector, ""},
		{"unproved", emit.FileOptions{Unproved: true}, detector, ""},
		{"nothing said", emit.FileOptions{}, detector, "no prover for the training graph"},
		{"refused", emit.FileOptions{Prove: func(context.Context, *graph.Model, *graph.Model) error { return refuse }}, detector, "refused"},
		{"no file", emit.FileOptions{Unproved: true}, "nowhere.onnx", "nowhere.onnx: "},
		{"no head", emit.FileOptions{Unproved: true, Head: patterns.Options{Classes: 7}}, detector, detector + ": "},
		{"not trained", emit.FileOptions{Unproved: true, Replace: true}, detector, emit.ErrNotTrained.Error()},
	} {
		dir := t.TempDir()
		out := filepath.Join(dir, "out.onnx")
		c.o.Options = bce()
		x, err := emit.File(context.Background(), c.in, out, c.o)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) || (x == nil) != (err != nil) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.err)
		}
		files, e := os.ReadDir(dir)
		if e != nil || (len(files) == 1) != (err == nil) {
			t.Errorf("%s: files %v", c.name, files)
		}
	}
}

// TestFileTwice: an output stays unless it is forced, a training graph is refused unless
// its loss is replaced, and then the file is what it would have been at once.
func TestFileTwice(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	o := emit.FileOptions{Options: bce(), Unproved: true}
	for _, out := range []string{at("a.onnx"), at("b.onnx")} {
		if _, err := emit.File(ctx, detector, out, o); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := emit.File(ctx, detector, at("a.onnx"), o); err == nil {
		t.Error("a file was overwritten")
	}
	var trained *emit.TrainedError
	if _, err := emit.File(ctx, at("a.onnx"), at("c.onnx"), o); !errors.As(err, &trained) {
		t.Errorf("a training graph: %v", err)
	}
	o.Replace = true
	x, err := emit.File(ctx, at("b.onnx"), at("c.onnx"), o)
	if err != nil {
		t.Fatal(err)
	}
	y, err := emit.File(ctx, at("c.onnx"), at("b.onnx"), emit.FileOptions{Options: bce(), Unproved: true, Replace: true, Force: true})
	if err != nil || x.Source.Fingerprint != y.Source.Fingerprint {
		t.Errorf("the network has changed: %v", err)
	}
	var p verify.Prover
	o = emit.FileOptions{Options: bce(), Prove: p.Prove, Force: true}
	if _, err := emit.File(ctx, detector, at("a.onnx"), o); err != nil || p.Report.Verdict() != verify.Proved {
		t.Errorf("forced: %v, %v", err, p.Report)
	}
}

// TestWriteProvesFirst: a stream gets the bytes of the file, and none where the proof
// fails.
func TestWriteProvesFirst(t *testing.T) {
	ctx, refuse := context.Background(), errors.New("refused")
	write := func(o emit.FileOptions) ([]byte, error) {
		m, err := onnx.ReadFile(detector)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		o.Options = bce()
		training, err := emit.Append(ctx, m, o)
		if err != nil {
			t.Fatal(err)
		}
		defer training.Close()
		var b bytes.Buffer
		err = training.Write(&b, o)
		return b.Bytes(), err
	}
	got, err := write(emit.FileOptions{Prove: new(verify.Prover).Prove})
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnx.ReadAt(bytes.NewReader(got), int64(len(got)), "")
	if err != nil {
		t.Fatal(err)
	}
	if x, err := emit.ReadManifest(m); err != nil || x.Loss.Name != "bce" {
		t.Errorf("manifest %v, error %v", x, err)
	}
	got, err = write(emit.FileOptions{Prove: func(context.Context, *graph.Model, *graph.Model) error { return refuse }})
	if !errors.Is(err, refuse) || len(got) != 0 {
		t.Errorf("%d bytes of a graph that was refused, error %v", len(got), err)
	}
}

func TestTargets(t *testing.T) {
	one, shape := 1.0, func(dims ...any) *[]any { return &dims }
	x := &emit.Manifest{
		Inputs: []emit.Port{
			{Name: "image", Role: emit.RoleImage, DType: "float32", Shape: shape("n", 3.0)},
			{Name: "q", Role: emit.RoleTarget, DType: "float16", Shape: shape("n", "a", 2.0)},
			{Name: "w", Role: emit.RoleTargetWeight, DType: "float64", Shape: shape("n", "a")},
			{Name: "norm", Role: emit.RoleNormalizer, DType: "float32", Shape: shape()},
			{Name: "s", Role: emit.RoleState, DType: "float32", Shape: shape(2.0), Initial: &one},
		},
		Outputs: []emit.Port{{Name: "z", Role: emit.RoleLogits, DType: "float16", Shape: shape("n", "a", 2.0)}},
	}
	made := func(d tensor.DType, shape ...int) *tensor.Tensor {
		v, err := tensor.Make(d, shape...)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	image, z := made(tensor.Float32, 4, 3), made(tensor.Float16, 4, 5, 2)
	if _, err := x.Targets(map[string]*tensor.Tensor{"image": image}); err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("anchors are not known: %v", err)
	}
	got, err := x.Targets(map[string]*tensor.Tensor{"image": image, "z": z})
	if err != nil || len(got) != 4 || got["q"].String() != "float16[4,5,2]" || got["w"].String() != "float64[4,5]" {
		t.Fatalf("%v, error %v", got, err)
	}
	if tensor.Data[float64](got["w"])[19] != 1 || tensor.Data[float32](got["norm"])[0] != 1 || tensor.Data[float32](got["s"])[1] != 1 || tensor.Data[tensor.F16](got["q"])[3] != 0 {
		t.Errorf("%v", got)
	}
}
