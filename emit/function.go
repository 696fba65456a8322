package emit

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/text"
)

// FunctionDomain is the domain of the functions created by Options.AsFunction.
const FunctionDomain = "onnxloss"

// functionIR is the first IR version with functions.
const functionIR = 8

// functions moves the nodes emitted for each term, from its logits to its loss and
// gradient, into a model-local function and calls it. Terms with the same body share one
// function. Nodes and initializers from the positions first and inits on are moved.
//
// The loss's parameters and class weights are constants of the body rather than
// attributes: attributes are float32, while the body keeps more digits; and which nodes
// there are depends on the numbers (γ = 0 needs no power), so a call with another γ would
// need another body.
func (r *rewriter) functions(m *graph.Model, first, inits int) error {
	if m.IR >= 4 && m.IR < functionIR {
		r.manifest.Source.IR = m.IR
	}
	raiseIR(m)
	if m.Opset(FunctionDomain) == 0 {
		m.SetOpset(FunctionDomain, 1)
	}
	for i := range r.terms {
		if err := r.outline(m, &r.terms[i], first); err != nil {
			return err
		}
	}
	return r.g.Prune(first, inits) // constants that are now in the bodies
}

// raiseIR raises m's IR version so that it may have functions. The only thing that newer
// versions changed for older models is which initializers a caller may override: before
// version 4 none, although each was an input.
func raiseIR(m *graph.Model) {
	if m.IR >= functionIR {
		return
	}
	if m.IR < 4 {
		m.Graph.FixInits()
	}
	m.IR = functionIR
	m.Dirty = true
}

// outline creates a function of the nodes, from position first on, between the logits of t
// and its outputs.
func (r *rewriter) outline(m *graph.Model, t *term, first int) error {
	f := &graph.Function{
		Name: r.functionName(m, t.res.Options.Name), Domain: FunctionDomain,
		Opsets: []graph.Opset{{Domain: "", Version: m.Opset("")}},
	}
	l, err := loss.Find(t.kind, t.res.Options.Name)
	if err != nil {
		return err
	}
	f.Doc = functionDoc(l, t.res.Options)
	inputs := []*graph.Value{t.res.Logits}
	for _, in := range t.res.Inputs {
		inputs = append(inputs, in.Read)
	}
	t.symbols = t.res.Symbols()
	t.symbols[t.res.Logits] = "z"
	if t.dz != nil {
		t.symbols[t.dz] = "d_z"
	}
	call, err := r.g.Outline(f, between(r.g.Nodes[first:], inputs, t.outs), inputs, t.outs, t.label)
	if err != nil {
		return err
	}
	call.Name = r.g.Fresh("loss/" + t.prefix + f.Name)
	if same := r.sameFunction(f); same != nil {
		call.SetOp(same.Domain, same.Name)
		m.Functions = m.Functions[:len(m.Functions)-1]
		f = same
	} else {
		r.made = append(r.made, f)
	}
	r.manifest.Functions = append(r.manifest.Functions, FunctionRecord{Of: t.of, Domain: f.Domain, Name: f.Name})
	return nil
}

// functionName is a loss's name in the style of operators, followed by a number if the
// model already has such a function.
func (r *rewriter) functionName(m *graph.Model, name string) string {
	camel := ""
	for _, word := range strings.Split(name, "-") {
		camel += strings.ToUpper(word[:1]) + word[1:]
	}
	free := camel
	for k := 2; m.Function(FunctionDomain, free, "") != nil; k++ {
		free = fmt.Sprintf("%s_%d", camel, k)
	}
	return free
}

// sameFunction is a function created earlier with the same body as f.
func (r *rewriter) sameFunction(f *graph.Function) *graph.Function {
	printed := func(f *graph.Function) string {
		g := *f.Body
		g.Name = ""
		s, err := text.PrintGraph(&g, -1)
		if err != nil {
			r.g.Fail(err)
		}
		return f.Doc + s
	}
	for _, old := range r.made {
		if printed(old) == printed(f) {
			return old
		}
	}
	return nil
}

