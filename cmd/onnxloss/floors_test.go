package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/onnxloss/onnxloss"

// floors is the house: a folder stands for the packages in it and below it,
// unless one further down is listed on its own.
var floors = map[string]int{
	"graph":                 0,
	"graph/tensor":          0,
	"graph/onnx":            1,
	"graph/internal/kernel": 1,
	"graph/safetensors":     1,
	"graph/text":            1,
	"graph/op":              2,
	"graph/random":          2,
	"graph/interp":          3,
	"graph/grad":            3,
	"graph/opset":           3,
	"patterns":              4,
	"patterns/match":        4,
	"emit/loss":             5,
	"emit":                  6,
	"emit/verify":           7,
	"emit/compare":          7,
	"emit/curves":           7,
	"emit/export":           7,
	"emit/figures":          7,
	"cmd/onnxloss":          8,
}

// rooms are the dependencies that one folder alone may know, by prefix.
var rooms = map[string]string{
	"google.golang.org/protobuf":    "graph/onnx",
	"github.com/owulveryck/onnx-go": "graph/interp/onnxgo",
	"gonum.org/v1/plot":             "emit/curves",
	"gonum.org/v1/gonum":            "graph/interp/onnxgo",
	"gorgonia.org":                  "graph/interp/onnxgo",
	"golang.org/x/image/font":       "emit/curves",
	"golang.org/x/image/bmp":        "graph/op/internal/raster",
	"golang.org/x/image/tiff":       "graph/op/internal/raster",
	"golang.org/x/image/webp":       "graph/op/internal/raster",
	"codeberg.org/go-fonts":         "emit/curves",
	"github.com/urfave/cli":         "cmd/onnxloss",
	"github.com/xrash/smetrics":     "cmd/onnxloss",
}

// forTests are packages that only test files import.
var forTests = []string{"testing", module + "/graph/interp/orttest", module + "/graph/thorough", module + "/patterns/variant"}

func TestImportsPointDown(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && file != root && (name == "testdata" || name[0] == '.' || name[0] == '_' || isModule(file)) {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			seen++
			if err := checkImport(filepath.ToSlash(rel), imported); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	if err != nil || seen == 0 {
		t.Fatalf("%d imports seen, error %v", seen, err)
	}
}

// isModule reports whether a folder is a module of its own, whose dependencies are
// not the house's.
func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

// checkImport reports an import that the house forbids in file, a path in the
// module.
func checkImport(file, imported string) error {
	folder := path.Dir(file)
	if imported == "C" {
		return fmt.Errorf("%s imports C: the module is pure Go", file)
	}
	for dependency, room := range rooms {
		if within(imported, dependency) && !within(folder, room) {
			return fmt.Errorf("%s imports %s, which only %s may", file, imported, room)
		}
	}
	if strings.HasSuffix(file, "_test.go") {
		return nil
	}
	for _, p := range forTests {
		if imported == p && !within(folder, "graph/interp/orttest") {
			return fmt.Errorf("%s imports %s, which only tests may", file, imported)
		}
	}
	own, at := floorOf(folder)
	if own == "" {
		return fmt.Errorf("%s: the folder has no floor", file)
	}
	if !within(imported, module) {
		return nil
	}
	target := strings.TrimPrefix(imported, module+"/")
	room, below := floorOf(target)
	same := at == below && (within(own, room) || within(room, own))
	if room == "" || below >= at && !same {
		return fmt.Errorf("%s (floor %d) imports %s (floor %d)", file, at, target, below)
	}
	return nil
}

// floorOf is the listed folder that folder is in, and its floor; "" if it is in
// none.
func floorOf(folder string) (string, int) {
	for f := folder; f != "."; f = path.Dir(f) {
		if n, ok := floors[f]; ok {
			return f, n
		}
	}
	return "", 0
}

func within(p, folder string) bool {
	return p == folder || strings.HasPrefix(p, folder+"/")
}

func TestForbiddenImportsAreSeen(t *testing.T) {
	for _, c := range []struct {
		file, imported string
		ok             bool
	}{
		{"graph/op/unary.go", module + "/graph/internal/kernel", true},
		{"graph/graph.go", module + "/graph/tensor", true},
		{"graph/interp/conform/conform.go", module + "/graph/interp", true},
		{"emit/rewrite.go", module + "/emit/loss", true},
		{"graph/interp/interp_test.go", module + "/emit", true},
		{"graph/onnx/internal/pb/onnx.pb.go", "google.golang.org/protobuf/proto", true},
		{"graph/graph.go", module + "/graph/op", false},
		{"graph/onnx/read.go", module + "/graph/internal/kernel", false},
		{"patterns/head.go", module + "/emit/loss", false},
		{"emit/loss/focal.go", module + "/emit", false},
		{"emit/verify/verify.go", module + "/cmd/onnxloss", false},
		{"graph/model.go", "google.golang.org/protobuf/proto", false},
		{"emit/emit_test.go", "github.com/urfave/cli/v2", false},
		{"graph/interp/run.go", "gorgonia.org/tensor", false},
		{"emit/emit.go", module + "/graph/interp/orttest", false},
		{"emit/emit.go", "testing", false},
		{"graph/internal/kernel/gemm.go", "C", false},
		{"helpers/strings.go", "strings", false},
		{"emit/emit.go", module + "/helpers", false},
	} {
		if err := checkImport(c.file, c.imported); (err == nil) != c.ok {
			t.Errorf("%s importing %s: error %v, want one: %v", c.file, c.imported, err, !c.ok)
		}
	}
}
