package kernel

import (
	"math"
	"unsafe"
)

// fast32 are the loops that the processor has instructions for, over float32
// rows whose length n is a multiple of vectorLen; nil where there are none. But
// for taps, the loops in Go give the same bits.
var fast32 struct {
	addVV, subVV, mulVV, divVV        func(dst, a, b *float32, n int)
	addVS, subVS, mulVS, divVS, leaky func(dst, a *float32, b float32, n int)
	subSV, divSV                      func(dst *float32, a float32, b *float32, n int)
	abs, neg, sqrt, softsign          func(dst, x *float32, n int)

	lessVS, greaterVS func(dst *bool, a *float32, b float32, n int)
	fromBool          func(dst *float32, x *bool, n int)

	sequence [firstForms][secondForms]sequenceLoop // of Sequence

	sumLanes   func(x *float32, n int) (lanes [8]float64) // lanes[k] = Σ x[8i+k]
	accumulate func(acc *float64, x *float32, n int)      // acc[i] = acc[i] + x[i]
	greatest   func(x *float32, n int) float32            // max x[i], NaN if any is; n > 0

	softmax func(dst, x *float32, rows, cols int) // Softmax of rows that follow each other

	clip             func(dst, x *float32, lo, hi float32, n int)
	timesHardSigmoid func(dst, x *float32, alpha, beta float32, n int) // dst[i] = x[i]*min(max(alpha*x[i]+beta, 0), 1)
	affine           func(dst, x *float32, mean, s, b float64, n int)
	max              [2]func(dst, x *float32, n int) // by stride less 1: dst[i] = max(dst[i], x[stride*i]); NaN wins

	// taps, by shape (tapShapes), is the sum over taps:
	//
	//	for r < rows, i < vecs*vectorLen: dst[r*dstStride+i] = bias + Σ_{t<taps} w[t]*x[r*xStride+i+off[t]]
	//
	// row after row, with FMA, so that it differs in last bits from
	// convDepthwise in Go. rows is a multiple of the shape's.
	taps [len(tapShapes)]tapLoop

	// planes, by size/2-1 of the square kernel and stride less 1, is depthwisePlane
	// with FMA, reading top and left elements before x. Of masks there are, for each
	// vector of columns, those of what lies inside, for each kernel column, or, with
	// stride 2, for the two vectors that all of them read, and that of what is stored.
	planes [2][2]planeLoop
	// maxPlanes, by size-2 of the square kernel, is MaxPool of a plane with stride 2; bias
	// is lowest, and w and act are not read.
	maxPlanes [2]planeLoop

	winograd winogradLoops

	// padRows is for r < rows: for i < vecs*vectorLen: dst[r*stride+i] = x[r*width+i];
	// for i < zeros*vectorLen: dst[r*stride+width+i] = 0; in that order.
	padRows func(dst, x *float32, rows, width, stride, vecs, zeros int)

	// transpose is for r < vectorLen, c < blocks*vectorLen: dst[r*dstStride+c] =
	// src[c*srcStride+r], of any elements of four bytes.
	transpose func(dst, src *float32, dstStride, srcStride, blocks int)

	even func(dst, src *float32, n int) // dst[i] = src[2*i], of any elements of four bytes

	// splitRows is for r < rows, i < vecs*vectorLen: dst[r*stride+first+i] =
	// x[r*width+2i], dst[r*stride+second+i] = x[r*width+2i+1], with a vector of zeros
	// before at 0 and at part, and after at first+n0 and second+n1.
	splitRows func(dst, x *float32, rows, width, stride, part, first, second, n0, n1, vecs int)

	// gather copies whole vectors:
	//
	//	for p < kc, (at, from, n) of runs, i < n*vectorLen: dst[p*cols+at+i] = x[off[p]+from+i]
	gather func(dst, x *float32, off *int, kc, cols int, runs *int, count int)
}

const vectorLen = 8

// winogradLoops are those of Winograd's transform.
type winogradLoops struct {
	lanes int // tiles in a vector
	// kernels is winogradKernels for vecs*lanes kernels, tap elements lying between
	// theirs, input and output are winogradInput and winogradOutput for vecs*lanes
	// tiles, all with FMA; tmp is scratch of 36 vectors.
	kernels func(dst *float32, place int, x *float32, tap, vecs int)
	input   func(dst *float32, place int, x *float32, off *int, vecs int, tmp *float32)
	output  func(dst *float32, stride int, m *float32, place int, bias float32, vecs int, tmp *float32)
	// split, by the step less 1, is winograd.split of a row that has left elements less
	// than its padded plane, for vecs*maskedLen columns of planes of that size. Of masks there
	// are, for each vector, those of what lies inside of 4·step vectors of the row, and
	// that of what is stored.
	split [winogradSteps]splitLoop
}

