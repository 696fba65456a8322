package patterns

import (
	"cmp"
	"slices"

	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// Reason is one piece of evidence: what was seen, the role that it speaks for,
// and its weight in the units of the table of weights. The weight is 0 for what
// a pattern concluded from several parts together.
type Reason struct {
	Text   string  `json:"text"`
	For    string  `json:"for"`
	Weight float64 `json:"weight"`
	// From is where the evidence lies.
	From Evidence `json:"from"`
}

// Against reports whether r speaks for another role than class.
func (r *Reason) Against() bool { return r.For != rule.Class.String() }

// reasonsOf are the reasons that the marks m of activation act give: those for
// classes before those against, the heaviest first.
func reasonsOf(m match.Marks, act Activation) []Reason {
	list := []Reason{}
	for _, w := range rule.Weigh(m, act) {
		list = append(list, Reason{w.Text, w.Role.String(), w.By, Graph})
	}
	slices.SortStableFunc(list, func(a, b Reason) int {
		if a.Against() != b.Against() {
			if a.Against() {
				return 1
			}
			return -1
		}
		return cmp.Compare(b.Weight, a.Weight)
	})
	return list
}

// Reasons are the evidence for h and against it: the weights of what is done
// with its channels, and what its pattern concluded.
func (h *Head) Reasons() []Reason {
	var m match.Marks
	for _, p := range h.parts {
		m |= p.Marks
	}
	list := reasonsOf(m, h.Activation)
	weighed := map[string]bool{}
	for _, r := range list {
		weighed[r.Text] = true
	}
	var concluded []Reason
	for _, e := range h.Evidence {
		if !weighed[e] && e != h.unfit() {
			concluded = append(concluded, h.concluded(e))
		}
	}
	at := slices.IndexFunc(list, func(r Reason) bool { return r.Against() })
	if at < 0 {
		at = len(list)
	}
	return slices.Insert(list, at, concluded...)
}

// concluded is evidence e, which no single mark gives.
func (h *Head) concluded(e string) Reason {
	for _, n := range h.notes {
		switch {
		case n.Text != e:
		case n.Weight < 0:
			return Reason{e, rule.Other.String(), -n.Weight, n.From}
		default:
			return Reason{e, rule.Class.String(), n.Weight, n.From}
		}
	}
	return Reason{Text: e, For: rule.Class.String(), From: Graph}
}

// RestsOn is where the evidence for h and against it lies, the graph first.
func (h *Head) RestsOn() []Evidence {
	on := []Evidence{Graph}
	for _, place := range rule.Places[1:] {
		if slices.ContainsFunc(h.notes, func(n rule.Note) bool { return n.From == place }) {
			on = append(on, place)
		}
	}
	return on
}

// unfit is the evidence that h cannot be trained, which says nothing of
// whether it is the head; empty if h can be.
func (h *Head) unfit() string {
	if h.Quantized == "" {
		return ""
	}
	return "quantized: " + h.Quantized
}
