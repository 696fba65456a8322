package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/limits"
)

// TestSecurity holds SECURITY.md to the tests that it names, behind their package, and
// to the limits.
func TestSecurity(t *testing.T) {
	b, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	word := regexp.MustCompile("`[a-z0-9/]+`|\\b(?:Test|Fuzz)[A-Za-z0-9]+\\b|\\b[a-z]+\\.txtar\\b")
	folder, named := "", 0
	for _, w := range word.FindAllString(text, -1) {
		switch {
		case strings.HasPrefix(w, "`"):
			folder = filepath.Join("../..", strings.Trim(w, "`"))
		case strings.HasSuffix(w, ".txtar"):
			if _, err := os.Stat(filepath.Join("testdata/script", w)); err != nil {
				t.Error(err)
			}
		case !declares(folder, w):
			t.Errorf("%s has no %s", folder, w)
		}
		named++
	}
	if named < 40 {
		t.Errorf("SECURITY.md names %d tests and packages", named)
	}
	for what, n := range map[string]int64{
		"model file": limits.File, "nested graphs": limits.Depth, "nested messages": limits.Nesting,
		"one message": limits.Header, "dimensions": limits.Rank, "operator sets": limits.Opsets,
		"array header": limits.ArrayHeader, "arrays in an archive": limits.Entries, "expansion": limits.Ratio,
		"JSON list": limits.List, "pixels": limits.Pixels, "memory of a reader, per byte": limits.Factor,
		"memory of a reader, fixed": limits.Base,
	} {
		if row := fmt.Sprintf("| %s | %d ", what, n); !strings.Contains(text, row) {
			t.Errorf("SECURITY.md lacks %q", row)
		}
	}
}

// declares reports whether a test file in folder declares the function.
func declares(folder, function string) bool {
	files, _ := filepath.Glob(filepath.Join(folder, "*_test.go"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err == nil && strings.Contains(string(b), "\nfunc "+function+"(") {
			return true
		}
	}
	return false
}
