package interp

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Profile is what a profiled run measured: one record for each node run, in
// the order in which they began, and what each core did.
type Profile struct {
	Records []Record
	// Parts are the pieces of loops that the cores ran, in no order.
	Parts []Part
	// Time is that of the whole run.
	Time time.Duration
	// Peak is the most bytes that the run held beside the weights.
	Peak int64

	began time.Time
	open  []int // the records of the nodes that are running, outermost first
	mu    sync.Mutex
}

// Record is one run of one node.
type Record struct {
	Node *graph.Node
	// Op names what was run: the node's operator, or, of nodes that are run as
	// one, all of theirs, as in "Conv+Relu".
	Op string
	// Start counts from the beginning of the run; Time includes what subgraphs
	// of the node took, and Self does not.
	Start, Time, Self time.Duration
	Depth             int   // how many nodes with subgraphs are around it
	Bytes             int64 // of inputs and outputs together, those left out that share their memory
	Work              int64 // multiplications and additions; 0 where nobody counts them
	Live              int64 // bytes that the run held beside the weights when the node was done
	Shapes            []string
}

// Part is a piece of a loop that one core ran.
type Part struct {
	Record      int // index of the node's record
	Core        int // 0 is the goroutine that called Run
	Start, Time time.Duration
}

// RunProfiled is Run with a record of every node.
func (p *Plan) RunProfiled(ctx context.Context, feeds map[string]*tensor.Tensor) (map[string]*tensor.Tensor, *Profile, error) {
	prof := &Profile{began: time.Now()}
	out, err := p.runWith(ctx, feeds, prof)
	prof.Time = time.Since(prof.began)
	return out, prof, err
}

// start begins the record of a step. A nil Profile records nothing.
func (p *Profile) start(s *plan.Step) {
	if p == nil {
		return
	}
	p.open = append(p.open, len(p.Records))
	p.Records = append(p.Records, Record{Node: s.Node, Op: s.Name(), Start: time.Since(p.began), Depth: len(p.open) - 1})
}

// done ends the record that was begun last.
func (p *Profile) done(s *plan.Step, x *op.Call, a *arena) {
	if p == nil {
		return
	}
	last := len(p.open) - 1
	r := &p.Records[p.open[last]]
	p.open = p.open[:last]
	r.Time = time.Since(p.began) - r.Start
	r.Self += r.Time
	if last > 0 {
		p.Records[p.open[last-1]].Self -= r.Time
	}
	for _, list := range [][]*tensor.Tensor{x.In, x.Out} {
		for _, t := range list {
			if t == nil {
				continue
			}
			r.Shapes = append(r.Shapes, t.String())
			if !shared(t, x.In, x.Out) {
				r.Bytes += int64(t.Len() * t.DType.Size())
			}
		}
	}
	r.Work, r.Live = s.Work(x), a.held()
}

// shared reports whether t is an output over the memory of an input, or the
// other way round.
func shared(t *tensor.Tensor, in, out []*tensor.Tensor) bool {
	has := func(list []*tensor.Tensor) bool {
		return slices.ContainsFunc(list, func(u *tensor.Tensor) bool { return u != nil && u.Store().Root() == t.Store().Root() })
	}
	return t.Store() != nil && has(in) && has(out)
}

// part times a piece of a loop on a core.
func (p *Profile) part(core int, body func()) {
	start := time.Since(p.began)
	body()
	d := time.Since(p.began) - start
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.open); n > 0 {
		p.Parts = append(p.Parts, Part{p.open[n-1], core, start, d})
	}
}

// OpTime is what the nodes of one operator took together, subgraphs left out.
type OpTime struct {
	Op    string
	Nodes int
	Time  time.Duration
	Share float64 // of the time of all nodes
	Bytes int64
	Work  int64
}

// GFLOPS is the rate of multiplications and additions, in 10⁹ for each second;
// 0 where nobody counts them.
func (t OpTime) GFLOPS() float64 { return perNanosecond(t.Work, t.Time) }

// GBPS is the rate at which inputs and outputs go by, in 10⁹ bytes for each
// second.
func (t OpTime) GBPS() float64 { return perNanosecond(t.Bytes, t.Time) }

func perNanosecond(n int64, d time.Duration) float64 { return float64(n) / float64(max(d, 1)) }

// ByOp sums the records by operator, longest first.
func (p *Profile) ByOp() []OpTime { return p.sums(func(r *Record) string { return r.Op }) }

// ByNode sums the records by node, longest first; Op is the node's name and
// operator.
func (p *Profile) ByNode() []OpTime {
	return p.sums(func(r *Record) string {
		if r.Op == r.Node.Op {
			return r.Node.String()
		}
		return r.Node.Name + " (" + r.Op + ")"
	})
}

func (p *Profile) sums(key func(r *Record) string) []OpTime {
	var total time.Duration
	sums := map[string]*OpTime{}
	for i := range p.Records {
		r := &p.Records[i]
		k := key(r)
		s := sums[k]
		if s == nil {
			s = &OpTime{Op: k}
			sums[k] = s
		}
		s.Nodes++
		s.Time += r.Self
		s.Bytes += r.Bytes
		s.Work += r.Work
		total += r.Self
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
