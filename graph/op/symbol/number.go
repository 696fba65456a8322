package symbol

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
)

// Num is one element of an integer tensor before the run: the number N if
// Known, else the symbolic dimension Param if that is not empty, else unknown.
// Param is a name, or a formula of names in one normal form, so that equal
// sizes have equal text: "3*h*w + 4", "floor((h + 31)/32)".
type Num struct {
	N     int64
	Known bool
	Param string
}

// Int is the known element n.
func Int(n int64) Num { return Num{N: n, Known: true} }

// Of is the element that holds dimension d.
func Of(d graph.Dim) Num {
	if d.IsKnown() {
		return Int(d.Value)
	}
	return Num{Param: d.Param}
}

// Dim is the dimension that element e states.
func (e Num) Dim() graph.Dim {
	switch {
	case e.Known && e.N >= 0:
		return graph.Known(e.N)
	case !e.Known && e.Param != "":
		return graph.Named(e.Param)
	}
	return graph.Unknown()
}

// IsNonNegative reports whether n is certainly not below 0: dimensions are not.
func (n Num) IsNonNegative() bool {
	p, ok := n.poly()
	if !ok {
		return false
	}
	for _, c := range p {
		if c < 0 {
			return false
		}
	}
	return true
}

// Plus is a + b.
func (a Num) Plus(b Num) Num { return a.plus(b, 1) }

// Minus is a − b.
func (a Num) Minus(b Num) Num { return a.plus(b, -1) }

// plus is a + k·b.
func (a Num) plus(b Num, k int64) Num {
	p, ok1 := a.poly()
	q, ok2 := b.poly()
	if !ok1 || !ok2 {
		return Num{}
	}
	if len(q) == 0 {
		return a
	}
	if sum, ok := p.plus(q, k); ok {
		return sum.num()
	}
	return Num{}
}

// Times is a · b.
func (a Num) Times(b Num) Num {
	p, ok1 := a.poly()
	q, ok2 := b.poly()
	switch {
	case !ok1 || !ok2:
		return Num{}
	case b.Known && b.N == 1:
		return a
	case a.Known && a.N == 1:
		return b
	}
	if prod, ok := p.times(q); ok {
		return prod.num()
	}
	return Num{}
}

// Over is a / b, truncated; where a symbolic quotient is not exact, its name
// says what it is.
func (a Num) Over(b Num) Num {
	if a.Known && b.Known {
		if b.N == 0 || b.N == -1 && a.N == -1<<63 {
			return Num{}
		}
		return Int(a.N / b.N)
	}
	p, ok1 := a.poly()
	q, ok2 := b.poly()
	if !ok1 || !ok2 || len(q) == 0 {
		return Num{}
	}
	if b.Known && b.N == 1 {
		return a
	}
	if out, ok := p.over(q); ok {
		return out.num()
	}
	if !a.IsNonNegative() || !b.IsNonNegative() {
		return Num{}
	}
	if b.Known {
		return floorNum(p, b.N)
	}
	if s := "floor(" + group(p) + "/" + group(q) + ")"; len(s) <= maxParamText {
		return Num{Param: s}
	}
	return Num{}
}

// floorNum is ⌊p/n⌋ for a p that is not negative and n > 0. Quotients of
// quotients become one: ⌊(⌊a/m⌋ + c)/n⌋ = ⌊(a + c·m)/(m·n)⌋, which keeps the
// names of deep pyramids short and comparable.
func floorNum(p poly, n int64) Num {
	for name, k := range p {
		a, m, ok := parseFloor(name)
		if !ok || k != 1 || len(p) > 2 || len(p) == 2 && p[""] == 0 || m > math.MaxInt32 || n > math.MaxInt32 {
			continue
		}
		if sum, ok := a.plus(poly{"": 1}, p[""]*m); ok {
			return floorNum(sum, n*m)
		}
	}
	if out, ok := p.over(poly{"": n}); ok {
		return out.num()
	}
	if s := "floor(" + group(p) + "/" + strconv.FormatInt(n, 10) + ")"; len(s) <= maxParamText {
		return Num{Param: s}
	}
	return Num{}
}

// parseFloor takes a name of the form floor(a/m), m a number, apart.
func parseFloor(name string) (a poly, m int64, ok bool) {
	inner, ok1 := strings.CutPrefix(name, "floor(")
	inner, ok2 := strings.CutSuffix(inner, ")")
	cut := strings.LastIndex(inner, "/")
	if !ok1 || !ok2 || cut < 0 {
		return nil, 0, false
	}
	m, err := strconv.ParseInt(inner[cut+1:], 10, 64)
	if err != nil || m < 1 {
		return nil, 0, false
	}
	num := inner[:cut]
	switch {
	case !balanced(inner) || !balanced(num):
		return nil, 0, false
	case strings.HasPrefix(num, "(") && strings.HasSuffix(num, ")") && balanced(num[1:len(num)-1]):
		return parsePoly(num[1 : len(num)-1]), m, true
	case len(splitOutside(num, " ", "/", "*")) > 1: // a file's own way of writing it
		return nil, 0, false
	}
	return parsePoly(num), m, true
}

// balanced reports whether every parenthesis of s is closed behind it.
func balanced(s string) bool {
	depth := 0
	for _, c := range s {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth < 0 {
			return false
		}
	}
	return depth == 0
}

func group(p poly) string {
	s := p.String()
	if len(p) > 1 || strings.Contains(s, "*") {
		return "(" + s + ")"
	}
	return s
}

// Product is the product of dimensions.
func Product(dims []Num) Num {
	out := Int(1)
	for _, d := range dims {
		out = out.Times(d)
	}
	return out
}

// Quotient is Π num / Π den where that is exact, whatever the names stand for;
// factors that both have cancel, even unknown products of them.
func Quotient(num, den []Num) (Num, bool) {
	num, den = slices.Clone(num), slices.Clone(den)
	for i := 0; i < len(den); i++ {
		if k := slices.Index(num, den[i]); k >= 0 && (den[i].Param != "" || den[i].Known && den[i].N != 0) {
			num = slices.Delete(num, k, k+1)
			den = slices.Delete(den, i, i+1)
			i--
		}
	}
	p, ok1 := Product(num).poly()
	q, ok2 := Product(den).poly()
	if !ok1 || !ok2 {
		return Num{}, false
	}
	out, ok := p.over(q)
	if !ok {
		return Num{}, false
	}
	n := out.num()
	return n, n.Known || n.Param != ""
}
