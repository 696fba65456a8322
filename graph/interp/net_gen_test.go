package interp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// netGen writes a network, as text, by decisions that it draws from bytes: the same
// bytes give the same network, and any bytes give one. It knows the shape of every
// value, so that most networks run.
type netGen struct {
	draws  []byte
	vals   []netVal // that a node may read, outer ones first
	fetch  []string // values of the main graph, in order
	main   *netScope
	scope  *netScope
	funcs  map[string]string
	inputs []netVal
	elem   string // element type of all floats
	slices string // an image's, joined,
	cut    string // what a convolution makes of them, which is so only within rounding,
	near   string // and what follows it
	cond   bool
	depth  int
	made   int
	full   bool // a value has as many elements as there may be
}

type netVal struct {
	name  string
	shape []int
}

// netScope is the text of one graph.
type netScope struct {
	nodes, inits strings.Builder
	weights      map[string][]string // initializers that are drawn, by type
}

const (
	netSteps  = 14
	netElems  = 1 << 15 // of one value,
	chainSize = 96      // unless the network begins with an image of so many rows and columns
	netWeight = 2000    // elements of a weight
)

// n draws a number below k; 0 when the bytes are used up.
func (g *netGen) n(k int) int {
	if len(g.draws) == 0 || k <= 1 {
		return 0
	}
	x := int(g.draws[0])
	g.draws = g.draws[1:]
	return x % k
}

// oneIn draws whether what happens once in k times does.
func (g *netGen) oneIn(k int) bool { return g.n(k) == k-1 }

func oneOf[T any](g *netGen, list ...T) T { return list[g.n(len(list))] }

// newNet draws a network. The main graph's inputs are x and z, of one shape, and a bool.
func newNet(draws []byte) *netGen {
	g := &netGen{draws: draws, funcs: map[string]string{}}
	g.main = &netScope{weights: map[string][]string{}}
	g.scope = g.main
	kind := netKind(g.n(16))
	shape := g.inputShape(kind)
	g.elem = "float"
	if g.oneIn(12) {
		g.elem = oneOf(g, "double", "float16")
	}
	g.cond = g.n(2) == 0
	g.inputs = []netVal{{"x", shape}, {"z", shape}}
	g.vals = slices.Clone(g.inputs)
	switch kind {
	case largeImage:
		g.invertedResidual(g.vals[0])
	case evenImage, otherEvenImage:
		g.focus(g.vals[0])
	case table, otherTable:
		g.rows(g.vals[0])
	}
	for range netSteps {
		if len(g.draws) == 0 || g.full {
			break
		}
		g.step()
	}
	if len(g.fetch) == 0 {
		g.add(shape, "Relu (x)")
	}
	return g
}

// netKind is what a network begins with: an image, unless it is one of these.
type netKind int

const (
	largeImage netKind = iota + 8 // for stripes
	volume                        // of three axes
	evenImage                     // with a convolution of its slices
	otherEvenImage
	signal // of one axis
	otherSignal
	table // of several tiles
	otherTable
)

func (g *netGen) inputShape(kind netKind) []int {
	switch kind {
	case largeImage:
		return []int{1, 4, chainSize, chainSize}
	case volume:
		return []int{1, 1 + g.n(3), 2 + g.n(6), 2 + g.n(6), 2 + g.n(6)}
	case evenImage, otherEvenImage:
		return []int{1 + g.n(2), 1 + g.n(3), 2 + 2*g.n(12), 2 + 2*g.n(12)}
	case signal, otherSignal:
		return []int{oneOf(g, 1, 1, 2), 1 + g.n(6), 4 + g.n(40)}
	case table, otherTable:
		return []int{2, 100 + g.n(50), 90 + g.n(50)}
	}
	return []int{oneOf(g, 1, 1, 2), 1 + g.n(9), 3 + g.n(20), 3 + g.n(20)}
}

