package onnx

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/onnxloss/onnxloss/graph"
)

// eachModel calls do for every model that can be found: this repository's,
// those in the folder ONNXLOSS_MODELS, and ONNX's test data in the folder
// ONNX_TESTDATA or where Debian's libonnx-testdata puts it.
func eachModel(t *testing.T, do func(t *testing.T, path string)) {
	data := os.Getenv("ONNX_TESTDATA")
	if data == "" {
		data = "/usr/share/libonnx-testdata/data"
	}
	for _, c := range []struct{ name, dir, hint string }{
		{"testdata", "../../testdata/models", ""},
		{"models", os.Getenv("ONNXLOSS_MODELS"), "set ONNXLOSS_MODELS to a folder of models"},
		{"onnx", data, "set ONNX_TESTDATA to ONNX's test data, or install libonnx-testdata"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				switch {
				case strings.HasSuffix(path, ".onnx.xz"):
					path = unxz(t, path)
				case !strings.HasSuffix(path, ".onnx"):
					return nil
				}
				n++
				do(t, path)
				return nil
			})
			if err != nil || n == 0 {
				if c.hint == "" {
					t.Fatalf("no models in %s: %v", c.dir, err)
				}
				t.Skip(c.hint)
			}
			t.Logf("%d models", n)
		})
	}
}

// unpacked is the folder of models that have been unpacked, by TestMain.
var unpacked string

func TestMain(m *testing.M) {
	var err error
	if unpacked, err = os.MkdirTemp("", "models"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(unpacked)
	os.Exit(code)
}

// unxz unpacks an xz file, once.
func unxz(t *testing.T, path string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("packed models are left out with -short")
	}
	out := filepath.Join(unpacked, strings.TrimSuffix(filepath.Base(path), ".xz"))
	if _, err := os.Stat(out); err == nil {
		return out
	}
	xz, err := exec.LookPath("xz")
	if err != nil {
		t.Skip("packed models are left out: no xz here")
	}
	f, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.Command(xz, "-dc", path)
	cmd.Stdout = f
	if err := cmd.Run(); err != nil {
		t.Fatal(path, err)
	}
	return out
}

func read(t *testing.T, path string) *graph.Model {
	t.Helper()
	m, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Close(m) })
	return m
}

func encoded(t *testing.T, m *graph.Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func parse(t *testing.T, b []byte) *graph.Model {
	t.Helper()
	m, err := ReadAt(bytes.NewReader(b), int64(len(b)), "")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestRoundTrip: unchanged in, the same bytes out, and every constant loads.
func TestRoundTrip(t *testing.T) {
	eachModel(t, func(t *testing.T, path string) {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m := read(t, path)
		defer Close(m)
		if err := m.Check(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		eachData(m, func(d *graph.Data) {
			if x, err := d.Load(); err != nil {
				t.Errorf("%s: %v", path, err)
			} else if x.DType != d.DType || x.Len() != d.Len() {
				t.Errorf("%s: %q is %v, loaded %v", path, d.Name, d.Type(), x)
			}
		})
		if !bytes.Equal(encoded(t, m), want) {
			t.Errorf("%s: other bytes", path)
		}
	})
}

// TestEncode: everything encoded again, and some of it, give models that say
// the same as the file. TestAppend encodes nothing again but the framing.
func TestEncode(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(m *graph.Model)
	}{
		{"all", func(m *graph.Model) { forget(m, func(int) bool { return true }) }},
		{"thirds", func(m *graph.Model) { forget(m, func(i int) bool { return i%3 == 0 }) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachModel(t, func(t *testing.T, path string) {
				file, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				m := read(t, path)
				defer Close(m)
				c.change(m)
				got := encoded(t, m)
				if !proto.Equal(plain(t, path, got), plain(t, path, file)) {
					t.Errorf("%s: another model", path)
				}
				if !bytes.Equal(encoded(t, m), got) {
					t.Errorf("%s: other bytes the second time", path)
				}
			})
		})
	}
}

// forget makes the i-th object of m look changed if which(i).
func forget(m *graph.Model, which func(i int) bool) {
	m.Dirty = true
	i := 0
	next := func() bool { i++; return which(i) }
	var visit func(g *graph.Graph)
	attrs := func(as []*graph.Attr) {
		for _, a := range as {
			if next() {
				a.Origin = graph.Extent{}
			}
			for _, d := range append([]*graph.Data{a.Tensor}, a.Tensors...) {
				if d != nil && next() && a.Kind != graph.AttrSparseTensor {
					d.Origin = graph.Extent{}
				}
			}
			for _, g := range append([]*graph.Graph{a.Graph}, a.Graphs...) {
				if g != nil {
					visit(g)
				}
			}
		}
	}
	visit = func(g *graph.Graph) {
		g.Origin = nil
		for _, v := range g.Inits {
			if next() && v.Init.External == "" && !m.Origin.(*origin).sparse[v.Init] {
				v.Init.Origin = graph.Extent{}
			}
		}
		for _, n := range g.Nodes {
			if next() {
				n.Origin = graph.Extent{}
			}
			attrs(n.Attrs)
		}
	}
	visit(m.Graph)
	for _, f := range m.Functions {
		f.Origin = graph.Extent{}
		attrs(f.Defaults)
		visit(f.Body)
	}
}

// TestTestData: every value in ONNX's test data is of the type that the graph states.
func TestTestData(t *testing.T) {
	eachModel(t, func(t *testing.T, path string) {
		files, _ := filepath.Glob(filepath.Dir(path) + "/test_data_set_*/*.pb")
		if len(files) == 0 {
			return
		}
		m := read(t, path)
		defer Close(m)
		for _, file := range files {
			kind, number, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".pb"), "_")
			vs := m.Graph.Inputs
			if kind == "output" {
				vs = m.Graph.Outputs
			}
			i := 0
			for _, c := range number {
				i = 10*i + int(c-'0')
			}
			x, err := ReadValue(file, vs[i].Type)
			if err != nil {
				t.Error(err)
				continue
			}
			if vs[i].Type.Kind == graph.TensorKind && (x.DType != vs[i].Type.DType || x.IsSequence()) {
				t.Errorf("%s: %v, want %v", file, x, vs[i].Type)
			}
		}
	})
}
