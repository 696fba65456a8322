package main

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// boxes writes how the boxes of a head are written, its feature maps, and what else its
// model regresses.
func (p *page) boxes(h *patterns.Head) {
	b := h.Boxes()
	if b == nil {
		return
	}
	p.line()
	sure := green
	if b.Confidence < 0.9 {
		sure = yellow
	}
	p.line("  ", p.in(bold, "boxes"), "  ", p.in(plain, b.Words()), p.in(dim, "  confidence "), p.in(sure, fmt.Sprintf("%.2f", b.Confidence)))
	for _, e := range b.Evidence {
		p.line("  ", p.in(green, "+     "), p.in(plain, e))
	}
	p.maps(b.Maps)
	p.auxiliary(h)
}

// maps writes feature maps, a row each.
func (p *page) maps(list []patterns.Map) {
	if len(list) == 0 {
		return
	}
	p.line()
	rows := [][]cell{{{"map", bold}, {"rows", bold}, {"columns", bold}, {"stride", bold}, {"anchors per cell", bold}}}
	for i, m := range list {
		if i == maxRows && len(list) > i+1 {
			rows = append(rows, []cell{{fmt.Sprintf("… %d more", len(list)-i), dim}})
			break
		}
		row := []cell{}
		for _, t := range []string{fmt.Sprint(i + 1), dimWords(m.Rows), dimWords(m.Columns), known(m.Stride), known(float64(m.PerCell))} {
			row = append(row, cell{t, plain})
		}
		rows = append(rows, row)
	}
	p.rows("  ", rows)
}

// auxiliary writes the heads that are neither classes nor boxes.
func (p *page) auxiliary(h *patterns.Head) {
	list := h.Auxiliary()
	if len(list) == 0 {
		return
	}
	p.line()
	var rows [][]cell
	for i := 0; i < len(list); {
		x, n := list[i], 1 // what is alike on all levels is one row
		for ; i+n < len(list) && list[i+n].Kind == x.Kind && list[i+n].Why == x.Why; n++ {
		}
		i += n
		name := short(x.Source.Name, 48)
		if n > 1 {
			name += fmt.Sprintf(" and %d more", n-1)
		}
		rows = append(rows, []cell{{x.Kind, cyan}, {name, plain}, {count(x.Slice.Len(), "channel"), plain}, {x.Why, dim}})
		if len(rows) == maxRows && i < len(list) {
			rows = append(rows, []cell{{fmt.Sprintf("… %d more: --json", len(list)-i), dim}})
			break
		}
	}
	p.line("  ", p.in(bold, "beside them"))
	p.rows("  ", rows)
}

func dimWords(d graph.Dim) string {
	if d == graph.Unknown() {
		return "dynamic"
	}
	return short(d.String(), nameWidth)
}

// known is x, or that it is not known.
func known(x float64) string {
	if x == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%g", x)
}
