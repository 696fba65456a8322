package verify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
	"github.com/onnxloss/onnxloss/patterns"
)

// everyRole is a training graph with inputs and outputs of every role, as the file has
// it, and its manifest.
func everyRole(t *testing.T) (*graph.Model, *emit.Manifest) {
	t.Helper()
	return small(t, emit.Options{
		Form: emit.LogitsGradientForm,
		Loss: loss.Options{Name: "seesaw", AnchorWeights: true, CheckTargets: true, Reduction: loss.Fed},
	})
}

// small is smallHead rewritten, and its manifest as the file has it.
func small(t *testing.T, o emit.Options) (*graph.Model, *emit.Manifest) {
	t.Helper()
	m, err := text.Parse(smallHead)
	if err != nil {
		t.Fatal(err)
	}
	r, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := emit.Rewrite(m, r.Heads[:1], o); err != nil {
		t.Fatal(err)
	}
	x, err := emit.ReadManifest(m)
	if err != nil {
		t.Fatal(err)
	}
	return m, x
}

func setManifest(t *testing.T, m *graph.Model, x *emit.Manifest) {
	t.Helper()
	raw, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	m.SetMeta(emit.ManifestKey, string(raw))
}

// interfaceCheck is the check of the interface of m; it is empty where m is not
// verified at all, with the error.
func interfaceCheck(m *graph.Model) (verify.Check, error) {
	r, err := verify.Training(context.Background(), m, verify.Options{})
	if r == nil {
		return verify.Check{}, err
	}
	i := slices.IndexFunc(r.Checks, func(c verify.Check) bool { return c.Name == "interface" })
	return r.Checks[i], err
}

func TestInterfaceIsProved(t *testing.T) {
	m, x := everyRole(t)
	roles := map[emit.Role]bool{}
	for _, p := range slices.Concat(x.Inputs, x.Outputs) {
		roles[p.Role] = true
	}
	c, err := interfaceCheck(m)
	if err != nil || c.Status != verify.OK {
		t.Fatal(err, c)
	}
	if len(roles) != 11 || c.Compared < len(x.Inputs)+2*len(x.Outputs) {
		t.Errorf("%d roles, %d compared", len(roles), c.Compared)
	}
}

