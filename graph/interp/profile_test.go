package interp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

const profiled = `g (float[64,64] x, bool c) => (float[64,64] y) <int64[2] like = {64, 64}> {
  a = MatMul (x, x)
  y = If <then_branch: graph = a () => (float[64,64] r) {
    s = MatMul (a, x)
    r = Reshape <allowzero: int = 0> (s, like)
  }, else_branch: graph = b () => (float[64,64] q) { q = Identity (a) }> (c)
}`

func profileOf(t *testing.T) *interp.Profile {
	t.Helper()
	x, _ := tensor.Make(tensor.Float32, 64, 64)
	_, prof, err := planned(t, profiled, interp.Options{}).RunProfiled(context.Background(), feeds{"x": x, "c": tensor.Scalar(true)})
	if err != nil {
		t.Fatal(err)
	}
	return prof
}

// TestProfile: the time of a node with a subgraph is its own and that of the
// nodes inside, and the sums count each once.
func TestProfile(t *testing.T) {
	prof := profileOf(t)
	var ops []string
	var self, outer time.Duration
	for _, r := range prof.Records {
		ops = append(ops, r.Op)
		self += r.Self
		if r.Depth == 0 {
			outer += r.Time
		}
	}
	if len(ops) != 4 || ops[0] != "MatMul" || ops[1] != "If" || ops[2] != "MatMul" || prof.Records[2].Depth != 1 {
		t.Fatalf("records of %v", ops)
	}
	if self != outer {
		t.Errorf("the nodes take %v by themselves, %v together", self, outer)
	}
	for _, s := range prof.ByOp() {
		switch s.Op {
		case "MatMul":
			if s.Nodes != 2 || s.Work != 2*2*64*64*64 || s.Bytes != 2*3*64*64*4 || !(s.GFLOPS() > 0) {
				t.Errorf("MatMul: %+v", s)
			}
		case "Reshape":
			if s.Work != 0 || s.Bytes != 2*8 {
				t.Errorf("Reshape moves nothing, and reads a shape: %+v", s)
			}
		}
	}
	if prof.Peak < 64*64*4 || prof.Time < outer {
		t.Errorf("peak %d, time %v", prof.Peak, prof.Time)
	}
}

// TestTrace: the trace is JSON, and what runs in a subgraph lies within the
// time of its node.
func TestTrace(t *testing.T) {
	var buf bytes.Buffer
	if err := profileOf(t).WriteTrace(&buf, "g"); err != nil {
		t.Fatal(err)
	}
	var trace struct {
		TraceEvents []struct {
			Name, Cat, Ph string
			TS, Dur       float64
			TID           int
		}
	}
	if err := json.Unmarshal(buf.Bytes(), &trace); err != nil {
		t.Fatal(err)
	}
	within := map[string][2]float64{}
	for _, e := range trace.TraceEvents {
		if e.Cat == "node" {
			within[e.Name] = [2]float64{e.TS, e.TS + e.Dur}
		}
	}
	outer, inner := within["If"], within["Reshape"]
	if !(outer[0] <= inner[0] && inner[0] < inner[1] && inner[1] <= outer[1]) {
		t.Errorf("If takes %v, Reshape inside it %v", outer, inner)
	}
}
