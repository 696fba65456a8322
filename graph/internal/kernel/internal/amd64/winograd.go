//go:build amd64 && !noasm

package amd64

// Split takes a row that begins left elements after x apart: every n-th element goes to
// one of n planes, which lie size elements apart, n being 4 times the step. vecs vectors of each
// plane are written. Of masks there are, for each vector, those of what lies inside of n vectors
// of the row, and that of what is stored.
type Split = func(dst *float32, size int, x *float32, left int, masks *uint16, vecs int)

// WinogradSplitsAVX512, by the step less 1.
var WinogradSplitsAVX512 = [2]Split{winogradSplitAVX512s1, winogradSplitAVX512s2}
