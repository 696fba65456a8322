package op_test

import (
	"fmt"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/conform"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// TestInferenceAgreesWithRuns holds what inference says of every case of ONNX
// against what a run gives: with the inputs' shapes as declared, and with a
// name for each dimension, where a named size of the result must have the value
// that its formula has. Declarations of anything but the inputs are forgotten.
func TestInferenceAgreesWithRuns(t *testing.T) {
	names, dirs := cases(t)
	ranks, unknownRanks, dims, unknownDims := 0, 0, 0, 0
	for _, name := range names {
		if conform.Skip(path.Base(name), false) != "" {
			continue
		}
		for _, named := range []bool{false, true} {
			c, err := newInferCase(dirs[name], named)
			if err != nil {
				continue // the conformance test says why
			}
			if err := c.check(); err != nil {
				t.Errorf("%s (named dimensions: %v): %v", name, named, err)
			}
			if named {
				ranks += c.ranks
				unknownRanks += c.unknownRanks
				dims += c.dims
				unknownDims += c.unknownDims
			}
		}
	}
	t.Logf("with named dimensions: %d of %d ranks and %d of %d dimensions of results are known", ranks, ranks+unknownRanks, dims, dims+unknownDims)
	if unknownRanks*20 > ranks {
		t.Errorf("the rank of %d results is unknown, of %d it is known", unknownRanks, ranks)
	}
}

// TestInferenceOfPartlyKnownInputs makes all inputs of each case constants, and
// all but each one: what is inferred of shapes must be so.
func TestInferenceOfPartlyKnownInputs(t *testing.T) {
	names, dirs := cases(t)
	for _, name := range names {
		c, err := newInferCase(dirs[name], false)
		if err != nil || conform.Skip(path.Base(name), false) != "" || len(c.feeds) > 8 {
			continue // the conformance test says why
		}
		for unknown := -1; unknown < len(c.model.Graph.Inputs); unknown++ {
			known, err := newInferCase(dirs[name], false)
			if err != nil {
				t.Fatal(err)
			}
			g := known.model.Graph
			inputs := g.Inputs
			g.Inputs = nil
			for i, v := range inputs {
				x := known.feeds[v.Name]
				if i == unknown || x == nil || x.IsSequence() || x.IsNone() {
					g.Inputs = append(g.Inputs, v)
					continue
				}
				g.SetInit(v, graph.NewData(v.Name, x))
			}
			if err := known.check(); err != nil {
				t.Errorf("%s, all inputs known but number %d: %v", name, unknown, err)
			}
		}
	}
}

type inferCase struct {
	feeds                                  map[string]*tensor.Tensor
	want                                   []*tensor.Tensor // results of a run
	model                                  *graph.Model     // what is inferred
	ranks, unknownRanks, dims, unknownDims int
}

func newInferCase(dir string, named bool) (*inferCase, error) {
	m, err := onnx.ReadFile(filepath.Join(dir, "model.onnx"))
	if err != nil {
		return nil, err
	}
	feeds, _, err := conform.ReadSet(m, filepath.Join(dir, "test_data_set_0"))
	if err != nil {
		return nil, err
	}
	out, err := run(m, feeds)
	if err != nil {
		return nil, err
	}
	c := &inferCase{feeds: feeds}
	for _, v := range m.Graph.Outputs {
		c.want = append(c.want, out[v.Name])
	}
	if c.model, err = onnx.ReadFile(filepath.Join(dir, "model.onnx")); err != nil {
		return nil, err
	}
	forget(c.model.Graph)
	for _, v := range c.model.Graph.Inputs {
		if !named || v.Init != nil || v.Type.DType.IsInt() && len(v.Type.Shape) < 2 { // a shape, an axis
			continue
		}
		for d, x := range v.Type.Shape {
			if x.IsKnown() {
				v.Type.Shape[d] = graph.Named(fmt.Sprintf("n%d", x.Value))
			}
		}
	}
	return c, nil
}

// forget drops the declared types of what nodes make.
func forget(g *graph.Graph) {
	for _, n := range g.Nodes {
		for _, v := range n.Outputs {
			if v != nil {
				v.Type = graph.Type{}
			}
		}
		for _, s := range n.Subgraphs() {
			forget(s)
		}
	}
}

func (c *inferCase) check() error {
	if errs := op.InferModel(c.model).Errs(); errs != nil {
		return errs[0]
	}
	for i, v := range c.model.Graph.Outputs {
		if err := c.agrees(v.Type, c.want[i]); err != nil {
			return fmt.Errorf("output %d is %v, inferred %v: %w", i, c.want[i], v.Type, err)
		}
	}
	return nil
}

func (c *inferCase) agrees(t graph.Type, got *tensor.Tensor) error {
	switch {
	case got.IsNone():
		return nil
	case t.Kind == graph.Untyped:
		c.unknownRanks++
		return nil
	case got.IsSequence():
		if t.Kind == graph.OptionalKind && t.Elem != nil {
			return c.agrees(*t.Elem, got)
		}
		if t.Kind != graph.SequenceKind {
			return fmt.Errorf("not a sequence")
		}
		if t.Elem == nil {
			return nil
		}
		for _, e := range got.Seq {
			if err := c.agrees(*t.Elem, e); err != nil {
				return err
			}
		}
		return nil
	case t.Kind == graph.OptionalKind && t.Elem != nil:
		return c.agrees(*t.Elem, got)
	case t.Kind != graph.TensorKind:
		return fmt.Errorf("not a tensor")
	case t.DType != got.DType:
		return fmt.Errorf("the element type is another")
	case t.Shape == nil:
		c.unknownRanks++
		return nil
	case len(t.Shape) != got.Rank():
		return fmt.Errorf("the rank is another")
	}
	c.ranks++
	for i, d := range t.Shape {
		n, known, err := sizeOf(d)
		switch {
		case err != nil:
			return err
		case !known:
			c.unknownDims++
		case n != got.Shape[i]:
			return fmt.Errorf("dimension %d is %d, inferred %d", i, got.Shape[i], n)
		default:
			c.dims++
		}
	}
	return nil
}

// sizeOf is the value of a dimension whose names are n and a number. Names of
// the file's own, as in the bodies of loops, stand for any size.
func sizeOf(d graph.Dim) (n int, known bool, err error) {
	if d.IsKnown() || d.Param == "" {
		return int(d.Value), d.IsKnown(), nil
	}
	if !strings.ContainsAny(d.Param, "0123456789") {
		return 0, false, nil
	}
	p := &formula{text: d.Param}
	n = p.sum()
	if p.failed || p.text != "" {
		return 0, false, fmt.Errorf("the formula %q cannot be read at %q", d.Param, p.text)
	}
	return n, true, nil
}

// formula reads sizes such as "2*n3*n4 - n5 + 1" and "floor((n3 + 1)/2)".
type formula struct {
	text   string
	failed bool
}

func (f *formula) take(s string) bool {
	rest, ok := strings.CutPrefix(f.text, s)
	if ok {
		f.text = rest
	}
	return ok
}

func (f *formula) sum() int {
	n := f.product()
	for {
		switch {
		case f.take(" + "):
			n += f.product()
		case f.take(" - "):
			n -= f.product()
		default:
			return n
		}
	}
}

func (f *formula) product() int {
	n := f.factor()
	for {
		switch {
		case f.take("*"):
			n *= f.factor()
		case f.take("/"):
			d := f.factor()
			if d == 0 {
				f.failed = true
				return 0
			}
			n /= d
		default:
			return n
		}
	}
}

func (f *formula) factor() int {
	if f.take("floor(") || f.take("(") {
		n := f.sum()
		f.failed = f.failed || !f.take(")")
		return n
	}
	f.take("n")
	end := 0
	for end < len(f.text) && (f.text[end] >= '0' && f.text[end] <= '9' || end == 0 && f.text[end] == '-') {
		end++
	}
	n, err := strconv.Atoi(f.text[:end])
	f.failed = f.failed || err != nil
	f.text = f.text[end:]
	return n
}
