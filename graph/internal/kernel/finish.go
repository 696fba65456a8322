package kernel

// Finish is applied to a convolution's output while it lies in the cache.
type Finish struct {
	// Act, which may be nil, is applied to every element.
	Act *FusedActivation
	// Then, which may be nil, is called after it for every part of the output once that
	// is complete: elements [at, at+n) of the planes [first, first+count), which are
	// numbered n*M+m. It is called from several goroutines.
	Then func(first, count, at, n int)
}

// FusedActivation is a function of float32 that the loops of convolutions apply to their
// sums before they store them.
type FusedActivation struct {
	params [3]float32 // as the micro-kernels read them: 0 and bounds; 1, alpha and beta; or 2
	rows   func(dst, x []float32)
}

// ClipActivation is Clip as a FusedActivation.
func ClipActivation(lo, hi float32) *FusedActivation {
	return &FusedActivation{[3]float32{0, lo, hi}, func(dst, x []float32) { Clip(dst, x, lo, hi) }}
}

// TimesHardSigmoidActivation is TimesHardSigmoid as a FusedActivation.
func TimesHardSigmoidActivation(alpha, beta float64) *FusedActivation {
	return &FusedActivation{[3]float32{1, float32(alpha), float32(beta)}, func(dst, x []float32) { TimesHardSigmoid(dst, x, alpha, beta) }}
}

// SiluActivation is Silu as a FusedActivation.
func SiluActivation() *FusedActivation { return &FusedActivation{[3]float32{2}, Silu} }

func (a *FusedActivation) isSilu() bool { return a != nil && a.params[0] == 2 }

// at is where the micro-kernels have the parameters; nil for none.
func (a *FusedActivation) at() *float32 {
	if a == nil {
		return nil
	}
	return &a.params[0]
}

// apart returns a Then that applies f to y, of planes of size elements, for loops that do
// not apply Act; nil if there is nothing to do.
func apart[T Float](f Finish, y []T, size int) func(first, count, at, n int) {
	if f.Act == nil {
		return f.Then
	}
	return func(first, count, at, n int) {
		rows, width := count, n
		if n == size { // planes that follow each other are one
			rows, width = 1, count*n
		}
		for r := range rows {
			row := float32s(y[(first+r)*size+at:][:width])
			f.Act.rows(row, row)
		}
		if f.Then != nil {
			f.Then(first, count, at, n)
		}
	}
}