// text is the network. Which sizes of the inputs are known is drawn last, by sizes,
// since it decides of nothing else.
func (g *netGen) text(sizes byte) string {
	dims := func(shape []int) string {
		var s []string
		for i, n := range shape {
			if sizes>>i&1 == 0 {
				s = append(s, fmt.Sprint(n))
			} else {
				s = append(s, fmt.Sprintf("d%d", i))
			}
		}
		return strings.Join(s, ", ")
	}
	opset := []int{14, 17, 21}[int(sizes>>6)%3]
	t := fmt.Sprintf("<ir_version: 8, opset_import: [\"\" : %d, \"local\" : 1]>\ng (%s[%s] x, %[2]s[%[3]s] z, bool cond) => (%[4]s) <float[0] none = {}%[5]s> {\n%[6]s}\n",
		opset, g.elem, dims(g.inputs[0].shape), g.fetch[len(g.fetch)-1], &g.main.inits, &g.main.nodes)
	for _, name := range slices.Sorted(mapKeys(g.funcs)) {
		t += fmt.Sprintf(g.funcs[name], opset)
	}
	return t
}

func mapKeys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// add writes a node that makes one value.
func (g *netGen) add(shape []int, format string, args ...any) netVal {
	v := netVal{fmt.Sprintf("v%d", g.made), shape}
	g.made++
	fmt.Fprintf(&g.scope.nodes, "  %s = %s\n", v.name, fmt.Sprintf(format, args...))
	g.hold(v)
	return v
}

func (g *netGen) hold(v netVal) {
	g.vals = append(g.vals, v)
	if g.depth == 0 {
		g.fetch = append(g.fetch, v.name)
	}
	limit := netElems
	if g.inputs[0].shape[len(g.inputs[0].shape)-1] == chainSize {
		limit *= 32
	}
	g.full = g.full || tensor.Elements(v.shape) > limit
}

// sizeOf is how many elements a value of the main graph has.
func (g *netGen) sizeOf(name string) int {
	for _, v := range g.vals {
		if v.name == name {
			return tensor.Elements(v.shape)
		}
	}
	return 0
}

// weight is an initializer, which may be one that was drawn before.
func (g *netGen) weight(shape ...int) string {
	s := g.scope
	if g.n(2) == 0 {
		s = g.main
	}
	kind := "float"
	if g.elem == "double" {
		kind = g.elem
	}
	if len(shape) > 0 {
		kind += list(shape)
	}
	if old := s.weights[kind]; len(old) > 0 && g.oneIn(3) {
		return old[g.n(len(old))]
	}
	name := fmt.Sprintf("w%d", g.made)
	g.made++
	var elems []string
	seed := uint32(g.made*7919 + g.n(255))
	for range tensor.Elements(shape) {
		seed = seed*1664525 + 1013904223
		elems = append(elems, fmt.Sprintf("%.4g", float64(int32(seed))/(1<<31)))
	}
	fmt.Fprintf(&s.inits, ", %s %s = {%s}", kind, name, strings.Join(elems, ","))
	if g.elem == "float16" {
		fmt.Fprintf(&s.nodes, "  h%s = Cast <to = 10> (%[1]s)\n", name)
		name = "h" + name
	}
	s.weights[kind] = append(s.weights[kind], name)
	return name
}

// ints is an initializer of whole numbers.
func (g *netGen) ints(n ...int) string {
	name := fmt.Sprintf("i%d", g.made)
	g.made++
	fmt.Fprintf(&g.scope.inits, ", int64[%d] %s = {%s}", len(n), name, strings.Trim(list(n), "[]"))
	return name
}

// list is numbers as an attribute.
func list(n []int) string {
	return strings.ReplaceAll(fmt.Sprint(n), " ", ",")
}

// pick draws one of the values that were made last.
func (g *netGen) pick() netVal {
	return g.vals[max(len(g.vals)-1-oneOf(g, 0, 0, 0, 1, 2, 3), 0)]
}

// pickLike draws a value that broadcasts with v, and gives their joint shape.
func (g *netGen) pickLike(v netVal) (netVal, []int) {
	from := g.n(len(g.vals))
	for i := range g.vals {
		o := g.vals[(from+len(g.vals)-i)%len(g.vals)]
		if s := broadcastOf(v.shape, o.shape); s != nil && tensor.Elements(s) <= netElems {
			return o, s
		}
	}
	return v, v.shape
}

// broadcastOf is the shape that two broadcast to; nil if they do not.
func broadcastOf(a, b []int) []int {
	if len(a) < len(b) {
		a, b = b, a
	}
	s := slices.Clone(a)
	for i, n := range b {
		d := &s[len(a)-len(b)+i]
		if *d != n && *d != 1 && n != 1 {
			return nil
		}
		if *d == 1 {
			*d = n
		}
	}
	return s
}
