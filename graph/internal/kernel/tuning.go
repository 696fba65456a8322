package kernel

// The numbers that speed depends on and results do not. Before changing one, measure with
// the benchmark named and with the whole networks of graph/interp/bench. sumBlock is not
// among them: the order in which sums are added depends on it.

// Work for several cores, by whole networks.
const (
	elementGrain = 1 << 14 // the least number of cheap elements worth a goroutine
	wantTasks    = 16      // of a product, so that a few workers are evenly busy
	stopEvery    = 1 << 12 // cheap steps between two questions whether to stop
)

// Products of matrices, by BenchmarkGemm and BenchmarkTile. The panels of a block, 192 KiB of
// A and what a task reads of B, stay in the second-level cache; those of a tile in the first.
const (
	blockDepth   = 256     // length of a block of the summed index
	blockRows    = 192     // rows of A that are multiplied while they lie in cache
	blockCols    = 128     // columns of B that one task packs at least, if there are as many
	blockElems   = 1 << 16 // elements of B and of C that one task should not go beyond
	plainColumns = 512     // columns up to which rows of B lie close enough together to be read in place
	rowsFirst    = 140     // length of a sum below which a panel of A goes over all columns before the next
	smallGemm    = 4096    // multiplications below which packing costs more than it saves
	fewColumns   = 8       // positions of a pointwise convolution up to which fewPositions pays
)

// Convolutions by stripes of rows, by BenchmarkConvStripes. The 512 KiB of a stripe stay in
// the second-level cache.
const (
	stripeElems   = 1 << 17 // elements between stages that one core holds, unless one row needs more
	stageElems    = 1 << 18 // elements between two stages, and
	groupElems    = 3 << 17 // between all, from which on stripes pay, and
	planeElems    = 1 << 10 // for each plane of a depthwise convolution in a stripe
	paddedElems   = 1 << 18 // elements in padded planes from which on stripes pay
	stripeWeights = 1 << 15 // elements of a weight that every stripe reads
	fewStripes    = 8       // stripes that there are at least, if there are as many rows
	manyStripes   = 1 << 10 // and at most
)

// Winograd's transform, by BenchmarkConv. The 1 MiB of a chunk stay in the second-level cache.
const (
	winogradLeast = 12      // channels from which on the transforms pay
	winogradSteps = 2       // the greatest step
	winogradChunk = 1 << 18 // elements of transformed input that should stay in the cache

	// of the products that are computed before they are transformed:
	winogradRows   = 24  // output channels
	winogradPanels = 3   // at most
	winogradDepth  = 128 // channels whose kernels are transformed at a time
)

// Rows and planes, by BenchmarkFloat32: what is worked on stays in the first-level cache.
const (
	gatherChunk  = 256     // length of the rows into which operands with uncommon strides are collected
	reduceTile   = 128     // inner positions that are reduced together, with their accumulators
	finishElems  = 1 << 12 // elements of small planes that are finished at once
	tile         = 16      // side of the square blocks in which transposes are copied: a cache line of float32
	foldElements = 1 << 20 // of the unfolded product of a transposed convolution that are held at once, if one channel allows
)
