package patterns

import (
	"encoding/json"
	"fmt"
)

// HeadRecord is a head as JSON has it: in the report of inspect and in the
// manifest of a training graph.
type HeadRecord struct {
	Source    string `json:"source"` // of the first level
	ClassAxis int    `json:"classAxis"`
	Classes   int    `json:"classes"` // -1 where it is open
	// OpenClasses is the name of the number of classes where the graph leaves it open, though
	// the user may have fixed it.
	OpenClasses string       `json:"openClasses,omitempty"`
	ClassSlice  *SliceRecord `json:"classSlice"`
	Activation  Activation   `json:"activation"`
	Background  *int         `json:"background"`
	Levels      []PartRecord `json:"levels"`
	Objectness  []PartRecord `json:"objectness,omitempty"`
	Box         string       `json:"box,omitempty"`
	// Distributions is set where a loss is put on the boxes, and where a head is saved.
	Distributions []PartRecord `json:"distributions,omitempty"`
	// Boxes are the tensors of BoxCoding, in the canonical order of the logits.
	Boxes      []PartRecord `json:"boxes,omitempty"`
	BoxCoding  *BoxRecord   `json:"boxCoding,omitempty"`
	Quantized  string       `json:"quantized,omitempty"` // the reason against training
	Confidence float64      `json:"confidence"`
	Evidence   []string     `json:"evidence"`
}

// PartRecord is a tensor or some channels of it. Anchors is a number, or a
// name where it is dynamic.
type PartRecord struct {
	Source  string       `json:"source"`
	Layout  Layout       `json:"layout"`
	Slice   *SliceRecord `json:"slice,omitempty"`
	Anchors any          `json:"anchors,omitempty"`
	// MapRecord is the feature map of a level; Maps are those of one that joins several.
	MapRecord
	Maps []MapRecord `json:"maps,omitempty"`
}

// SliceRecord is the channels [Start, Stop) of each group of Stride channels.
// A part that is its whole channel axis has none.
type SliceRecord struct {
	Start  int  `json:"start"`
	Stop   int  `json:"stop"`
	Stride *int `json:"stride"`
}

// String is the channels in words; of nil "all".
func (k *SliceRecord) String() string {
	if k == nil {
		return "all"
	}
	s := fmt.Sprint(k.Start)
	if k.Stop > k.Start+1 {
		s = fmt.Sprintf("%d to %d", k.Start, k.Stop-1)
	}
	if k.Stride != nil {
		s += fmt.Sprintf(" of each %d", *k.Stride)
	}
	return s
}

// ClassWords is the number of classes, or its name where it is open.
func (h HeadRecord) ClassWords() string {
	if h.Classes < 0 {
		return h.OpenClasses
	}
	return fmt.Sprint(h.Classes)
}

// String is the head in one line.
func (h HeadRecord) String() string {
	s := fmt.Sprintf("%s, classes: %s on axis %d", h.Source, h.ClassWords(), h.ClassAxis)
	if h.ClassSlice != nil {
		s += fmt.Sprintf(" (channels %s)", h.ClassSlice)
	}
	s += fmt.Sprintf(", activation %s", h.Activation)
	if h.Background != nil {
		s += fmt.Sprintf(", background %d", *h.Background)
	}
	if n := len(h.Levels); n > 1 {
		s += fmt.Sprintf(", levels: %d", n)
	}
	if h.Quantized != "" {
		s += ", quantized"
	}
	return s + fmt.Sprintf(", confidence %.2f", h.Confidence)
}

// lines is a line for each head.
func lines(heads []*Head) []string {
	var text []string
	for _, h := range heads {
		text = append(text, h.Record().String())
	}
	return text
}

func (p *Part) slice() *SliceRecord {
	total := int64(-1)
	if c := p.Layout.ChannelAxis(); c >= 0 && c < len(p.Source.Shape()) {
		total = p.Source.Shape()[c].Value
	}
	s := p.Slice
	if whole := s.Start == 0 && s.Stop == s.Stride; whole && (total < 0 || int64(s.Stride) == total) {
		return nil
	}
	r := &SliceRecord{Start: s.Start, Stop: s.Stop}
	if s.Stride > 0 {
		r.Stride = &s.Stride
	}
	return r
}

// Record is p for JSON.
func (p *Part) Record() PartRecord { return p.record() }

func (p *Part) record() PartRecord {
	return PartRecord{Source: p.Source.Name, Layout: p.Layout, Slice: p.slice()}
}

// Record is h for JSON.
func (h *Head) Record() HeadRecord {
	first := &h.Levels[0].Part
	r := HeadRecord{
		Source: first.Source.Name, ClassAxis: first.Layout.ChannelAxis(), Classes: h.Classes, ClassSlice: first.slice(),
		Activation: h.Activation, Quantized: h.Quantized, Confidence: h.Confidence, Evidence: append([]string{}, h.Evidence...),
	}
	r.OpenClasses = h.OpenClasses()
	if b := h.Background; b >= 0 {
		r.Background = &b
	}
	for _, l := range h.Levels {
		p := l.record()
		if p.Anchors = l.Anchors.String(); l.Anchors.IsKnown() {
			p.Anchors = l.Anchors.Value
		}
		r.Levels = append(r.Levels, p)
	}
	for _, p := range h.Objectness {
		r.Objectness = append(r.Objectness, p.record())
	}
	if h.Box != nil {
		r.Box = h.Box.Name
	}
	return r
}

// DistributionRecords is the boxes of h that are distributions, for JSON.
func (h *Head) DistributionRecords() []PartRecord {
	var r []PartRecord
	for _, p := range h.Distributions {
		r = append(r, p.record())
	}
	return r
}

// MarshalJSON writes the head's record.
func (h *Head) MarshalJSON() ([]byte, error) { return json.Marshal(h.Record()) }

type candidateRecord struct {
	Source     string       `json:"source"`
	ClassAxis  int          `json:"classAxis"`
	Classes    int          `json:"classes"`
	ClassSlice *SliceRecord `json:"classSlice"`
	Activation Activation   `json:"activation"`
	Role       string       `json:"role"`
	Rejected   string       `json:"rejected,omitempty"`
	Evidence   []string     `json:"evidence"`
	Reasons    []Reason     `json:"reasons"`
}

// MarshalJSON writes a candidate.
func (c *Candidate) MarshalJSON() ([]byte, error) {
	return json.Marshal(candidateRecord{c.Source.Name, c.Layout.ChannelAxis(), c.Classes, c.slice(), c.Activation, c.Role, c.Rejected,
		append([]string{}, c.Evidence...), reasonsOf(c.part.Marks, c.Activation)})
}

// MarshalJSON writes the report as {"heads": […], "candidates": […]}.
func (r *Report) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Heads      []*Head      `json:"heads"`
		Candidates []*Candidate `json:"candidates"`
	}{append([]*Head{}, r.Heads...), append([]*Candidate{}, r.Candidates...)})
}
