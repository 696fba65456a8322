package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// maxBranches limits the branches drawn for one step.
const maxBranches = 6

// tree draws a path: the layers first, branches above the step they enter.
type tree struct {
	steps []*patterns.Step
	into  map[int][]int // for each step those that enter it
}

// treeRows are the rows of a path, one per step.
func treeRows(steps []*patterns.Step) [][]cell {
	t := &tree{steps, map[int][]int{}}
	var ends []int
	for i, x := range steps {
		if x.To < 0 {
			ends = append(ends, i)
			continue
		}
		t.into[x.To] = append(t.into[x.To], i)
	}
	var rows [][]cell
	for k, i := range ends {
		if k == maxBranches && len(ends) > k+1 {
			return append(rows, []cell{{fmt.Sprintf("… %d more outputs", len(ends)-k), dim}})
		}
		if k > 0 && t.alike(ends[0], i) {
			rows = append(rows, t.summary(i))
			continue
		}
		rows = append(rows, t.branch(i)...)
	}
	return rows
}

// branch is the rows that lead to step i, and i's own.
func (t *tree) branch(i int) [][]cell {
	run := []int{i}
	for len(t.into[i]) == 1 {
		i = t.into[i][0]
		run = append(run, i)
	}
	rows := t.branches(t.into[i])
	for _, k := range slices.Backward(run) {
		for _, j := range t.steps[k].Beside {
			rows = append(rows, joiningRow(j, len(rows) == 0))
		}
		rows = append(rows, stepRow(t.steps[k]))
	}
	return rows
}

// branches are the rows of branches that meet in one step. Those that resemble the
// first take one row each.
func (t *tree) branches(list []int) [][]cell {
	var rows [][]cell
	for k, i := range list {
		block := [][]cell{}
		switch {
		case k == maxBranches && len(list) > k+1:
			return append(rows, []cell{{fmt.Sprintf("├─ … %d more", len(list)-k), dim}})
		case k > 0 && t.alike(list[0], i):
			block = append(block, t.summary(i))
		default:
			block = t.branch(i)
		}
		for n, r := range block {
			rows = append(rows, indented(r, n == len(block)-1, k == 0))
		}
	}
	return rows
}

// indented is row r of a branch: last if it is the one that enters the step
// below, first if it is of the uppermost branch.
func indented(r []cell, last, first bool) []cell {
	prefix := "│  "
	switch {
	case last && first:
		prefix = "┌─ "
	case last:
		prefix = "├─ "
	case first:
		prefix = "   "
	}
	r[0].text = prefix + r[0].text
	return r
}

// alike reports whether the branches that end in i and j have the same
// operators.
func (t *tree) alike(i, j int) bool {
	for {
		a, b := t.steps[i], t.steps[j]
		if !slices.Equal(a.Ops, b.Ops) || len(a.Marks) != len(b.Marks) || len(a.Beside) != len(b.Beside) ||
			len(t.into[i]) != len(t.into[j]) || len(t.into[i]) > 1 {
			return false
		}
		if len(t.into[i]) == 0 {
			return true
		}
		i, j = t.into[i][0], t.into[j][0]
	}
}

// summary is the branch that ends in step i as one row: its operators, and the
// tensor that is marked.
func (t *tree) summary(i int) []cell {
	var ops []string
	at := t.steps[i]
	for k, more := i, true; more; {
		x := t.steps[k]
		ops = append(slices.Clone(x.Ops), ops...)
		if len(x.Marks) > 0 && (len(at.Marks) == 0 || isLogits(x)) {
			at = x
		}
		if more = len(t.into[k]) == 1; more {
			k = t.into[k][0]
		}
	}
	r := stepRow(at)
	r[0].text = opWords(&patterns.Step{Ops: ops})
	return r
}

func isLogits(x *patterns.Step) bool {
	return slices.ContainsFunc(x.Marks, func(m string) bool { return strings.HasPrefix(m, "class logits") })
}

// The columns of a tree.
const (
	nameWidth = 36
	dimWidth  = 14
)

func stepRow(x *patterns.Step) []cell {
	s := plain
	if isLogits(x) {
		s = green
	}
	r := []cell{{opWords(x), s}, {short(x.Tensor, nameWidth), s}, {shapeWords(x.Type), s}}
	if len(x.Marks) > 0 {
		r = append(r, cell{"◂ " + strings.Join(x.Marks, ", "), s})
	}
	return r
}

func joiningRow(j patterns.Joining, first bool) []cell {
	role := j.Role
	s := dim
	switch {
	case role == "" && !j.Type.DType.IsFloat():
		role = "indices"
	case role == "":
		role = "data"
	case role == "box":
		role, s = "boxes", yellow
	case role == "objectness":
		s = cyan
	default:
		role = roleWords(role)
	}
	if j.Count > 1 {
		role += fmt.Sprintf(" ×%d", j.Count)
	}
	prefix := "├─ "
	if first {
		prefix = "┌─ "
	}
	return []cell{{prefix + role, s}, {short(j.Tensor, nameWidth), s}, {shapeWords(j.Type), s}}
}

// opWords is the operators of a step in words.
func opWords(x *patterns.Step) string {
	switch n := len(x.Ops); {
	case n == 0:
		return "input"
	case x.Skipped:
		return "… " + count(n, "operator")
	case n > 3:
		return fmt.Sprintf("%s … %s (%d)", x.Ops[0], x.Ops[n-1], n)
	}
	return strings.Join(x.Ops, " → ")
}

// shapeWords is a tensor's shape, with long expressions shortened.
func shapeWords(t graph.Type) string {
	if t.Shape == nil {
		return "[…]"
	}
	dims := make([]string, len(t.Shape))
	for i, d := range t.Shape {
		if dims[i] = d.String(); len(dims[i]) > dimWidth {
			dims[i] = "…"
		}
	}
	return "[" + strings.Join(dims, ",") + "]"
}
