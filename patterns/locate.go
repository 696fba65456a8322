package patterns

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
)

// Options are the user's decisions.
type Options struct {
	// Head is a tensor's name, a number as the report counts heads, or "all";
	// empty for the best head.
	Head string
	// Classes keeps the heads of so many classes, counted with a background or
	// without, and decides how maps divide into anchors; 0 where unknown.
	Classes int
	// Activation keeps the heads that the graph gives it, and is that of heads
	// whose graph ends before any; empty where unknown.
	Activation Activation
}

// pattern is one way in which a class head shows. find gives the heads it
// sees, unordered.
type pattern struct {
	name string
	find func(s *site) []*finding
}

// patterns, in the order in which they are tried: from what the graph states
// to what is only likely.
var patternList = []pattern{
	{"scored", scored},         // scores that are ranked, suppressed or multiplied state their role
	{"columns", columns},       // parts of equal rows: what is no box, by the channel counts
	{"mixed", mixedMap},        // one raw map: its channel count alone, anchors × (box, objectness, classes)
	{"classifier", classifier}, // one row per image, and no boxes anywhere
}

// Locate finds the classification heads of m. It refines the types of m's
// values. The error is a *NotFoundError where it has none, an
// *AmbiguousError where several are equally likely and opts names none, both beside the
// report, and a *graph.LoadError where a constant that decides cannot be read.
func Locate(m *graph.Model, opts Options) (*Report, error) {
	x, err := searchAll(m, opts)
	if err == nil {
		x, err = x.withMetadata(m, opts)
	}
	if err != nil {
		return nil, err
	}
	r, err := x.answer()
	var none *NotFoundError
	if errors.As(err, &none) && opts.Head == "" && opts != (Options{}) {
		return r, unasked(m, opts, none)
	}
	return r, err
}

// unasked is err, or where the model has a head but for the number of classes or the
// activation in opts, an error that says so.
func unasked(m *graph.Model, opts Options, err *NotFoundError) error {
	x, e := searchAll(m, Options{})
	if e != nil || len(x.found) == 0 {
		return err
	}
	h := x.found[0]
	has := fmt.Sprintf("%d classes, not %d", h.Classes, opts.Classes)
	if h.Classes == 1 {
		has = fmt.Sprintf("1 class, not %d", opts.Classes)
	}
	if opts.fits(h.Classes, h.Background) {
		has = fmt.Sprintf("activation %s, not %s", h.Activation, opts.Activation)
	}
	return &NotFoundError{Reason: "the model's head has " + has, Candidates: err.Candidates}
}

// searchAll tries the patterns in m, and where that shows more in m with the
// nodes of its functions in the place of their calls: what lies inside
// functions is no tensor of the main graph.
func searchAll(m *graph.Model, opts Options) (*searched, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	in, err := graph.Inline(m)
	if err != nil {
		return nil, err
	}
	a := match.Analyze(in.Model)
	x := search(a, in, opts)
	x.report.Model = m
	var y *searched
	if in.Origin != nil {
		y = search(a, &graph.Inlined{Model: in.Model}, opts)
		y.report.Model = in.Model
	}
	if err := a.ReadErr(); err != nil {
		return nil, err
	}
	switch {
	case y == nil || len(y.found) == 0 || x.heads(y):
		return x, nil
	case !in.Uniform:
		x.lost = "it lies inside a function, whose operator sets are not the model's"
		return x, nil
	}
	for _, h := range y.found {
		h.Evidence = append(h.Evidence, "inside a function: the functions' nodes are put in the place of their calls")
	}
	return y, nil
}

// heads reports whether the best head of x is of the same channels as that of y.
func (x *searched) heads(y *searched) bool {
	if len(x.found) == 0 {
		return false
	}
	h, g := x.found[0], y.found[0]
	return h.Classes == g.Classes && slices.EqualFunc(h.parts, g.parts, func(p, q *part) bool { return p.value == q.value && p.span == q.span })
}

// searched is a model in which the patterns have been tried.
type searched struct {
	site      *site
	report    *Report
	found     []*finding
	ambiguous *AmbiguousError // the doubt in which a pattern ended, if one did
	lost      string          // why a head that is there cannot be given
}

// answer is the report, or with an error what was considered.
func (x *searched) answer() (*Report, error) {
	r := x.report
	switch {
	case x.site.opts.Head != "":
		return x.site.choose(r, x.site.opts.Head)
	case x.lost != "":
		r.Heads = nil
		return r, &NotFoundError{Reason: x.lost, Candidates: r.Candidates}
	case x.ambiguous != nil:
		x.ambiguous.Candidates = r.Candidates
		return r, x.ambiguous
	case len(r.Heads) == 0:
		return r, &NotFoundError{Reason: x.site.refusal(), Like: x.site.like(), Candidates: r.Candidates}
	}
	return r, r.equallyLikely()
}

