package patterns

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
)

// A run of steps without a mark or a branch that is longer than longRun is
// shown by its first and last keepRun.
const (
	longRun = 9
	keepRun = 3
)

// folding puts steps in order.
type folding struct {
	*ways
	ends  []*graph.Value
	steps []*Step
}

// branch adds the steps that lead to v, and v, whose number it gives.
func (f *folding) branch(v *graph.Value) int {
	run := []*Step{f.at[v]} // last first
	for len(f.from[v]) == 1 {
		v = f.from[v][0]
		run = append(run, f.at[v])
	}
	for _, x := range run {
		f.join(x)
	}
	run = shorten(fold(run))
	var heads []int
	for _, x := range f.from[v] {
		heads = append(heads, f.branch(x))
	}
	slices.Reverse(run)
	for _, i := range heads {
		f.steps[i].To = len(f.steps)
	}
	for _, x := range run {
		f.steps = append(f.steps, x)
		x.To = len(f.steps)
	}
	f.steps[len(f.steps)-1].To = -1
	return len(f.steps) - 1
}

// fold makes one step of neighbours that only move elements, last first. A
// marked step ends what is folded.
func fold(run []*Step) []*Step {
	out := run[:1:1]
	for _, x := range run[1:] {
		last := out[len(out)-1]
		if last.moves && x.moves && len(x.Marks) == 0 && len(x.Beside) == 0 && len(last.Beside) == 0 {
			last.Ops = append(last.Ops, x.Ops...) // last first until all are there
			continue
		}
		out = append(out, x)
	}
	for _, x := range out {
		slices.Reverse(x.Ops)
	}
	return out
}

// shorten folds the middle of long stretches between marked steps.
func shorten(run []*Step) []*Step {
	var out []*Step
	for len(run) > 0 {
		n := 1
		for n < len(run) && len(run[n].Marks) == 0 {
			n++
		}
		if n <= longRun {
			out = append(out, run[:n]...)
		} else {
			last, first := run[:keepRun+1], run[n-keepRun:n]
			out = append(append(append(out, last...), skip(run[keepRun+1:n-keepRun])), first...)
		}
		run = run[n:]
	}
	return out
}

// skip is one step for a run, given last first.
func skip(run []*Step) *Step {
	x := &Step{Tensor: run[0].Tensor, Type: run[0].Type, value: run[0].value, Skipped: true}
	for _, y := range slices.Backward(run) {
		x.Ops = append(x.Ops, y.Ops...)
		for _, j := range y.Beside {
			x.beside(j)
		}
	}
	return x
}