type splitLoop = func(dst *float32, size int, x *float32, left int, masks *uint16, vecs int)

// tapLoop is a loop of fast32.taps.
type tapLoop = func(dst, x, w *float32, off *int, taps int, bias float32, rows, dstStride, xStride int)

// tapShapes are the rows and vectors that the loops of fast32.taps sum at once.
var tapShapes = [...]struct{ rows, vecs int }{{1, 1}, {1, 2}, {1, 3}, {1, 4}, {2, 2}, {2, 3}, {4, 1}}

// vectors is how many elements of a row of T a loop of fast32 takes.
func vectors[T Number](have bool, n int) int {
	if !have || !isFloat32[T]() {
		return 0
	}
	return n &^ (vectorLen - 1)
}

// at32 is the first element of a row of float32.
func at32[T any](x []T) *float32 { return (*float32)(unsafe.Pointer(unsafe.SliceData(x))) }

// isFloat32 reports whether T is float32 or a type of its kind.
func isFloat32[T Number]() bool {
	var zero T
	half := T(1)
	half /= 2
	return unsafe.Sizeof(zero) == 4 && half != 0
}

// float32s is x, of elements of the kind of float32, as such.
func float32s[T any](x []T) []float32 { return unsafe.Slice(at32(x), len(x)) }

// asFloat32 returns the rows as float32, if that is what T is.
func asFloat32[T Number](dst, x []T) (d, s []float32, ok bool) {
	if !isFloat32[T]() {
		return nil, nil, false
	}
	return float32s(dst), float32s(x), true
}

// vectorV runs f over as much of the rows as it takes, and returns how much.
func vectorV[T Number](f func(dst, x *float32, n int), dst, x []T) int {
	n := vectors[T](f != nil, len(dst))
	if n > 0 {
		f(at32(dst), at32(x), n)
	}
	return n
}

// vectorVV runs f over as much of the rows as it takes, and returns how much.
func vectorVV[T Number](f func(dst, a, b *float32, n int), dst, a, b []T) int {
	n := vectors[T](f != nil, len(dst))
	if n > 0 {
		f(at32(dst), at32(a), at32(b), n)
	}
	return n
}

// vectorVS is vectorVV with a scalar on the right.
func vectorVS[T Number](f func(dst, a *float32, b float32, n int), dst, a []T, b T) int {
	n := vectors[T](f != nil, len(dst))
	if n > 0 {
		f(at32(dst), at32(a), float32(b), n)
	}
	return n
}

// vectorSV is vectorVV with a scalar on the left.
func vectorSV[T Number](f func(dst *float32, a float32, b *float32, n int), dst []T, a T, b []T) int {
	n := vectors[T](f != nil, len(dst))
	if n > 0 {
		f(at32(dst), float32(a), at32(b), n)
	}
	return n
}

// compareVS runs f over as much of the row as it takes, and returns how much.
func compareVS[T Number](f func(dst *bool, a *float32, b float32, n int), dst []bool, a []T, b T) int {
	n := vectors[T](f != nil, len(dst))
	if n > 0 {
		f(&dst[0], at32(a), float32(b), n)
	}
	return n
}

func fromBoolFast[T Number](dst []T, x []bool) int {
	n := vectors[T](fast32.fromBool != nil, len(dst))
	if n > 0 {
		fast32.fromBool(at32(dst), &x[0], n)
	}
	return n
}

func clipFast[T Number](dst, x []T, lo, hi T) int {
	n := vectors[T](fast32.clip != nil, len(dst))
	if n > 0 {
		fast32.clip(at32(dst), at32(x), float32(lo), float32(hi), n)
	}
	return n
}

func reluFast[T Number](dst, x []T) int {
	n := vectors[T](fast32.clip != nil, len(dst))
	if n > 0 {
		fast32.clip(at32(dst), at32(x), 0, float32(math.Inf(1)), n)
	}
	return n
}

func maxFast[T Number](dst, x []T, stride int) int {
	if len(dst) == 0 || stride > len(fast32.max) {
		return 0
	}
	_ = x[(len(dst)-1)*stride]
	f := fast32.max[stride-1]
	n := vectors[T](f != nil, len(dst))
	if n > 0 {
		f(at32(dst), at32(x), n)
	}
	return n
}
