package verify

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// signature is the element type and the dimensions of an input or output, which are
// numbers (float64, as JSON has them) and names.
type signature struct {
	dtype string
	dims  []any
}

func (s signature) String() string { return fmt.Sprintf("%s%v", s.dtype, s.dims) }

// declares checks the graph's declared inputs and outputs against the manifest: the same
// ones in the same order, with the same element types and shapes; and the manifest's
// entries for losses against their roles.
func (p *proof) declares() error {
	p.ports = Check{Name: "interface", What: "names, types and shapes of all inputs and outputs, as declared and as computed, against the manifest and its roles"}
	inputs := slices.DeleteFunc(slices.Clone(p.model.Graph.Inputs), func(v *graph.Value) bool { return v.Init != nil })
	p.declared("inputs", p.manifest.Inputs, inputs)
	p.declared("outputs", p.manifest.Outputs, p.model.Graph.Outputs)
	wanted := p.signatures()
	for _, side := range []struct {
		ports   []emit.Port
		network emit.Role // of the network's own inputs or outputs
	}{{p.manifest.Inputs, emit.RoleImage}, {p.manifest.Outputs, emit.RoleOriginal}} {
		for i := range side.ports {
			port := &side.ports[i]
			want, ok := wanted[port]
			switch got := signatureOf(port); {
			case port.Role == side.network:
			case !ok:
				p.ports.fail("%s: no loss in the manifest has a %s", port.Name, port.Role)
			case got == nil || got.String() != want.String():
				p.ports.fail("%s: the manifest has %v, but a %[4]s must be %[3]v", port.Name, got, want, port.Role)
			}
		}
	}
	return nil
}

// declared checks the graph's declared inputs or outputs against the manifest.
func (p *proof) declared(side string, ports []emit.Port, values []*graph.Value) {
	var named, there []string
	for _, port := range ports {
		named = append(named, port.Name)
	}
	for _, v := range values {
		there = append(there, v.Name)
	}
	if !slices.Equal(named, there) {
		p.ports.fail("the manifest names the %s %q, the graph has %q", side, named, there)
		return
	}
	for i, v := range values {
		p.ports.Compared++
		got, want := typeOf(v), signatureOf(&ports[i])
		role := ports[i].Role
		if !want.fits(got, role == emit.RoleOriginal || role == emit.RoleImage) {
			p.ports.fail("%s: the graph has %v, the manifest %v", v.Name, got, want)
		}
	}
}

// fits reports whether the manifest's signature matches the graph's declaration. For the
// network's own tensors it may be more specific, thanks to inference: a type where the graph
// has none, or a number or an input's dimension where the graph has a name used nowhere else.
func (s *signature) fits(declared *signature, network bool) bool {
	if s == nil || declared == nil {
		return declared == nil && (s == nil || network)
	}
	untyped := network && declared.dtype == tensor.Invalid.String()
	if declared.dtype != s.dtype && !untyped || len(declared.dims) != len(s.dims) {
		return false
	}
	for i, d := range declared.dims {
		_, named := d.(string)
		if d != s.dims[i] && !(named && network) {
			return false
		}
	}
	return true
}

// signatureOf is a port's signature in the manifest; nil if it has none.
func signatureOf(port *emit.Port) *signature {
	if port.Shape == nil {
		return nil
	}
	return &signature{port.DType, *port.Shape}
}

// typeOf is a value's signature in the graph; nil if it has none.
func typeOf(v *graph.Value) *signature {
	if v.Type.Kind != graph.TensorKind || v.Shape() == nil {
		return nil
	}
	s := signature{dtype: v.Type.DType.String()}
	for _, d := range v.Shape() {
		if d.IsKnown() {
			s.dims = append(s.dims, float64(d.Value))
		} else {
			s.dims = append(s.dims, d.String())
		}
	}
	return &s
}

// signatures are the signatures that the roles of all losses' inputs and outputs imply.
func (p *proof) signatures() map[*emit.Port]signature {
	all := map[*emit.Port]signature{}
	ts := p.terms()
	for _, t := range ts {
		t.signatures(all, p.manifest.Form)
	}
	if total := p.manifest.Output(emit.RoleLoss, ""); total != nil && len(ts) > 1 {
		all[total] = signature{ts[0].computes(), nil}
	}
	delete(all, nil)
	return all
}

