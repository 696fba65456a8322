package verify

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// offenders are the invalid targets to plant: dense ones, and distances and indices as
// offsets from the number of bins or classes.
var (
	offenders    = []float64{-0.25, 1.25, math.NaN(), math.Inf(1), math.Inf(-1)}
	offDistances = []float64{-0.75, math.NaN(), 1e9, math.Inf(1), math.Inf(-1)}
	offIndices   = []int64{2, 1000, math.MaxInt64 / 2}
	lowIndices   = []int64{-2, -1000, math.MinInt64 / 2}
	plantings    = 6 // batches with offenders, plus one without
	mostOffenses = 3 // per batch
)

// checkTargets plants offenders in a batch and checks the graph's report of them.
func (p *proof) checkTargets(t *term, c *Check, b loss.Batch) {
	r := rand.New(rand.NewPCG(p.opts.Seed, 4))
	if t.targetCheck == nil {
		c.fail("the manifest names no target check for %q", t.name)
		return
	}
	plan, err := p.lossGraph(t, false, t.targetCheck)
	if err != nil {
		c.stop(err)
		return
	}
	check := func(x loss.Batch) bool {
		out, err := plan.Run(p.ctx, t.feeds(p, plan, x))
		if err != nil {
			c.stop(err)
			return false
		}
		got, want := out[t.targetCheck.Name], loss.CheckTargets(t.opts, x)
		p.gave(t.targetCheck.Name, got, nil, false)
		c.Compared++
		if got.DType != tensor.Int64 || fmt.Sprint(tensor.Data[int64](got)) != fmt.Sprint(want[:]) {
			c.fail("%s: got %v, want %v", t.targetCheck.Name, got, want)
		}
		return true
	}
	for k := range plantings + 1 {
		x := b
		x.Target, x.Index = slices.Clone(b.Target), slices.Clone(b.Index)
		for i := range x.Index {
			x.Index[i] = max(x.Index[i], 0) // −1 is not a class if there is a background class
		}
		if k > 0 {
			t.plant(&x, k, r)
		}
		if !check(x) {
			return
		}
	}
	for _, x := range t.emptyBatches(p) {
		if !check(x) {
			return
		}
	}
}

// plant puts offenders at random positions of x; in the first batch one is at the first
// position, in the second the only one is at the last.
func (t *term) plant(x *loss.Batch, k int, r *rand.Rand) {
	n := x.N * x.A
	if t.opts.Target == loss.Dense {
		n *= x.C
	}
	if n == 0 {
		return
	}
	for i := range mostOffenses {
		at := r.IntN(n)
		switch {
		case k == 1 && i == 0:
			at = 0
		case k == 2:
			at = n - 1
		}
		switch {
		case t.opts.Target == loss.Bins:
			x.Target[at] = float64(x.C) + offDistances[(i+k)%len(offDistances)]
		case x.Index == nil:
			x.Target[at] = offenders[(i+k)%len(offenders)]
		case k%2 == 0:
			x.Index[at] = lowIndices[i%len(lowIndices)]
		default:
			x.Index[at] = int64(x.C) + offIndices[i%len(offIndices)]
		}
	}
}
