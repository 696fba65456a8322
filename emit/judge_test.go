package emit_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/random"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
	"github.com/onnxloss/onnxloss/patterns/variant"
)

// verdict is how an answer compares with the key of a variant.
type verdict struct {
	class      string // right, refused or wrong
	why        string
	confidence float64 // of an answer
}

// judge locates the head of v and holds it against v's key, by the values of
// the canonical rows.
func judge(t *testing.T, v *variant.Variant) verdict {
	t.Helper()
	r, err := patterns.Locate(v.Model, patterns.Options{})
	k := &v.Key
	var several *patterns.AmbiguousError
	if errors.As(err, &several) && len(r.Heads) > 1 && r.Heads[0].Confidence < 0.9 {
		err = nil // the best of some that are equally likely, as one takes who knows no better
	}
	if err != nil {
		class := "refused"
		if k.Expect == variant.Refused || k.Expect == variant.Unsure {
			class = "right"
		}
		return verdict{class: class, why: strings.SplitN(err.Error(), "\n", 2)[0]}
	}
	h := r.Heads[0]
	d := verdict{class: "wrong", confidence: h.Confidence}
	if k.Expect == variant.Refused {
		d.why = fmt.Sprintf("found %d classes in %q: %s", h.Classes, h.Levels[0].Source.Name, k.Why)
		return d
	}
	if d.why = wrong(t, v, h); d.why == "" {
		d.class = "right"
	}
	if k.Expect == variant.Unsure && h.Confidence < 0.9 {
		d.class = "right"
	} else if k.Expect == variant.Unsure {
		d.class, d.why = "wrong", fmt.Sprintf("sure by %.2f: %s", h.Confidence, k.Why)
	}
	return d
}

// wrong is what h has otherwise than v's key; "" if nothing.
func wrong(t *testing.T, v *variant.Variant, h *patterns.Head) string {
	k := &v.Key
	inside := h.Levels[0].Source.Graph() != v.Model.Graph
	if !inside && k.Expect != variant.Inside {
		if why := otherRows(t, v, h); why != "" {
			return why
		}
	}
	switch {
	case inside != (k.Expect == variant.Inside) && k.Expect != variant.Unsure:
		return fmt.Sprintf("the head lies inside a function: %v", inside)
	case h.Classes != k.Classes:
		return fmt.Sprintf("%d classes, want %d", h.Classes, k.Classes)
	case !slices.Contains(k.Activations, h.Activation):
		return fmt.Sprintf("activation %s, want %s", h.Activation, k.Activations)
	case k.Background != variant.Any && h.Background != k.Background:
		return fmt.Sprintf("background %d, want %d", h.Background, k.Background)
	}
	return ""
}

// otherRows is how the rows of h differ from those of every answer.
func otherRows(t *testing.T, v *variant.Variant, h *patterns.Head) string {
	t.Helper()
	var levels []*graph.Value
	for i, l := range h.Levels {
		c, err := emit.Canonical([]patterns.Part{l.Part})
		if err != nil {
			return fmt.Sprintf("level %d: %v", i, err)
		}
		levels = append(levels, c)
	}
	fetch := func(x *graph.Value) string { return x.Name }
	var names []string
	for _, c := range levels {
		names = append(names, fetch(c))
	}
	for _, a := range v.Key.Answers {
		for _, p := range a {
			names = append(names, fetch(p.Source))
		}
	}
	slices.Sort(names)
	out := values(t, v, slices.Compact(names))
	var got [][]float64
	for _, c := range levels {
		got = append(got, canonicalRows(t, out[c.Name], "NRC", patterns.Slice{Stop: h.Classes, Stride: h.Classes}))
	}
	why := ""
	for _, a := range v.Key.Answers {
		var want [][]float64
		for _, p := range a {
			want = append(want, canonicalRows(t, out[p.Source.Name], p.Layout, p.Slice))
		}
		n := out[a[0].Source.Name].Shape[0]
		if strings.IndexByte(string(a[0].Layout), 'N') < 0 {
			n = 1
		}
		w := differ(got, want, n, v.Key.Classes, v.Key.Ordered, v.Key.Tolerance)
		if w == "" {
			return ""
		}
		if why == "" {
			why = fmt.Sprintf("%s (source %q %s %v, want %q %s %v)", w, h.Levels[0].Source.Name, h.Levels[0].Layout, h.Levels[0].Slice, a[0].Source.Name, a[0].Layout, a[0].Slice)
		}
	}
	return why
}

