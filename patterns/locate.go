package patterns

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// Options are the user's decisions.
type Options struct {
	// Head is a tensor's name, or several with commas between them for the levels of one head,
	// a number as the report counts heads, or "all"; empty for the best head.
	Head string
	// Classes keeps the heads of so many classes, counted with a background or
	// without, and decides how maps divide into anchors; 0 where unknown.
	Classes int
	// Activation keeps the heads that the graph gives it, and is that of heads
	// whose graph ends before any; empty where unknown.
	Activation Activation
	// Slice is the class channels of the tensors that Head names, Stride 0 where these are not in
	// groups; nil for all, or what the graph says.
	Slice *Slice
	// Decided is a head that was decided before, by its record: nothing is searched for.
	Decided *HeadRecord
	// Trace has the report say what each rule said.
	Trace bool
	// Evidence is where beside the graph evidence is looked for; nil is everywhere.
	Evidence []Evidence
}

// Locate finds the classification heads of m. It refines the types of m's
// values. The error is a *NotFoundError where it has none, an
// *AmbiguousError where several are equally likely and opts names none, both beside the
// report, and a *graph.LoadError where a constant that decides cannot be read.
func Locate(m *graph.Model, opts Options) (*Report, error) {
	if opts.Decided != nil {
		return decide(m, opts)
	}
	x, err := weigh(m, opts)
	if err != nil {
		return nil, err
	}
	r, err := x.answer()
	var none *NotFoundError
	if errors.As(err, &none) && opts.Head == "" && opts.user() != (rule.User{}) {
		return r, unasked(m, opts, none)
	}
	return r, err
}

// decide is the report of the head that opts.Decided records.
func decide(m *graph.Model, opts Options) (*Report, error) {
	in, err := graph.Inline(m)
	if err != nil {
		return nil, err
	}
	a := match.Analyze(in.Model)
	var failed error
	for _, x := range []*graph.Inlined{in, {Model: in.Model}} {
		s := &site{Scene: rule.Survey(a, x), opts: opts}
		s.Ask(func(r *rule.Rule) bool { return r.Reads == rule.Graph })
		r := &Report{Model: m, site: s}
		if x != in {
			r.Model = in.Model // it may lie inside a function
		}
		h, err := s.decided(opts.Decided)
		if err == nil {
			h.Evidence = append([]string{"decided before, and saved"}, h.Evidence...)
			r.Heads = []*Head{h}
			return r, a.ReadErr()
		}
		if failed == nil {
			failed = err
		}
		if in.Origin == nil || !in.Uniform {
			break
		}
	}
	return nil, fmt.Errorf("the saved head does not fit the model: %w", failed)
}

// weigh finds the heads of m by the graph, and holds them to what other evidence says.
func weigh(m *graph.Model, opts Options) (*searched, error) {
	x, err := searchAll(m, opts)
	if err != nil {
		return nil, err
	}
	if opts.Head == "" && opts.Classes == 0 && opts.reads(rule.Metadata) {
		if x, err = x.heldTo(rule.StatedBy(m), m, opts); err != nil {
			return nil, err
		}
	}
	if opts.Head == "" {
		x.judge(func(e rule.Evidence) bool { return e != rule.Graph && opts.reads(e) })
	}
	return x, nil
}

// heldTo is x, the answer of the graph alone, or where the metadata states a number of
// classes that its best head does not have, what the graph says to one who looks for it.
func (x *searched) heldTo(stated rule.Stated, m *graph.Model, opts Options) (*searched, error) {
	n := stated.Classes
	x.site.Stated = stated
	if n == 0 || len(x.found) > 0 && x.found[0].Has(n) {
		return x, nil
	}
	opts.Classes = n
	y, err := searchAll(m, opts)
	if err != nil {
		return nil, err
	}
	if len(y.found) == 0 || !y.found[0].Has(n) {
		return x, nil
	}
	stated.Sought = true
	y.site.Stated = stated
	return y, nil
}

