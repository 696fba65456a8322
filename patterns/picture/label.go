package picture

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/visible"
	"github.com/onnxloss/onnxloss/patterns"
)

// Letters that a line of a block, and a line of its details, has at most.
const (
	labelRunes  = 30
	detailRunes = 200
)

// clean is text with what XML or a reader cannot take replaced, and its middle
// left out where it has more than n letters.
func clean(text string, n int) string {
	if len(text) > 4*n {
		text = strings.ToValidUTF8(text[:2*n], "") + "…" + strings.ToValidUTF8(text[len(text)-2*n:], "")
	}
	r := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	if len(r) > n {
		tail := (n - 1) * 2 / 3
		r = slices.Concat(r[:n-1-tail], []rune("…"), r[len(r)-tail:])
	}
	return strings.Map(func(c rune) rune {
		if !visible.Rune(c) {
			return '\uFFFD'
		}
		return c
	}, string(r))
}

// escape is text as character data or an attribute's value of XML and HTML.
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;").Replace

// lines are what a block says: its operators, tensor and shape.
func lines(b *patterns.Block) []string {
	head := "tensor"
	switch n := len(b.Ops); {
	case b.Folded:
		return []string{fmt.Sprintf("post-processing: %d operators", n), clean(notable(b.Ops), labelRunes)}
	case b.Branch && n > 2:
		return []string{fmt.Sprintf("branch: %d operators", n), clean(layers(b.Ops), labelRunes), clean(shape(b.Type), labelRunes)}
	case b.Tint == patterns.Ends:
		head = "output"
	case b.Tint == patterns.Feature:
		head = "feature"
	case n > 3:
		head = fmt.Sprintf("%s … %s (%d)", b.Ops[0], b.Ops[n-1], n)
	case n > 0:
		head = strings.Join(b.Ops, " → ")
	}
	return []string{clean(head, labelRunes), clean(b.Tensor, labelRunes), clean(shape(b.Type), labelRunes)}
}

// layers is how many of each operator a branch has, the most frequent first.
func layers(ops []string) string {
	n := map[string]int{}
	for _, x := range ops {
		n[x]++
	}
	order := slices.SortedFunc(maps.Keys(n), func(a, b string) int { return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(a, b)) })
	for i, x := range order {
		if n[x] > 1 {
			order[i] = fmt.Sprintf("%s ×%d", x, n[x])
		}
	}
	return strings.Join(order[:min(len(order), 3)], ", ")
}

// notable is the operators that tell most of a post-processing.
func notable(ops []string) string {
	var list []string
	for _, known := range []string{"NonMaxSuppression", "RoiAlign", "TopK", "Loop", "If", "ArgMax", "GatherND", "Gather", "Concat", "Mul"} {
		if slices.Contains(ops, known) && len(list) < 3 {
			list = append(list, known)
		}
	}
	for _, x := range ops {
		if len(list) == 0 || strings.Contains(x, "NMS") && !slices.Contains(list, x) {
			list = slices.Insert(list, 0, x)
		}
	}
	return strings.Join(list, ", ")
}

// shape is a type's shape, in which long expressions are left out.
func shape(t graph.Type) string {
	if t.Kind != graph.TensorKind {
		return t.String()
	}
	if t.Shape == nil {
		return "[…]"
	}
	dims := make([]string, len(t.Shape))
	for i, d := range t.Shape {
		if dims[i] = d.String(); utf8.RuneCountInString(dims[i]) > 12 {
			dims[i] = "…"
		}
	}
	return "[" + strings.Join(dims, ", ") + "]"
}

// details are what hovering over a block shows, a line each.
func details(b *patterns.Block) []string {
	var list []string
	add := func(what, text string) {
		if text != "" {
			list = append(list, what+clean(text, detailRunes))
		}
	}
	add("role: ", string(b.Tint))
	if len(b.Ops) > 1 {
		add("operators: ", strings.Join(counted(b.Ops), " → "))
	}
	add("node: ", b.Node)
	if !b.Folded {
		add("tensor: ", b.Tensor)
		add("type: ", b.Type.String())
	}
	for i, a := range b.Attrs {
		if i == 8 {
			break
		}
		add("attribute ", clean(a.Name, 40)+" = "+value(a))
	}
	for _, r := range b.Reasons {
		sign := "+"
		if r.Against() {
			sign = "−"
		}
		add("", fmt.Sprintf("%s%.1f %s (for %s)", sign, r.Weight, r.Text, r.For))
	}
	return list
}

// counted is ops with repetitions of one operator written as a number, and the
// middle of long lists left out.
func counted(ops []string) []string {
	var list []string
	for i := 0; i < len(ops); {
		n := i
		for n < len(ops) && ops[n] == ops[i] {
			n++
		}
		if n > i+1 {
			list = append(list, fmt.Sprintf("%s ×%d", ops[i], n-i))
		} else {
			list = append(list, ops[i])
		}
		i = n
	}
	if len(list) > 12 {
		list = slices.Concat(list[:6], []string{"…"}, list[len(list)-5:])
	}
	return list
}

// value is an attribute's value in a few letters.
func value(a *graph.Attr) string {
	limited := func(n int, at func(int) any) string {
		words := []string{}
		for i := range min(n, 10) {
			words = append(words, fmt.Sprint(at(i)))
		}
		if n > 10 {
			words = append(words, "…")
		}
		return "[" + strings.Join(words, ", ") + "]"
	}
	switch a.Kind {
	case graph.AttrInt:
		return fmt.Sprint(a.I)
	case graph.AttrFloat:
		return fmt.Sprint(a.F)
	case graph.AttrString:
		return clean(a.S, 60)
	case graph.AttrInts:
		return limited(len(a.Ints), func(i int) any { return a.Ints[i] })
	case graph.AttrFloats:
		return limited(len(a.Floats), func(i int) any { return a.Floats[i] })
	case graph.AttrStrings:
		return limited(len(a.Strings), func(i int) any { return clean(a.Strings[i], 30) })
	}
	return "…"
}
