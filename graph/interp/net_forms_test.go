package interp

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/interp/plan"
)

// netFormNames are the forms of step that TestNetForms wants to see.
var netFormNames = []string{
	"space-to-depth", "stripes", "views", "joined in place", "joined in place twice", "rows", "sequence", "linked", "fewer in a body",
	"epilogue, 3 axes", "epilogue, 4 axes", "epilogue, 5 axes", "epilogue of an activation", "epilogue with x by its sigmoid", "epilogue with registers",
	"epilogue by channels", "epilogue with an operand", "epilogue with a constant", "epilogue with a constant of channels",
}

// netForms counts the forms of steps that p has, as these describe themselves. Rows count
// where they are more than one tile, of which g knows.
func netForms(p *plan.Program, g *netGen, count map[string]int) {
	for _, s := range p.Steps {
		made := ""
		if s.Fused != nil {
			made = s.Fused.String()
		}
		switch {
		case strings.HasPrefix(s.Label, "Slice+Concat+Conv"):
			count["space-to-depth"]++
		case strings.Contains(made, "by stripes") && strings.Contains(s.Label, "Conv+Conv"):
			count["stripes"]++
		case s.Tiles != nil && g.sizeOf(s.Node.Outputs[0].Name) > s.Tiles.Elems:
			count["rows"]++
			sequenceForms(s.Tiles.Tile, count)
		case strings.HasSuffix(made, " views"):
			count["views"]++
		}
		if s.Join != nil {
			count["joined in place"]++
			if s.Join.In != nil {
				count["joined in place twice"]++
			}
		}
		if _, epilogue, ok := strings.Cut(made, "epilogue "); ok {
			count["epilogue"]++
			count[fmt.Sprintf("epilogue, %d axes", len(s.Node.Inputs[1].Shape()))]++
			epilogueForms(epilogue, count)
		}
	}
}

func epilogueForms(text string, count map[string]int) {
	if text == "activation" {
		count["epilogue of an activation"]++
	}
	for form, pattern := range map[string]string{
		"epilogue with registers": "registers", "epilogue by channels": "= BatchNormalization ", "epilogue with x by its sigmoid": "= x·Sigmoid ",
		"epilogue with an operand": " input ", "epilogue with a constant": " constant( r|,|$)", "epilogue with a constant of channels": " constant by channel",
	} {
		if regexp.MustCompile(pattern).MatchString(text) {
			count[form]++
		}
	}
}

func sequenceForms(p *plan.Program, count map[string]int) {
	for _, s := range p.Steps {
		if s.Fused != nil {
			count["sequence"]++
			var loops, pairs int
			fmt.Sscanf(s.Fused.String(), "fused sequence of %d loops, %d of them", &loops, &pairs)
			count["linked"] += pairs
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
		if form == "linked" && kernel.SequenceOf(kernel.AddLink, false, false, kernel.MulLink, true, false) == nil {
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
