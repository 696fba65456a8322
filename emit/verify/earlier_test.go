package verify_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph/onnx"
)

// TestEarlierFiles: training graphs that earlier versions wrote, ORIGINAL_WHAT.onnx of
// ORIGINAL.onnx, are proved by their fingerprints, and their manifests mean what they did.
func TestEarlierFiles(t *testing.T) {
	const dir = "testdata/earlier/"
	files, err := filepath.Glob(dir + "*_*.onnx")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		m, err := onnx.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		stored, _ := m.Meta(emit.ManifestKey)
		x, err := emit.ReadManifest(m)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if again, err := json.Marshal(x); err != nil || string(again) != stored {
			t.Errorf("%s: the manifest is now\n%s, it was\n%s", file, again, stored)
		}
		name, _, _ := strings.Cut(filepath.Base(file), "_")
		original, err := onnx.ReadFile(dir + name + ".onnx")
		if err != nil {
			t.Fatal(err)
		}
		defer original.Close()
		r, err := verify.Training(context.Background(), m, verify.Options{Original: original})
		if err != nil || r.Verdict() != verify.Proved {
			t.Errorf("%s: %v\n%v", file, err, r)
		}
		d := onnx.NewDigest(context.Background(), original)
		defer d.Close()
		if sum, err := d.Sum(); err != nil || sum != x.Source.Digest {
			t.Errorf("%s: the digest of the original is now %s, it was %s", file, sum, x.Source.Digest)
		}
		if _, err := emit.Strip(m); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
