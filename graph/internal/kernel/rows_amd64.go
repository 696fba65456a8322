//go:build amd64 && !noasm

package kernel

import "github.com/onnxloss/onnxloss/graph/internal/kernel/internal/amd64"

func rowsAVX2() {
	r := &rows32
	r.sigmoid, r.silu = padded(amd64.Sigmoid32AVX2), padded(amd64.Silu32AVX2)
	r.tanh, r.softplus, r.mish = padded(amd64.Tanh32AVX2), padded(amd64.Softplus32AVX2), padded(amd64.Mish32AVX2)
	r.erf, r.gelu, r.geluTanh, r.hardSwish = padded(amd64.Erf32AVX2), padded(amd64.Gelu32AVX2), padded(amd64.GeluTanh32AVX2), padded(amd64.HardSwish32AVX2)
	r.log = padded(amd64.Log32AVX2)
	r.swish = paddedWith(amd64.Swish32AVX2)
	exp := paddedWith(amd64.Exp32AVX2)
	r.exp = func(dst, x []float32, shift float32) { exp(dst, x, float64(shift)) }
	r.hardSigmoid = func(dst, x []float32, alpha, beta float32) {
		inVectors(dst, x, func(dst, x *float32, n int) { amd64.HardSigmoid32AVX2(dst, x, alpha, beta, n) })
	}
	f := &fast32
	f.addVV, f.subVV, f.mulVV, f.divVV = amd64.AddVV32AVX2, amd64.SubVV32AVX2, amd64.MulVV32AVX2, amd64.DivVV32AVX2
	f.addVS, f.subVS, f.mulVS, f.divVS = amd64.AddVS32AVX2, amd64.SubVS32AVX2, amd64.MulVS32AVX2, amd64.DivVS32AVX2
	f.subSV, f.divSV = amd64.SubSV32AVX2, amd64.DivSV32AVX2
	f.abs, f.neg, f.sqrt, f.softsign = amd64.Abs32AVX2, amd64.Neg32AVX2, amd64.Sqrt32AVX2, amd64.Softsign32AVX2
	f.lessVS, f.greaterVS, f.fromBool = amd64.LessVS32AVX2, amd64.GreaterVS32AVX2, amd64.FromBool32AVX2
	f.clip, f.leaky, f.affine, f.timesHardSigmoid = amd64.Clip32AVX2, amd64.Leaky32AVX2, amd64.Affine32AVX2, amd64.TimesHardSigmoid32AVX2
	f.max[0], f.max[1] = amd64.Max32AVX2, amd64.MaxEven32AVX2
	f.taps = amd64.TapsAVX2
	f.winograd = winogradLoops{lanes: 8, kernels: amd64.WinogradKernelsAVX2, input: amd64.WinogradInputAVX2, output: amd64.WinogradOutputAVX2}
	f.sequence = amd64.SequencesAVX2
	f.padRows, f.transpose, f.even = amd64.PadRowsAVX2, amd64.Transpose32AVX2, amd64.Even32AVX2
	f.sumLanes, f.accumulate, f.greatest = amd64.SumLanes32AVX2, amd64.Accumulate32AVX2, amd64.Greatest32AVX2
	f.gather, f.splitRows = amd64.GatherAVX2, amd64.SplitRowsAVX2
}

func padded(f func(dst, x *float32, n int)) row32 {
	return func(dst, x []float32) { inVectors(dst, x, f) }
}

func paddedWith(f func(dst, x *float32, p float64, n int)) func(dst, x []float32, p float64) {
	return func(dst, x []float32, p float64) {
		inVectors(dst, x, func(dst, x *float32, n int) { f(dst, x, p, n) })
	}
}

// inVectors runs f, which takes multiples of vectorLen elements, over rows of
// any length: the last elements go through a vector of their own, so that a
// row's bits do not depend on how it is split.
func inVectors(dst, x []float32, f func(dst, x *float32, n int)) {
	n := len(dst) &^ (vectorLen - 1)
	x = x[:len(dst)]
	if n > 0 {
		f(&dst[0], &x[0], n)
	}
	if n == len(dst) {
		return
	}
	b := borrow[float32](vectorLen)
	defer b.free()
	clear(b.s)
	copy(b.s, x[n:])
	f(&b.s[0], &b.s[0], vectorLen)
	copy(dst[n:], b.s)
}
