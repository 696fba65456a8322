package verify_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/patterns"
)

// trainingFile is the file of a small detector's training graph, and its manifest.
func trainingFile(f *testing.F) (raw []byte, manifest string) {
	f.Helper()
	d := detector{
		layout: "rows", dtype: "float", activation: "Sigmoid", images: "n",
		classes: 4, anchors: 2, levels: 2, objectness: true, boxes: "Exp",
	}
	m, _ := file(f, d.text())
	r, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		f.Fatal(err)
	}
	o := emit.Options{Loss: loss.Options{Name: "seesaw", AnchorWeights: true, CheckTargets: true}, Confidence: "bce", Form: emit.LogitsGradientForm}
	if _, err := emit.Rewrite(r.Model, r.Heads[:1], o); err != nil {
		f.Fatal(err)
	}
	manifest, _ = r.Model.Meta(emit.ManifestKey)
	_, raw = reread(f, r.Model)
	return raw, manifest
}

// FuzzManifest: a training graph with any manifest is proved, or it is an error, soon
// and without a panic. The number at says which of the manifest's values becomes v.
func FuzzManifest(f *testing.F) {
	raw, manifest := trainingFile(f)
	values := 0
	for _, x := range manifest {
		if strings.ContainsRune(":[,", x) {
			values++
		}
	}
	odd := []string{"-1", "1e99", "[]", "{}", `""`, "999999999", "null", "-9223372036854775808", "0", "true"}
	for at := 0; at < values; at += 3 {
		f.Add(manifest, at, odd[at/3%len(odd)])
	}
	f.Fuzz(func(t *testing.T, s string, at int, v string) {
		m := parse(t, raw)
		m.SetMeta(emit.ManifestKey, replaceValue(s, at, v))
		const given = 2 * time.Second
		ctx, cancel := context.WithTimeout(context.Background(), given)
		defer cancel()
		start := time.Now()
		_, _ = verify.Training(ctx, m, verify.Options{Threads: 1})
		if d := time.Since(start); d > 3*given {
			t.Fatalf("%v, with %v given: %s", d, given, s)
		}
	})
}

// replaceValue is the JSON text s with v for its value of number at, if it has one.
func replaceValue(s string, at int, v string) string {
	for i := range len(s) {
		if !strings.ContainsRune(":[,", rune(s[i])) {
			continue
		}
		if at--; at >= 0 {
			continue
		}
		end := strings.IndexAny(s[i+1:], ",}]")
		if end < 0 {
			return s
		}
		return s[:i+1] + v + s[i+1+end:]
	}
	return s
}
