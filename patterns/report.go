package patterns

import "encoding/json"

// Report is what Locate found.
type Report struct {
	Heads      []*Head      // best first
	Candidates []*Candidate // what was considered, in graph order
	// Pattern is the one that found the heads.
	Pattern string
}

// Candidate is a run of channels that was considered.
type Candidate struct {
	Part
	Classes    int // channels; -1 where the graph does not fix their number
	Activation Activation
	Role       string // what it was taken for
	Rejected   string // the reason against it; empty for the levels of heads
	Evidence   []string
}

// finding is a head with what it was made of.
type finding struct {
	Head
	parts []*part
	score float64
}

type jsonSlice struct {
	Start  int  `json:"start"`
	Stop   int  `json:"stop"`
	Stride *int `json:"stride"`
}

type jsonPart struct {
	Source  string     `json:"source"`
	Layout  string     `json:"layout"`
	Slice   *jsonSlice `json:"slice"`
	Anchors any        `json:"anchors,omitempty"`
}

type jsonHead struct {
	Source     string     `json:"source"`
	ClassAxis  int        `json:"classAxis"`
	Classes    int        `json:"classes"`
	ClassSlice *jsonSlice `json:"classSlice"`
	Activation Activation `json:"activation"`
	Background *int       `json:"background"`
	Levels     []jsonPart `json:"levels"`
	Objectness []jsonPart `json:"objectness,omitempty"`
	Box        string     `json:"box,omitempty"`
	Confidence float64    `json:"confidence"`
	Evidence   []string   `json:"evidence"`
}

type jsonCandidate struct {
	Source     string     `json:"source"`
	ClassAxis  int        `json:"classAxis"`
	Classes    int        `json:"classes"`
	ClassSlice *jsonSlice `json:"classSlice"`
	Activation Activation `json:"activation"`
	Role       string     `json:"role"`
	Rejected   string     `json:"rejected,omitempty"`
	Evidence   []string   `json:"evidence"`
}

// slice is p's channels as the manifest has them: null for the whole axis, and
// a stride where several anchors share it.
func (p *Part) slice() *jsonSlice {
	total := int64(-1)
	if c := p.Layout.ChannelAxis(); c >= 0 && c < len(p.Source.Shape()) {
		total = p.Source.Shape()[c].Value
	}
	if s := p.Slice; int64(s.Stride) == total && int64(s.Len()) == total {
		return nil
	}
	j := &jsonSlice{Start: p.Slice.Start, Stop: p.Slice.Stop}
	if p.Slice.Stride > 0 {
		j.Stride = &p.Slice.Stride
	}
	return j
}

func (p *Part) json() jsonPart {
	return jsonPart{Source: p.Source.Name, Layout: string(p.Layout), Slice: p.slice()}
}

// MarshalJSON writes a head as the manifest has it.
func (h *Head) MarshalJSON() ([]byte, error) {
	first := &h.Levels[0].Part
	j := jsonHead{Source: first.Source.Name, ClassAxis: first.Layout.ChannelAxis(), Classes: h.Classes, ClassSlice: first.slice(),
		Activation: h.Activation, Confidence: h.Confidence, Evidence: append([]string{}, h.Evidence...)}
	if h.Background >= 0 {
		j.Background = &h.Background
	}
	for i := range h.Levels {
		p := h.Levels[i].json()
		if p.Anchors = h.Levels[i].Anchors.String(); h.Levels[i].Anchors.IsKnown() {
			p.Anchors = h.Levels[i].Anchors.Value
		}
		j.Levels = append(j.Levels, p)
	}
	for i := range h.Objectness {
		j.Objectness = append(j.Objectness, h.Objectness[i].json())
	}
	if h.Box != nil {
		j.Box = h.Box.Name
	}
	return json.Marshal(j)
}

// MarshalJSON writes a candidate.
func (c *Candidate) MarshalJSON() ([]byte, error) {
	return json.Marshal(jsonCandidate{c.Source.Name, c.Layout.ChannelAxis(), c.Classes, c.slice(), c.Activation, c.Role, c.Rejected,
		append([]string{}, c.Evidence...)})
}

// MarshalJSON writes the report as {"heads": […], "candidates": […]}.
func (r *Report) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Heads      []*Head      `json:"heads"`
		Candidates []*Candidate `json:"candidates"`
	}{append([]*Head{}, r.Heads...), append([]*Candidate{}, r.Candidates...)})
}
