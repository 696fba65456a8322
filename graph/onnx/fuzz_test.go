package onnx

import (
	"bytes"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
)

// FuzzRead reads any bytes as a model. What is read can be checked, loaded,
// written as it came and written with a change.
func FuzzRead(f *testing.F) {
	f.Add(marshal(f, smallModel()))
	f.Add(marshal(f, richModel()))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ReadAt(bytes.NewReader(b), int64(len(b)), "m.onnx")
		if err != nil {
			return
		}
		exercise(t, m)
		forget(m, func(i int) bool { return i%2 == 0 })
		again := parseOrNil(m)
		if again != nil && again.Check() != nil {
			t.Fatal("what was written breaks an invariant")
		}
	})
}

// parseOrNil encodes m and reads it again; nil if m cannot be encoded, since
// elements that cannot be loaded cannot be encoded.
func parseOrNil(m *graph.Model) *graph.Model {
	var b bytes.Buffer
	if Write(&b, m) != nil {
		return nil
	}
	again, err := readBytes(b.Bytes())
	if err != nil {
		panic(err)
	}
	return again
}

// FuzzValue reads any bytes as values of each kind, and writes tensors back.
func FuzzValue(f *testing.F) {
	for _, c := range payloads() {
		b, err := AppendTensor(nil, "t", c.want)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, k := range []graph.Kind{graph.SparseKind, graph.SequenceKind, graph.OptionalKind, graph.MapKind} {
			ParseValue(b, graph.Type{Kind: k})
		}
		x, err := ParseTensor(b)
		if err != nil {
			return
		}
		c, err := AppendTensor(nil, "", x)
		if err != nil {
			t.Fatal(err)
		}
		y, err := ParseTensor(c)
		if err != nil || y.String() != x.String() {
			t.Fatalf("%v read, %v read back: %v", x, y, err)
		}
	})
}
