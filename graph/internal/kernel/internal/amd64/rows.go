//go:build amd64 && !noasm

package amd64

// Sequence is two operations on rows in one loop, (a ∘ b) • c, of which the second operand
// of the first may be the number p, and that of the second the number q.
type Sequence = func(dst, a, b, c *float32, p, q float32, n int)

// SequencesAVX2, by the forms of the first operation and of the second:
//
//	t:      a+b, a−b, a×b, a+p, p−a, a×p
//	dst[i]: t+c, t−c, c−t, t×c, t+q, q−t, t×q, |t|
var SequencesAVX2 = [6][8]Sequence{
	{sequence32AVX2f0s0, sequence32AVX2f0s1, sequence32AVX2f0s2, sequence32AVX2f0s3, sequence32AVX2f0s4, sequence32AVX2f0s5, sequence32AVX2f0s6, sequence32AVX2f0s7},
	{sequence32AVX2f1s0, sequence32AVX2f1s1, sequence32AVX2f1s2, sequence32AVX2f1s3, sequence32AVX2f1s4, sequence32AVX2f1s5, sequence32AVX2f1s6, sequence32AVX2f1s7},
	{sequence32AVX2f2s0, sequence32AVX2f2s1, sequence32AVX2f2s2, sequence32AVX2f2s3, sequence32AVX2f2s4, sequence32AVX2f2s5, sequence32AVX2f2s6, sequence32AVX2f2s7},
	{sequence32AVX2f3s0, sequence32AVX2f3s1, sequence32AVX2f3s2, sequence32AVX2f3s3, sequence32AVX2f3s4, sequence32AVX2f3s5, sequence32AVX2f3s6, sequence32AVX2f3s7},
	{sequence32AVX2f4s0, sequence32AVX2f4s1, sequence32AVX2f4s2, sequence32AVX2f4s3, sequence32AVX2f4s4, sequence32AVX2f4s5, sequence32AVX2f4s6, sequence32AVX2f4s7},
	{sequence32AVX2f5s0, sequence32AVX2f5s1, sequence32AVX2f5s2, sequence32AVX2f5s3, sequence32AVX2f5s4, sequence32AVX2f5s5, sequence32AVX2f5s6, sequence32AVX2f5s7},
}
