package op

import "testing"

// name is a symbolic element.
func name(s string) Num { return Num{Param: s} }

func TestSymbolicSizes(t *testing.T) {
	h, w := name("h"), name("w")
	half := func(n Num) Num { return divNum(addNum(n, Number(1), 1), Number(2)) }
	for _, c := range []struct {
		what string
		got  Num
		want Num
	}{
		{"sum", addNum(addNum(h, w, 1), Number(3), 1), name("h + w + 3")},
		{"difference that cancels", addNum(addNum(h, Number(2), 1), h, -1), Number(2)},
		{"product, names in order", mulNum(w, mulNum(Number(3), h)), name("3*h*w")},
		{"product of a sum", mulNum(addNum(h, Number(1), 1), w), name("h*w + w")},
		{"exact quotient", divNum(mulNum(Number(6), h), Number(3)), name("2*h")},
		{"quotient by a name", divNum(mulNum(h, w), w), h},
		{"inexact quotient", divNum(h, Number(2)), name("floor(h/2)")},
		{"quotient of a quotient", half(half(half(h))), name("floor((h + 7)/8)")},
		{"quotient of a product of quotients", divNum(mulNum(half(h), half(w)), Number(2)), name("floor((floor((h + 1)/2)*floor((w + 1)/2))/2)")},
		{"quotient of another's formula", half(name("floor(h/2 - 1/2)")), name("floor((floor(h/2 - 1/2) + 1)/2)")},
		{"a name that is not a formula", addNum(name("dim-0"), Number(1), 1), name("dim-0 + 1")},
		{"a name with empty factors", addNum(name("a**b"), Number(1), 1), name("a**b + 1")},
		{"overflow is unknown", mulNum(Number(1<<40), mulNum(Number(1<<40), h)), Num{}},
		{"sum that overflows", addNum(Number(1<<63-1), Number(1), 1), Num{}},
		{"unknown", mulNum(Num{}, h), Num{}},
		{"zero times unknown size", mulNum(Number(0), h), Number(0)},
	} {
		if c.got != c.want {
			t.Errorf("%s: %+v, want %+v", c.what, c.got, c.want)
		}
	}
}

func TestQuotientCancels(t *testing.T) {
	n, h, w := name("N"), name("h"), name("w")
	hw := mulNum(h, w)
	for _, c := range []struct {
		num, den []Num
		want     Num
		ok       bool
	}{
		{[]Num{n, Number(27), h, w}, []Num{n, Number(3), h, w}, Number(9), true},
		{[]Num{n, Number(27), h, w}, []Num{n, Number(9)}, name("3*h*w"), true},
		{[]Num{n, Number(27), hw}, []Num{n, w, Number(3)}, name("9*h"), true},
		{[]Num{n, Number(27), h}, []Num{w}, Num{}, false},
		{[]Num{Number(5)}, []Num{Number(2)}, Num{}, false},
		{[]Num{Num{}}, []Num{Number(1)}, Num{}, false},
		{[]Num{h}, []Num{Number(0)}, Num{}, false},
	} {
		if got, ok := quotient(c.num, c.den); got != c.want || ok != c.ok {
			t.Errorf("%v / %v = %+v, %v, want %+v, %v", c.num, c.den, got, ok, c.want, c.ok)
		}
	}
}
