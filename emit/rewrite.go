package emit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// Options say what Rewrite appends.
type Options struct {
	Form Form // "" is LossForm
	Loss loss.Options
	// Confidence is the loss for the objectness logits, "mse" or "bce"; "" adds none.
	Confidence string
	// Box is the loss for boxes predicted as distributions over bins,
	// "distribution-focal"; "" adds none.
	Box string
	// AsFunction puts each loss into a model-local function. It raises the IR version of
	// the model to 8 if it is lower.
	AsFunction bool
	// File is the name of the model's file, recorded in the manifest.
	File string
	// DType is the element type of the canonical logits, dense targets and logits
	// gradient; Invalid means the head's own type, or float32 if that has 16 bits. With
	// Float16, losses are computed in float32 from the rounded logits, and everything but
	// these three stays float32. Gradients below 6e-8 underflow to 0 then, which a smaller
	// fed normalizer avoids.
	DType tensor.DType
	// Digest is the digest of the model's file; if nil, Rewrite computes it. Otherwise pass
	// it to the writer, which completes it as it writes the model: see graph.Later.
	Digest *onnx.Digest
}

// DTypes are the values allowed for Options.DType.
var DTypes = []tensor.DType{tensor.Invalid, tensor.Float16, tensor.Float32, tensor.Float64}

// OpenClassesError is the error for a head whose number of classes the graph leaves open, as
// where their embeddings are fed. patterns.Options.Classes fixes it.
type OpenClassesError struct {
	Head string // its tensor
	Name string // of the number; "?" if it has none
}

func (e *OpenClassesError) Error() string {
	return fmt.Sprintf("head %q: a loss needs a fixed number of classes, but the graph has the symbolic dimension %s", e.Head, e.Name)
}

// NoObjectnessError is the error if a confidence loss is requested for a head
// without objectness.
type NoObjectnessError struct{ Head string }

func (e *NoObjectnessError) Error() string {
	return fmt.Sprintf("head %q has no objectness, which a confidence loss needs", e.Head)
}

// NoDistributionError is the error if a loss of box distributions is requested for a
// head that does not predict any.
type NoDistributionError struct{ Head string }

func (e *NoDistributionError) Error() string {
	return fmt.Sprintf("head %q: no box distributions found (want 4 per anchor)", e.Head)
}

// QuantizedError is the error if the head is quantized: no gradient reaches integers.
type QuantizedError struct{ Head, Reason string }

func (e *QuantizedError) Error() string {
	return fmt.Sprintf("head %q is quantized and cannot be trained: %s; use the model before quantization", e.Head, e.Reason)
}

// Rewrite appends the training subgraph for the heads to m, stores the
// manifest in its metadata and returns it. With several heads the loss is the
// sum of theirs. A training graph is refused with a *TrainedError. If Rewrite fails,
// discard m.
func Rewrite(m *graph.Model, heads []*patterns.Head, o Options) (*Manifest, error) {
	if err := refuseTrained(m); err != nil {
		return nil, err
	}
	if o.Form == "" {
		o.Form = LossForm
	}
	if !slices.Contains(DTypes, o.DType) {
		return nil, fmt.Errorf("logits of type %v are not supported", o.DType)
	}
	if !slices.Contains(Forms, o.Form) {
		return nil, fmt.Errorf("form %q is not supported; supported are %v", o.Form, Forms)
	}
	r := &rewriter{g: m.Graph, opts: o}
	nodes, inits := len(m.Graph.Nodes), len(m.Graph.Inits)
	r.originals()
	for _, h := range heads {
		h.Boxes() // read off the graph as it is, before anything is appended
	}
	for i, h := range heads {
		if h.Classes < 0 {
			return nil, &OpenClassesError{h.Levels[0].Source.Name, h.OpenClasses()}
		}
		if err := r.head(i, h, len(heads)); err != nil {
			return nil, err
		}
	}
	if err := r.total(); err != nil {
		return nil, err
	}
	if o.Form == LogitsGradientForm {
		if err := r.gradients(); err != nil {
			return nil, err
		}
	}
	if err := r.states(); err != nil {
		return nil, err
	}
	for i := range r.terms {
		if t := &r.terms[i]; t.res.Check != nil {
			r.output(r.give(t, t.res.Check, t.prefix+string(RoleTargetCheck)), RoleTargetCheck, t.of)
		}
	}
	if err := m.Graph.Prune(nodes, inits); err != nil {
		return nil, err
	}
	if o.AsFunction {
		if err := r.functions(m, nodes, inits); err != nil {
			return nil, err
		}
	}
	return r.finish(m)
}

