package fuse

import (
	"slices"
	"strings"
	"testing"
)

// TestOrder: lists of passes that break a constraint, or are not whole, are refused.
func TestOrder(t *testing.T) {
	run := func(*Fusion) {}
	a := &Pass{Name: "a", Why: "it is", program: run}
	afterA := &Pass{Name: "b", Why: "it is", After: []Order{{"a", "b reads a"}}, program: run}
	beforeA := &Pass{Name: "c", Why: "it is", Before: []Order{{"a", "a ends c"}}, program: run}
	for _, c := range []struct {
		list []*Pass
		want string // in the error; "" for none
	}{
		{[]*Pass{beforeA, a, afterA}, ""},
		{[]*Pass{afterA, a}, `"b" must come after "a": b reads a`},
		{[]*Pass{afterA}, `"b" must come after "a"`},
		{[]*Pass{a, beforeA}, `"c" must come before "a": a ends c`},
		{[]*Pass{beforeA}, `"c" must come before "a"`},
		{[]*Pass{a, a}, "listed twice"},
		{[]*Pass{{Name: "d", program: run}}, "without a name or a reason"},
		{[]*Pass{{Name: "d", Why: "it is"}}, "neither steps nor programs"},
		{[]*Pass{a, &spaceToDepth}, "listed behind one of programs"},
	} {
		err := checkOrder(c.list)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %q", names(c.list), err, c.want)
		}
	}
}

// TestOrderMatters: each constraint of the list holds a pass back: the list with the two
// swapped is refused.
func TestOrderMatters(t *testing.T) {
	for i, p := range passes {
		for _, o := range slices.Concat(p.After, p.Before) {
			list := slices.Clone(passes)
			k := slices.IndexFunc(list, func(q *Pass) bool { return q.Name == o.Pass })
			if k < 0 {
				t.Fatalf("%s: no pass %q", p.Name, o.Pass)
			}
			if list[i], list[k] = list[k], list[i]; checkOrder(list) == nil {
				t.Errorf("%s and %s can be swapped", p.Name, o.Pass)
			}
		}
	}
}

func names(list []*Pass) (names []string) {
	for _, p := range list {
		names = append(names, p.Name)
	}
	return names
}
