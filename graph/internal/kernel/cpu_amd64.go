//go:build amd64 && !noasm

package kernel

import (
	"golang.org/x/sys/cpu"

	"github.com/onnxloss/onnxloss/graph/internal/kernel/internal/amd64"
)

func init() {
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		useAVX2()
	}
	if hasAVX512 {
		useAVX512()
	}
}

var hasAVX512 = cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ

// useAVX2 puts the loops for AVX2 and FMA to use.
func useAVX2() {
	rowsAVX2()
	fast32.planes, fast32.maxPlanes, fast32.softmax = [2][2]planeLoop{}, [2]planeLoop{}, nil
	tile32 = &tileShape[float32]{6, 16, true, amd64.TilesAVX2, amd64.SpreadAVX2}
	tile64 = &tileShape[float64]{6, 8, false, amd64.Tiles64AVX2, nil}
}

// useAVX512 puts those loops to use that exist for AVX-512 (F and DQ).
func useAVX512() {
	r := &rows32
	r.sigmoid, r.silu, r.log = padded(amd64.Sigmoid32AVX512), padded(amd64.Silu32AVX512), padded(amd64.Log32AVX512)
	exp := padded(amd64.Exp32AVX512)
	r.exp = func(dst, x []float32, shift float32) {
		if shift == 0 {
			exp(dst, x)
			return
		}
		inVectors(dst, x, func(dst, x *float32, n int) { amd64.ExpShifted32AVX512(dst, x, shift, n) })
	}
	fast32.softmax = amd64.Softmax32AVX512
	fast32.winograd = winogradLoops{16, amd64.WinogradKernelsAVX512, amd64.WinogradInputAVX512, amd64.WinogradOutputAVX512, amd64.WinogradSplitsAVX512}
	fast32.maxPlanes = amd64.MaxPlanesAVX512
	fast32.planes = amd64.PlanesAVX512
	tile32 = &tileShape[float32]{12, 32, true, amd64.TilesAVX512, amd64.SpreadAVX512}
}
