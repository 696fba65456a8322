package patterns_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// opaqueHead has boxes, an objectness and classes in the channels of two maps that nothing
// follows, in an order that no rule knows.
func opaqueHead(t *testing.T) (n *net, a, b *graph.Value) {
	n = newNet(t)
	a, b = n.conv(n.x, 2*(3+4+2)), n.conv(n.half(n.x), 2*(3+4+2))
	n.output(a, b)
	return n, a, b
}

// TestHeadByHand: tensors, slice and activation express a head that no rule finds.
func TestHeadByHand(t *testing.T) {
	n, a, b := opaqueHead(t)
	r, err := patterns.Locate(n.m, patterns.Options{Head: a.Name + "," + b.Name, Slice: &patterns.Slice{Start: 0, Stop: 3, Stride: 9}, Activation: patterns.Softmax})
	if err != nil {
		t.Fatal(err)
	}
	h := r.Heads[0]
	want := patterns.Slice{Start: 0, Stop: 3, Stride: 9}
	if h.Classes != 3 || h.Activation != patterns.Softmax || len(h.Levels) != 2 || h.Levels[0].Source != a || h.Levels[1].Source != b ||
		h.Levels[0].Slice != want || h.Levels[1].Slice != want || h.Levels[0].Anchors != graph.Known(2*256) || h.Confidence != 1 {
		t.Errorf("%s", asJSON(t, r))
	}
	// The order is the user's.
	r, err = patterns.Locate(n.m, patterns.Options{Head: b.Name + "," + a.Name, Slice: &want})
	if err != nil || r.Heads[0].Levels[0].Source != b {
		t.Errorf("%v %s", err, asJSON(t, r))
	}
	for _, c := range []struct {
		opts patterns.Options
		says string
	}{
		{patterns.Options{Head: a.Name + ",nowhere", Slice: &want}, `no tensor "nowhere"`},
		{patterns.Options{Head: a.Name, Slice: &patterns.Slice{Start: 0, Stop: 3, Stride: 7}}, "does not divide"},
		{patterns.Options{Head: a.Name, Slice: &patterns.Slice{Start: 17, Stop: 19}}, "does not divide"},
		{patterns.Options{Head: a.Name, Slice: &patterns.Slice{Start: 3, Stop: 3}}, "empty"},
		{patterns.Options{Head: a.Name, Slice: &patterns.Slice{Start: 0, Stop: 3, Stride: 2}}, "longer than its stride"},
		{patterns.Options{Slice: &want}, "no named tensor"},
	} {
		if _, err := patterns.Locate(n.m, c.opts); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", c.opts, err, c.says)
		}
	}
}

// TestScoresAreNoLogits: who names a tensor behind an activation is told so.
func TestScoresAreNoLogits(t *testing.T) {
	n := newNet(t)
	v := n.conv(n.x, 6)
	s := n.sigmoid(v)
	n.output(s)
	for name, against := range map[string]bool{s.Name: true, v.Name: false} {
		r, err := patterns.Locate(n.m, patterns.Options{Head: name, Slice: &patterns.Slice{Start: 0, Stop: 6}})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(strings.Join(r.Heads[0].Evidence, "\n"), "scores, and no logits"); got != against {
			t.Errorf("%s: %q", name, r.Heads[0].Evidence)
		}
	}
}

// TestSavedHead: the record of a head gives the head again, and what does not fit the model
// is an error that names it.
func TestSavedHead(t *testing.T) {
	for _, k := range kinds {
		n := newNet(t)
		k.build(n)
		r, err := patterns.Locate(n.m, patterns.Options{})
		if err != nil {
			continue
		}
		h := r.Heads[0]
		x := h.Record()
		x.Distributions = h.DistributionRecords()
		text, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		var back patterns.HeadRecord
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		again, err := patterns.Locate(n.m, patterns.Options{Decided: &back})
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			continue
		}
		y := again.Heads[0].Record()
		y.Distributions = again.Heads[0].DistributionRecords()
		y.Evidence, y.Confidence = x.Evidence, x.Confidence
		if got, err := json.Marshal(y); err != nil || string(got) != string(text) {
			t.Errorf("%s: %s, want %s", k.name, got, text)
		}
		if len(again.Path(again.Heads[0])) != len(r.Path(h)) {
			t.Errorf("%s: another path", k.name)
		}
	}
}

func TestSavedHeadOfAnotherModel(t *testing.T) {
	n, a, _ := opaqueHead(t)
	r, err := patterns.Locate(n.m, patterns.Options{Head: a.Name, Slice: &patterns.Slice{Start: 0, Stop: 3, Stride: 9}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(d *patterns.HeadRecord)
		says   string
	}{
		{func(d *patterns.HeadRecord) { d.Levels[0].Source = "gone" }, `no tensor "gone"`},
		{func(d *patterns.HeadRecord) { d.Levels[0].Layout = "NRC" }, "layout"},
		{func(d *patterns.HeadRecord) { d.Levels[0].Layout = "N?HW" }, "layout"},
		{func(d *patterns.HeadRecord) { d.Levels[0].Slice.Stop = 10 }, "do not fit the 18"},
		{func(d *patterns.HeadRecord) { d.Classes = 4 }, "4 classes"},
		{func(d *patterns.HeadRecord) { d.Activation = "relu" }, "activation"},
		{func(d *patterns.HeadRecord) { k := 3; d.Background = &k }, "background 3"},
		{func(d *patterns.HeadRecord) { d.Box = "gone" }, `no tensor "gone"`},
		{func(d *patterns.HeadRecord) { d.Objectness = []patterns.PartRecord{{Source: "gone"}} }, `no tensor "gone"`},
		{func(d *patterns.HeadRecord) { d.Levels = nil }, "no levels"},
	} {
		d := r.Heads[0].Record()
		c.change(&d)
		_, err := patterns.Locate(n.m, patterns.Options{Decided: &d})
		var none *patterns.NotFoundError
		if err == nil || errors.As(err, &none) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, want %q", err, c.says)
		}
	}
}
