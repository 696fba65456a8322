package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// cost is what a runtime that runs node by node does.
type cost struct {
	nodes  int
	passes int     // nodes that read or write numbers of [N, A, C]
	moved  float64 // tensors of [N, A, C] in float32 that these read and write
}

func costOf(m *graph.Model) cost {
	var c cost
	size := func(v *graph.Value) float64 {
		n := 1
		for _, d := range v.Shape().Ints() {
			n *= d
		}
		if n < full[0]*full[1]*full[2] {
			return 0
		}
		return float64(n*v.Type.DType.Size()) / float64(4*full[0]*full[1]*full[2])
	}
	for _, n := range m.Graph.Nodes {
		c.nodes++
		moved := 0.0
		for i, v := range n.Inputs {
			seen := false
			for _, w := range n.Inputs[:i] {
				seen = seen || v == w
			}
			if v != nil && !seen {
				moved += size(v)
			}
		}
		for _, v := range n.Outputs {
			moved += size(v)
		}
		if moved > 0 {
			c.passes++
		}
		c.moved += moved
	}
	return c
}

func writeCosts(file string) error {
	var s strings.Builder
	s.WriteString(costsHead)
	for _, l := range classification() {
		fmt.Fprintf(&s, "| %s |", l.Name)
		for _, form := range []emit.Form{emit.LossForm, emit.LogitsGradientForm} {
			m, err := newAlone(summed(l), tensor.Float32, full, form)
			if err != nil {
				return err
			}
			c := costOf(m.Model)
			fmt.Fprintf(&s, " %d | %d | %.0f |", c.nodes, c.passes, c.moved)
		}
		s.WriteString("\n")
	}
	return os.WriteFile(file, []byte(s.String()), 0o666)
}

const costsHead = `# What the losses cost

Of each loss with its default parameters and dense targets, summed: the nodes of its graph; its passes, the nodes that read
or write numbers of [N, A, C]; and the tensors of [N, A, C] float32 that these read and write, a tensor of booleans counting
a quarter, which is what a runtime moves that runs node by node. First the loss alone, then with the derivative by the logits
(` + "`--form logits-gradient`" + `), which shares what it can. BENCHMARKS.md has the times. ` + "`go generate ./emit/figures`" + ` makes this table.

| loss | nodes | passes | moved | with gradient: nodes | passes | moved |
|---|---|---|---|---|---|---|
`
