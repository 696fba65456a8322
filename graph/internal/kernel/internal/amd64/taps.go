//go:build amd64 && !noasm

package amd64

// Taps is the sum over taps of a depthwise convolution of padded planes:
//
//	for r < rows, i < 8*vecs: dst[r*dstStride+i] = bias + Σ_{t<taps} w[t]*x[r*xStride+i+off[t]]
//
// row after row. rows is a multiple of the loop's.
type Taps = func(dst, x, w *float32, off *int, taps int, bias float32, rows, dstStride, xStride int)

// TapsAVX2, by the rows and vectors that a loop sums at once: 1×1, 1×2, 1×3, 1×4, 2×2, 2×3, 4×1.
var TapsAVX2 = [...]Taps{tapsAVX2r1v1, tapsAVX2r1v2, tapsAVX2r1v3, tapsAVX2r1v4, tapsAVX2r2v2, tapsAVX2r2v3, tapsAVX2r4v1}

// Plane is a window of a square kernel over a plane that has no padding: masks leave out
// what lies beside it, which reaches top rows and left elements before x. Of masks there are,
// for each vector of columns, those of what lies inside, for each kernel column, or, with stride
// 2, for the two vectors that all of them read, and that of what is stored. act, nil for none, is
// the parameters of an activation.
type Plane = func(dst, x, w *float32, bias float32, inRows, inCols, outRows, outCols, top, left int, masks *uint16, vecs int, act *float32)

// PlanesAVX512, by size/2-1 of the kernel and the stride less 1, is the sum of bias and the
// products with w.
var PlanesAVX512 = [2][2]Plane{{planeAVX512k3s1, planeAVX512k3s2}, {planeAVX512k5s1, planeAVX512k5s2}}

// MaxPlanesAVX512, by size-2 of the kernel, is the greatest of bias and the elements, with
// stride 2. w and act are not read.
var MaxPlanesAVX512 = [2]Plane{maxPlaneAVX512k2s2, maxPlaneAVX512k3s2}