// values runs v and gives the named values.
func values(t *testing.T, v *variant.Variant, names []string) map[string]*tensor.Tensor {
	t.Helper()
	feeds := map[string]*tensor.Tensor{}
	for _, x := range v.Model.Graph.Inputs {
		f, err := random.Input(x, v.Sizes, 5, nil)
		if err != nil {
			t.Fatal(err)
		}
		feeds[x.Name] = f
	}
	plan, err := interp.New(v.Model, interp.Options{Fetches: names, Threads: 1})
	if err != nil {
		t.Fatalf("%v: %v", v, err)
	}
	out, err := plan.Run(context.Background(), feeds)
	if err != nil {
		t.Fatalf("%v: %v", v, err)
	}
	return out
}

// differ compares levels of n images and c classes, in order or in any.
func differ(got, want [][]float64, n, c int, ordered bool, tolerance float64) string {
	if ordered {
		return unequal(joined(got, n), joined(want, n), c, tolerance)
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%d levels, want %d", len(got), len(want))
	}
	left := slices.Clone(want)
	for i, g := range got {
		j := slices.IndexFunc(left, func(w []float64) bool { return unequal(g, w, c, tolerance) == "" })
		if j < 0 {
			return fmt.Sprintf("level %d: %s", i, unequal(g, want[min(i, len(want)-1)], c, tolerance))
		}
		left = slices.Delete(left, j, j+1)
	}
	return ""
}

// joined is the rows of all levels of each of n images.
func joined(levels [][]float64, n int) []float64 {
	var out []float64
	for i := range n {
		for _, l := range levels {
			out = append(out, l[i*len(l)/n:(i+1)*len(l)/n]...)
		}
	}
	return out
}

// unequal says where a and b, rows of c classes, differ.
func unequal(a, b []float64, c int, tolerance float64) string {
	if len(a) != len(b) {
		return fmt.Sprintf("%d numbers, want %d", len(a), len(b))
	}
	for i := range a {
		if !(math.Abs(a[i]-b[i]) <= tolerance+1e-4*(1+math.Abs(b[i]))) {
			x, y := slices.Clone(a), slices.Clone(b)
			slices.Sort(x)
			slices.Sort(y)
			if unequalSorted(x, y, tolerance) {
				return fmt.Sprintf("row %d differs", i/max(c, 1))
			}
			return "the rows are in another order"
		}
	}
	return ""
}

func unequalSorted(a, b []float64, tolerance float64) bool {
	for i := range a {
		if !(math.Abs(a[i]-b[i]) <= tolerance+1e-4*(1+math.Abs(b[i]))) {
			return true
		}
	}
	return false
}

// canonicalRows is the channels s of t as [N, rows, C], rows in the order of
// package emit, worked out index by index.
func canonicalRows(t *testing.T, x *tensor.Tensor, layout patterns.Layout, s patterns.Slice) []float64 {
	t.Helper()
	if !x.DType.IsFloat() || len(layout) != x.Rank() {
		t.Fatalf("a key of %v as %s", x, layout)
	}
	data, strides := op.Floats(x), tensor.Strides(x.Shape)
	type axis struct{ n, stride int }
	var axes []axis
	for _, letter := range "NHWR1" {
		for d := range len(layout) {
			if rune(layout[d]) == letter {
				axes = append(axes, axis{x.Shape[d], strides[d]})
			}
		}
	}
	for _, letter := range "AC" {
		d := strings.IndexRune(string(layout), letter)
		switch {
		case d < 0:
		case letter == 'A':
			axes = append(axes, axis{x.Shape[d], strides[d]})
		default:
			axes = append(axes, axis{x.Shape[d] / s.Stride, s.Stride * strides[d]}, axis{s.Stop - s.Start, strides[d]})
			data = data[s.Start*strides[d]:]
		}
	}
	var out []float64
	var walk func(axes []axis, at int)
	walk = func(axes []axis, at int) {
		if len(axes) == 0 {
			out = append(out, data[at])
			return
		}
		for i := range axes[0].n {
			walk(axes[1:], at+i*axes[0].stride)
		}
	}
	walk(axes, 0)
	return out
}
