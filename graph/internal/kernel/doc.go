// Package kernel holds the numeric inner loops of an interpreter on plain
// slices: no tensors, no graph, no names of operators' versions.
//
// # Vocabulary
//
//   - (outer, axis, inner): a contiguous array seen as three dimensions, the
//     middle one being that of the operation.
//   - strides: elements, not bytes; 0 broadcasts.
//   - row function: a loop over slices of equal length.
//   - Window: the geometry of a sliding window; ConvGeom adds the channels.
//   - panel: a packed strip of a matrix, as the micro-kernel reads it.
//   - padded plane: a plane with its padding, whose neighbouring outputs read neighbours.
//   - workspace: the scratch of one core.
//
// # Invariants
//
//   - A kernel allocates nothing inside its loops; scratch comes from pools.
//   - The result has the same bits for every Parallel.
//   - Slices are as long as the sizes say: a shorter one is a broken invariant
//     of the caller and panics. What a model can hold — sizes, indices — is
//     checked and gives an error.
//   - Functions of floats are computed in float64 and rounded once, except three
//     functions of float32 in assembly (see below) and except
//     products and the four basic operations, which are computed in T.
//   - Convolutions of 3×3, and of 6×6 by two, are computed by Winograd's F(4×4, 3×3)
//     where it saves products (Lavin and Gray, "Fast Algorithms for Convolutional Neural
//     Networks", CVPR 2016), with several times the rounding of a sum; see NewPackedConv.
//   - Nothing outside the slices given is written, and no input element that
//     the definition does not name is read.
//
// # Exported names
//
//	parallel work     Parallel, Parallel.Do
//	matrices          Gemm, GemmBatch, PackB, GemmPackedB
//	windows           NewWindow, NewConvGeom
//	convolution       Conv, ConvTranspose; with the weight packed before: NewPackedConv,
//	                  ConvPacked, ConvScratch; with what is to be done to each
//	                  part of the output: Finish, FusedActivation; several, in stripes of rows:
//	                  NewConvStripes, ConvStage
//	pooling           MaxPool, AveragePool, LpPool; a global pool is a Reduce
//	norms             BatchNorm, LayerNorm, RMSNorm, GroupNorm, LRN, LpNormalize
//	row functions     Unary(par, f, dst, x) with f one of:
//	                  Neg Abs Sign Reciprocal Sqrt Exp Log Tanh Erf Ceil Floor Round
//	                  Sigmoid Softplus Softsign Relu HardSwish Mish Gelu GeluTanh
//	                  Not BitNot IsNaN; Map for any func(float64) float64;
//	                  with parameters: Clip LeakyRelu ThresholdedRelu Elu Selu Celu
//	                  HardSigmoid Swish Shrink IsInf; of float32, with x once more as
//	                  a factor: Silu TimesHardSigmoid; two operations as one loop: Sequence
//	broadcasting      Broadcast(par, shape, dst, a, as, b, bs, rows), Fold, Where,
//	                  BroadcastStrides; rows one of:
//	                  Add Sub Mul Div Max Min Pow FMod FloorMod PRelu
//	                  DivInt ModInt RemInt PowInt BitAnd BitOr BitXor ShiftLeft ShiftRight
//	                  Equal Less LessEqual Greater GreaterEqual And Or Xor
//	copying           CopyStrided, IndexCopy, Fill
//	reductions        Reduce, ReduceInt (ReduceSum … ReduceLogSumExp), ReduceLayout,
//	                  ArgMax, ArgMin, CumSum, CumProd
//	softmax           Softmax, LogSoftmax, Hardmax
//	indices           Gather, GatherElements, GatherND, ScatterElements, ScatterND, IndexError
//	selection         TopK, NonMaxSuppression (Suppression)
//	images            Resize (Interpolation, ResizeAxis, ScaleOf), NearestTable with
//	                  IndexCopy, RoiAlign (Regions), GridSample (Sampling)
//	conversion        Convert, ToBool, FromBool; 16-bit floats in package tensor
//
// # Assembly
//
// Some loops exist twice: in Go, here, and, for amd64 with AVX2 and FMA, in assembly in
// package amd64. The processor is asked when the program starts; the build tag noasm
// leaves the assembly out.
//
//   - The micro-kernels of matrix products (tilePlain). Both read the same packed
//     panels, but FMA rounds once where Go rounds twice, so last bits differ.
//   - Functions of float32 rows (rows32): both are within 0.51 units in the last
//     place of the true value, and nearly always give its nearest float32; but
//     the logistic function in assembly is within 4.5 units, and with AVX-512 exp
//     and log are within 0.8 and 1.6.
//   - Arithmetic on float32 rows (fast32): both give the same bits.
//
// # Non-goals
//
// Shape inference, type dispatch and attribute defaults are the operator
// table's. Workers belong to the interpreter, which passes them in.
package kernel
