package symbol

import "testing"

// name is a symbolic element.
func name(s string) Num { return Num{Param: s} }

func TestSymbolicSizes(t *testing.T) {
	h, w := name("h"), name("w")
	half := func(n Num) Num { return n.Plus(Int(1)).Over(Int(2)) }
	for _, c := range []struct {
		what string
		got  Num
		want Num
	}{
		{"sum", h.Plus(w).Plus(Int(3)), name("h + w + 3")},
		{"difference that cancels", h.Plus(Int(2)).Minus(h), Int(2)},
		{"product, names in order", w.Times(Int(3).Times(h)), name("3*h*w")},
		{"product of a sum", h.Plus(Int(1)).Times(w), name("h*w + w")},
		{"exact quotient", Int(6).Times(h).Over(Int(3)), name("2*h")},
		{"quotient by a name", h.Times(w).Over(w), h},
		{"inexact quotient", h.Over(Int(2)), name("floor(h/2)")},
		{"quotient of a quotient", half(half(half(h))), name("floor((h + 7)/8)")},
		{"quotient of a product of quotients", half(h).Times(half(w)).Over(Int(2)), name("floor((floor((h + 1)/2)*floor((w + 1)/2))/2)")},
		{"quotient of another's formula", half(name("floor(h/2 - 1/2)")), name("floor((floor(h/2 - 1/2) + 1)/2)")},
		{"a name that is not a formula", name("dim-0").Plus(Int(1)), name("dim-0 + 1")},
		{"a name with empty factors", name("a**b").Plus(Int(1)), name("a**b + 1")},
		{"overflow is unknown", Int(1 << 40).Times(Int(1 << 40).Times(h)), Num{}},
		{"sum that overflows", Int(1<<63 - 1).Plus(Int(1)), Num{}},
		{"unknown", Num{}.Times(h), Num{}},
		{"zero times unknown size", Int(0).Times(h), Int(0)},
	} {
		if c.got != c.want {
			t.Errorf("%s: %+v, want %+v", c.what, c.got, c.want)
		}
	}
}

func TestQuotientCancels(t *testing.T) {
	n, h, w := name("N"), name("h"), name("w")
	hw := h.Times(w)
	for _, c := range []struct {
		num, den []Num
		want     Num
		ok       bool
	}{
		{[]Num{n, Int(27), h, w}, []Num{n, Int(3), h, w}, Int(9), true},
		{[]Num{n, Int(27), h, w}, []Num{n, Int(9)}, name("3*h*w"), true},
		{[]Num{n, Int(27), hw}, []Num{n, w, Int(3)}, name("9*h"), true},
		{[]Num{n, Int(27), h}, []Num{w}, Num{}, false},
		{[]Num{Int(5)}, []Num{Int(2)}, Num{}, false},
		{[]Num{Num{}}, []Num{Int(1)}, Num{}, false},
		{[]Num{h}, []Num{Int(0)}, Num{}, false},
	} {
		if got, ok := Quotient(c.num, c.den); got != c.want || ok != c.ok {
			t.Errorf("%v / %v = %+v, %v, want %+v, %v", c.num, c.den, got, ok, c.want, c.ok)
		}
	}
}
