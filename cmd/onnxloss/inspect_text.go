package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// Limits on the text: maxPorts on the inputs or outputs in a line, maxRows on the heads in
// the table, maxDetails on the heads shown in full.
const (
	maxPorts   = 4
	maxRows    = 30
	maxDetails = 3
	// longestName is how many characters of a tensor's name are shown at most;
	// --json has them all.
	longestName = 400
)

// scaleWords explains the weights of evidence.
const scaleWords = "a weight of 1 is a hint, 3 is good evidence, 5 settles it"

// model describes the file at path.
func (p *page) model(path string, m *graph.Model) {
	p.line(p.in(bold, title(path)), ": ", p.in(plain, describeModel(m)))
	p.ports("in ", dataInputs(m))
	p.ports("out", m.Graph.Outputs)
}

// dataInputs are the inputs that have no initializer.
func dataInputs(m *graph.Model) []*graph.Value {
	return slices.DeleteFunc(slices.Clone(m.Graph.Inputs), func(v *graph.Value) bool { return v.Init != nil })
}

func (p *page) ports(what string, list []*graph.Value) {
	var words []string
	for i, v := range list {
		if i == maxPorts && len(list) > i+1 {
			words = append(words, fmt.Sprintf("and %d more", len(list)-i))
			break
		}
		words = append(words, short(v.Name, nameWidth)+" "+typeWords(v.Type))
	}
	p.line("  ", p.in(dim, what+"  "+strings.Join(words, ", ")))
}

// typeWords is a type, with long symbolic dimensions shortened.
func typeWords(t graph.Type) string {
	if t.Kind != graph.TensorKind {
		return t.String()
	}
	return t.DType.String() + shapeWords(t)
}

// heads writes the table of heads, and each head.
func (p *page) heads(r *patterns.Report) {
	p.line()
	head := []cell{}
	for _, t := range []string{"head", "classes", "channels", "axis", "activation", "background", "levels", "anchors", "confidence"} {
		head = append(head, cell{t, bold})
	}
	rows := [][]cell{head}
	for i, h := range r.Heads {
		if i == maxRows && len(r.Heads) > i+1 {
			rows = append(rows, []cell{{"…", dim}, {fmt.Sprintf("%s more: --json", count(len(r.Heads)-i, "head")), dim}})
			break
		}
		rows = append(rows, headRow(i+1, h))
	}
	p.rows("", rows)
	for i, h := range r.Heads {
		if i == maxDetails {
			p.line()
			p.line(p.in(dim, fmt.Sprintf("for the other %s use --head N or --json", count(len(r.Heads)-i, "head"))))
			break
		}
		p.head(i+1, h, r.Path(h))
	}
}

func headRow(n int, h *patterns.Head) []cell {
	x := h.Record()
	background := "none"
	if x.Background != nil {
		background = fmt.Sprintf("class %d", *x.Background)
	}
	total := int64(0)
	for _, l := range h.Levels {
		if total += l.Anchors.Value; !l.Anchors.IsKnown() {
			total = -1
			break
		}
	}
	anchors := "dynamic"
	if total >= 0 {
		anchors = fmt.Sprint(total)
	}
	sure := green
	if x.Confidence < 0.9 {
		sure = yellow
	}
	row := []cell{}
	for _, t := range []string{fmt.Sprint(n), x.ClassWords(), x.ClassSlice.String(), fmt.Sprint(x.ClassAxis),
		string(x.Activation), background, fmt.Sprint(len(x.Levels)), anchors} {
		row = append(row, cell{t, plain})
	}
	return append(row, cell{fmt.Sprintf("%.2f", x.Confidence), sure})
}

// head writes a head's tensors, the path to the output, and the evidence.
func (p *page) head(n int, h *patterns.Head, path []*patterns.Step) {
	p.line()
	kind := ""
	switch {
	case h.PerImage() && h.OfImages():
		kind = ": an image classifier's, one row per image"
	case h.PerImage():
		kind = ": a classifier's, one row per sample; no input is an image"
	}
	p.line(p.in(bold, fmt.Sprintf("head %d", n)), kind)
	p.tensors(h)
	p.boxes(h)
	if len(path) > 1 {
		p.line()
		p.line("  ", p.in(bold, "path"), p.in(dim, "  from the last layer with weights to the output"))
		p.rows("  ", treeRows(path))
	}
	p.line()
	p.line("  ", p.in(bold, "why"), p.in(dim, "   "+scaleWords+"; it rests on "+placesWords(h.RestsOn())))
	p.reasons("  ", h.Reasons())
}

// placesWords lists places of evidence.
func placesWords(places []patterns.Evidence) string {
	words := make([]string, len(places))
	for i, x := range places {
		words[i] = "the " + string(x)
	}
	return strings.Join(words, ", ")
}

