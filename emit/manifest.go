package emit

import (
	"encoding/json"
	"fmt"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// ManifestKey is the metadata key that the manifest is stored under.
const ManifestKey = "onnxloss.manifest"

// ManifestVersion is the version that this program writes and reads.
const ManifestVersion = 1

// Manifest is the contract with trainers: what a training graph computes, and
// the role of each of its inputs and outputs.
type Manifest struct {
	Version    int           `json:"manifestVersion"`
	Source     Source        `json:"source"`
	Form       Form          `json:"form"`
	Loss       loss.Options  `json:"loss"`
	Confidence *loss.Options `json:"confidence,omitempty"`
	Heads      []Head        `json:"heads"`
	Inputs     []Port        `json:"inputs"`
	Outputs    []Port        `json:"outputs"`
}

// Source is the file that was rewritten. Fingerprint digests the network in
// it; see the function of that name.
type Source struct {
	File        string `json:"file"`
	SHA256      string `json:"sha256"`
	Fingerprint string `json:"fingerprint"`
}

// Form is how much of a training step a graph holds.
type Form string

// LossForm is the original graph with logits and loss.
const LossForm Form = "loss"

// Head is one head as trainers see it.
type Head struct {
	Source     string   `json:"source"`
	ClassAxis  int      `json:"classAxis"`
	Classes    int      `json:"classes"`
	ClassSlice *Slice   `json:"classSlice"`
	Activation string   `json:"activation"`
	Background *int     `json:"background"`
	Levels     []Level  `json:"levels"`
	Objectness []Level  `json:"objectness,omitempty"`
	Confidence float64  `json:"confidence"`
	Evidence   []string `json:"evidence"`
}

// Slice is the class channels [Start, Stop) of each group of Stride channels;
// Stride is nil where the axis holds one group.
type Slice struct {
	Start  int  `json:"start"`
	Stop   int  `json:"stop"`
	Stride *int `json:"stride"`
}

// Level is one level's tensor and the number of anchors it gives, a symbolic
// name where that is dynamic.
type Level struct {
	Source  string `json:"source"`
	Layout  string `json:"layout"`
	Slice   *Slice `json:"classSlice,omitempty"`
	Anchors any    `json:"anchors,omitempty"`
}

// Port is one input or output of the graph. Shape has numbers and names; it is
// left out for original outputs of unknown rank.
type Port struct {
	Name  string `json:"name"`
	Role  Role   `json:"role"`
	Of    string `json:"of,omitempty"`
	DType string `json:"dtype,omitempty"`
	Shape *[]any `json:"shape,omitempty"`
}

// Role says what an input or output is for.
type Role string

// The roles.
const (
	RoleImage        Role = "image"
	RoleTarget       Role = "target"
	RoleTargetWeight Role = "target_weight"
	RoleNormalizer   Role = "normalizer"
	RoleOriginal     Role = "original"
	RoleLogits       Role = "logits"
	RoleLoss         Role = "loss"
	RolePerAnchor    Role = "per_anchor_loss"
)

// ReadManifest is the manifest of a training graph. It is nil, without an
// error, for a model that has none.
func ReadManifest(m *graph.Model) (*Manifest, error) {
	text, ok := m.Meta(ManifestKey)
	if !ok {
		return nil, nil
	}
	var x Manifest
	if err := json.Unmarshal([]byte(text), &x); err != nil {
		return nil, fmt.Errorf("metadata %q: %w", ManifestKey, err)
	}
	if x.Version != ManifestVersion {
		return nil, fmt.Errorf("metadata %q: version %d, want %d", ManifestKey, x.Version, ManifestVersion)
	}
	return &x, nil
}

// Port finds the first input or output with the role; nil if there is none.
func port(ports []Port, r Role, of string) *Port {
	for i := range ports {
		if ports[i].Role == r && ports[i].Of == of {
			return &ports[i]
		}
	}
	return nil
}

// Input finds the input of the given role and, where several share it, what
// it is of; nil if there is none.
func (m *Manifest) Input(r Role, of string) *Port { return port(m.Inputs, r, of) }

// Output finds an output as Input finds an input.
func (m *Manifest) Output(r Role, of string) *Port { return port(m.Outputs, r, of) }

func portOf(v *graph.Value, role Role, of string) Port {
	p := Port{Name: v.Name, Role: role, Of: of}
	if v.Type.Kind != graph.TensorKind {
		return p
	}
	p.DType = v.Type.DType.String()
	if s := v.Shape(); s != nil {
		dims := shapeOf(s)
		p.Shape = &dims
	}
	return p
}

// shapeOf is a shape in JSON: numbers, names, and "?" for what has no name.
func shapeOf(s graph.Shape) []any {
	dims := make([]any, len(s))
	for i, d := range s {
		dims[i] = dimOf(d)
	}
	return dims
}

func dimOf(d graph.Dim) any {
	if d.IsKnown() {
		return d.Value
	}
	return d.String()
}

// DescribeHead is a located head as the manifest has it.
func DescribeHead(h *patterns.Head) Head {
	first := h.Levels[0]
	x := Head{
		Source: first.Source.Name, ClassAxis: first.Layout.ChannelAxis(), Classes: h.Classes,
		ClassSlice: sliceOf(first.Part), Activation: string(h.Activation),
		Confidence: h.Confidence, Evidence: append([]string{}, h.Evidence...),
	}
	if h.Background >= 0 {
		b := h.Background
		x.Background = &b
	}
	for _, l := range h.Levels {
		x.Levels = append(x.Levels, Level{Source: l.Source.Name, Layout: string(l.Layout), Slice: sliceOf(l.Part), Anchors: dimOf(l.Anchors)})
	}
	for _, p := range h.Objectness {
		x.Objectness = append(x.Objectness, Level{Source: p.Source.Name, Layout: string(p.Layout), Slice: sliceOf(p)})
	}
	return x
}

// sliceOf is nil where a part is its whole channel axis.
func sliceOf(p patterns.Part) *Slice {
	n := 0
	if c := p.Layout.ChannelAxis(); c >= 0 && c < len(p.Source.Shape()) {
		n = int(p.Source.Shape()[c].Value)
	}
	s := Slice{Start: p.Slice.Start, Stop: p.Slice.Stop}
	switch {
	case p.Slice.Stride == n && p.Slice.Len() == n:
		return nil
	case p.Slice.Stride > 0:
		stride := p.Slice.Stride
		s.Stride = &stride
	}
	return &s
}
