package match

import (
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	table "github.com/onnxloss/onnxloss/graph/op"
)

// dark links a node that nothing is known of: a suppression by the shapes of
// its inputs, anything else as opaque.
func (a *Analysis) dark(f *Field, n *graph.Node) {
	f.Kind = Dark
	roles := a.suppression(n)
	for i, v := range n.Inputs {
		if v == nil || a.Static(v) {
			continue
		}
		m := Opaque
		if roles != nil {
			m = roles[i]
		}
		if n.Domain == "body" {
			f.linkTo(v, nil, 0, false, false)
			continue
		}
		f.linkTo(v, nil, m, false, true)
	}
}

// suppression tells boxes and scores of a non-maximum suppression, ONNX's or
// another's: every operator that is called so has its boxes first and then its
// scores. Others that no table knows are taken for one by their shapes: boxes
// have 4 numbers a row, scores as many rows. It is nil for any other operator.
func (a *Analysis) suppression(n *graph.Node) []Marks {
	if !untraced(flowOf(n)) || layouts[n.Op] != nil || len(n.Subgraphs()) > 0 || graph.CanonicalDomain(n.Domain) == "" && n.Op != "NonMaxSuppression" && table.Lookup("", n.Op) != nil {
		return nil
	}
	r := make([]Marks, len(n.Inputs))
	if name := strings.ToLower(n.Op); (strings.Contains(name, "nms") || strings.Contains(name, "nonmaxsuppression")) && len(r) >= 2 {
		for i := range r {
			r[i] = []Marks{NMSBox, NMSScore, 0, 0, 0}[min(i, 4)]
		}
		return r
	}
	boxes := -1
	for i, v := range n.Inputs {
		s := a.shape(v)
		if v == nil || a.Static(v) || len(s) < 2 {
			continue
		}
		switch {
		case boxes < 0 && s[len(s)-1].Value == 4:
			boxes, r[i] = i, NMSBox
		case boxes >= 0 && sharesRows(a.shape(n.Inputs[boxes]), s):
			r[i] = NMSScore
		}
	}
	for _, m := range r {
		if m == NMSScore {
			return r
		}
	}
	return nil
}

// sharesRows reports whether scores of shape s may belong to boxes of shape b.
func sharesRows(b, s graph.Shape) bool {
	for _, d := range b[:len(b)-1] {
		for _, e := range s {
			if d.Value != 1 && (d.Same(e) || !d.IsKnown() && !e.IsKnown()) {
				return true
			}
		}
	}
	return false
}
