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
}

// Against reports whether r speaks for another role than class.
func (r *Reason) Against() bool { return r.For != rule.Class.String() }

// reasonsOf are the reasons that the marks m of activation act give: those for
// classes before those against, the heaviest first.
func reasonsOf(m match.Marks, act Activation) []Reason {
	list := []Reason{}
	for _, w := range rule.Weigh(m, act) {
		list = append(list, Reason{w.Text, w.Role.String(), w.By})
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
			concluded = append(concluded, Reason{Text: e, For: rule.Class.String()})
		}
	}
	at := slices.IndexFunc(list, func(r Reason) bool { return r.Against() })
	if at < 0 {
		at = len(list)
	}
	return slices.Insert(list, at, concluded...)
}

// unfit is the evidence that h cannot be trained, which says nothing of
// whether it is the head; empty if h can be.
func (h *Head) unfit() string {
	if h.Quantized == "" {
		return ""
	}
	return "quantized: " + h.Quantized
}