// rewriter is the state of one Rewrite.
type rewriter struct {
	g        *graph.Graph
	opts     Options
	manifest Manifest
	roots    []*graph.Value // the outputs of the original network
	terms    []term
	made     []*graph.Function
}

// term is one part of the loss.
type term struct {
	of     string
	prefix string // of names
	kind   loss.Kind
	logits *graph.Value
	res    *loss.Result
	outs   []*graph.Value // loss and gradient, as graph outputs
	dz     *graph.Value   // the logits gradient; nil if there is none
	// symbols names values in the function's body.
	symbols map[*graph.Value]string
}

// give is v, a result of the term, under the given name.
func (r *rewriter) give(t *term, v *graph.Value, name string) *graph.Value {
	out := r.named(v, name)
	t.outs = append(t.outs, out)
	return out
}

func (r *rewriter) originals() {
	x := &r.manifest
	x.Version, x.Form = manifestVersion, r.opts.Form
	x.Source = Source{File: r.opts.File, Digest: onnx.DigestPrefix + unknown, Fingerprint: unknown}
	for _, v := range r.g.Inputs {
		if v.Init == nil {
			x.Inputs = append(x.Inputs, portOf(v, RoleImage, ""))
		}
	}
	for _, v := range r.g.Outputs {
		x.Outputs = append(x.Outputs, portOf(v, RoleOriginal, ""))
	}
	r.roots = append(r.roots, r.g.Outputs...)
}

// head appends the logits and losses of head i of n.
func (r *rewriter) head(i int, h *patterns.Head, n int) error {
	if h.Quantized != "" {
		return &QuantizedError{h.Levels[0].Source.Name, h.Quantized}
	}
	of, prefix := "", ""
	if n > 1 {
		of = fmt.Sprintf("head%d", i)
		prefix = of + "_"
	}
	record := h.FullRecord()
	if err := h.ReadErr(); err != nil {
		return err
	}
	if r.opts.Box != "" {
		record.Distributions = h.DistributionRecords()
	}
	r.manifest.Heads = append(r.manifest.Heads, record)
	parts := make([]patterns.Part, len(h.Levels))
	for k, l := range h.Levels {
		parts[k] = l.Part
	}
	opts := r.opts.Loss
	if h.Background >= 0 && opts.Background == nil {
		b := h.Background
		opts.Background = &b
	}
	if opts.Reduction == "" {
		if l, err := loss.Find(loss.Classification, opts.Name); err == nil {
			opts.Reduction = l.DefaultReduction() // also for the confidence loss
		}
	}
	if err := r.term(parts, loss.Classification, opts, prefix, of); err != nil {
		return err
	}
	if of != "" {
		of += "."
	}
	if err := r.confidence(h, opts, prefix, of); err != nil || r.opts.Box == "" {
		return err
	}
	if h.Distributions == nil {
		return &NoDistributionError{h.Levels[0].Source.Name}
	}
	box := loss.Options{Name: r.opts.Box, Reduction: opts.Reduction, AnchorWeights: opts.AnchorWeights, CheckTargets: opts.CheckTargets}
	return r.term(h.Distributions, loss.Box, box, prefix+"box_", of+"box")
}

// confidence appends the loss of h's objectness, if requested, with the reduction of the
// class loss.
func (r *rewriter) confidence(h *patterns.Head, opts loss.Options, prefix, of string) error {
	if r.opts.Confidence == "" {
		return nil
	}
	if h.Objectness == nil {
		return &NoObjectnessError{h.Levels[0].Source.Name}
	}
	conf := loss.Options{Name: r.opts.Confidence, Reduction: opts.Reduction, AnchorWeights: opts.AnchorWeights, CheckTargets: opts.CheckTargets}
	return r.term(h.Objectness, loss.Confidence, conf, prefix+"confidence_", of+"confidence")
}

// term appends canonical logits, named prefix + "logits", and their loss.
func (r *rewriter) term(parts []patterns.Part, k loss.Kind, o loss.Options, prefix, of string) error {
	for _, p := range parts {
		r.roots = append(r.roots, p.Source)
	}
	leave := r.g.Scope("loss/" + prefix + "logits")
	rows, err := Canonical(parts)
	if k == loss.Box && err == nil {
		rows = op.Reshape(rows, 0, -1, int64(parts[0].Slice.Len()/patterns.Sides)) // one row per side
	}
	if d := r.opts.DType; err == nil && d != tensor.Invalid && rows != nil && rows.Type.DType != d {
		rows = op.Cast(rows, d)
	}
	leave()
	if err != nil {
		return err
	}
	logits := r.named(rows, prefix+"logits")
	r.nameDims(logits, prefix)
	res, err := loss.Emit(logits, k, o, prefix)
	if err != nil {
		return err
	}
	r.output(logits, RoleLogits, of)
	for _, in := range res.Inputs {
		p := portOf(in.Value, Role(in.Role), of)
		if in.Role == loss.RoleState {
			p.Initial = &in.Initial
		}
		r.manifest.Inputs = append(r.manifest.Inputs, p)
	}
	spec := res.Options
	switch k {
	case loss.Confidence:
		r.manifest.Confidence = &spec
	case loss.Box:
		r.manifest.Box = &spec
	default:
		r.manifest.Loss = spec
	}
	r.terms = append(r.terms, term{of: of, prefix: prefix, kind: k, logits: logits, res: res})
	return nil
}