// equallyLikely is an error if a head of another number of classes is as likely as the
// best. Heads of the same classes are stages or copies of one another, and the best
// stands for them.
func (r *Report) equallyLikely() error {
	const margin = 0.01 // of confidence
	n, others := 0, false
	for _, h := range r.Heads {
		if r.Heads[0].Confidence-h.Confidence >= margin {
			break
		}
		others = others || h.Classes != r.Heads[0].Classes
		n++
	}
	if !others {
		return nil
	}
	return &AmbiguousError{Reason: fmt.Sprintf("%d heads are equally likely", n), Heads: lines(r.Heads[:n])}
}

// search tries the patterns.
func search(a *match.Analysis, in *graph.Inlined, opts Options) *searched {
	s := survey(a, in)
	s.opts = opts
	x := &searched{site: s, report: &Report{site: s}}
	for _, p := range patternList {
		if x.found = slices.DeleteFunc(p.find(s), s.unlike); len(x.found) > 0 {
			x.report.Pattern = p.name
			break
		}
		if s.doubt != "" {
			x.ambiguous = &AmbiguousError{Reason: s.doubt, Decides: s.takes}
			break
		}
	}
	slices.SortStableFunc(x.found, func(a, b *finding) int { return cmp.Compare(b.score, a.score) })
	for _, h := range x.found {
		x.report.Heads = append(x.report.Heads, &h.Head)
	}
	x.report.Candidates = s.candidates(x.found)
	return x
}

// refusal says why the model has no head.
func (s *site) refusal() string {
	if len(s.parts) == 0 {
		return "no output comes from a layer whose channels can be followed"
	}
	if !s.hasBoxes() {
		return "nothing in the graph regresses boxes, so its maps or rows are not a detector's"
	}
	return "no channels are used as class scores"
}

// candidates describes every part that was considered.
func (s *site) candidates(heads []*finding) []*Candidate {
	used := map[*part]bool{}
	for _, h := range heads {
		for _, p := range h.parts {
			used[p] = true
		}
	}
	var out []*Candidate
	for _, p := range s.parts {
		if p.role == hidden && p.act != None {
			continue // gates and attention inside the network
		}
		x := s.part(s.sources(p)[0], 0)
		if x.Source == nil {
			continue
		}
		c := &Candidate{Part: x, Classes: int(p.n), Activation: p.act, Role: p.role.String(), Evidence: p.why, part: p}
		if !used[p] {
			c.Rejected = s.reject(p)
		}
		out = append(out, c)
	}
	return out
}

func (s *site) reject(p *part) string {
	switch {
	case p.rejected != "":
		return p.rejected
	case p.role == box:
		return "box regression"
	case p.role == objectness:
		return "one confidence for all classes"
	case p.role == distribution:
		return "distances as a distribution"
	case p.role == hidden:
		return "not the end of the network"
	case p.role == class:
		return "weaker than the head that was found"
	}
	return "nothing says that these channels are classes"
}

// head makes a head of parts that belong together as levels; group is the
// number of class channels of an anchor where several share an axis, else 0.
func (s *site) head(parts []*part, group int64, confidence float64, evidence ...string) *finding {
	p := parts[0]
	h := &finding{Head: Head{parts: parts}}
	h.Classes, h.Activation, h.Background = int(p.n), p.act, -1
	if group > 0 {
		h.Classes = int(group)
	}
	h.Evidence = append(h.Evidence, evidence...)
	seen := map[Part]bool{}
	for _, q := range parts {
		for _, x := range s.sources(q) {
			l := s.part(x, cmp.Or(group, q.group))
			if l.Source == nil {
				return nil // it lies inside a function
			}
			if seen[l] {
				continue
			}
			seen[l] = true
			h.Levels = append(h.Levels, s.level(l))
		}
		for _, e := range q.why {
			if !slices.Contains(h.Evidence, e) {
				h.Evidence = append(h.Evidence, e)
			}
		}
		h.score = max(h.score, q.score[class])
		confidence = min(confidence, 1-q.doubt)
		if h.Classes == 1 && q.act == Sigmoid && s.confident(q) {
			confidence = min(confidence, convention) // which of the two is the class is a convention
		}
	}
	if len(h.Levels) == 0 {
		return nil
	}
	h.Confidence = math.Round(confidence*100) / 100
	for _, q := range parts {
		if h.Quantized = s.quantized(q, h.Levels); h.Quantized != "" {
			h.Evidence = append(h.Evidence, h.unfit())
			break
		}
	}
	if p.act == None && s.opts.Activation != "" && s.opts.Activation != None {
		h.Activation = s.opts.Activation
		h.Evidence = append(h.Evidence, fmt.Sprintf("the graph ends before any activation; the user says %s", h.Activation))
	}
	if h.Activation == Softmax && s.hasRows(p) && (s.hasBoxes() || !s.isRow(s.View(p.value), p)) || p.act == Sigmoid && p.field != nil {
		if s.background(h, p) && p.field != nil {
			h.Confidence = min(h.Confidence, convention)
		}
	}
	s.companions(h)
	return h
}

// spatial is the shape of a layer's output, or of the map whose places it has
// rows for, without batch and channels.
func spatial(f *match.Field) string {
	t := ""
	f = f.Places
	for d, x := range f.Shape {
		if d != 0 && d != f.Chan {
			t += fmt.Sprint(x, " ")
		}
	}
	return t
}