// between is the nodes between the given inputs and outs.
func between(nodes []*graph.Node, inputs, outs []*graph.Value) map[*graph.Node]bool {
	late, inside := map[*graph.Node]bool{}, map[*graph.Node]bool{}
	for _, n := range nodes {
		late[n] = true
	}
	todo := slices.Clone(outs)
	for len(todo) > 0 {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if v == nil || slices.Contains(inputs, v) {
			continue
		}
		if n := v.Producer(); n != nil && late[n] && !inside[n] {
			inside[n] = true
			todo = append(todo, n.Inputs...)
		}
	}
	return inside
}

// label names a value of the function's body: by the equation's symbol, by its number if it
// is a constant, or by the operator that computes it, prefixed with d_ in the backward part.
func (t *term) label(v *graph.Value) string {
	if s := t.symbols[v]; s != "" {
		return s
	}
	n := v.Producer()
	switch {
	case n == nil:
		return constantName(v)
	case strings.HasPrefix(n.Name, "grad/"):
		return "d_" + strings.ToLower(n.Op)
	}
	return strings.ToLower(n.Op)
}

// constantName is c_ and the value of scalar v, as in c_0_25 or c_minus_2; for other
// constants v's own name.
func constantName(v *graph.Value) string {
	if v.Init != nil && v.Init.Len() == 1 && v.Init.DType.IsFloat() {
		x, err := v.Init.Load()
		if err == nil {
			return "c_" + strings.NewReplacer("-", "minus_", ".", "_", "+", "").Replace(strconv.FormatFloat(op.Floats(x)[0], 'g', 6, 64))
		}
		v.Graph().Fail(err)
	}
	base := v.Name[strings.LastIndexByte(v.Name, '/')+1:]
	return strings.TrimRight(strings.TrimRight(base, "0123456789"), "_") // the body numbers its own
}

// functionDoc is a function's doc string, shown by viewers: the equation with its symbols,
// the options built into the body, and the source.
func functionDoc(l *loss.Loss, o loss.Options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\nSource: %s\nz: logits [N, A, C]; p: the %v of z; ", l.Name, l.Equation, l.Source, l.Activation)
	switch o.Target {
	case loss.Index:
		b.WriteString("target: the class of each anchor, int64 [N, A]")
	case loss.Bins:
		b.WriteString("target: the distance of each side in bins, [N, A]")
	default:
		b.WriteString("q: targets [N, A, C]")
	}
	for _, name := range slices.Sorted(maps.Keys(o.Params)) {
		if each := o.PerClass[name]; each != nil {
			fmt.Fprintf(&b, "\n%s of the classes = %v", name, each)
			continue
		}
		fmt.Fprintf(&b, "\n%s = %v", name, o.Params[name])
	}
	if m := o.Modulate; m != nil {
		fmt.Fprintf(&b, "\nmodulated by gamma = %v", m.Gamma)
		if m.Alpha != nil {
			fmt.Fprintf(&b, " and alpha = %v", m.Alpha)
		}
	}
	if o.Eps > 0 {
		fmt.Fprintf(&b, "\nlog(p + %v) in place of log p", o.Eps)
	}
	if o.LabelSmoothing > 0 {
		fmt.Fprintf(&b, "\nlabel smoothing %v", o.LabelSmoothing)
	}
	if o.IgnoreIndex != nil {
		fmt.Fprintf(&b, "\nanchors with the target %d are left out", *o.IgnoreIndex)
	}
	if o.ClassWeights != nil {
		b.WriteString("\nclass weights in the body")
	}
	if o.ClassCounts != nil {
		b.WriteString("\nwhat counts of classes make in the body")
	}
	if o.Background != nil {
		fmt.Fprintf(&b, "\nclass %d is no object", *o.Background)
	}
	fmt.Fprintf(&b, "\nreduction: %s", o.Reduction)
	return b.String()
}