// kept is the model with the dimensions of its reduction kept: the loss is [1, 1], and
// graph and manifest say so.
func kept(t *testing.T) *graph.Model {
	m, x := small(t, emit.Options{Loss: loss.Options{Name: "bce", Reduction: loss.Sum}})
	old := m.Graph.Value("loss")
	var sum *graph.Node
	for _, n := range m.Graph.Nodes {
		if n.Op == "ReduceSum" && n.Outputs[0].Shape().String() == old.Shape().String() {
			sum = n
		}
	}
	sum.SetAttr(graph.Int("keepdims", 1))
	ones := graph.TensorOf(tensor.Float32, graph.Static(1, 1))
	sum.Outputs[0].Type, old.Type = ones, ones
	x.Output(emit.RoleLoss, "").Shape = &[]any{1, 1}
	setManifest(t, m, x)
	if err := op.CheckNodes(m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestKeptDimensionsAreNoticed(t *testing.T) {
	c, err := interfaceCheck(kept(t))
	var failed *verify.FailedError
	if !errors.As(err, &failed) || c.Status != verify.Failed {
		t.Errorf("a loss of float32[1,1]: %v, error %v", c, err)
	}
}

// lies are what may be wrong with an input or output.
var lies = map[string]func(v *graph.Type){
	"type":  func(v *graph.Type) { v.DType = tensor.Float16 },
	"rank":  func(v *graph.Type) { v.Shape = append(v.Shape.Clone(), graph.Known(1)) },
	"first": func(v *graph.Type) { changeDim(v, 0) },
	"last":  func(v *graph.Type) { changeDim(v, len(v.Shape)-1) },
}

// changeDim makes a dimension another; a scalar gets one.
func changeDim(v *graph.Type, i int) {
	v.Shape = v.Shape.Clone()
	switch {
	case len(v.Shape) == 0:
		v.Shape = graph.Static(1)
	case v.Shape[i].IsKnown():
		v.Shape[i].Value++
	default:
		v.Shape[i] = graph.Named("another")
	}
}

// TestLiesAreNoticed changes type, rank or a dimension of every input and output: in the
// manifest alone, in the graph's declaration alone, and in both, where only the role or
// a run can tell. (An image declared otherwise in both belongs to another network.)
func TestLiesAreNoticed(t *testing.T) {
	_, x := everyRole(t)
	inputs := len(x.Inputs)
	for i := range inputs + len(x.Outputs) {
		for name, lie := range lies {
			for _, where := range []string{"manifest", "graph", "both"} {
				m, x := everyRole(t)
				values, ports, k := m.Graph.Inputs, x.Inputs, i
				if i >= inputs {
					values, ports, k = m.Graph.Outputs, x.Outputs, i-inputs
				}
				v := graph.Type{DType: values[k].Type.DType, Shape: values[k].Shape(), Kind: graph.TensorKind}
				lie(&v)
				if where != "graph" {
					var dims []any = []any{}
					for _, d := range v.Shape {
						dims = append(dims, d.String())
						if d.IsKnown() {
							dims[len(dims)-1] = d.Value
						}
					}
					ports[k].DType, ports[k].Shape = v.DType.String(), &dims
					setManifest(t, m, x)
				}
				if where != "manifest" {
					values[k].Type = v
				}
				network := ports[k].Role == emit.RoleImage || ports[k].Role == emit.RoleOriginal
				if network && (name == "first" || where == "both" && name != "type") || where == "both" && ports[k].Role == emit.RoleImage {
					continue // a name that nothing else has, or what the exporter declared wrongly
				}
				c, err := interfaceCheck(m)
				if err == nil {
					t.Errorf("%s of %s (%s) in %s: nobody notices", name, ports[k].Name, ports[k].Role, where)
				}
				if c.Status == verify.OK && where != "both" {
					t.Errorf("%s of %s (%s) in %s: the interface is ok", name, ports[k].Name, ports[k].Role, where)
				}
			}
		}
	}
}

// TestPortsAreNoticed takes inputs and outputs out of the manifest, and adds some.
func TestPortsAreNoticed(t *testing.T) {
	_, x := everyRole(t)
	for name, change := range map[string]func(x *emit.Manifest){
		"no original":    func(x *emit.Manifest) { x.Outputs = x.Outputs[1:] },
		"no image":       func(x *emit.Manifest) { x.Inputs = x.Inputs[1:] },
		"another order":  func(x *emit.Manifest) { x.Outputs[0], x.Outputs[1] = x.Outputs[1], x.Outputs[0] },
		"another name":   func(x *emit.Manifest) { x.Outputs[0].Name = "other" },
		"two losses":     func(x *emit.Manifest) { x.Outputs[0] = *x.Output(emit.RoleLoss, "") },
		"a foreign role": func(x *emit.Manifest) { x.Outputs[0].Role = "gradient" },
		"a loss of none": func(x *emit.Manifest) { x.Outputs[1].Role, x.Outputs[1].Of = emit.RoleLoss, "box" },
	} {
		m, y := everyRole(t)
		if change(y); fmt.Sprint(*x) == fmt.Sprint(*y) {
			t.Fatalf("%s: no change", name)
		}
		setManifest(t, m, y)
		if c, err := interfaceCheck(m); err == nil || c.Status == verify.OK {
			t.Errorf("%s: nobody notices: %v %v", name, c, err)
		}
	}
}

// TestNamesOfNodesDoNotMatter: what a loss consists of is found by the manifest, whose
// names are those of inputs and outputs.
func TestNamesOfNodesDoNotMatter(t *testing.T) {
	for _, rename := range []string{"", "node_%d"} {
		m, _ := small(t, emit.Options{
			Form: emit.LogitsGradientForm, DType: tensor.Float16,
			Loss: loss.Options{Name: "sigmoid-focal", Reduction: loss.Sum, CheckTargets: true},
		})
		for i, n := range m.Graph.Nodes {
			if n.Name = rename; rename != "" {
				n.Name = fmt.Sprintf(rename, i)
			}
		}
		if r, err := verify.Training(context.Background(), m, verify.Options{}); err != nil || r.Verdict() != verify.Proved {
			t.Errorf("nodes named %q: %v", rename, err)
		}
	}
}