// named is v under the given name, for use as a graph output.
func (r *rewriter) named(v *graph.Value, name string) *graph.Value {
	fresh := r.g.Fresh(name)
	leave := r.g.Scope("loss")
	out := op.Identity(v)
	leave()
	if out == nil {
		return nil
	}
	if err := out.Rename(fresh); err != nil {
		r.g.Fail(err)
	}
	return out
}

// nameDims names the unnamed dimensions of logits, so that targets and weights
// can refer to them.
func (r *rewriter) nameDims(logits *graph.Value, prefix string) {
	if logits == nil {
		return
	}
	shape := logits.Type.Shape
	for i, name := range []string{"batch", "anchors"} {
		if i < len(shape) && !shape[i].IsKnown() && shape[i].Param == "" {
			shape[i] = graph.Named(r.freshDim(prefix + name))
		}
	}
}

// freshDim is name, lengthened until no input or output has a dimension of that name.
func (r *rewriter) freshDim(name string) string {
	for _, v := range append(append([]*graph.Value{}, r.g.Inputs...), r.g.Outputs...) {
		if slices.Contains(v.Shape(), graph.Named(name)) {
			return r.freshDim(name + "_")
		}
	}
	return name
}

func (r *rewriter) output(v *graph.Value, role Role, of string) {
	if v == nil {
		return
	}
	r.g.AddOutput(v)
	r.manifest.Outputs = append(r.manifest.Outputs, portOf(v, role, of))
}

// unknown is a placeholder for a digest not yet known.
var unknown = strings.Repeat("0", 64)

// digests is the part of the manifest that depends on every byte of the model.
func (s Source) digests() string {
	return fmt.Sprintf(`"digest":"%s","fingerprint":"%s"`, s.Digest, s.Fingerprint)
}

func (r *rewriter) finish(m *graph.Model) (*Manifest, error) {
	x := &r.manifest
	text, err := json.Marshal(x)
	if err != nil {
		return nil, err
	}
	f, data, err := structure(r.g, r.roots)
	if err != nil {
		return nil, err
	}
	d := r.opts.Digest
	if d == nil && m.Source != nil {
		d = onnx.NewDigest(context.Background(), m)
		defer d.Close()
	}
	blank := x.Source.digests()
	final := sync.OnceValues(func() (string, error) {
		if d == nil {
			x.Source.Digest = ""
			x.Source.Fingerprint, err = Fingerprint(r.g, r.roots)
			return "", err
		}
		if x.Source.Digest, err = d.Sum(); err != nil {
			return "", err
		}
		x.Source.Fingerprint, err = completed(d, m, f, data)
		return x.Source.digests(), err
	})
	m.SetMeta(ManifestKey, string(text))
	if r.opts.Digest != nil {
		m.Later = &graph.Later{Text: blank, Final: final}
		return x, nil
	}
	if _, err := final(); err != nil {
		return nil, err
	}
	if text, err = json.Marshal(x); err != nil {
		return nil, err
	}
	m.SetMeta(ManifestKey, string(text))
	return x, nil
}

// Roots are the values that the fingerprint of a training graph covers: the
// original outputs and the tensors that hold logits.
func (x *Manifest) Roots(g *graph.Graph) ([]*graph.Value, error) {
	var roots []*graph.Value
	add := func(name string) error {
		v := g.Value(name)
		if v == nil {
			return fmt.Errorf("the manifest names %q, which is not in the graph", name)
		}
		roots = append(roots, v)
		return nil
	}
	for _, p := range x.Outputs {
		if p.Role == RoleOriginal {
			if err := add(p.Name); err != nil {
				return nil, err
			}
		}
	}
	for _, h := range x.Heads {
		for _, l := range slices.Concat(h.Levels, h.Objectness, h.Distributions) {
			if err := add(l.Source); err != nil {
				return nil, err
			}
		}
	}
	return roots, nil
}
