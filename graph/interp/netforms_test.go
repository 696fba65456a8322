package interp

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/kernel"
	"github.com/onnxloss/onnxloss/graph/op"
)

// netFormNames are the forms of step that TestNetForms wants to see.
var netFormNames = []string{
	"phases", "bands", "views", "joined in place", "joined in place twice", "rows", "flat", "linked", "fewer in a body",
	"tail, 3 axes", "tail, 4 axes", "tail, 5 axes", "tail of an activation", "tail with x by its sigmoid", "tail with registers", "tail by channels",
	"tail with an operand", "tail with a constant", "tail with a constant of channels",
}

// netForms counts the forms of steps that p has. Rows count where they are more than one
// tile, of which g knows.
func netForms(p *program, g *netGen, count map[string]int) {
	for i := range p.steps {
		s := &p.steps[i]
		switch {
		case strings.HasPrefix(s.label, "Slice+Concat+Conv"):
			count["phases"]++
		case strings.Contains(s.label, "Conv+Conv"):
			count["bands"]++
		case s.rows != nil && g.sizeOf(s.node.Outputs[0].Name) > tileElems:
			count["rows"]++
			flatForms(s.rows, count)
		case len(s.views) > 1:
			count["views"]++
		}
		if s.join != nil {
			count["joined in place"]++
			if s.join.in != nil {
				count["joined in place twice"]++
			}
		}
		if s.epilogue != nil {
			count["tail"]++
			count[fmt.Sprintf("tail, %d axes", len(s.node.Inputs[1].Shape()))]++
			tailForms(s.epilogue, count)
		}
	}
}

func tailForms(t *op.Epilogue, count map[string]int) {
	address := func(f func(dst, x []float32)) uintptr { return reflect.ValueOf(f).Pointer() }
	if len(t.Steps) == 0 {
		count["tail of an activation"]++
	}
	if t.Registers > 1 {
		count["tail with registers"]++
	}
	for _, s := range t.Steps {
		if s.Piece.Channel != nil {
			count["tail by channels"]++
		}
		if s.Piece.Map != nil && address(s.Piece.Map) == address(kernel.Silu) {
			count["tail with x by its sigmoid"]++
		}
		for _, a := range s.Args {
			switch {
			case a.Input >= 0:
				count["tail with an operand"]++
			case len(a.Const) > 1:
				count["tail with a constant of channels"]++
			case len(a.Const) == 1:
				count["tail with a constant"]++
			}
		}
	}
}

func flatForms(r *rowStep, count map[string]int) {
	for _, s := range r.tiles.steps {
		if s.flat == nil {
			continue
		}
		count["flat"]++
		for _, o := range s.flat.ops {
			if o.chain != nil {
				count["linked"]++
			}
		}
	}
}

// TestNetForms: the seeds of FuzzNet have every form of step that a plan can have, in
// the main graph and in bodies, and plans refuse few of them.
func TestNetForms(t *testing.T) {
	count := map[string]int{}
	seeds := netSeeds()
	for _, s := range seeds {
		c := newNetCase(t, s.draws, s.sizes, s.options)
		last := c.gen.fetch[len(c.gen.fetch)-1:]
		p, err := New(c.model, Options{Fetches: last})
		if err != nil {
			count["refused"]++
			continue
		}
		netForms(p.prog, c.gen, count)
		if strings.Contains(c.text, "body = ") && count["fewer in a body"] == 0 && c.inBodies(Options{Fetches: last}) < c.inBodies(Options{Fetches: last, Unfused: true}) {
			count["fewer in a body"]++
		}
	}
	for _, form := range netFormNames {
		if form == "linked" && kernel.ChainOf(kernel.AddLink, false, false, kernel.MulLink, true, false) == nil {
			continue // this machine has no such loops
		}
		if count[form] == 0 {
			t.Errorf("no network has the form %q", form)
		}
	}
	if count["refused"] > len(seeds)/10 {
		t.Errorf("plans refuse %d of %d networks", count["refused"], len(seeds))
	}
	t.Log(count)
}

// inBodies is how many steps of bodies a run has.
func (c *netCase) inBodies(o Options) int {
	p, err := New(c.model, o)
	if err != nil {
		return 0
	}
	_, prof, err := p.RunProfiled(c.ctx, c.in)
	if err != nil {
		return 0
	}
	n := 0
	for _, r := range prof.Records {
		if r.Depth > 0 {
			n++
		}
	}
	return n
}
