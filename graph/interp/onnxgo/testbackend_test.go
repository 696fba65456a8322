package onnxgo

import (
	"bufio"
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend/testbackend"
	_ "github.com/owulveryck/onnx-go/backend/testbackend/onnx"
	gorgonia "gorgonia.org/tensor"

	"github.com/onnxloss/onnxloss/graph/interp/conform"
)

//go:embed testdata/skip.tsv
var skipList string

// skips reads the list of cases that are left out: a case and a reason a line.
func skips(t *testing.T) map[string]string {
	reasons := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(skipList))
	for lines.Scan() {
		name, reason, ok := strings.Cut(lines.Text(), "\t")
		if !ok || name == "" || reason == "" || reasons[name] != "" {
			t.Fatalf("skip list: %q", lines.Text())
		}
		reasons[name] = reason
	}
	return reasons
}

// TestOnnxGoCases runs every case that onnx-go has for backends. A case on the
// skip list that passes is a failure too, so that the list only shrinks.
func TestOnnxGoCases(t *testing.T) {
	reasons := skips(t)
	var cases []*testbackend.TestCase
	for _, newCase := range testbackend.GetAllRegisteredTests() {
		cases = append(cases, newCase())
	}
	slices.SortFunc(cases, func(a, b *testbackend.TestCase) int { return cmp.Compare(a.Title, b.Title) })
	passed := 0
	for _, c := range cases {
		reason, skip := reasons[c.Title]
		delete(reasons, c.Title)
		if skip {
			if err := runCase(c); err == nil {
				t.Errorf("%s passes, and is on the skip list: %s", c.Title, reason)
			}
			continue
		}
		if t.Run(c.Title, c.RunTest(NewBackend(), false)) && !c.Skipped {
			passed++
		}
		if c.Skipped {
			t.Errorf("%s: the backend says that it is not implemented", c.Title)
		}
	}
	for name := range reasons {
		t.Errorf("the skip list names %s, which onnx-go does not have", name)
	}
	t.Logf("%d of %d cases pass", passed, len(cases))
}

// runCase is c.RunTest with an error for a failure.
func runCase(c *testbackend.TestCase) (err error) {
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
		if err := sameTensors(got[i], want); err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
	}
	return nil
}

func sameTensors(got, want gorgonia.Tensor) error {
	g, err := fromGorgonia(got)
	if err != nil {
		return err
	}
	w, err := fromGorgonia(want)
	if err != nil {
		return err
	}
	return conform.Compare(g, w)
}