// trace writes the rules' verdicts, if requested.
func (p *page) trace(r *patterns.Report) {
	if len(r.Trace) == 0 {
		return
	}
	p.line()
	p.line(p.in(bold, "rules"))
	var rows [][]cell
	for i := 0; i < len(r.Trace); {
		x, n := r.Trace[i], 1 // what a rule says of many tensors is one row
		for ; i+n < len(r.Trace) && r.Trace[i+n].Rule == x.Rule && r.Trace[i+n].Verdict == x.Verdict; n++ {
		}
		of := short(x.Of, 48)
		if n > 1 {
			of += fmt.Sprintf(" and %d more", n-1)
		}
		rows = append(rows, []cell{{x.Rule, bold}, {of, plain}, {x.Verdict, plain}})
		i += n
	}
	p.rows("  ", rows)
	if r.Unprobed != "" {
		p.line("  ", p.in(dim, "the network was not run: "+r.Unprobed))
	}
}

// tensors writes the tensors of a head and where its channels are in them.
func (p *page) tensors(h *patterns.Head) {
	x := h.Record()
	var rows [][]cell
	add := func(s style, what string, v *graph.Value, words ...string) {
		name := short(v.Name, longestName)
		row := []cell{{what, s}, {name, s}, {typeWords(v.Type), plain}}
		if utf8.RuneCountInString(name) > 48 {
			rows = append(rows, row[:2])
			row = []cell{{"", s}, {"", s}, row[2]}
		}
		for _, w := range words {
			row = append(row, cell{w, plain})
		}
		rows = append(rows, row)
	}
	for i, l := range x.Levels {
		if i == maxBranches && len(x.Levels) > i+1 {
			rows = append(rows, []cell{{fmt.Sprintf("… %d more levels", len(x.Levels)-i), dim}})
			break
		}
		add(green, "class logits", h.Levels[i].Source, layoutWords(l), "anchors: "+anchorWords(l))
	}
	for i, l := range x.Objectness {
		if i == maxBranches && len(x.Objectness) > i+1 {
			break
		}
		add(cyan, "objectness", h.Objectness[i].Source, layoutWords(l), "channels: "+l.Slice.String())
	}
	if b := h.Boxes(); b != nil && len(b.Parts) > 0 {
		for i, l := range h.FullRecord().Boxes {
			if i == maxBranches && len(b.Parts) > i+1 {
				break
			}
			add(yellow, "boxes", b.Parts[i].Source, layoutWords(l), "channels: "+l.Slice.String())
		}
	} else if h.Box != nil {
		add(yellow, "boxes", h.Box)
	}
	p.rows("  ", rows)
}

func anchorWords(l patterns.PartRecord) string {
	if n, ok := l.Anchors.(int64); ok {
		return fmt.Sprint(n)
	}
	return "dynamic"
}

// reasons writes evidence, one line each: + for and − against.
func (p *page) reasons(indent string, list []patterns.Reason) {
	for i := range list {
		x := &list[i]
		switch {
		case x.Weight == 0:
			p.line(indent, p.in(green, "+     "), p.in(plain, x.Text))
		case x.Against():
			p.line(indent, p.in(red, fmt.Sprintf("−%.1f  ", x.Weight)), p.in(plain, x.Text), p.in(dim, " (for "+roleWords(x.For)+")"))
		default:
			p.line(indent, p.in(green, fmt.Sprintf("+%.1f  ", x.Weight)), p.in(plain, x.Text))
		}
	}
}

// roleWords is a role in words for people.
func roleWords(role string) string {
	switch role {
	case "box":
		return "boxes"
	case "class":
		return "classes"
	case "other":
		return "another output"
	}
	return role
}

// rejected writes the rejected candidates and why, one row for those alike.
func (p *page) rejected(r *patterns.Report) {
	type kind struct {
		classes int
		reason  string
	}
	var order []kind
	of := map[kind][]string{}
	for _, k := range r.Candidates {
		if k.Rejected == "" {
			continue
		}
		x := kind{k.Classes, rejection(k)}
		if of[x] == nil {
			order = append(order, x)
		}
		of[x] = append(of[x], k.Source.Name)
	}
	if len(order) == 0 {
		return
	}
	p.line()
	p.line(p.in(bold, "not the head"))
	var rows [][]cell
	for i, x := range order {
		if i == 3*maxBranches {
			rows = append(rows, []cell{{fmt.Sprintf("… %d more kinds: --json", len(order)-i), dim}})
			break
		}
		n := "channels"
		if x.classes >= 0 {
			n = count(x.classes, "channel")
		}
		name := short(of[x][0], 48)
		if more := len(of[x]) - 1; more > 0 {
			name += fmt.Sprintf(" and %d more", more)
		}
		rows = append(rows, []cell{{name, plain}, {n, plain}, {"− " + x.reason, plain}})
	}
	p.rows("  ", rows)
}

// rejection is the reason against a candidate, with what was observed.
func rejection(k *patterns.Candidate) string {
	if len(k.Evidence) == 0 || k.Evidence[0] == k.Rejected {
		return k.Rejected
	}
	return k.Rejected + ": " + k.Evidence[0]
}
