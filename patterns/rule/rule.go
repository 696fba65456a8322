package rule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/patterns/match"
)

// Rule is one way in which a model says what its channels are for, or how far a finding
// may be trusted.
type Rule struct {
	Name  string
	Why   string   // what makes it so
	Place string   // why it is asked where it is in the list
	Reads Evidence // where what it looks at lies
	After []string // the rules that must have been asked before
	// Judge says what follows from the scene, and changes nothing.
	Judge func(s *Scene) []Verdict
}

// Evidence is where a rule's evidence lies.
type Evidence string

// The places of evidence.
const (
	Graph    Evidence = "graph"    // nodes, shapes, and the constants that steer them
	Metadata Evidence = "metadata" // what the exporter wrote beside the graph
	Weights  Evidence = "weights"  // the biases and weights of the last layers
	Probe    Evidence = "probe"    // what the network computes of a few inputs
)

// Places are all places of evidence, in the order in which they are asked.
var Places = []Evidence{Graph, Metadata, Weights, Probe}

// Verdict is what a rule says. It is of a part, of layers that are boxes, of a finding, of
// parts that are one head, or of a doubt in which nothing can be said.
type Verdict struct {
	Part *Part
	// Role is what Part is taken for; Neutral leaves its role.
	Role Role
	Why  []string // the reasons for it; with Role they take the place of those before
	// And are more reasons, beside those there are.
	And []string
	// Score is added to the weight of Part as classes, or to that of Of.
	Score    float64
	Doubt    float64 // how unsure Part is at least
	Rejected string  // the reason against Part
	Narrow   *Narrow // what Part is made to be
	Rare     bool    // whether Part is of rare events

	Boxes []Root // channels of layers that certainly are boxes
	Split *Part  // a new part

	Head *Claim // parts that are one head

	Of       *Finding // a finding that the rest is said of
	Evidence string   // a sentence on Of
	// Weight is what Evidence says for Of being the head, or where negative against it, in
	// the units of the table: it shifts the confidence, and Score does not.
	Weight     float64
	AtMost     float64 // the confidence of Of at most; 0 says nothing
	Confirms   bool    // whether what Of's background made unsure is all that Evidence makes surer
	Background *int    // the class of Of that stands for nothing; -1 for none

	Undecided string // why nothing can be said
	Decides   string // an option that would decide, beside naming the head
}

// Narrow is other channels of a part.
type Narrow struct {
	Span     match.Span
	Channels int64
	Mixed    bool // one layer makes the boxes too
}

// Claim is parts that a rule takes for classes, as Scene.Take has them.
type Claim struct {
	Parts      []*Part
	Group      int64
	Confidence float64
	Evidence   []string
}

// as takes p for what role says, because of why.
func (p *Part) as(role Role, why ...string) Verdict { return Verdict{Part: p, Role: role, Why: why} }

// Said is a verdict in words.
type Said struct {
	Rule    string `json:"rule"`
	Of      string `json:"of"`      // the tensor; empty for what concerns none alone
	Verdict string `json:"verdict"` // what follows
}

// Ask asks the rules that read evidence which is wanted, in their order, until one has found
// heads or a doubt, and then those that judge findings.
func (s *Scene) Ask(wanted func(*Rule) bool) {
	for _, r := range Finders {
		if len(s.Found) > 0 || s.Doubt != "" {
			break
		}
		s.ask(r, wanted)
	}
}

// Judge asks the rules that judge findings.
func (s *Scene) Judge(wanted func(*Rule) bool) {
	for _, r := range Judges {
		if len(s.Found) == 0 {
			break
		}
		s.ask(r, wanted)
	}
}

func (s *Scene) ask(r *Rule, wanted func(*Rule) bool) {
	if wanted != nil && !wanted(r) {
		return
	}
	for _, v := range r.Judge(s) {
		if s.Trace {
			s.Said = append(s.Said, Said{r.Name, v.of(), v.String()})
		}
		s.apply(r, &v)
	}
	s.ones.of = nil // what it counts has changed
}

// apply makes of the scene what v says.
func (s *Scene) apply(r *Rule, v *Verdict) {
	if p := v.Part; p != nil {
		if v.Role != Neutral {
			p.Role, p.Why = v.Role, v.Why
		}
		p.Why = append(p.Why, v.And...)
		p.score[Class] += v.Score
		p.doubt = max(p.doubt, v.Doubt)
		if v.Rejected != "" {
			p.Rejected = v.Rejected
		}
		p.rare = p.rare || v.Rare
		if n := v.Narrow; n != nil {
			p.Span, p.Channels, p.mixed = n.Span, n.Channels, p.mixed || n.Mixed
		}
	}
	if v.Split != nil {
		s.Parts = append(s.Parts, v.Split)
	}
	s.addBoxes(v.Boxes...)
	if v.Head != nil {
		s.found(r, v.Head)
	}
	if f := v.Of; f != nil {
		f.take(r, v)
	}
	if v.Undecided != "" {
		s.Doubt, s.Takes = v.Undecided, v.Decides
	}
}

// found adds the heads of a proposal that the user does not exclude.
func (s *Scene) found(r *Rule, x *Claim) {
	for _, p := range x.Parts {
		p.Role = Class
		if x.Group > 0 {
			p.Channels = x.Group
		}
	}
	f := s.Take(x.Parts, x.Group, x.Confidence, x.Evidence...)
	if f == nil {
		return
	}
	f.By = r.Name
	if why := s.unlike(f); why != "" {
		for _, p := range f.Parts {
			p.Rejected = why
		}
		return
	}
	s.Found = append(s.Found, f)
}

// of is the name of the tensor that v is of.
func (v *Verdict) of() string {
	switch {
	case v.Part != nil:
		return v.Part.Value.Name
	case v.Head != nil && len(v.Head.Parts) > 0:
		return v.Head.Parts[0].Value.Name
	case v.Of != nil:
		return v.Of.Parts[0].Value.Name
	case len(v.Boxes) > 0:
		return v.Boxes[0].Field.Value.Name
	}
	return ""
}

// String is v in a line.
func (v *Verdict) String() string {
	var words []string
	say := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	if v.Role != Neutral {
		say("%v", v.Role)
	}
	words = append(slices.Concat(words, v.Why), v.And...)
	if v.Rejected != "" {
		say("%s", v.Rejected)
	}
	if n := v.Narrow; n != nil {
		say("of it %s", Plural(n.Channels, "channel", "s"))
	}
	if len(v.Boxes) > 0 {
		say("boxes")
	}
	if h := v.Head; h != nil {
		say("a head on %s, confidence %.2f", Plural(int64(len(h.Parts)), "part", "s"), h.Confidence)
		words = append(words, h.Evidence...)
	}
	if v.Evidence != "" {
		say("%s", v.Evidence)
	}
	if v.Background != nil {
		say("background %d", *v.Background)
	}
	if v.AtMost > 0 {
		say("confidence at most %.2f", v.AtMost)
	}
	if w := cmp.Or(v.Weight, v.Score); w != 0 {
		say("weight %+.1f", w)
	}
	if v.Undecided != "" {
		say("undecided: %s", v.Undecided)
	}
	return strings.Join(words, "; ")
}
