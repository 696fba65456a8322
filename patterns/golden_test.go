package patterns_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/patterns"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// graphAlone looks for no evidence beside the graph.
var graphAlone = patterns.Options{Evidence: []patterns.Evidence{}}

// answers is what Locate says of each kind of head and of each test model, with the
// weight of every reason, a line each.
func answers(t *testing.T, opts patterns.Options) []byte {
	t.Helper()
	var out bytes.Buffer
	add := func(name string, m *graph.Model) {
		r, err := patterns.Locate(m, opts)
		line := map[string]any{"name": name}
		if err != nil {
			line["error"] = strings.SplitN(err.Error(), "\n", 2)[0]
		}
		if r != nil {
			var heads []any
			for _, h := range r.Heads {
				heads = append(heads, map[string]any{"head": h.Record(), "reasons": h.Reasons()})
			}
			line["heads"], line["candidates"] = heads, r.Candidates
		}
		b, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s\n", b)
	}
	for _, k := range kinds {
		n := newNet(t)
		k.build(n)
		add(k.name, n.m)
	}
	files, err := filepath.Glob("../testdata/models/*.onnx")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		m, err := onnx.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		add(filepath.Base(f), m)
		m.Close()
	}
	return out.Bytes()
}

// TestAnswers pins what is said of each kind and model: heads, their evidence with its
// weights, and why other candidates were rejected. With UPDATE set the file is written.
func TestAnswers(t *testing.T) {
	const file = "testdata/answers.jsonl"
	got := answers(t, patterns.Options{})
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a, b := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a) || i >= len(b):
			t.Fatalf("%d answers, want %d", len(a), len(b))
		case !bytes.Equal(a[i], b[i]):
			t.Errorf("got\n%s\nwant\n%s", a[i], b[i])
		}
	}
}

// TestWeightsMatter: each weight of the table, halved or doubled, changes an answer.
func TestWeightsMatter(t *testing.T) {
	want := answers(t, graphAlone)
	for i := range rule.Table {
		for _, by := range []float64{0.5, 2} {
			of, old := rule.Table[i].Text, rule.Table[i].By
			rule.Table[i].By *= by
			restore := func() { rule.Table[i].By = old }
			if of == "regions of an RoI pooling" && by > 1 {
				restore()
				continue // which are boxes in any case, and no candidates that show their reasons
			}
			if bytes.Equal(answers(t, graphAlone), want) {
				t.Errorf("nobody notices that %q weighs %g times as much", of, by)
			}
			restore()
		}
	}
}
