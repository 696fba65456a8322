package onnxgo

import (
	"cmp"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend/testbackend"
	_ "github.com/owulveryck/onnx-go/backend/testbackend/onnx"
	gorgonia "gorgonia.org/tensor"

	"github.com/onnxloss/onnxloss/graph/interp/conform"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

//go:embed testdata/exceptions.tsv
var exceptionList string

// exception is a case that is not held to onnx-go's own comparison. Its kind is
// "rounding" for one that agrees within ONNX's tolerances and not within
// onnx-go's, or "skip" for one that fails.
type exception struct{ kind, reason string }

// exceptions reads the list: a case, a kind and a reason a line.
func exceptions(t *testing.T) map[string]exception {
	list := map[string]exception{}
	for _, line := range strings.Split(strings.TrimSuffix(exceptionList, "\n"), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 3 || f[1] != "rounding" && f[1] != "skip" || f[2] == "" || list[f[0]].kind != "" {
			t.Fatalf("list of exceptions: %q", line)
		}
		list[f[0]] = exception{f[1], f[2]}
	}
	return list
}

// TestOnnxGoCases runs every case that onnx-go has for backends. An exception
// that is none any more fails, so that the list only shrinks.
func TestOnnxGoCases(t *testing.T) {
	list := exceptions(t)
	var cases []*testbackend.TestCase
	for _, newCase := range testbackend.GetAllRegisteredTests() {
		cases = append(cases, newCase())
	}
	slices.SortFunc(cases, func(a, b *testbackend.TestCase) int { return cmp.Compare(a.Title, b.Title) })
	passed, rounded, skipped := 0, 0, 0
	for _, c := range cases {
		e := list[c.Title]
		delete(list, c.Title)
		switch e.kind {
		case "":
			ok := t.Run(c.Title, c.RunTest(NewBackend(), false))
			if c.Skipped {
				t.Errorf("%s: the backend says that it is not implemented", c.Title)
			} else if ok {
				passed++
			}
		case "rounding":
			if err := runCase(c, conform.Compare); err != nil {
				t.Errorf("%s: %v", c.Title, err)
			}
			if err := runCase(c, strictly); err == nil {
				t.Errorf("%s passes and is among the exceptions: %s", c.Title, e.reason)
			}
			rounded++
		case "skip":
			if err := runCase(c, conform.Compare); err == nil {
				t.Errorf("%s passes and is among the exceptions: %s", c.Title, e.reason)
			}
			skipped++
		}
	}
	for name := range list {
		t.Errorf("the list of exceptions names %s, which onnx-go does not have", name)
	}
	t.Logf("of %d cases %d pass, %d pass within ONNX's tolerances alone, %d are skipped", len(cases), passed, rounded, skipped)
}

// strictly compares as onnx-go does.
func strictly(got, want *tensor.Tensor) error {
	if !slices.Equal(got.Shape, want.Shape) || got.DType != tensor.Float32 || want.DType != tensor.Float32 {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	for i, w := range tensor.Data[float32](want) {
		if g := tensor.Data[float32](got)[i]; !(math.Abs(float64(g)-float64(w)) <= 1e-6) {
			return fmt.Errorf("element %d: got %v, want %v", i, g, w)
		}
	}
	return nil
}

// runCase is c.RunTest with an error for a failure.
func runCase(c *testbackend.TestCase, compare func(got, want *tensor.Tensor) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	b := NewBackend()
	m := onnx.NewModel(b)
	if err := m.UnmarshalBinary(c.ModelB); err != nil {
		return err
	}
	for i, x := range c.Input {
		if err := m.SetInput(i, x); err != nil {
			return err
		}
	}
	if err := b.Run(); err != nil {
		return err
	}
	got, err := m.GetOutputTensors()
	if err != nil {
		return err
	}
	if len(got) != len(c.ExpectedOutput) {
		return fmt.Errorf("%d outputs, want %d", len(got), len(c.ExpectedOutput))
	}
	for i, want := range c.ExpectedOutput {
		if err := compareTensors(got[i], want, compare); err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
	}
	return nil
}

func compareTensors(got, want gorgonia.Tensor, compare func(got, want *tensor.Tensor) error) error {
	g, err := fromGorgonia(got)
	if err != nil {
		return err
	}
	w, err := fromGorgonia(want)
	if err != nil {
		return err
	}
	return compare(g, w)
}
