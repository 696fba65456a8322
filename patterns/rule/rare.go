package rule

import (
	"fmt"
	"math"
	"slices"

	"github.com/onnxloss/onnxloss/patterns/match"
)

// typical is how large each of a part's channels typically is, in their order, for one or
// several of its levels; nil where that is not known.
type typical func(p *Part) [][]level

// level is how large a channel is: its bias, or in a probe run its mean over places with the
// standard deviation.
type level struct{ mean, sd float64 }

// What makes channels those of rare events. A class is absent from nearly all places: at
// initialisation log(p/(1−p)) with p = 0.01 is −4.6 (focal loss, arXiv:1708.02002, section
// 4.1) and with p = 0.1 −2.2 (heat maps, arXiv:1904.07850), and training moves it down.
const (
	rareMean      = -1.5 // the mean over the channels at most
	few           = 3    // channels, of which chance makes all low more easily
	rareMeanOfFew = -3.0 // their mean at most
	rareMost      = -0.5 // each channel at most
	otherLeast    = -0.7 // the mean over channels that are none, at least
)

// mean is the mean over p's channels, that of what few places exceed, and the greatest
// channel's; ok is false where that is not known.
func (t typical) mean(p *Part) (mean, high, most float64, ok bool) {
	n, most := 0, math.Inf(-1)
	for _, x := range t(p) {
		for _, c := range x {
			mean, high, most = mean+c.mean, high+c.mean+c.sd, max(most, c.mean)
		}
		n += len(x)
	}
	if n == 0 || math.IsNaN(high) || math.IsInf(high, 0) {
		return 0, 0, 0, false
	}
	return mean / float64(n), high / float64(n), most, true
}

// rare reports whether p's channels are those of rare events: nearly everywhere.
func (t typical) rare(p *Part) (mean float64, ok bool) {
	mean, high, most, ok := t.mean(p)
	if p.Channels < few {
		return mean, ok && high <= rareMeanOfFew
	}
	return mean, ok && high <= rareMean && most <= rareMost
}

// rareParts makes the rule by which undecided channels of rare events are likelier classes.
func rareParts(name, why, text string, place Evidence, of func(s *Scene) typical) *Rule {
	return &Rule{
		Name: name, Why: why, Reads: place, After: []string{"scored", "pixels"},
		Place: "before channels are compared by their widths, which are weaker evidence",
		Judge: func(s *Scene) []Verdict {
			t := of(s)
			var vs []Verdict
			for _, p := range s.Parts {
				if p.Dim < 0 || p.Role != Neutral || p.Activation == Softmax || p.rare || !p.Marks.Has(match.Output|match.NMSScore|match.TopK|match.Opaque) {
					continue
				}
				if _, ok := t.rare(p); ok {
					vs = append(vs, Verdict{Part: p, And: []string{text}, Rare: true})
				}
			}
			return vs
		},
	}
}

// rareFindings makes the rule by which a head whose channels alone are those of rare events is
// surer, and one beside which only others are so unsure.
func rareFindings(name, why, agrees, contradicts string, place Evidence, of func(s *Scene) typical) *Rule {
	return &Rule{
		Name: name, Why: why, Reads: place,
		Place: "once heads are found, among what is independent of the graph's form",
		Judge: func(s *Scene) []Verdict {
			f := s.Found[0]
			switch p := f.Parts[0]; {
			case p.Activation == Softmax, slices.Contains(periodic, f.By):
				return nil
			case f.Classes == 1 && s.confident(p):
				return nil // an objectness is as rare as its class
			}
			agree := 2.0
			if slices.ContainsFunc(f.Notes, func(n Note) bool { return n.From == Weights && n.Weight > 0 }) {
				agree = 1 // what the network computes has its biases in it
			}
			t := of(s)
			beside := s.rareBeside(f, t)
			own, all := 0.0, true
			for _, p := range f.Parts {
				mean, ok := t.rare(p)
				own, all = own+mean/float64(len(f.Parts)), all && ok
			}
			switch {
			case all && beside == nil:
				return []Verdict{{Of: f, Weight: agree, Evidence: fmt.Sprintf(agrees, own)}}
			case beside != nil && s.noneRare(f, t):
				return []Verdict{{Of: f, Weight: -4, AtMost: contradicted, Evidence: fmt.Sprintf("against it: "+contradicts, beside.Value.Name)}}
			}
			return nil
		},
	}
}

// periodic are the rules that find heads by what they would be judged by.
var periodic = []string{"bias-periods", "score-periods"}

// rareBeside is a part that leaves the graph beside f, of two channels or more of rare
// events; nil if there is none.
func (s *Scene) rareBeside(f *Finding, t typical) *Part {
	for _, p := range s.Parts {
		if p.Dim < 0 || p.Channels < 2 || p.Activation == Softmax || p.Role == Hidden || p.Role == Proposal || slices.Contains(f.Parts, p) || !p.Marks.Has(match.Output) {
			continue
		}
		if _, ok := t.rare(p); ok && !slices.ContainsFunc(f.Parts, func(q *Part) bool { return q.Roots[0] == p.Roots[0] }) {
			return p
		}
	}
	return nil
}

