// Package amd64 holds the loops of package kernel in assembly, for processors with AVX2
// and FMA, and, where that is said, AVX-512 F and DQ. Whoever calls one has asked the
// processor before. On other processors, and with the build tag noasm, the package is empty.
//
// # Families
//
//	gemm      tiles of matrix products
//	rows      functions, arithmetic, comparisons and sums of rows
//	taps      depthwise convolution, pooling, and the copies that lay images out for it
//	winograd  the transforms of F(4×4, 3×3)
//
// Each has a file of assembly and one of its declarations, which the module in gen writes
// (go generate), and, where there is a loop for each of several shapes, a table of them here.
//
// # Conventions
//
//   - Pointers are to first elements, strides and offsets count elements, lengths vectors
//     where the name says so (vecs, blocks, zeros), else elements.
//   - A vector has 8 elements, with AVX-512 in families taps and winograd 16. Lengths n of rows
//     are multiples of 8.
//   - Nothing is checked, nothing outside what the definition names is written, and Go's
//     pointers do not stay behind.
//   - All instructions are VEX- or EVEX-encoded: one of SSE among them costs as much as a
//     hundred others.
package amd64

//go:generate go run -C gen . -out ../gemm_amd64.s -stubs ../gemm_stubs_amd64.go -pkg amd64 gemm
//go:generate go run -C gen . -out ../rows_amd64.s -stubs ../rows_stubs_amd64.go -pkg amd64 rows
//go:generate go run -C gen . -out ../taps_amd64.s -stubs ../taps_stubs_amd64.go -pkg amd64 taps
//go:generate go run -C gen . -out ../winograd_amd64.s -stubs ../winograd_stubs_amd64.go -pkg amd64 winograd