// computes is the element type that the loss is computed in.
func (t *term) computes() string {
	if t.logits.DType == tensor.Float64.String() {
		return t.logits.DType
	}
	return tensor.Float32.String()
}

// signatures adds those of the term's inputs and outputs.
func (t *term) signatures(all map[*emit.Port]signature, form emit.Form) {
	dims := []any{"batch", "anchors", 0.0}
	if s := t.logits.Shape; s != nil && len(*s) == len(dims) {
		dims = slices.Clone(*s)
	}
	dims[2] = float64(t.classes)
	logits, anchors := signature{t.logits.DType, dims}, dims[:2:2]
	all[t.logits] = logits
	switch t.opts.Target {
	case loss.Index:
		all[t.target] = signature{tensor.Int64.String(), anchors}
	case loss.Bins:
		all[t.target] = signature{logits.dtype, anchors}
	default:
		all[t.target] = logits
	}
	all[t.out] = signature{t.computes(), nil}
	if t.opts.Reduction == loss.None {
		all[t.out] = signature{t.computes(), anchors}
	}
	all[t.weight], all[t.normalizer] = signature{t.computes(), anchors}, signature{t.computes(), nil}
	if form == emit.LogitsGradientForm {
		all[t.slope] = logits
	}
	if t.opts.CheckTargets {
		all[t.targetCheck] = signature{tensor.Int64.String(), []any{4.0}}
	}
	states, _ := t.opts.States(t.kind, t.classes) // an error here was reported by check
	for i, s := range states {
		all[t.states[i]] = signature{t.computes(), []any{float64(s.Len)}}
		all[t.news[i]] = all[t.states[i]]
	}
}

// gave checks a tensor that a run returned for the output called name against the manifest.
// Symbolic dimensions must be as in bound; those not bound may have any size.
func (p *proof) gave(name string, t *tensor.Tensor, bound map[string]int, double bool) {
	i := slices.IndexFunc(p.manifest.Outputs, func(port emit.Port) bool { return port.Name == name })
	if i < 0 {
		return
	}
	port := &p.manifest.Outputs[i]
	want := signatureOf(port)
	if want == nil || t == nil {
		return
	}
	p.ports.Compared++
	if !double && t.DType.String() != want.dtype {
		p.ports.fail("%s: a run returned %v, the manifest has %v", port.Name, t, want)
	}
	fits := len(t.Shape) == len(want.dims)
	for i := 0; fits && i < len(want.dims); i++ {
		n, known := want.dims[i].(float64)
		if name, ok := want.dims[i].(string); ok {
			size, is := bound[name]
			n, known = float64(size), is
		}
		fits = !known || n == float64(t.Shape[i])
	}
	if port.Role == emit.RoleOriginal {
		return // exporters declare the sizes they saw, and other checks compare the values
	}
	if !fits {
		p.ports.fail("%s: a run returned %v, the manifest has %v with %v", port.Name, t, want, bound)
	}
}

// sizes is the sizes that a batch gives to the symbolic dimensions of the term's logits, N
// and A, unless both have the same name, which drawn batches do not respect.
func (t *term) sizes(b loss.Batch) map[string]int {
	bound, s := map[string]int{}, t.logits.Shape
	if s == nil || len(*s) != 3 {
		return bound
	}
	images, named := (*s)[0].(string)
	anchors, also := (*s)[1].(string)
	if named && also && images == anchors {
		return bound
	}
	if named {
		bound[images] = b.N
	}
	if also {
		bound[anchors] = b.A
	}
	return bound
}

// imageSizes is the sizes that the images of a run give to symbolic dimensions.
func imageSizes(plan *interp.Plan, feeds map[string]*tensor.Tensor) map[string]int {
	bound := map[string]int{}
	for _, v := range plan.Feeds() {
		for i, d := range v.Shape() {
			if t := feeds[v.Name]; !d.IsKnown() && d.Param != "" && t != nil {
				bound[d.Param] = t.Shape[i]
			}
		}
	}
	return bound
}