// noneRare reports whether it is known that no part of f is of rare events.
func (s *Scene) noneRare(f *Finding, t typical) bool {
	return !slices.ContainsFunc(f.Parts, func(p *Part) bool {
		mean, _, _, ok := t.mean(p)
		return !ok || mean < otherLeast
	})
}

// backgrounds makes the rule by which the class of a softmax that is typically the greatest,
// and stands first or last, is the background.
func backgrounds(name, why, text string, place Evidence, of func(s *Scene) typical) *Rule {
	return &Rule{
		Name: name, Why: why, Reads: place,
		Place: "once heads are found, among what is independent of the graph's form",
		Judge: func(s *Scene) []Verdict {
			f := s.Found[0]
			if f.Activation != Softmax || f.Classes < 2 || f.Background < 0 || !f.byConvention {
				return nil
			}
			// It says nothing of which head is meant.
			if slices.ContainsFunc(s.Found, func(g *Finding) bool { return g.Classes != f.Classes }) {
				return nil
			}
			k, by := of(s).greatest(f)
			switch {
			case k != 0 && k != f.Classes-1 || by < backgroundLeads:
				return nil
			case k == f.Background:
				return []Verdict{{Of: f, Weight: 1.5, Confirms: true, Evidence: fmt.Sprintf("background class %d: "+text, k, by)}}
			}
			return []Verdict{{Of: f, Background: &k, Evidence: fmt.Sprintf("background class %d, against convention: "+text, k, by)}}
		},
	}
}

// backgroundLeads is by how much a background is typically greater than the next class.
const backgroundLeads = 1.5

// greatest is the class of f that is typically the greatest in each of its layers, and by how
// much at least; −1 if it is not the same in all.
func (t typical) greatest(f *Finding) (class int, by float64) {
	class, by = -1, math.Inf(1)
	for _, p := range f.Parts {
		levels := t(p)
		if len(levels) == 0 {
			return -1, 0
		}
		for _, x := range levels {
			if len(x) == 0 || len(x)%f.Classes != 0 {
				return -1, 0
			}
			mean, sd := make([]float64, f.Classes), 0.0 // over anchors
			for i, c := range x {
				mean[i%f.Classes] += c.mean * float64(f.Classes) / float64(len(x))
				sd += c.sd / float64(len(x))
			}
			k, lead := lead(mean)
			if class >= 0 && k != class || lead < sd {
				return -1, 0
			}
			class, by = k, min(by, lead)
		}
	}
	return class, by
}

// lead is the index of the greatest of x, and by how much it exceeds the next.
func lead(x []float64) (at int, by float64) {
	next := math.Inf(-1)
	for i, v := range x {
		switch {
		case i == 0:
		case v > x[at]:
			next, at = x[at], i
		default:
			next = max(next, v)
		}
	}
	return at, x[at] - next
}

// periods makes the rule by which raw maps divide into anchors as their channels repeat:
// four that are boxes, an objectness, and classes.
func periods(name, why, text string, place Evidence, of func(s *Scene) typical) *Rule {
	return &Rule{
		Name: name, Why: why, Reads: place, After: []string{"widths"},
		Place: "before raw maps are divided by their number of channels alone",
		Judge: func(s *Scene) []Verdict {
			parts := s.rawMaps()
			if len(parts) == 0 || s.HasBoxes() || s.User.Classes > 0 {
				return nil
			}
			t := of(s)
			group := int64(0)
			for na := int64(1); na <= 12; na++ {
				if n := parts[0].Channels; n%na == 0 && n/na >= 6 && t.repeats(parts, n/na) {
					if group > 0 {
						return nil // in two ways
					}
					group = n / na
				}
			}
			if group == 0 {
				return nil
			}
			why := fmt.Sprintf(text, group-5, parts[0].Channels/group)
			return append(s.divided(parts, 5, group), s.claims(parts, 0, convention, why)...)
		},
	}
}

// repeats reports whether channels of all parts, in groups of so many, are four that are no
// rare events and others that are.
func (t typical) repeats(parts []*Part, group int64) bool {
	for _, p := range parts {
		levels := t(p)
		if len(levels) == 0 {
			return false
		}
		for _, x := range levels {
			if int64(len(x)) != p.Channels {
				return false
			}
			mean := make([]float64, group)
			for i, c := range x {
				mean[int64(i)%group] += c.mean * float64(group) / float64(len(x))
			}
			boxes := (mean[0] + mean[1] + mean[2] + mean[3]) / 4
			most := slices.Max(mean[4:])
			if boxes < otherLeast || most > rareMost {
				return false
			}
		}
	}
	return true
}
