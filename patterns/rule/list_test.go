package rule

import (
	"testing"
)

// TestRulesAreWhole: every rule says what it is, and stands behind those that it names.
func TestRulesAreWhole(t *testing.T) {
	for _, r := range append(append([]*Rule{}, Finders...), Judges...) {
		if r.Name == "" || len(r.Why) < 20 || len(r.Place) < 10 || r.Reads == "" || r.Judge == nil {
			t.Errorf("%q lacks something", r.Name)
		}
	}
	bad := []*Rule{{Name: "second", After: []string{"first"}}, {Name: "first"}}
	if err := inOrder(bad); err == nil {
		t.Error("a rule before one that it must follow is not noticed")
	}
	if err := inOrder([]*Rule{{Name: "one"}, {Name: "one"}}); err == nil {
		t.Error("two rules of one name are not noticed")
	}
	if err := inOrder([]*Rule{{Name: "one", After: []string{"none"}}}); err == nil {
		t.Error("a rule behind one that does not exist is not noticed")
	}
}
