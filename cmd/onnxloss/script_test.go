package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/tensor/npy"
	"github.com/onnxloss/onnxloss/graph/text"
	"github.com/rogpeppe/go-internal/testscript"
)

// programs are what this binary is under other names.
var programs = map[string]func(){"onnxloss": main}

func TestMain(m *testing.M) { testscript.Main(m, programs) }

// TestScripts runs the program as its users do: arguments, standard streams and
// exit codes. $MODELS is the folder of the small detectors, $CASES that of
// ONNX's own cases.
func TestScripts(t *testing.T) {
	models, err := filepath.Abs("../../testdata/models")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("MODELS", models)
			env.Setenv("CASES", onnxCases())
			return nil
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "cases":
				_, err := os.Stat(onnxCases())
				return err == nil, nil
			case "root":
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code": scriptCode, "json": scriptJSON, "model": scriptModel, "patch": scriptPatch, "array": scriptArray,
			"only": scriptOnly,
		},
	})
}

func onnxCases() string {
	if dir := os.Getenv("ONNX_TESTDATA"); dir != "" {
		return dir
	}
	return "/usr/share/libonnx-testdata/data"
}

// scriptCode: code N ARG... runs onnxloss, which must exit with N, and not by
// a panic.
func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: code N ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec("onnxloss", args[1:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	stderr := ts.ReadFile("stderr")
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
	if strings.Contains(stderr, "goroutine ") || strings.Contains(stderr, "panic") || strings.Contains(stderr, "defect") {
		ts.Fatalf("a defect of the program")
	}
	if want != 0 && !strings.HasPrefix(lastLine(stderr, "onnxloss: "), "onnxloss: ") {
		ts.Fatalf("no error in standard error")
	}
}

// lastLine is the last line of text that begins with prefix.
func lastLine(text, prefix string) string {
	found := ""
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			found = line
		}
	}
	return found
}

// scriptJSON: json FILE PATH... takes FILE as one JSON document, in which each
// PATH must be: keys and indices with slashes between them, then
// optionally = and the value in JSON.
func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: json FILE PATH[=VALUE]...")
	}
	var doc any
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &doc); err != nil {
		ts.Fatalf("%s: not one JSON document: %v", args[0], err)
	}
	for _, p := range args[1:] {
		path, want, compare := strings.Cut(p, "=")
		got, err := lookup(doc, strings.Split(path, "/"))
		ts.Check(err)
		if !compare {
			continue
		}
		text, err := json.Marshal(got)
		ts.Check(err)
		if string(text) != want {
			ts.Fatalf("%s: got %s, want %s", path, text, want)
		}
	}
}

func lookup(doc any, path []string) (any, error) {
	for i, key := range path {
		switch x := doc.(type) {
		case map[string]any:
			v, ok := x[key]
			if !ok {
				return nil, fmt.Errorf("no key %q at %q", key, path[:i])
			}
			doc = v
		case []any:
			n, err := strconv.Atoi(key)
			if err != nil || n < 0 || n >= len(x) {
				return nil, fmt.Errorf("no element %q at %q", key, path[:i])
			}
			doc = x[n]
		default:
			return nil, fmt.Errorf("no %q at %q, which is %v", key, path[:i], doc)
		}
	}
	return doc, nil
}

// scriptModel: model TEXT OUT writes the model of a text in ONNX's syntax.
func scriptModel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: model TEXT OUT")
	}
	m, err := text.Parse(ts.ReadFile(args[0]))
	ts.Check(err)
	ts.Check(onnx.WriteFile(ts.MkAbs(args[1]), m, onnx.Options{}))
}

// scriptPatch: patch FILE OLD NEW replaces the first OLD by NEW, of the same
// length.
func scriptPatch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 || len(args[1]) != len(args[2]) {
		ts.Fatalf("usage: patch FILE OLD NEW, of the same length")
	}
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	if !bytes.Contains(b, []byte(args[1])) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(path, bytes.Replace(b, []byte(args[1]), []byte(args[2]), 1), 0o666))
}

// scriptArray: array FILE TYPE SHAPE VALUE... writes an array, float32 or int64, as .npy or .pb, or
// with one argument checks that FILE is one.
func scriptArray(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: array FILE [TYPE SHAPE VALUE...]")
	}
	path := ts.MkAbs(args[0])
	if len(args) == 1 {
		_, err := npy.ReadFile(path)
		ts.Check(err)
		return
	}
	shape := []int{}
	for _, s := range strings.FieldsFunc(args[2], func(r rune) bool { return r == ',' }) {
		n, err := strconv.Atoi(s)
		ts.Check(err)
		shape = append(shape, n)
	}
	var x []float64
	for _, s := range args[3:] {
		f, err := strconv.ParseFloat(s, 64)
		ts.Check(err)
		x = append(x, f)
	}
	t := tensor.Of(shape, as[float32](x))
	if args[1] == "int64" {
		t = tensor.Of(shape, as[int64](x))
	}
	if filepath.Ext(path) == ".pb" {
		b, err := onnx.AppendTensor(nil, "", t)
		ts.Check(err)
		ts.Check(os.WriteFile(path, b, 0o666))
		return
	}
	ts.Check(npy.WriteFile(path, t))
}

func as[T float32 | int64](x []float64) []T {
	y := make([]T, len(x))
	for i := range x {
		y[i] = T(x[i])
	}
	return y
}

// scriptOnly: only DIR NAME... checks that DIR has these files and no others,
// hidden ones included.
func scriptOnly(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: only DIR NAME...")
	}
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if fmt.Sprint(names) != fmt.Sprint(args[1:]) {
		ts.Fatalf("%s has %q, want %q", args[0], names, args[1:])
	}
}
