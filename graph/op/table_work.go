package op

// The operators below count what they do in multiplications and additions:
// what a profile's GFLOP/s are made of.

// productWork is the work of a sum of products, of which each element of
// output 0 takes as many as input weights has elements for each index of its
// first axis: a convolution's.
func productWork(weights int) func(x *Call) int64 {
	return func(x *Call) int64 {
		w, y := x.Input(weights), x.Out[0]
		if w == nil || y == nil || w.Rank() == 0 || w.Shape[0] == 0 {
			return 0
		}
		return 2 * int64(y.Len()) * int64(w.Len()/w.Shape[0])
	}
}

// scatteredWork is that of a convolution's adjoint: each element of input 0
// goes to as many of the output.
func scatteredWork(x *Call) int64 {
	in, w := x.Input(0), x.Input(1)
	if in == nil || w == nil || w.Rank() == 0 || w.Shape[0] == 0 {
		return 0
	}
	return 2 * int64(in.Len()) * int64(w.Len()/w.Shape[0])
}

// matrixWork is that of a product of matrices whose left one is input left:
// each element of output 0 is a sum over its columns.
func matrixWork(left int) func(x *Call) int64 {
	return func(x *Call) int64 {
		a, y := x.Input(left), x.Out[0]
		if a == nil || y == nil || a.Rank() == 0 {
			return 0
		}
		depth := a.Shape[a.Rank()-1]
		if x.Node.Op == "Gemm" && x.Node.Int("transA", 0) != 0 {
			depth = a.Shape[0]
		}
		return 2 * int64(y.Len()) * int64(depth)
	}
}
