package patterns_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// key is the answer key of a model.
type key struct {
	Name    string    `json:"name"`
	Classes int       `json:"num_classes"`
	Heads   []keyHead `json:"heads"`
	Expect  string    `json:"expect"`
	// Levels is the same rows before levels are joined, Merged behind that.
	Levels []keyHead `json:"same_rows_as_levels"`
	Merged []keyHead `json:"same_rows_merged"`
}

// keyHead is one tensor with class logits, or one level of it.
type keyHead struct {
	Tensor     string    `json:"logits_tensor"`
	Axis       *int      `json:"class_axis"`
	Slice      []int     `json:"class_channel_slice"`
	Stride     *int      `json:"per_anchor_stride"`
	Activation string    `json:"activation"`
	Background string    `json:"background_class"`
	Same       []sameKey `json:"same_values_in"`
}

// sameKey is another tensor with the same values: a name alone, or with axis
// and slice.
type sameKey struct {
	Tensor string `json:"tensor"`
	Axis   *int   `json:"class_axis"`
	Slice  []int  `json:"slice"`
	Stride *int   `json:"per_anchor_stride"`
}

func (s *sameKey) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, &s.Tensor)
	}
	type plain sameKey
	return json.Unmarshal(b, (*plain)(s))
}

func readKey(t testing.TB, path string) *key {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	k := &key{Name: strings.TrimSuffix(filepath.Base(path), ".json")}
	if err := json.Unmarshal(b, k); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return k
}

// holds reports why level l is not what entry e of a key says; "" if it is.
func (e *keyHead) holds(l *patterns.Level, classes int, name func(*graph.Value) string) string {
	all := []sameKey{{e.Tensor, e.Axis, e.Slice, e.Stride}}
	all = append(all, e.Same...)
	reason := fmt.Sprintf("source is %s", name(l.Source))
	for _, a := range all {
		if a.Tensor != name(l.Source) {
			continue
		}
		axis := e.Axis
		if a.Axis != nil {
			axis = a.Axis
		}
		if axis != nil && *axis != l.Layout.ChannelAxis() {
			reason = fmt.Sprintf("%s: class axis %d, want %d", a.Tensor, l.Layout.ChannelAxis(), *axis)
			continue
		}
		total := int(l.Source.Shape()[l.Layout.ChannelAxis()].Value)
		want := patterns.Slice{Start: 0, Stop: classes, Stride: classes}
		if total < 0 {
			want = l.Slice
		}
		if a.Slice != nil {
			want = patterns.Slice{Start: a.Slice[0], Stop: a.Slice[1], Stride: total}
		}
		if a.Stride != nil {
			want.Stride = *a.Stride
		}
		if l.Slice != want {
			reason = fmt.Sprintf("%s: slice %v, want %v", a.Tensor, l.Slice, want)
			continue
		}
		return ""
	}
	return reason
}

// verdict compares a report with a key: "right", "refused", or what is wrong.
func verdict(k *key, r *patterns.Report, err error, name func(*graph.Value) string) string {
	refuse := k.Expect == "refuse" || k.Expect == "ambiguous" || len(k.Heads) == 0 && k.Expect != "classifier"
	switch {
	case err != nil && refuse:
		return "right"
	case err != nil:
		return "refused: " + strings.SplitN(err.Error(), "\n", 2)[0]
	case len(k.Heads) == 0 && k.Expect == "" && strings.Contains(strings.Join(r.Heads[0].Evidence, " "), "image classifier"):
		return "right"
	case refuse && k.Expect != "ambiguous":
		return fmt.Sprintf("answered %s, want a refusal (%s)", r.Heads[0].Levels[0].Source.Name, r.Pattern)
	}
	worst := ""
	for _, want := range [][]keyHead{k.Heads, k.Levels, k.Merged} {
		if len(want) == 0 {
			continue
		}
		why := compare(want, k.Classes, r, name)
		if why == "" {
			return "right"
		}
		if worst == "" {
			worst = why
		}
	}
	return worst
}

// compare holds the report's first heads against the entries of a key, in
// order.
func compare(want []keyHead, classes int, r *patterns.Report, name func(*graph.Value) string) string {
	var got []patterns.Level
	for _, h := range r.Heads {
		if len(got) < len(want) {
			got = append(got, h.Levels...)
		}
	}
	if len(got) != len(want) {
		var names []string
		for _, l := range got {
			names = append(names, name(l.Source))
		}
		return fmt.Sprintf("%d levels, want %d: %v", len(got), len(want), names)
	}
	h := r.Heads[0]
	for i := range want {
		if why := want[i].holds(&got[i], classes, name); why != "" {
			return fmt.Sprintf("level %d (%s): %s", i, want[i].Tensor, why)
		}
		act := want[i].Activation
		if act == "none in graph" {
			act = "none"
		}
		if act == "log_softmax" {
			act = "softmax"
		}
		if string(h.Activation) != act {
			return fmt.Sprintf("activation %s, want %s", h.Activation, act)
		}
		bg := map[string]int{"first": 0, "last": h.Classes - 1, "": -1}[want[i].Background]
		if h.Background != bg && act != "none" {
			return fmt.Sprintf("background %d, want %d", h.Background, bg)
		}
	}
	if h.Classes != classes && h.Classes >= 0 {
		return fmt.Sprintf("%d classes, want %d", h.Classes, classes)
	}
	return ""
}

// models are the models of a folder that have a key.
func models(t testing.TB, dir string) []string {
	keys, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(keys) == 0 {
		t.Fatalf("%s: no answer keys (%v)", dir, err)
	}
	slices.Sort(keys)
	return keys
}
