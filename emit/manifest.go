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

// ManifestKey is the metadata key of the manifest.
const ManifestKey = "onnxloss.manifest"

// manifestVersion is the version written and read.
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
	// Functions are the functions that compute the losses; empty if their nodes are in the
	// graph itself.
	Functions []FunctionRecord `json:"functions,omitempty"`
}

// FunctionRecord is a model-local function that computes a loss.
type FunctionRecord struct {
	Of     string `json:"of,omitempty"` // as in Port
	Domain string `json:"domain"`
	Name   string `json:"name"`
}

// Source is the file that was rewritten. Digest is the digest of its bytes, prefixed with
// the name of the hash function (see onnx.Digest); "" if the model was not read from a file.
// Fingerprint is the digest of its network; see the function Fingerprint.
type Source struct {
	File        string `json:"file"`
	Digest      string `json:"digest"`
	Fingerprint string `json:"fingerprint"`
	// IR is the model's former IR version if Rewrite raised it from 4 or more; else 0.
	IR int64 `json:"ir,omitempty"`
}

// Form is how much of a training step a graph contains.
type Form string

// The forms.
const (
	LossForm           Form = "loss"            // the original graph with logits and loss
	LogitsGradientForm Form = "logits-gradient" // also the derivative of the loss with respect to the logits
)

// Forms lists the forms that Rewrite emits.
var Forms = []Form{LossForm, LogitsGradientForm}

// Port is one input or output of the graph. Shape consists of numbers and names; it is
// omitted for original outputs of unknown rank.
type Port struct {
	Name  string `json:"name"`
	Role  Role   `json:"role"`
	Of    string `json:"of,omitempty"`
	DType string `json:"dtype,omitempty"`
	Shape *[]any `json:"shape,omitempty"`
	// Initial is the value of each element of a state before the first step.
	Initial *float64 `json:"initial,omitempty"`
}

// Role is the purpose of an input or output.
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

// ReadManifest reads the manifest of a training graph. It is nil, without an
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

// checkManifest fails if decoding text would take disproportionate memory, estimated from
// the objects and list elements in it.
func checkManifest(text string) error {
	const object, element = 512, 24 // bytes, including slack from growing
	most := limits.Memory(int64(len(text)))
	if int64(strings.Count(text, "{"))*object+int64(strings.Count(text, ","))*element > most {
		return fmt.Errorf("%d bytes of JSON would take more than %d MB in memory", len(text), most/1e6)
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

// States finds the state inputs of the given term, in order.
func (m *Manifest) States(of string) []*Port {
	var found []*Port
	for i := range m.Inputs {
		if p := &m.Inputs[i]; p.Role == RoleState && p.Of == of {
			found = append(found, p)
		}
	}
	return found
}

// Input finds the input with the given role and "of", which tells inputs of the same role
// apart; nil if there is none.
func (m *Manifest) Input(r Role, of string) *Port { return port(m.Inputs, r, of) }

// Output finds an output in the same way as Input.
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
