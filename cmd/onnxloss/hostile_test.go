package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/visible"
)

// record is a field of a protobuf message.
func record(num uint64, b []byte) []byte {
	head := binary.AppendUvarint(binary.AppendUvarint(nil, num<<3|2), uint64(len(b)))
	return append(head, b...)
}

// hostile is a name that would forge a line, steer a terminal and hide text; tame
// is one that is as long where it is printed.
const hostile = "\n+9.9  forged\r\x1b[2J\u009b31m\u0085\u2028\u2029\u202e\u2066\u061c\u200b\u2060\ufeff\U000e0041\ufffe\x7f\t"

func tame() string { return strings.ReplaceAll(visible.Text(hostile), `\`, "/") }

// rename gives everything in m that has a name one that ends in evil.
func rename(t *testing.T, m *graph.Model, evil string) {
	m.Producer, m.Doc, m.Domain = "p"+evil, evil, evil
	m.SetMeta("key"+evil, evil)
	k := 0
	next := func(what string) string {
		k++
		return fmt.Sprintf("%s%d%s", what, k, evil)
	}
	var visit func(g *graph.Graph)
	visit = func(g *graph.Graph) {
		g.Name, g.Doc = next("g"), evil
		values := slices.Clone(g.Inputs)
		for _, v := range g.Inits {
			if !v.IsInput() {
				values = append(values, v)
			}
		}
		for _, n := range g.Nodes {
			n.Name, n.Doc = next("n"), evil
			n.Origin = graph.Extent{}
			values = append(values, n.Outputs...)
			for _, s := range n.Subgraphs() {
				visit(s)
			}
		}
		for _, v := range values {
			if v == nil {
				continue
			}
			if err := v.Rename(next("v")); err != nil {
				t.Fatal(err)
			}
		}
	}
	visit(m.Graph)
	for _, v := range m.Graph.Inputs {
		for i, d := range v.Type.Shape {
			if !d.IsKnown() {
				v.Type.Shape[i] = graph.Named("d" + evil)
			}
		}
	}
}

// evilModels writes models full of evil names into dir: a detector, and small
// ones that are wrong in several ways.
func evilModels(t *testing.T, dir, evil string) (detector string, broken []string) {
	m, err := onnx.ReadFile("../../testdata/models/yolo_free.onnx")
	if err != nil {
		t.Fatal(err)
	}
	defer onnx.Close(m)
	rename(t, m, evil)
	detector = filepath.Join(dir, "model.onnx")
	if err := onnx.WriteFile(detector, m, onnx.Options{}); err != nil {
		t.Fatal(err)
	}
	if evil == hostile { // names that are no UTF-8 cannot be in a manifest
		evil += "\xff"
	} else {
		evil += "/xff"
	}
	e := []byte(evil)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	value := func(name, dim string) []byte {
		return join(record(1, []byte(name)), record(2, record(1, join([]byte{8, 1}, record(2, record(1, record(2, []byte(dim))))))))
	}
	node := func(op, in string, more ...byte) []byte {
		return join(record(1, []byte(in)), record(2, []byte("y"+evil)), record(3, e), record(4, []byte(op)), more)
	}
	external := join([]byte{8, 4, 16, 1}, record(8, []byte("x"+evil)), record(13, join(record(1, []byte("location")), record(2, e))), []byte{14 << 3, 1})
	out := record(12, value("y"+evil, "d"+evil))
	in := record(11, value("x"+evil, "d"+evil))
	for name, g := range map[string][]byte{
		"operator":  join(record(1, node("Op"+evil, "x"+evil)), in, out),
		"domain":    join(record(1, node("Op", "x"+evil, record(7, e)...)), in, out),
		"dimension": join(record(1, node("Relu", "x"+evil)), in, out),
		"missing":   join(record(1, node("Relu", "z"+evil)), in, out),
		"attribute": join(record(1, node("Relu", "x"+evil, record(5, join(record(1, e), []byte{20 << 3, 5}))...)), in, out),
		"external":  join(record(1, node("Relu", "x"+evil)), record(5, external), out),
		"twice":     join(record(1, node("Relu", "x"+evil)), record(1, node("Relu", "x"+evil)), in, out),
		"cycle":     join(record(1, node("Relu", "y"+evil)), in, out),
	} {
		path := filepath.Join(dir, name+".onnx")
		file := join([]byte{8, 8}, record(7, join(record(2, e), g)), record(8, []byte{16, 13}), record(8, join(record(1, e), []byte{16, 1})), record(2, e), record(14, join(record(1, []byte("onnxloss.manifest")), record(2, e))))
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		broken = append(broken, path)
	}
	slices.Sort(broken)
	return detector, broken
}

// transcript is what the program prints in all kinds of ways about such models,
// by the arguments without evil.
func transcript(t *testing.T, evil string) map[string]string {
	dir := filepath.Join(t.TempDir(), "d"+strings.ToValidUTF8(evil, ""))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Skip(err)
	}
	said := map[string]string{}
	ask := func(args ...string) {
		_, stdout, stderr := call(t.Context(), args...)
		key := strings.ReplaceAll(strings.ReplaceAll(strings.Join(args, " "), dir, "DIR"), evil, "EVIL")
		said[key+" (stdout)"], said[key+" (stderr)"] = stdout, stderr
		if slices.Contains(args, "--json") && stdout != "" && !json.Valid([]byte(stdout)) {
			t.Errorf("%s: no JSON: %q", key, stdout)
		}
	}
	model, broken := evilModels(t, dir, evil)
	at := func(name string) string { return filepath.Join(dir, name+evil) }
	for _, json := range [][]string{nil, {"--json"}} {
		with := func(args ...string) { ask(append(args, json...)...) }
		with("inspect", model)
		with("inspect", model, "--why", "none"+evil)
		with("inspect", model, "--head", "none"+evil)
		with("rewrite", model, "-o", filepath.Join(dir, "out.onnx"), "--loss", "bce", "--force")
		with("verify", filepath.Join(dir, "out.onnx"))
		with("verify", filepath.Join(dir, "out.onnx"), "--original", broken[0])
		with("rewrite", filepath.Join(dir, "out.onnx"), "-o", filepath.Join(dir, "again.onnx"), "--loss", "bce", "--head", "x"+evil)
		with("compare", model, "--losses", "bce,ce")
		with("compare", model, "--losses", "bce"+evil)
		with("run", model, "--profile", "--profile-nodes", "9")
		with("run", model, "--input", "none"+evil+"="+evil)
		with("run", model, "--dim", "none"+evil+"=1")
		with("run", at("none"))
		with("conform", at("none"))
		with("losses", evil)
		with(evil)
		with("inspect", "--"+evil)
		for _, b := range broken {
			with("inspect", b)
			with("run", b)
			with("verify", b)
			with("rewrite", b, "-o", at("out"), "--loss", "bce", "--no-verify")
		}
	}
	m, err := onnx.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	ask("inspect", model, "--why", m.Graph.Outputs[0].Name)
	ask("inspect", model, "--why", m.Graph.Outputs[0].Name, "--json")
	onnx.Close(m)
	ask("inspect", model, "--svg", "-")
	ask("inspect", model, "--html", "-")
	ask("run", model, "--trace", "-", "-q")
	ask("rewrite", model, "-o", filepath.Join(dir, "out.onnx"), "--loss", "bce", "--force", "--as-function")
	return said
}

// TestHostileNames: names in a model, and of files, forge no line of output and
// hide nothing, whatever the command, the form of the answer or the error.
func TestHostileNames(t *testing.T) {
	got, want := transcript(t, hostile), transcript(t, tame())
	if len(got) != len(want) || len(got) < 100 {
		t.Fatalf("%d and %d answers", len(got), len(want))
	}
	for key, text := range got {
		for _, r := range text {
			if !visible.Rune(r) && r != '\n' && (r != '\t' || !strings.Contains(key, "html")) && !(r == utf8.RuneError && strings.Contains(key, "inspect DIR/model.onnx --")) {
				t.Errorf("%s: %q in %.2000q", key, r, text)
				break
			}
		}
		tame, ok := want[key]
		if !ok {
			t.Errorf("%s: no such answer with tame names", key)
		}
		if n, m := strings.Count(text, "\n"), strings.Count(tame, "\n"); n != m && !strings.Contains(key, "trace") { // which has what took long
			t.Errorf("%s: %d lines, want %d:\n%.2000s\n--- want\n%.2000s", key, n, m, text, tame)
		}
	}
}