// judge asks the rules that judge what was found by evidence of the given places, and puts
// the likeliest first.
func (x *searched) judge(place func(rule.Evidence) bool) {
	if len(x.found) == 0 {
		return
	}
	x.site.Judge(func(r *rule.Rule) bool { return place(r.Reads) })
	slices.SortStableFunc(x.found, func(a, b *rule.Finding) int { return cmp.Compare(b.Score, a.Score) })
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
	if u := opts.user(); u.Fits(h.Classes, h.Background) {
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
	return h.Classes == g.Classes && slices.EqualFunc(h.Parts, g.Parts, func(p, q *rule.Part) bool { return p.Value == q.Value && p.Span == q.Span })
}

// searched is a model in which the patterns have been tried.
type searched struct {
	site      *site
	report    *Report
	found     []*rule.Finding
	ambiguous *AmbiguousError // the doubt in which a pattern ended, if one did
	lost      string          // why a head that is there cannot be given
}

// full is the report of what was found.
func (x *searched) full() *Report {
	for _, f := range x.found {
		x.report.Heads = append(x.report.Heads, x.site.head(f))
	}
	x.report.Candidates = x.site.candidates(x.found)
	x.report.Trace, x.report.Unprobed = x.site.Said, x.site.Unprobed()
	return x.report
}

// answer is the report, or with an error what was considered.
func (x *searched) answer() (*Report, error) {
	r := x.full()
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

// search asks the rules.
func search(a *match.Analysis, in *graph.Inlined, opts Options) *searched {
	s := &site{Scene: rule.Survey(a, in), opts: opts}
	s.User, s.Trace = opts.user(), opts.Trace
	s.Ask(func(r *rule.Rule) bool { return opts.reads(r.Reads) })
	x := &searched{site: s, report: &Report{site: s}, found: s.Found}
	if len(x.found) == 0 && s.Doubt != "" {
		x.ambiguous = &AmbiguousError{Reason: s.Doubt, Decides: s.Takes}
	}
	if len(x.found) > 0 {
		x.report.Pattern = x.found[0].By
	}
	x.judge(func(e rule.Evidence) bool { return e == rule.Graph })
	return x
}

// refusal says why the model has no head.
func (s *site) refusal() string {
	if len(s.Parts) == 0 {
		return "no output comes from a layer whose channels can be followed"
	}
	if !s.HasBoxes() {
		return "nothing in the graph regresses boxes, so its maps or rows are not a detector's"
	}
	return "no channels are used as class scores"
}

// candidates describes every part that was considered.
func (s *site) candidates(heads []*rule.Finding) []*Candidate {
	used := map[*rule.Part]bool{}
	for _, h := range heads {
		for _, p := range h.Parts {
			used[p] = true
		}
	}
	var out []*Candidate
	for _, p := range s.Parts {
		if p.Role == rule.Hidden && p.Activation != None {
			continue // gates and attention inside the network
		}
		x := s.part(s.Sources(p)[0], 0)
		if x.Source == nil {
			continue
		}
		c := &Candidate{Part: x, Classes: int(p.Channels), Activation: p.Activation, Role: p.Role.String(), Evidence: p.Why, part: p}
		if !used[p] {
			c.Rejected = s.reject(p)
		}
		out = append(out, c)
	}
	return out
}

func (s *site) reject(p *rule.Part) string {
	switch {
	case p.Rejected != "":
		return p.Rejected
	case p.Role == rule.Box:
		return "box regression"
	case p.Role == rule.Objectness:
		return "one confidence for all classes"
	case p.Role == rule.Distribution:
		return "distances as a distribution"
	case p.Role == rule.Hidden:
		return "not the end of the network"
	case p.Role == rule.Class:
		return "weaker than the head that was found"
	}
	return "nothing says that these channels are classes"
}

// site is a model being searched, and what is asked of it.
type site struct {
	*rule.Scene
	opts       Options
	objectness []sized
	output     map[*graph.Value]bool        // the graph's outputs, once a path was asked for
	owner      map[*graph.Graph]*graph.Node // the node that a subgraph belongs to, likewise
}
