package amd64

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestRegisters: functions for AVX2 use no registers that only AVX-512 has.
func TestRegisters(t *testing.T) {
	files, err := filepath.Glob("*_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, b...)
	}
	beyond := regexp.MustCompile(`\b([XY](1[6-9]|[23][0-9])|Z[0-9]+|K[0-7])\b`)
	functions := strings.Split(string(text), "\nTEXT ")[1:]
	for _, f := range functions {
		name, body, _ := strings.Cut(f, "(SB)")
		if m := beyond.FindString(body); m != "" && !strings.Contains(name, "AVX512") {
			t.Errorf("%s uses %s", name, m)
		}
	}
	if len(functions) < 100 {
		t.Errorf("only %d functions found", len(functions))
	}
}
