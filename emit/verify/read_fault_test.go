package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
	"github.com/onnxloss/onnxloss/patterns"
)

// constantsText is a detector whose layout, numbers and course rest on constants
// of every kind: initializers, nodes Constant, attributes, those of subgraphs and
// of functions.
const constantsText = `<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
g (float[1,2,3,3] image) => (float[1,n,6] scores, float[1,n,4] boxes)
<float[6,2,1,1] w = {1,2,3,4,5,6,7,8,9,10,11,12}, float[4,2,1,1] v = {1,2,3,4,5,6,7,8}, int64[1] minus = {-1}, bool yes = {1},
 float[0] roi = {}, float[4] scales = {1,1,2,2}> {
  large = Resize <mode = "nearest"> (image, roi, scales)
  z = Conv(large, w)
  one = Constant <value = float {1}> ()
  n = Neg(z)
  x = Exp(n)
  under = Add(x, one)
  s = Reciprocal(under)
  first = Constant <value_ints = [1, 6]> ()
  shape = Concat <axis = 0> (first, minus)
  rows = Reshape(s, shape)
  scores = Transpose <perm = [0,2,1]> (rows)
  d = Conv(large, v)
  e = own.decode(d)
  unit = Constant <value_ints = [1]> ()
  four = ConstantOfShape <value = int64[1] {4}> (unit)
  there = Concat <axis = 0> (unit, four, minus)
  places = If <then_branch = then () => (float[1,4,n] p) <float[1] half = {0.5}> { q = Mul(e, half) p = Reshape(q, there) },
    else_branch = other () => (float[1,4,n] p) { p = Identity(e) }> (yes)
  boxes = Transpose <perm = [0,2,1]> (places)
}
<domain: "own", opset_import: ["" : 17]>
decode (d) => (e) {
  x = Exp(d)
  two = Constant <value = float[1] {2}> ()
  e = Mul(x, two)
}`

var errInjected = errors.New("injected")

// failing fails at one of its reads, counted from 0.
type failing struct {
	r    io.ReaderAt
	at   int
	read int
}

func (f *failing) ReadAt(p []byte, off int64) (int, error) {
	if f.read++; f.read-1 == f.at {
		return 0, errInjected
	}
	return f.r.ReadAt(p, off)
}

// TestReadFaults fails every single read in turn: what is done either says so or
// comes to what it does without the fault.
func TestReadFaults(t *testing.T) {
	plain := encoded(t, constantsText)
	train := func() []byte {
		b, err := appended(opened(t, plain, nil))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}()
	for name, c := range map[string]struct {
		file []byte
		do   func(m *graph.Model) ([]byte, error)
	}{
		"locate":  {plain, located},
		"rewrite": {plain, appended},
		"run":     {plain, outputs},
		"verify":  {train, verified},
	} {
		t.Run(name, func(t *testing.T) {
			want, err := c.do(opened(t, c.file, nil))
			if err != nil {
				t.Fatal(err)
			}
			failed := 0
			for k := 0; ; k++ {
				f := &failing{r: bytes.NewReader(c.file), at: -1}
				m := opened(t, c.file, f)
				f.read, f.at = 0, k
				got, err := c.do(m)
				switch {
				case f.read <= k: // it read no more
					if failed == 0 {
						t.Error("no read failed")
					}
					t.Logf("%d reads, %d errors", k, failed)
					return
				case err != nil:
					failed++
					if !errors.Is(err, errInjected) {
						t.Errorf("read %d: %v", k, err)
					}
				case !bytes.Equal(got, want):
					t.Errorf("read %d: another answer: %.300s, want %.300s", k, got, want)
				}
			}
		})
	}
}

// encoded is a model with each constant in a place of its own, so that windows
// of reading do not reach several.
func encoded(t *testing.T, src string) []byte {
	t.Helper()
	m, err := text.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	pad := string(make([]byte, 40_000))
	for _, v := range m.Graph.Inits {
		v.Init.Doc = pad
	}
	for _, n := range m.Graph.Nodes {
		n.Doc = pad
	}
	var b bytes.Buffer
	if err := onnx.Write(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func opened(t *testing.T, b []byte, r io.ReaderAt) *graph.Model {
	t.Helper()
	if r == nil {
		r = bytes.NewReader(b)
	}
	m, err := onnx.ReadAt(r, int64(len(b)), "")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func located(m *graph.Model) ([]byte, error) {
	r, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		return nil, err
	}
	var heads []patterns.HeadRecord
	for _, h := range r.Heads {
		heads = append(heads, h.Record())
	}
	return json.Marshal(heads)
}

func appended(m *graph.Model) ([]byte, error) {
	r, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		return nil, err
	}
	d := onnx.NewDigest(context.Background(), m)
	defer d.Close()
	if _, err := emit.Rewrite(r.Model, r.Heads[:1], emit.Options{Loss: loss.Options{Name: "ce"}, Digest: d}); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = onnx.Write(&b, r.Model)
	return b.Bytes(), err
}

func outputs(m *graph.Model) ([]byte, error) {
	p, err := interp.New(m, interp.Options{Threads: 1})
	if err != nil {
		return nil, err
	}
	x := make([]float32, 18)
	for i := range x {
		x[i] = float32(i) / 7
	}
	out, err := p.Run(context.Background(), map[string]*tensor.Tensor{"image": tensor.Of([]int{1, 2, 3, 3}, x)})
	if err != nil {
		return nil, err
	}
	return json.Marshal([]any{tensor.Data[float32](out["scores"]), tensor.Data[float32](out["boxes"])})
}

func verified(m *graph.Model) ([]byte, error) {
	r, err := verify.Training(context.Background(), m, verify.Options{Threads: 1})
	if err != nil {
		return nil, err
	}
	r.Seconds = 0
	return json.Marshal(r)
}
