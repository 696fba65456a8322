package verify

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// unfused runs the network again, node by node, on the same inputs: fused nodes must give
// what the separate nodes give. Comparing runs before and after the rewrite would not do, as
// both would make the same mistake.
//
// Most fused nodes give the same bits. Where a convolution sums in another order, a run in
// float64 decides: its values must be about as far from the fused run as from the run node
// by node. Values that depend on an index or a truth value, which may change by more than a
// rounding, are then not compared.
func (p *proof) unfused(names []string, feeds map[string]*tensor.Tensor) *Check {
	c := &Check{Name: "unfused", What: "the network's values against a run node by node, bit for bit"}
	inputs := slices.Sorted(maps.Keys(feeds))
	run := func(double bool) map[string]*tensor.Tensor {
		plan, err := p.planned(p.model, interp.Options{Threads: p.opts.Threads, Feeds: inputs, Fetches: names, Unfused: true, Double: double})
		var values map[string]*tensor.Tensor
		if err == nil {
			values, err = plan.Run(p.ctx, feeds)
		}
		if err != nil {
			c.stop(err)
		}
		return values
	}
	nodes := run(false)
	if nodes == nil {
		return c
	}
	jumps, steady := jumping(p.model.Graph, inputs), names[:0:0]
	same := true
	for _, name := range names {
		got, want := p.values[name], nodes[name]
		same = same && alike(got, want)
		if !jumps[p.model.Graph.Value(name)] && op.Floats(want) != nil && got.String() == want.String() {
			steady = append(steady, name)
		}
	}
	if same || len(steady) == 0 {
		for _, name := range names {
			if c.Compared, c.same = c.Compared+nodes[name].Len(), same; !same {
				c.bits(name, p.values[name], nodes[name])
			}
		}
		return c
	}
	c.What, c.Limit = "the network's distance from a float64 run, relative to that of a run node by node", limitUnfused
	if n := len(names) - len(steady); n > 0 {
		c.What += fmt.Sprintf(", without %d of %d tensors, which depend on indices or truth values", n, len(names))
	}
	exact := run(true)
	for _, name := range steady {
		if exact != nil {
			c.distance(name, op.Floats(p.values[name]), op.Floats(nodes[name]), op.Floats(exact[name]))
		}
	}
	return c
}

// alike reports whether two tensors have the same bits. NaN are alike.
func alike(a, b *tensor.Tensor) bool {
	var c Check
	c.bits("", a, b)
	if c.Status != Failed {
		return true
	}
	x, y := op.Floats(a), op.Floats(b)
	if x == nil || a.String() != b.String() {
		return false
	}
	for i := range x {
		if x[i] != y[i] && !(math.IsNaN(x[i]) && math.IsNaN(y[i])) {
			return false
		}
	}
	return true
}

// distance compares the greatest distance of got from exact with that of nodes, but at
// least a few roundings of the greatest value.
func (c *Check) distance(name string, got, nodes, exact []float64) {
	if len(got) != len(exact) || len(nodes) != len(exact) {
		c.fail("%s: %d values, %d node by node and %d in float64", name, len(got), len(nodes), len(exact))
		return
	}
	unit, greatest := 0.0, math.SmallestNonzeroFloat64
	for i, x := range exact {
		if d := math.Abs(nodes[i] - x); !math.IsInf(d, 0) && !math.IsNaN(d) {
			unit, greatest = max(unit, d), max(greatest, math.Abs(x))
		}
	}
	unit = max(unit, roundings*greatest)
	for i, x := range exact {
		c.Compared++
		d := math.Abs(got[i]-x) / unit
		if got[i] == nodes[i] || math.IsNaN(got[i]) && math.IsNaN(nodes[i]) {
			continue
		}
		if d = math.Min(d, math.MaxFloat64); math.IsNaN(d) {
			d = math.MaxFloat64
		}
		if d > c.Worst {
			c.Worst, c.At = d, fmt.Sprintf("%s[%d]", name, i)
		}
		if d > c.Limit {
			c.fail("%s[%d]: got %v, node by node %v, in float64 %v", name, i, got[i], nodes[i], x)
		}
	}
}

// jumping is the values of g that a rounding of the given inputs may change by more than a
// rounding: integers and truth values computed from them, and what depends on those. Sizes
// do not count, because they depend on no element.
func jumping(g *graph.Graph, inputs []string) map[*graph.Value]bool {
	varies, jumps := map[*graph.Value]bool{}, map[*graph.Value]bool{}
	for _, name := range inputs {
		varies[g.Value(name)] = true
	}
	for _, n := range g.Nodes {
		if n.Op == "Shape" || n.Op == "Size" {
			continue
		}
		varied, jumped := false, stepFunctions[n.Op]
		for _, v := range append(n.Captures(), n.Inputs...) {
			varied, jumped = varied || varies[v], jumped || jumps[v]
		}
		if !varied {
			continue
		}
		for _, v := range n.Outputs {
			if v != nil {
				varies[v], jumps[v] = true, jumped || !v.Type.DType.IsFloat()
			}
		}
	}
	return jumps
}

// stepFunctions are the discontinuous operators from floats to floats.
var stepFunctions = map[string]bool{"Round": true, "Floor": true, "Ceil": true, "Sign": true, "Hardmax": true, "Mod": true}
