//go:build amd64 && !noasm

package kernel

import "golang.org/x/sys/cpu"

//go:generate go run -C gen . -out ../asm_gemm_amd64.s -stubs ../asm_gemm_amd64.go -pkg kernel gemm
//go:generate go run -C gen . -out ../asm_rows_amd64.s -stubs ../asm_rows_amd64.go -pkg kernel rows
//go:generate go run -C gen . -out ../asm_taps_amd64.s -stubs ../asm_taps_amd64.go -pkg kernel taps
//go:generate go run -C gen . -out ../asm_winograd_amd64.s -stubs ../asm_winograd_amd64.go -pkg kernel winograd

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
	tile32 = &tileShape[float32]{6, 16, true, [][2]microKernel[float32]{
		{tile32AVX2r1v1, tile32AVX2r1v2},
		{tile32AVX2r2v1, tile32AVX2r2v2},
		{tile32AVX2r3v1, tile32AVX2r3v2},
		{tile32AVX2r4v1, tile32AVX2r4v2},
		{tile32AVX2r5v1, tile32AVX2r5v2},
		{tile32AVX2r6v1, tile32AVX2r6v2},
	}, []spreadKernel[float32]{tile32AVX2r1off, tile32AVX2r2off, tile32AVX2r3off, tile32AVX2r4off, tile32AVX2r5off, tile32AVX2r6off}}
	tile64 = &tileShape[float64]{6, 8, false, [][2]microKernel[float64]{
		{tile64AVX2r1v1, tile64AVX2r1v2},
		{tile64AVX2r2v1, tile64AVX2r2v2},
		{tile64AVX2r3v1, tile64AVX2r3v2},
		{tile64AVX2r4v1, tile64AVX2r4v2},
		{tile64AVX2r5v1, tile64AVX2r5v2},
		{tile64AVX2r6v1, tile64AVX2r6v2},
	}, nil}
}

// useAVX512 puts those loops to use that exist for AVX-512 (F and DQ).
func useAVX512() {
	r := &rows32
	r.sigmoid, r.silu, r.log = padded(sigmoid32AVX512), padded(silu32AVX512), padded(log32AVX512)
	exp := padded(exp32AVX512)
	r.exp = func(dst, x []float32, shift float32) {
		if shift == 0 {
			exp(dst, x)
			return
		}
		inVectors(dst, x, func(dst, x *float32, n int) { expShifted32AVX512(dst, x, shift, n) })
	}
	fast32.softmax = softmax32AVX512
	fast32.winograd = winogradLoops{16, winogradKernelsAVX512, winogradInputAVX512, winogradOutputAVX512, [...]splitLoop{winogradSplitAVX512s1, winogradSplitAVX512s2}}
	fast32.maxPlanes = [2]planeLoop{maxPlaneAVX512k2s2, maxPlaneAVX512k3s2}
	fast32.planes = [2][2]planeLoop{{planeAVX512k3s1, planeAVX512k3s2}, {planeAVX512k5s1, planeAVX512k5s2}}
	tile32 = &tileShape[float32]{12, 32, true, [][2]microKernel[float32]{
		{tile32AVX512r1v1, tile32AVX512r1v2},
		{tile32AVX512r2v1, tile32AVX512r2v2},
		{tile32AVX512r3v1, tile32AVX512r3v2},
		{tile32AVX512r4v1, tile32AVX512r4v2},
		{tile32AVX512r5v1, tile32AVX512r5v2},
		{tile32AVX512r6v1, tile32AVX512r6v2},
		{tile32AVX512r7v1, tile32AVX512r7v2},
		{tile32AVX512r8v1, tile32AVX512r8v2},
		{tile32AVX512r9v1, tile32AVX512r9v2},
		{tile32AVX512r10v1, tile32AVX512r10v2},
		{tile32AVX512r11v1, tile32AVX512r11v2},
		{tile32AVX512r12v1, tile32AVX512r12v2},
	}, []spreadKernel[float32]{
		tile32AVX512r1off, tile32AVX512r2off, tile32AVX512r3off, tile32AVX512r4off, tile32AVX512r5off, tile32AVX512r6off,
		tile32AVX512r7off, tile32AVX512r8off, tile32AVX512r9off, tile32AVX512r10off, tile32AVX512r11off, tile32AVX512r12off,
	}}
}
