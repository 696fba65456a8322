package op

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// inputTypeText has the types that inputs take, by ONNX's schemas up to opset 17; see
// input_types.py.
//
//go:embed input_types.txt
var inputTypeText string

// laterTypes are the lines of newer schemas that take further kinds. Types narrower than a
// byte and floats of 8 bits, which came with them, are left to the kernels.
const laterTypes = `Equal 19 T=* T=*
ReduceMax 20 T=bfi
ReduceMin 20 T=bfi
DequantizeLinear 19 T=fi -=f T=fi
QuantizeLinear 19 T1=fi -=fi T2=fi
`

// takes is the types that an input takes: of the same name are the same.
type takes struct {
	name  string
	kinds string // as input_types.py has them
}

// taking is the inputs of a schema; the last stands for all that follow, where more is set.
type taking struct {
	since  int64
	inputs []takes
	more   bool
}

var inputTypes = sync.OnceValue(func() map[string][]taking {
	all := map[string][]taking{}
	for _, line := range strings.Split(strings.TrimSpace(inputTypeText+laterTypes), "\n") {
		words := strings.Fields(line)
		since, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil {
			panic("op: input_types.txt: " + err.Error())
		}
		x := taking{since: since}
		for _, w := range words[2:] {
			w, more := strings.CutSuffix(w, "...")
			name, kinds, _ := strings.Cut(w, "=")
			x.inputs, x.more = append(x.inputs, takes{name, kinds}), more
		}
		all[words[0]] = append(all[words[0]], x)
	}
	return all
})

// kind is the letter of an element type among kinds; 0 for one that is not known, or that
// is left to the kernels.
func kind(d tensor.DType) byte {
	switch {
	case d == tensor.Bool:
		return 'b'
	case d == tensor.String:
		return 's'
	case d == tensor.Complex64 || d == tensor.Complex128:
		return 'c'
	case d.IsFloat():
		return 'f'
	case d.IsInt():
		return 'i'
	}
	return 0
}

var kindWords = map[byte]string{'f': "floats", 'i': "integers", 'b': "truth values", 's': "strings", 'c': "complex numbers"}

func (t takes) String() string {
	var words []string
	for i := range t.kinds {
		words = append(words, kindWords[t.kinds[i]])
	}
	return strings.Join(words, " or ")
}

// CheckNodes reports the first node of m, wherever it lies, that ONNX's schemas refuse: in
// a version that has no such operator, with too few or too many inputs or outputs, or with
// inputs of types that it does not take, as far as types are known. Operators that the
// table lacks, and the bodies of functions, are not looked at.
func CheckNodes(m *graph.Model) error {
	f := InferModel(m)
	var graphs func(g *graph.Graph) error
	graphs = func(g *graph.Graph) error {
		for _, n := range g.Nodes {
			if err := f.check(n); err != nil {
				return fmt.Errorf("node %v: %w", n, err)
			}
			for _, s := range n.Subgraphs() {
				if err := graphs(s); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return graphs(m.Graph)
}

func (f *Facts) check(n *graph.Node) error {
	row := Lookup(n.Domain, n.Op)
	if m := n.Graph().Model; row == nil || m != nil && m.Function(n.Domain, n.Op, n.Overload) != nil {
		return nil
	}
	opset := n.Graph().Opset(n.Domain)
	if row.Since(opset) == 0 {
		return fmt.Errorf("opset %d has no %s", opset, n.Op)
	}
	if err := row.CheckArity(n); err != nil {
		return err
	}
	if graph.CanonicalDomain(n.Domain) != "" {
		return nil
	}
	var schema *taking
	for i, x := range inputTypes()[n.Op] {
		if x.since <= opset {
			schema = &inputTypes()[n.Op][i]
		}
	}
	if schema == nil {
		return nil
	}
	return f.checkTypes(n, schema)
}

func (f *Facts) checkTypes(n *graph.Node, s *taking) error {
	first := map[string]int{}
	for i, v := range n.Inputs {
		if v == nil || i >= len(s.inputs) && !s.more {
			continue
		}
		want, t := s.inputs[min(i, len(s.inputs)-1)], f.Of(v).Type
		k := kind(t.DType)
		if t.Kind != graph.TensorKind || k == 0 {
			continue
		}
		if want.kinds != "*" && strings.IndexByte(want.kinds, k) < 0 {
			return InputError(n, i, "%v, want %v", t.DType, want)
		}
		if want.name == "-" {
			continue
		}
		j, seen := first[want.name]
		if !seen {
			first[want.name] = i
		} else if other := f.Of(n.Inputs[j]).DType; other != t.DType {
			return InputError(n, i, "%v, want %v as input %d has", t.DType, other, j)
		}
	}
	return nil
}
