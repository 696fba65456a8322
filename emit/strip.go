package emit

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
)

// TrainedError is the error of rewriting a training graph: its target would be taken for an
// image, and its manifest lost. Strip restores the original model.
type TrainedError struct {
	Loss, File string // the loss it has, and the model it was made from
}

func (e *TrainedError) Error() string {
	return fmt.Sprintf("already a training graph, made from %s with loss %s", e.File, e.Loss)
}

// refuseTrained returns a *TrainedError for a model that has a manifest.
func refuseTrained(m *graph.Model) error {
	if _, ok := m.Meta(ManifestKey); !ok {
		return nil
	}
	x, err := ReadManifest(m)
	if err != nil {
		return err
	}
	return &TrainedError{x.Loss.Name, x.Source.File}
}

// Strip removes from a training graph what Rewrite appended: nodes, initializers, inputs,
// outputs, functions and the manifest, which it returns. The result has the bytes of the
// model that was rewritten, except that functions which had been inlined stay inlined and
// an IR version below 4 that was raised stays raised. It fails if the model has no manifest,
// does not match it, or if the remaining network does not have the manifest's fingerprint;
// discard m then.
func Strip(m *graph.Model) (*Manifest, error) {
	x, err := ReadManifest(m)
	if err != nil {
		return nil, err
	}
	if x == nil {
		return nil, fmt.Errorf("the model has no manifest, so there is no loss to remove")
	}
	roots, err := x.Roots(m.Graph)
	if err == nil {
		err = x.matches(m.Graph)
	}
	if err == nil {
		err = strip(m, x, roots)
	}
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	sum, err := Fingerprint(m.Graph, roots)
	if err != nil {
		return nil, err
	}
	if sum != x.Source.Fingerprint {
		return nil, fmt.Errorf("the network has changed since it was rewritten: fingerprint %.16s…, want %.16s…", sum, x.Source.Fingerprint)
	}
	return x, m.Check()
}

// matches checks the inputs and outputs that x names against those of g, in order; g may
// also have inputs with an initializer.
func (x *Manifest) matches(g *graph.Graph) error {
	for _, side := range []struct {
		what   string
		ports  []Port
		values []*graph.Value
	}{{"input", x.Inputs, g.Inputs}, {"output", x.Outputs, g.Outputs}} {
		var named, there []string
		for _, p := range side.ports {
			named = append(named, p.Name)
		}
		for _, v := range side.values {
			if v.Init == nil || side.what == "output" {
				there = append(there, v.Name)
			}
		}
		if !slices.Equal(named, there) {
			return fmt.Errorf("it names the %ss %q, the graph has %q", side.what, named, there)
		}
	}
	return nil
}

// strip removes what the other outputs depend on and roots do not.
func strip(m *graph.Model, x *Manifest, roots []*graph.Value) error {
	g := m.Graph
	appended := map[*graph.Value]bool{}
	for i, p := range x.Outputs {
		if p.Role != RoleOriginal {
			appended[g.Outputs[i]] = true
		}
	}
	inputs := map[string]bool{}
	for _, p := range x.Inputs {
		inputs[p.Name] = p.Role != RoleImage
	}
	outputs := slices.DeleteFunc(slices.Clone(g.Outputs), func(v *graph.Value) bool { return appended[v] })
	var tops []*graph.Value
	for v := range appended {
		tops = append(tops, v)
	}
	keep, _ := restsOn(g, roots)
	made, values := restsOn(g, tops)
	for n := range keep {
		delete(made, n)
	}
	g.SetOutputs(outputs)
	if err := g.RemoveNodes(made); err != nil {
		return err
	}
	unread := func(v *graph.Value) bool { return len(v.Uses()) == 0 && !slices.Contains(outputs, v) }
	kept := map[*graph.Value]bool{}
	for _, v := range roots {
		kept[v] = true
	}
	for _, n := range g.Nodes {
		for _, v := range n.Captures() {
			kept[v] = true
		}
	}
	var gone []*graph.Value
	for _, v := range slices.Concat(g.Inits, g.Inputs) {
		mine := inputs[v.Name] && v.Init == nil || v.Init != nil && values[v] && unread(v) && !kept[v]
		if mine && !unread(v) {
			return fmt.Errorf("the network reads the input %q, which it assigns to the loss", v.Name)
		}
		if mine {
			gone = append(gone, v)
		}
	}
	g.RemoveValues(gone)
	if ir := x.Source.IR; ir >= 4 && ir < m.IR {
		m.IR = ir
	}
	m.DropMeta(ManifestKey)
	return stripFunctions(m, x)
}

// stripFunctions removes the functions of the losses and their opset imports.
func stripFunctions(m *graph.Model, x *Manifest) error {
	if len(x.Functions) == 0 {
		return nil
	}
	for _, f := range x.Functions {
		fn := m.Function(f.Domain, f.Name, "")
		if fn == nil || f.Domain != FunctionDomain {
			return fmt.Errorf("it names the function %s.%s, which is not in the model", f.Domain, f.Name)
		}
		m.RemoveFunction(fn)
	}
	if !slices.ContainsFunc(m.Functions, func(f *graph.Function) bool { return f.Domain == FunctionDomain }) {
		m.DropOpset(FunctionDomain)
	}
	return nil
}
