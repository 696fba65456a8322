package interp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// body is what steps writes, as a graph of its own that may read what lies around it,
// without its head.
func (g *netGen) body(args []netVal, steps func()) string {
	outer, vals := g.scope, slices.Clone(g.vals)
	g.scope = &netScope{weights: map[string][]string{}}
	g.vals = append(g.vals, args...)
	g.depth++
	steps()
	text := fmt.Sprintf("{ %s }", strings.ReplaceAll(g.scope.nodes.String(), "\n", " "))
	if s := g.scope.inits.String(); s != "" {
		text = fmt.Sprintf("<%s> %s", s[2:], text)
	}
	g.depth--
	g.scope, g.vals = outer, vals
	return text
}

// few draws up to three steps, and gives a value to leave the body with.
func (g *netGen) few() netVal {
	for range g.n(4) {
		g.step()
	}
	return g.unary(g.pick())
}

// fresh is a name that is new.
func (g *netGen) fresh(kind string) string {
	g.made++
	return fmt.Sprintf("%s%d", kind, g.made-1)
}

// branch is an If, whose condition the plan knows or does not.
func (g *netGen) branch(v netVal) netVal {
	if g.depth > 1 {
		return g.unary(v)
	}
	cond := "cond"
	if g.oneIn(4) {
		cond = g.fresh("b")
		fmt.Fprintf(&g.scope.inits, ", bool %s = {%d}", cond, map[bool]int{true: 1}[g.cond])
	}
	var out [2]netVal
	var text [2]string
	for i := range 2 {
		text[i] = g.body(nil, func() { out[i] = g.few() })
	}
	y := out[1]
	if g.cond {
		y = out[0]
	}
	return g.add(y.shape, "If (%s) <then_branch = t () => (%s) %s, else_branch = e () => (%s) %s>", cond, out[0].name, text[0], out[1].name, text[1])
}

// loop is a Loop with one state, which keeps its shape, and one value of each step.
func (g *netGen) loop(v netVal) netVal {
	if g.depth > 1 || tensor.Elements(v.shape) > netElems/4 {
		return g.unary(v)
	}
	trips, state, more := g.n(4), netVal{g.fresh("s"), v.shape}, g.fresh("d")
	n, open := g.ints(trips), g.fresh("b")
	fmt.Fprintf(&g.scope.inits, ", bool %s = {1}", open)
	var next, each netVal
	cond := g.fresh("c")
	text := g.body([]netVal{state}, func() {
		fmt.Fprintf(&g.scope.nodes, "  %s = Identity (%s)\n", more, cond)
		g.epilogue(state)
		each = g.few()
		next = state
		for _, o := range g.vals {
			if slices.Equal(o.shape, v.shape) {
				next = o
			}
		}
		next = g.either(v.shape, "Add", next.name, state.name)
	})
	declared := state.name
	if g.n(2) == 0 {
		declared = fmt.Sprintf("%s[%s] %s", g.elem, strings.Trim(list(v.shape), "[]"), state.name)
	}
	y, all := netVal{g.fresh("v"), v.shape}, netVal{g.fresh("v"), append([]int{trips}, each.shape...)}
	fmt.Fprintf(&g.scope.nodes, "  %s, %s = Loop (%s, %s, %s) <body = b (int64 %s, bool %s, %s) => (%s, %s, %s) %s>\n",
		y.name, all.name, n, open, v.name, g.fresh("i"), cond, declared, more, next.name, each.name, text)
	if trips > 0 {
		g.hold(all)
	}
	g.hold(y)
	return y
}

// scan is a Scan along a short axis, with one state.
func (g *netGen) scan(v netVal) netVal {
	rank := len(v.shape)
	if rank < 2 || g.depth > 1 {
		return g.unary(v)
	}
	axis := oneOf(g, 0, 0, rank-1)
	steps := v.shape[axis]
	shape := slices.Delete(slices.Clone(v.shape), axis, axis+1)
	if steps > 4 || tensor.Elements(shape) > netWeight {
		return g.unary(v)
	}
	first := g.weight(shape...)
	state, elem := netVal{g.fresh("s"), shape}, netVal{g.fresh("e"), shape}
	var next, each netVal
	text := g.body([]netVal{state, elem}, func() {
		next = g.either(shape, oneOf(g, "Add", "Mul", "Max"), state.name, g.epilogue(elem).name)
		if !slices.Equal(next.shape, shape) {
			next = elem
		}
		each = g.few()
	})
	y, all := netVal{g.fresh("v"), shape}, netVal{g.fresh("v"), append([]int{steps}, each.shape...)}
	fmt.Fprintf(&g.scope.nodes, "  %s, %s = Scan <num_scan_inputs = 1, scan_input_axes = [%d], body = b (%s, %s) => (%s, %s) %s> (%s, %s)\n",
		y.name, all.name, axis, state.name, elem.name, next.name, each.name, text, first, v.name)
	g.hold(y)
	g.hold(all)
	return all
}

// functions are model-local ones, of which one bears the name of an operator of ONNX.
var functions = map[string]string{
	"Swish": "<domain: \"local\", opset_import: [\"\" : %d]> Swish (x) => (y) { s = Sigmoid (x) y = Mul (x, s) }\n",
	"Block": "<domain: \"local\", opset_import: [\"\" : %d]> Block (x, w, b) => (y) { c = Conv (x, w) s = HardSigmoid (c) t = Mul (s, s) u = Add (t, b) d = Relu (u) e = Sub (d, c) y = Concat <axis = 1> (e, d) }\n",
	"Tanh":  "<domain: \"\", opset_import: [\"\" : %d]> Tanh (x) => (y) { s = Neg (x) y = Max (s, x) }\n",
}

// call is a call of a function.
func (g *netGen) call(v netVal) netVal {
	switch rank := len(v.shape); {
	case g.oneIn(8):
		g.funcs["Tanh"] = functions["Tanh"]
		return g.add(v.shape, "Tanh (%s)", v.name)
	case g.n(2) == 0 || rank < 3 || v.shape[1] > 40:
		g.funcs["Swish"] = functions["Swish"]
		return g.add(v.shape, "local.Swish (%s)", v.name)
	default:
		g.funcs["Block"] = functions["Block"]
		m := 1 + g.n(8)
		shape := append([]int{v.shape[0], 2 * m}, v.shape[2:]...)
		return g.add(shape, "local.Block (%s, %s, %s)", v.name, g.weight(append([]int{m, v.shape[1]}, slices.Repeat([]int{1}, rank-2)...)...), g.weight())
	}
}
