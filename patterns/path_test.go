package patterns_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// checkPath: the steps of r's path to each head run from layers to outputs, and
// every level's class logits are marked on it once.
func checkPath(t *testing.T, m *graph.Model, r *patterns.Report) {
	t.Helper()
	for i, h := range r.Heads {
		steps := r.Path(h)
		enters := map[int]bool{}
		marked := map[string]int{}
		for k, x := range steps {
			enters[x.To] = true
			if x.To >= 0 && x.To <= k || x.To >= len(steps) {
				t.Errorf("head %d: step %d of %d, %s, goes back to %d", i+1, k, len(steps), x.Tensor, x.To)
			}
			if out := slices.Contains(m.Graph.Outputs, m.Graph.Value(x.Tensor)); x.To < 0 && (!out || !slices.Contains(x.Marks, "output")) {
				t.Errorf("head %d: the path ends in %s, which is no output", i+1, x.Tensor)
			}
			for _, mark := range x.Marks {
				if strings.HasPrefix(mark, "class logits") {
					marked[x.Tensor]++
				}
			}
			if len(x.Ops) == 0 && enters[k] {
				t.Errorf("head %d: %s has no operator", i+1, x.Tensor)
			}
		}
		for _, l := range h.Levels {
			if marked[l.Source.Name] != 1 {
				t.Errorf("head %d: %s is marked %d times", i+1, l.Source.Name, marked[l.Source.Name])
			}
		}
	}
}

func TestPath(t *testing.T) {
	for _, dir := range folders(t) {
		for _, path := range models(t, dir) {
			t.Run(readKey(t, path).Name, func(t *testing.T) {
				m := open(t, path)
				if r, err := patterns.Locate(m, graphAlone); err == nil {
					checkPath(t, m, r)
				}
			})
		}
	}
}

// TestPathJoins: levels meet in one step, what else enters it has its role, and
// runs are folded.
func TestPathJoins(t *testing.T) {
	n := newNet(t)
	var rows []*graph.Value
	x := n.x
	for range 3 {
		flat := func(v *graph.Value, c int64) *graph.Value { return n.transpose(n.reshape(v, 1, c, -1), 0, 2, 1) }
		scores := n.do("Sigmoid", nil, flat(n.conv(x, 12), 12))
		rows = append(rows, n.concat(2, n.do("Exp", nil, flat(n.conv(x, 4), 4)), scores))
		x = n.half(x)
	}
	v := n.concat(1, rows...)
	for range 20 {
		v = n.do("Abs", nil, v)
	}
	n.output(v)
	r, err := patterns.Locate(n.m, graphAlone)
	if err != nil {
		t.Fatal(err)
	}
	checkPath(t, n.m, r)
	var got []string
	for _, x := range r.Path(r.Heads[0]) {
		line := strings.Join(x.Ops, " ")
		if x.Skipped {
			line = "skipped"
		}
		for _, j := range x.Beside {
			line += " + " + j.Role
		}
		got = append(got, line)
	}
	level := []string{"Conv Reshape Transpose", "Sigmoid", "Concat + box"}
	if h := r.Heads[0]; len(h.Levels) == 3 {
		level = []string{"Conv", "Reshape Transpose", "Sigmoid", "Concat + box"}
	}
	want := slices.Concat(level, level, level, []string{"Concat", "Abs", "Abs", "skipped", "Abs", "Abs", "Abs", "Abs"})
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
