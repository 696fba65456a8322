package emit

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/patterns"
)

// ManifestKey is the metadata key that the manifest is stored under.
const ManifestKey = "onnxloss.manifest"

// manifestVersion is the version that this program writes and reads.
const manifestVersion = 1

// Manifest is the contract with trainers: what a training graph computes, and
// the role of each of its inputs and outputs.
type Manifest struct {
	Version    int                   `json:"manifestVersion"`
	Source     Source                `json:"source"`
	Form       Form                  `json:"form"`
	Loss       loss.Options          `json:"loss"`
	Confidence *loss.Options         `json:"confidence,omitempty"`
	Box        *loss.Options         `json:"box,omitempty"`
	Heads      []patterns.HeadRecord `json:"heads"`
	Inputs     []Port                `json:"inputs"`
	Outputs    []Port                `json:"outputs"`
	// Functions are those that hold the losses; none where their nodes lie in
	// the graph.
	Functions []FunctionRecord `json:"functions,omitempty"`
}

// FunctionRecord is a model-local function that computes a loss.
type FunctionRecord struct {
	Of     string `json:"of,omitempty"` // as a Port has it
	Domain string `json:"domain"`
	Name   string `json:"name"`
}

// Source is the file that was rewritten. Digest is of its bytes, with the name of
// the hash function before it: see onnx.Digest; "" for a model that was no file.
// Fingerprint digests the network in it; see the function of that name.
type Source struct {
	File        string `json:"file"`
	Digest      string `json:"digest"`
	Fingerprint string `json:"fingerprint"`
	// IR is the model's IR version, where Rewrite raised it from 4 or more; else 0.
	IR int64 `json:"ir,omitempty"`
}

// Form is how much of a training step a graph holds.
type Form string

// The forms.
const (
	LossForm           Form = "loss"            // the original graph with logits and loss
	LogitsGradientForm Form = "logits-gradient" // and the loss's derivatives by the logits
)

// Forms are those that Rewrite emits.
var Forms = []Form{LossForm, LogitsGradientForm}

// Port is one input or output of the graph. Shape has numbers and names; it is
// left out for original outputs of unknown rank.
type Port struct {
	Name  string `json:"name"`
	Role  Role   `json:"role"`
	Of    string `json:"of,omitempty"`
	DType string `json:"dtype,omitempty"`
	Shape *[]any `json:"shape,omitempty"`
	// Initial is what each element of a state is before the first step.
	Initial *float64 `json:"initial,omitempty"`
}

// Role says what an input or output is for.
type Role string

// The roles.
const (
	RoleImage          Role = "image"
	RoleTarget         Role = "target"
	RoleTargetWeight   Role = "target_weight"
	RoleNormalizer     Role = "normalizer"
	RoleOriginal       Role = "original"
	RoleLogits         Role = "logits"
	RoleLoss           Role = "loss"
	RolePerAnchor      Role = "per_anchor_loss"
	RoleLogitsGradient Role = "logits_gradient"
	RoleTargetCheck    Role = loss.RoleTargetCheck
	RoleState          Role = "state"
	RoleNewState       Role = "new_state" // of the state's input
)

// ReadManifest is the manifest of a training graph. It is nil, without an
// error, for a model that has none.
func ReadManifest(m *graph.Model) (*Manifest, error) {
	text, ok := m.Meta(ManifestKey)
	if !ok {
		return nil, nil
	}
	if err := checkManifest(text); err != nil {
		return nil, fmt.Errorf("metadata %q: %w", ManifestKey, err)
	}
	var x Manifest
	if err := json.Unmarshal([]byte(text), &x); err != nil {
		return nil, fmt.Errorf("metadata %q: %w", ManifestKey, err)
	}
	if x.Version != manifestVersion {
		return nil, fmt.Errorf("metadata %q: version %d, want %d", ManifestKey, x.Version, manifestVersion)
	}
	return &x, nil
}

// checkManifest fails if text would take more memory than its size allows, by
// the objects and list elements in it.
func checkManifest(text string) error {
	const object, element = 512, 24 // bytes, with what growing leaves
	most := limits.Memory(int64(len(text)))
	if int64(strings.Count(text, "{"))*object+int64(strings.Count(text, ","))*element > most {
		return fmt.Errorf("%d bytes that describe more than %d MB", len(text), most/1e6)
	}
	return nil
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

// States finds the inputs of the losses' state that are of the given term, in
// order.
func (m *Manifest) States(of string) []*Port {
	var found []*Port
	for i := range m.Inputs {
		if p := &m.Inputs[i]; p.Role == RoleState && p.Of == of {
			found = append(found, p)
		}
	}
	return found
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
	if v.Shape() != nil {
		dims := make([]any, len(v.Shape()))
		for i, d := range v.Shape() {
			dims[i] = d.String()
			if d.IsKnown() {
				dims[i] = d.Value
			}
		}
		p.Shape = &dims
	}
	return p
}
