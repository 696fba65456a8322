package interp

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Profile is what a profiled run measured, one record for each node run.
type Profile struct {
	Records []Record
	began   time.Time
}

// Record is one run of one node. Times of nodes with subgraphs include what
// runs inside.
type Record struct {
	Node        *graph.Node
	Start, Time time.Duration // Start counts from the beginning of the run
	Bytes       int64         // of inputs and outputs together
}

// RunProfiled is Run with a record of every node.
func (p *Plan) RunProfiled(ctx context.Context, feeds map[string]*tensor.Tensor) (map[string]*tensor.Tensor, *Profile, error) {
	prof := &Profile{began: time.Now()}
	out, err := p.runWith(ctx, feeds, prof)
	return out, prof, err
}

// start begins a record; the function it gives ends it. A nil Profile records
// nothing.
func (p *Profile) start(n *graph.Node) func(x *op.Call) {
	if p == nil {
		return func(*op.Call) {}
	}
	t := time.Now()
	return func(x *op.Call) {
		r := Record{Node: n, Start: t.Sub(p.began), Time: time.Since(t)}
		for _, list := range [][]*tensor.Tensor{x.In, x.Out} {
			for _, t := range list {
				if t != nil {
					r.Bytes += int64(t.Len() * t.DType.Size())
				}
			}
		}
		p.Records = append(p.Records, r)
	}
}

// OpTime is what the nodes of one operator took together.
type OpTime struct {
	Op    string
	Nodes int
	Time  time.Duration
	Share float64 // of the time of all records
	Bytes int64
}

// ByOp sums the records by operator, longest first.
func (p *Profile) ByOp() []OpTime {
	var total time.Duration
	sums := map[string]*OpTime{}
	for _, r := range p.Records {
		s := sums[r.Node.Op]
		if s == nil {
			s = &OpTime{Op: r.Node.Op}
			sums[r.Node.Op] = s
		}
		s.Nodes++
		s.Time += r.Time
		s.Bytes += r.Bytes
		total += r.Time
	}
	list := make([]OpTime, 0, len(sums))
	for _, s := range sums {
		s.Share = s.Time.Seconds() / max(total.Seconds(), 1e-12)
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b OpTime) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(a.Op, b.Op))
	})
	return list
}
