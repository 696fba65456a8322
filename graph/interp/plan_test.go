package interp

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// longModel is n nodes, one after the other, of the given operators in turn.
func longModel(tb testing.TB, n int, ops ...string) *graph.Model {
	tb.Helper()
	m := graph.New(13)
	v, err := m.Graph.AddInput("v0", graph.TensorOf(tensor.Float32, graph.Static(1, 8)))
	for i := 0; i < n && err == nil; i++ {
		node := &graph.Node{Op: ops[i%len(ops)], Inputs: []*graph.Value{v}}
		if v, err = m.Graph.Declare(fmt.Sprintf("v%d", i+1), graph.Type{}); err == nil {
			node.Outputs = []*graph.Value{v}
			err = m.Graph.AddNode(node)
		}
	}
	if err != nil {
		tb.Fatal(err)
	}
	m.Graph.AddOutput(v)
	return m
}

func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		for _, ops := range [][]string{{"Relu"}, {"Relu", "Softmax"}} {
			b.Run(fmt.Sprintf("%s/%d", strings.Join(ops, "-"), n), func(b *testing.B) {
				m := longModel(b, n, ops...)
				for b.Loop() {
					if _, err := New(m, Options{}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/node")
			})
		}
	}
}

// TestLongModels: what a step stands for is bounded, where all that follows could be
// part of it.
func TestLongModels(t *testing.T) {
	m := longModel(t, 1000, "Transpose")
	p, err := New(m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const limit = 12
	for _, s := range p.prog.Steps {
		if n := 1 + strings.Count(s.Name(), "+"); n > limit {
			t.Fatalf("a step of %d nodes that rearrange", n)
		}
	}
	m = longModel(t, 5000, "Relu", "Softmax", "Neg")
	x := tensor.Of([]int{1, 8}, []float32{-3, -2, -1, 0, 1, 2, 3, 4})
	var want map[string]*tensor.Tensor
	for _, unfused := range []bool{true, false} {
		p, err := New(m, Options{Unfused: unfused})
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.Run(context.Background(), map[string]*tensor.Tensor{"v0": x})
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = out
		}
		sameTensors(t, out, want)
	}
}

// countdown is a context that is done when it was asked for its error so many times.
type countdown struct {
	context.Context
	left, after int
}

func (c *countdown) Err() error {
	if c.left--; c.left >= 0 {
		return nil
	}
	c.after++
	return context.Canceled
}

// TestPlanningEnds: wherever planning is when its context ends, it looks at it once for
// each step at least, and then at no more than a few steps.
func TestPlanningEnds(t *testing.T) {
	const n, few = 500, 10
	m := longModel(t, n, "Relu", "Softmax", "Transpose", "Neg")
	all := &countdown{Context: context.Background(), left: 1 << 30}
	if _, err := NewContext(all, m, Options{}); err != nil {
		t.Fatal(err)
	}
	looks := 1<<30 - all.left
	if looks < 3*n {
		t.Errorf("%d looks at the context, for %d steps", looks, n)
	}
	for k := 0; k < looks; k += 7 {
		c := &countdown{Context: context.Background(), left: k}
		if _, err := NewContext(c, m, Options{}); err != context.Canceled || c.after > few {
			t.Fatalf("done after %d looks: %v, %d looks later", k, err, c.after)
		}
	}
}
