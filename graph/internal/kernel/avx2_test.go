//go:build amd64 && !noasm

package kernel

import (
	"testing"

	"github.com/onnxloss/onnxloss/graph/thorough"
)

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
	t.Run("ConvStripes", TestConvStripes)
	t.Run("Finish", TestFinish)
	t.Run("Winograd", TestWinograd)
	t.Run("Float32", TestFloat32)
	t.Run("RowsAlike", TestRowsAlike)
	t.Run("Silu", TestSilu)
	t.Run("Softmax", TestSoftmax)
	t.Run("MaxPoolLoops", TestMaxPoolLoops)
}
