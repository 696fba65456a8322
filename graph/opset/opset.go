package opset

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
)

// LeastIR is the IR version that Upgrade gives models of a lower one: the first in which
// an initializer need not be an input and a function may be called.
const LeastIR = 8

// NodeError is a node that cannot be upgraded.
type NodeError struct {
	Node    *graph.Node
	Version int64 // of the operator set, which the node's operator changed at
	Err     error
}

func (e *NodeError) Error() string {
	return fmt.Sprintf("node %v: opset %d: %v", e.Node, e.Version, e.Err)
}

func (e *NodeError) Unwrap() error { return e.Err }

// UpgradeError is the error of an upgrade: all nodes that stand in its way.
type UpgradeError struct {
	To    int64
	Nodes []*NodeError
}

func (e *UpgradeError) Error() string {
	words := make([]string, len(e.Nodes))
	for i, n := range e.Nodes {
		words[i] = n.Error()
	}
	return fmt.Sprintf("cannot be upgraded to opset %d: %s", e.To, strings.Join(words, "; "))
}

// Unwrap is what stands in the way, node by node.
func (e *UpgradeError) Unwrap() []error {
	list := make([]error, len(e.Nodes))
	for i, n := range e.Nodes {
		list[i] = n
	}
	return list
}

// Upgrade rewrites m, its subgraphs and its functions for version to of ONNX's operator
// set, and raises the IR version to LeastIR where it is less. Nothing changes if m has
// that version already; a version that is lower, or that is not supported, is an error.
// The types in m are refined. After an error m is of no more use, which is an
// *UpgradeError where nodes stand in the way.
func Upgrade(m *graph.Model, to int64) error {
	from := m.Opset("")
	switch {
	case to == from:
		return nil
	case to < from:
		return fmt.Errorf("opset %d is lower than the model's, %d", to, from)
	case to > onnx.MaxOpset || from < onnx.MinOpset:
		return fmt.Errorf("cannot convert opset %d to %d; supported are %d to %d", from, to, onnx.MinOpset, onnx.MaxOpset)
	}
	if err := op.InferModel(m).ReadErr(); err != nil {
		return err
	}
	failed := &UpgradeError{To: to}
	failed.raise(from, to, []*graph.Graph{m.Graph})
	m.SetOpset("", to)
	m.IR = max(m.IR, LeastIR)
	for _, f := range m.Functions {
		if v := f.Opset(""); v != 0 && v < to {
			failed.raise(v, to, []*graph.Graph{f.Body})
			f.SetOpset("", to)
		}
	}
	if failed.Nodes != nil {
		return failed
	}
	return op.InferModel(m).ReadErr() // the types of what was added
}

// raise applies the adapters of the versions behind from up to to, one version after
// the other, in graphs and the subgraphs in them.
func (e *UpgradeError) raise(from, to int64, graphs []*graph.Graph) {
	for v := from + 1; v <= to; v++ {
		for _, g := range graphs {
			for _, n := range slices.Clone(g.Nodes) {
				if err := adapt(n, v); err != nil {
					e.Nodes = append(e.Nodes, &NodeError{n, v, err})
				}
				e.raise(v-1, v, n.Subgraphs())
			}
		}
	}
}

// adapt applies the adapter that leads n to version v of the operator set, if there is
// one.
func adapt(n *graph.Node, v int64) error {
	if graph.CanonicalDomain(n.Domain) != "" {
		return nil
	}
	row := op.Lookup("", n.Op)
	if row == nil || row.Upgrades[v] == nil {
		return nil
	}
	return (&op.Upgrade{Node: n}).Run(row.Upgrades[v])
}
