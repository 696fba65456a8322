//go:build amd64 && !noasm

package kernel

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/thorough"
)

// TestRegisters: functions for AVX2 use no registers that only AVX-512 has.
func TestRegisters(t *testing.T) {
	files, err := filepath.Glob("asm_*_amd64.s")
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

// TestWithoutAVX512 runs the tests of what has loops for AVX-512 on those for
// AVX2.
func TestWithoutAVX512(t *testing.T) {
	if !hasAVX512 {
		t.Skip("the other tests run on what this processor has")
	}
	useAVX2()
	defer useAVX512()
	t.Run("Tile", TestTile)
	t.Run("Gemm", TestGemm)
	if thorough.Every(2) > 1 {
		return
	}
	t.Run("GemmSplit", TestGemmSplit)
	t.Run("Conv", TestConv)
	t.Run("ConvChain", TestConvStripes)
	t.Run("Finish", TestFinish)
	t.Run("Winograd", TestWinograd)
	t.Run("Float32", TestFloat32)
	t.Run("RowsAlike", TestRowsAlike)
	t.Run("Silu", TestSilu)
	t.Run("Softmax", TestSoftmax)
	t.Run("MaxPoolLoops", TestMaxPoolLoops)
}
