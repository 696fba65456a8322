package emit

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
)

// TrainedError is the error of a rewrite of a training graph: its target would become an
// image, and its manifest be lost. Strip makes the model of it that it was.
type TrainedError struct {
	Loss, File string // what it was made with, and of
}

func (e *TrainedError) Error() string {
	return fmt.Sprintf("is a training graph already, of %s with the loss %s", e.File, e.Loss)
}

// refuseTrained is a *TrainedError for a model that has a manifest.
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

// Strip takes off a training graph what Rewrite appended: nodes, initializers, inputs,
// outputs, functions and the manifest, which it returns. What is left is the model that
// was rewritten, with the same bytes, but for functions whose nodes Rewrite was given in
// place of their calls, and an IR version below 4 that it raised. It is an error if the model has no manifest or not what it says,
// or if the network left is not the one of the manifest's fingerprint; m is then of no
// more use.
func Strip(m *graph.Model) (*Manifest, error) {
	x, err := ReadManifest(m)
	if err != nil {
		return nil, err
	}
	if x == nil {
		return nil, fmt.Errorf("the model has no manifest, so there is no loss to take off")
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
		return nil, fmt.Errorf("the network is not the one that was rewritten: fingerprint %.16s…, want %.16s…", sum, x.Source.Fingerprint)
	}
	return x, m.Check()
}

// matches holds the inputs and outputs that x names to those of g, in order; g may have
// inputs with an initializer besides.
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

// strip takes off what roots do not rest on and the other outputs do.
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
			return fmt.Errorf("the network reads the input %q, which it says the loss has", v.Name)
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

// stripFunctions takes off the functions of the losses, with what they needed.
func stripFunctions(m *graph.Model, x *Manifest) error {
	if len(x.Functions) == 0 {
		return nil
	}
	for _, f := range x.Functions {
		fn := m.Function(f.Domain, f.Name, "")
		if fn == nil || f.Domain != FunctionDomain {
			return fmt.Errorf("it names the function %s.%s, which the model does not have", f.Domain, f.Name)
		}
		m.RemoveFunction(fn)
	}
	if !slices.ContainsFunc(m.Functions, func(f *graph.Function) bool { return f.Domain == FunctionDomain }) {
		m.DropOpset(FunctionDomain)
	}
	return nil
}
