package rule

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Finding is parts that are taken for the levels of one head.
type Finding struct {
	Parts []*Part
	// group is the number of class channels of an anchor where several share an axis of a
	// tensor that holds nothing else; else 0.
	Group      int64
	Classes    int // background included; -1 where the graph leaves it open
	Activation Activation
	Background int // the class that stands for nothing; -1 if there is none
	Score      float64
	Confidence float64
	Evidence   []string // a sentence each
	Notes      []Note   // those of Evidence that have a weight of their own
	By         string   // the rule that found it

	byConvention bool    // whether Background is what most models have
	but          float64 // the confidence but for that
}

// Take takes parts for the levels of a head; nil if they lie inside a function. group
// is the number of class channels of an anchor where several share an axis, else 0.
func (s *Scene) Take(parts []*Part, group int64, confidence float64, evidence ...string) *Finding {
	p := parts[0]
	f := &Finding{Parts: parts, Group: group, Classes: int(p.Channels), Activation: p.Activation, Background: -1, Evidence: slices.Clone(evidence)}
	switch {
	case group > 0:
		f.Classes = int(group)
	case f.Classes < 0 && s.User.Classes > 0:
		f.Classes = s.User.Classes
		f.Evidence = append(f.Evidence, fmt.Sprintf("the graph leaves the number of classes open; the user says %d", f.Classes))
	}
	for _, q := range parts {
		if !s.shown(q) {
			return nil
		}
		for _, e := range q.Why {
			if !slices.Contains(f.Evidence, e) {
				f.Evidence = append(f.Evidence, e)
			}
		}
		f.Score = max(f.Score, q.score[Class])
		confidence = min(confidence, 1-q.doubt)
		if f.Classes == 1 && q.Activation == Sigmoid && s.confident(q) {
			confidence = min(confidence, convention) // which of the two is the class is a convention
		}
	}
	f.Confidence = math.Round(confidence*100) / 100
	if p.Activation == None && s.User.Activation != "" && s.User.Activation != None {
		f.Activation = s.User.Activation
		f.Evidence = append(f.Evidence, fmt.Sprintf("the graph ends before any activation; the user says %s", f.Activation))
	}
	if f.Activation == Softmax && s.hasRows(p) && (s.HasBoxes() || !s.isRow(s.View(p.Value), p)) || p.Activation == Sigmoid && p.field != nil {
		f.but = f.Confidence
		if f.byConvention = s.backgroundOf(f, p); f.byConvention && p.field != nil {
			f.Confidence = min(f.Confidence, convention)
		}
	}
	return f
}

// Note is a sentence on a finding, with what it says for it or, where Weight is negative,
// against it in the units of the table, and where its evidence lies.
type Note struct {
	Text   string
	Weight float64
	From   Evidence
}

// take is what v, of rule r, says of f.
func (f *Finding) take(r *Rule, v *Verdict) {
	f.Score += v.Score
	switch surer := shifted(f.Confidence, v.Weight); {
	case v.Confirms:
		f.Confidence = max(f.Confidence, min(surer, f.but))
	case v.Weight != 0:
		f.Confidence = surer
	}
	if v.AtMost > 0 {
		f.Confidence = min(f.Confidence, v.AtMost)
	}
	if v.Evidence != "" {
		f.Evidence = append(f.Evidence, v.Evidence)
		f.Notes = append(f.Notes, Note{v.Evidence, cmp.Or(v.Weight, v.Score), r.Reads})
	}
	if v.Background != nil {
		f.Background = *v.Background
	}
}

// shifted is confidence c after evidence of weight w, which is independent of what c rests
// on: its odds are e^(oddsOfWeight·w) times what they were. Agreement makes nothing surer than
// mostAgreed.
func shifted(c, w float64) float64 {
	odds := c / max(1-c, 1e-3) * math.Exp(oddsOfWeight*w)
	s := math.Round(100*odds/(1+odds)) / 100
	if w > 0 {
		return max(c, min(s, mostAgreed))
	}
	return s
}

// shown reports whether tensors of the main graph hold p's channels.
func (s *Scene) shown(p *Part) bool {
	sources := s.Sources(p)
	return len(sources) > 0 && !slices.ContainsFunc(sources, func(x Source) bool { return s.In.Of(x.Value) == nil || !s.Visible(x.Value) || x.Dim < 0 })
}

// Has reports whether h has n classes, with a background or without.
func (h *Finding) Has(n int) bool {
	return h.Classes == n || h.Classes == n+1 && h.Background >= 0
}
