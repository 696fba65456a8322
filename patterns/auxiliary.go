package patterns

import (
	"encoding/json"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// Auxiliary is what a model gives that is neither the head's classes nor its boxes.
type Auxiliary struct {
	Part
	Kind string // one of AuxiliaryKinds
	Why  string
}

// The kinds of auxiliary heads.
const (
	ProposalNetwork  = "proposal network"
	ObjectnessHead   = "objectness or quality" // of boxes: the graph uses both alike
	AngleHead        = "angle"
	EmbeddingHead    = "embedding"
	KeyPoints        = "key points"
	MaskCoefficients = "mask coefficients"
	MaskHead         = "masks"
	OtherClasses     = "other classes"
	UnknownHead      = "unknown"
)

// Auxiliary are the other heads of h's model, in the order of candidates.
func (h *Head) Auxiliary() []Auxiliary {
	if h.site == nil {
		return nil
	}
	var list []Auxiliary
	for _, p := range h.site.Parts {
		if h.owns(p) {
			continue
		}
		x := h.site.part(h.site.Sources(p)[0], 0)
		kind, why := h.site.auxiliary(p)
		if x.Source == nil || kind == "" {
			continue
		}
		list = append(list, Auxiliary{x, kind, why})
	}
	return list
}

// owns reports whether p is channels of h's classes or boxes, or ends no network.
func (h *Head) owns(p *rule.Part) bool {
	switch p.Role {
	case rule.Hidden, rule.Box, rule.Distribution, rule.Class:
		return true
	}
	r := p.Roots[0]
	if p.Role == rule.Objectness && len(h.Objectness) > 0 {
		return true
	}
	if slices.ContainsFunc(h.parts, func(q *rule.Part) bool { return q == p || slices.Contains(q.Roots, r) }) {
		return true
	}
	return slices.ContainsFunc(h.site.Boxes.Of[r.Field], r.Span.Meets)
}

// auxiliary is what part p, which is neither classes nor boxes, is; empty where nobody would
// ask.
func (s *site) auxiliary(p *rule.Part) (kind, why string) {
	m := p.Marks
	f := p.Roots[0].Field
	switch {
	case p.Role == rule.Proposal:
		return ProposalNetwork, p.Rejected
	case p.Role == rule.Objectness:
		return ObjectnessHead, "one channel beside the classes: the graph does not say whether of an object's being there or of its box's quality"
	case m.Has(match.Norm) || m.Has(match.Factored) && p.Role == rule.Other && p.Channels > 4 && p.Activation == None:
		return EmbeddingHead, "normalized"
	case m.Has(match.Contract), s.ofPrototypes(p):
		return MaskCoefficients, "as many as a map of prototypes has channels"
	case m.Has(match.Curve) && p.Channels <= 2:
		return AngleHead, "a function of an angle follows"
	case m.Has(match.Resize) || f.Pooled && len(f.Shape) == 4 && rule.MapSize(f) != "1 1 ":
		return MaskHead, "a map, resampled or one for each region"
	case m.Has(match.ShiftRow|match.ScaleRow) && p.Channels > Sides && p.Channels%2 == 0:
		return KeyPoints, "pairs of numbers to which a grid is applied, as to boxes"
	case p.Channels == 1 && p.Activation == Sigmoid && m.Has(match.Scale|match.Shift):
		return AngleHead, "one number between bounds, scaled and shifted"
	case p.Role == rule.Other && m.Has(match.Curve):
		return MaskCoefficients, "bounded on both sides"
	case m.Has(match.Output) && p.Activation != None && p.Channels > 1:
		return OtherClasses, "an activation follows, as scores have"
	case s.stated(p):
		return KeyPoints, "as many as the metadata's kpt_shape says"
	case m.Has(match.Output):
		return UnknownHead, "nothing says what its channels are"
	}
	return "", ""
}

// ofPrototypes reports whether an output of the model is a larger map of as many channels as
// p has: masks' prototypes, which p weighs.
func (s *site) ofPrototypes(p *rule.Part) bool {
	if p.Channels < 8 || p.Activation == Softmax || p.Activation == Sigmoid {
		return false
	}
	return slices.ContainsFunc(s.Model.Graph.Outputs, func(v *graph.Value) bool {
		x := s.Shape(v)
		f := s.Field(v)
		if len(x) != 4 || f == nil || f == p.Roots[0].Field || f.Chan < 0 || x[f.Chan].Value != p.Channels {
			return false
		}
		return !slices.ContainsFunc(p.Roots, func(r rule.Root) bool { return r.Field == f.Root })
	})
}

// stated reports whether the metadata says that key points have as many numbers as p has
// channels.
func (s *site) stated(p *rule.Part) bool {
	text, ok := s.Model.Meta("kpt_shape")
	var shape []int64
	if !ok || json.Unmarshal([]byte(text), &shape) != nil || len(shape) != 2 {
		return false
	}
	return shape[0]*shape[1] == p.Channels
}
