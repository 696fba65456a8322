//go:build amd64 && !noasm

package kernel

func rowsAVX2() {
	r := &rows32
	r.sigmoid, r.silu = padded(sigmoid32AVX2), padded(silu32AVX2)
	r.tanh, r.softplus, r.mish = padded(tanh32AVX2), padded(softplus32AVX2), padded(mish32AVX2)
	r.erf, r.gelu, r.geluTanh, r.hardSwish = padded(erf32AVX2), padded(gelu32AVX2), padded(geluTanh32AVX2), padded(hardSwish32AVX2)
	r.log = padded(log32AVX2)
	r.swish = paddedWith(swish32AVX2)
	exp := paddedWith(exp32AVX2)
	r.exp = func(dst, x []float32, shift float32) { exp(dst, x, float64(shift)) }
	r.hardSigmoid = func(dst, x []float32, alpha, beta float32) {
		inVectors(dst, x, func(dst, x *float32, n int) { hardSigmoid32AVX2(dst, x, alpha, beta, n) })
	}
	f := &fast32
	f.addVV, f.subVV, f.mulVV, f.divVV = addVV32AVX2, subVV32AVX2, mulVV32AVX2, divVV32AVX2
	f.addVS, f.subVS, f.mulVS, f.divVS = addVS32AVX2, subVS32AVX2, mulVS32AVX2, divVS32AVX2
	f.subSV, f.divSV = subSV32AVX2, divSV32AVX2
	f.abs, f.neg, f.sqrt, f.softsign = abs32AVX2, neg32AVX2, sqrt32AVX2, softsign32AVX2
	f.lessVS, f.greaterVS, f.fromBool = lessVS32AVX2, greaterVS32AVX2, fromBool32AVX2
	f.clip, f.leaky, f.affine, f.timesHardSigmoid = clip32AVX2, leaky32AVX2, affine32AVX2, timesHardSigmoid32AVX2
	f.max[0], f.max[1] = max32AVX2, maxEven32AVX2
	f.taps = [...]tapLoop{tapsAVX2r1v1, tapsAVX2r1v2, tapsAVX2r1v3, tapsAVX2r1v4, tapsAVX2r2v2, tapsAVX2r2v3, tapsAVX2r4v1}
	f.winograd = winogradLoops{lanes: 8, kernels: winogradKernelsAVX2, input: winogradInputAVX2, output: winogradOutputAVX2}
	f.sequence = [firstForms][secondForms]sequenceLoop{
		{sequence32AVX2f0s0, sequence32AVX2f0s1, sequence32AVX2f0s2, sequence32AVX2f0s3, sequence32AVX2f0s4, sequence32AVX2f0s5, sequence32AVX2f0s6, sequence32AVX2f0s7},
		{sequence32AVX2f1s0, sequence32AVX2f1s1, sequence32AVX2f1s2, sequence32AVX2f1s3, sequence32AVX2f1s4, sequence32AVX2f1s5, sequence32AVX2f1s6, sequence32AVX2f1s7},
		{sequence32AVX2f2s0, sequence32AVX2f2s1, sequence32AVX2f2s2, sequence32AVX2f2s3, sequence32AVX2f2s4, sequence32AVX2f2s5, sequence32AVX2f2s6, sequence32AVX2f2s7},
		{sequence32AVX2f3s0, sequence32AVX2f3s1, sequence32AVX2f3s2, sequence32AVX2f3s3, sequence32AVX2f3s4, sequence32AVX2f3s5, sequence32AVX2f3s6, sequence32AVX2f3s7},
		{sequence32AVX2f4s0, sequence32AVX2f4s1, sequence32AVX2f4s2, sequence32AVX2f4s3, sequence32AVX2f4s4, sequence32AVX2f4s5, sequence32AVX2f4s6, sequence32AVX2f4s7},
		{sequence32AVX2f5s0, sequence32AVX2f5s1, sequence32AVX2f5s2, sequence32AVX2f5s3, sequence32AVX2f5s4, sequence32AVX2f5s5, sequence32AVX2f5s6, sequence32AVX2f5s7},
	}
	f.frameRows, f.transpose, f.even = frameRowsAVX2, transpose32AVX2, even32AVX2
	f.sumLanes, f.accumulate, f.greatest = sumLanes32AVX2, accumulate32AVX2, greatest32AVX2
	f.gather, f.splitRows = gatherAVX2, splitRowsAVX2
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
