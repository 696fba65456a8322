package emit_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
)

// largeHead has 3 MiB of weights, and some of a few bytes before and behind these.
const largeHead = `<ir_version: 8, opset_import: ["" : 17]>
g (float[N,2,4,4] image) => (float[N,3,4,4] scores, float[N,4,4,4] box) <float[3,2,1,1] w = {1,2,3,4,5,6}, float[4,2,1,1] b = {1,2,3,4,5,6,7,8}> {
  z = Conv(image, w)
  scores = Sigmoid(z)
  m = ReduceMean <keepdims = 0> (large)
  scaled = Mul(image, m)
  e = Conv(scaled, b)
  box = Exp(e)
}`

// TestLargeModel: a model of several MiB is digested while it is copied, as if it were
// read on its own.
func TestLargeModel(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	m, err := text.Parse(strings.Replace(largeHead, "<float[3", "<float[1] large = {0}, float[3", 1))
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 3<<18)
	for i := range x {
		x[i] = float32(i%1000) / 1000
	}
	large := m.Graph.Value("large")
	m.Graph.SetInit(large, graph.NewData("large", tensor.Of([]int{len(x)}, x)))
	in, out := filepath.Join(dir, "large.onnx"), filepath.Join(dir, "train.onnx")
	if err := onnx.WriteFile(in, m, onnx.Options{}); err != nil {
		t.Fatal(err)
	}
	var p verify.Prover
	made, err := emit.File(ctx, in, out, emit.FileOptions{Options: bce(), Prove: p.Prove})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := onnx.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	d := onnx.NewDigest(ctx, plain)
	defer d.Close()
	want, err := d.Sum()
	if err != nil || plain.Source.Size < 3<<20 {
		t.Fatalf("%d bytes, error %v", plain.Source.Size, err)
	}
	roots, err := made.Roots(plain.Graph)
	if err != nil {
		t.Fatal(err)
	}
	print, err := emit.Fingerprint(plain.Graph, roots)
	if err != nil {
		t.Fatal(err)
	}
	train, err := onnx.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	defer train.Close()
	got, err := emit.ReadManifest(train)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []emit.Source{got.Source, made.Source} {
		if s.Digest != want || s.Fingerprint != print {
			t.Errorf("digest %s, want %s; fingerprint %s, want %s", s.Digest, want, s.Fingerprint, print)
		}
	}
}
