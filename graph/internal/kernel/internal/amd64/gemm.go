//go:build amd64 && !noasm

package amd64

// Tile computes a tile of a product of matrices:
//
//	for i < rows, j < cols: c[i*ldc+j] = Σ_{p<kc} a[p*rows+i] * b[p*ldb+j] + s
//
// s being c[i*ldc+j] if add, else start[i], or 0 if start is nil; then the same, count
// times in all, for the next columns of C, with b further on by next elements. kc and
// count are at least 1. act, nil for none, is the parameters of an activation that a tile
// of float32 is stored with.
type Tile[T float32 | float64] = func(kc int, a, b *T, ldb int, c *T, ldc int, start *T, add bool, count, next int, act *float32)

// Spread is a Tile whose rows of B lie anywhere: b[off[p]+j] is in the place of b[p*ldb+j].
type Spread[T float32 | float64] = func(kc int, a, b *T, off *int, c *T, ldc int, start *T, add bool, count, next int, act *float32)

// TilesAVX2[r-1] are the tiles of r rows and 8 and 16 columns.
var TilesAVX2 = [][2]Tile[float32]{
	{tile32AVX2r1v1, tile32AVX2r1v2},
	{tile32AVX2r2v1, tile32AVX2r2v2},
	{tile32AVX2r3v1, tile32AVX2r3v2},
	{tile32AVX2r4v1, tile32AVX2r4v2},
	{tile32AVX2r5v1, tile32AVX2r5v2},
	{tile32AVX2r6v1, tile32AVX2r6v2},
}

// SpreadAVX2[r-1] is the tile of r rows and 16 columns.
var SpreadAVX2 = []Spread[float32]{
	tile32AVX2r1off, tile32AVX2r2off, tile32AVX2r3off, tile32AVX2r4off, tile32AVX2r5off, tile32AVX2r6off,
}

// Tiles64AVX2[r-1] are the tiles of r rows and 4 and 8 columns of float64. act is not read.
var Tiles64AVX2 = [][2]Tile[float64]{
	{tile64AVX2r1v1, tile64AVX2r1v2},
	{tile64AVX2r2v1, tile64AVX2r2v2},
	{tile64AVX2r3v1, tile64AVX2r3v2},
	{tile64AVX2r4v1, tile64AVX2r4v2},
	{tile64AVX2r5v1, tile64AVX2r5v2},
	{tile64AVX2r6v1, tile64AVX2r6v2},
}

// TilesAVX512[r-1] are the tiles of r rows and 16 and 32 columns.
var TilesAVX512 = [][2]Tile[float32]{
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
}

// SpreadAVX512[r-1] is the tile of r rows and 32 columns.
var SpreadAVX512 = []Spread[float32]{
	tile32AVX512r1off, tile32AVX512r2off, tile32AVX512r3off, tile32AVX512r4off, tile32AVX512r5off, tile32AVX512r6off,
	tile32AVX512r7off, tile32AVX512r8off, tile32AVX512r9off, tile32AVX512r10off, tile32AVX512r11off, tile32AVX512r12off,
}
