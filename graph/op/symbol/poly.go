package symbol

import (
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// poly is a polynomial in named dimensions: for each product of names (sorted,
// joined by "*"; "" for the constant) its coefficient, which is not 0. Sizes
// that a graph computes stay comparable in this form: 3*h*w, h*w + 4.
type poly map[string]int64

// Bounds on symbolic sizes: beyond them a size is unknown.
const (
	maxTerms     = 16
	maxParamText = 400
)

// poly is n as a polynomial; ok is false if n is unknown.
func (n Num) poly() (p poly, ok bool) {
	switch {
	case n.Known && n.N == 0:
		return poly{}, true
	case n.Known:
		return poly{"": n.N}, true
	case n.Param != "":
		return parsePoly(n.Param), true
	}
	return nil, false
}

// parsePoly is the polynomial that String wrote as s; any other text is a name.
func parsePoly(s string) poly {
	p := poly{}
	for _, term := range splitOutside(s, " + ", " - ") {
		negative := strings.HasPrefix(term, " - ")
		term = strings.TrimPrefix(strings.TrimPrefix(term, " - "), " + ")
		c := int64(1)
		if negative {
			c = -1
		}
		var names []string
		for _, f := range splitOutside(term, "*") {
			f = strings.TrimPrefix(f, "*")
			if k, err := strconv.ParseInt(f, 10, 64); err == nil {
				hi, lo := bits.Mul64(uint64(max(c, -c)), uint64(max(k, -k)))
				if hi != 0 || lo>>62 != 0 {
					return poly{s: 1}
				}
				c *= k
				continue
			}
			if f == "" {
				return poly{s: 1}
			}
			names = append(names, f)
		}
		slices.Sort(names)
		if !p.add(strings.Join(names, "*"), c) {
			return poly{s: 1}
		}
	}
	return p
}

// splitOutside cuts s before each of the separators that is not inside
// parentheses. The pieces after the first begin with their separator.
func splitOutside(s string, seps ...string) []string {
	var out []string
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth != 0 {
			continue
		}
		for _, sep := range seps {
			if i > from && strings.HasPrefix(s[i:], sep) {
				out = append(out, s[from:i])
				from = i
			}
		}
	}
	return append(out, s[from:])
}

// add adds c·name to p; false if the coefficient overflows.
func (p poly) add(name string, c int64) bool {
	sum := p[name] + c
	if (sum > p[name]) != (c > 0) && c != 0 {
		return false
	}
	p[name] = sum
	if sum == 0 {
		delete(p, name)
	}
	return true
}

// num is p as an element, unknown if p is beyond the bounds.
func (p poly) num() Num {
	if len(p) == 0 {
		return Int(0)
	}
	if c, ok := p[""]; ok && len(p) == 1 {
		return Int(c)
	}
	if s := p.String(); len(p) <= maxTerms && len(s) <= maxParamText {
		return Num{Param: s}
	}
	return Num{}
}

// String writes the terms by name, the constant last: "3*h*w + k - 1".
func (p poly) String() string {
	var b strings.Builder
	names := slices.Sorted(maps.Keys(p))
	if len(names) > 0 && names[0] == "" {
		names = append(names[1:], "")
	}
	for i, name := range names {
		c := p[name]
		switch {
		case i > 0 && c < 0:
			b.WriteString(" - ")
			c = -c
		case i > 0:
			b.WriteString(" + ")
		}
		switch {
		case name == "":
			b.WriteString(strconv.FormatInt(c, 10))
		case c == 1:
			b.WriteString(name)
		default:
			b.WriteString(strconv.FormatInt(c, 10) + "*" + name)
		}
	}
	return b.String()
}

// plus is p + k·q; ok is false on overflow.
func (p poly) plus(q poly, k int64) (poly, bool) {
	out := maps.Clone(p)
	for name, c := range q {
		if !out.add(name, c*k) {
			return nil, false
		}
	}
	return out, true
}

func (p poly) times(q poly) (poly, bool) {
	out := poly{}
	if len(p)*len(q) > maxTerms*maxTerms {
		return nil, false
	}
	for a, x := range p {
		for b, y := range q {
			hi, lo := bits.Mul64(uint64(max(x, -x)), uint64(max(y, -y)))
			if hi != 0 || lo>>62 != 0 || !out.add(joinNames(a, b), x*y) {
				return nil, false
			}
		}
	}
	return out, true
}

func joinNames(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	names := append(splitNames(a), splitNames(b)...)
	slices.Sort(names)
	return strings.Join(names, "*")
}

func splitNames(s string) []string {
	if s == "" {
		return nil
	}
	names := splitOutside(s, "*")
	for i := range names {
		names[i] = strings.TrimPrefix(names[i], "*")
	}
	return names
}

// over is p / q where q is one term that divides every term of p.
func (p poly) over(q poly) (poly, bool) {
	if len(q) != 1 {
		if len(q) > 1 && p.String() == q.String() {
			return poly{"": 1}, true
		}
		return nil, false
	}
	out := poly{}
	for div, d := range q {
		for name, c := range p {
			rest, ok := dropNames(name, div)
			if !ok || c%d != 0 {
				return nil, false
			}
			out[rest] = c / d
		}
	}
	return out, true
}

// dropNames is the product name without the factors of div.
func dropNames(name, div string) (string, bool) {
	rest := splitNames(name)
	for _, d := range splitNames(div) {
		i := slices.Index(rest, d)
		if i < 0 {
			return "", false
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return strings.Join(rest, "*"), true
}
