package rule

import (
	"slices"

	"github.com/onnxloss/onnxloss/patterns/match"
)

var proposals = &Rule{
	Name:  "proposals",
	Why:   "scores that choose regions or queries reach no output themselves; what is pooled from the regions, or computed of the queries, is classified behind them",
	Place: "after the uses are weighed, of which it takes some back",
	Reads: Graph,
	After: []string{"uses", "read-again"},
	Judge: func(s *Scene) []Verdict {
		final, regions := s.endings()
		classified := slices.ContainsFunc(s.Parts, func(p *Part) bool {
			f := p.Roots[0].Field
			return f.Pooled && len(f.Shape) == 2 && p.Channels > 1 && p.open()
		})
		var vs []Verdict
		for _, p := range s.Parts {
			f := p.Roots[0].Field
			switch {
			case final && p.Role == Class && !p.Marks.Has(match.Output|match.Opaque) && (regions || !p.Marks.Has(match.NMSScore)):
				vs = append(vs, p.rejected("proposes regions or queries: it reaches no output"))
			case !classified || !p.open():
			case f.Pooled && len(f.Shape) == 4 && MapSize(f) != "1 1 ":
				vs = append(vs, p.as(Other, "a map for each region, as masks are"))
			case !f.Pooled:
				vs = append(vs, p.rejected("proposes regions: what is pooled from them is classified behind"))
			}
		}
		return vs
	},
}

// open reports whether p may be classes, for all that is known.
func (p *Part) open() bool { return p.Role == Class || p.Role == Neutral }

// rejected takes p for what chooses regions or queries.
func (p *Part) rejected(why string) Verdict {
	return Verdict{Part: p, Role: Proposal, Why: p.Why, Rejected: why}
}

// endings reports whether rows that may be classes leave the graph, and whether regions
// are pooled.
func (s *Scene) endings() (final, regions bool) {
	for _, p := range s.Parts {
		final = final || p.Marks.Has(match.Output|match.Opaque) && p.open() && s.hasRows(p)
	}
	for _, f := range s.Fields {
		for _, x := range f.Facts {
			regions = regions || x.Pre.Has(match.Region)
		}
	}
	return final, regions
}
