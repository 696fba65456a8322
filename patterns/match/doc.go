// Package match follows channels through a graph: where each channel of each
// value comes from, and what is done with it later.
//
// Vocabulary. A Field is a tensor that an operator computes: a layer's output,
// an activation's, a product's. Operators that only move elements (Reshape,
// Transpose, Slice, Split, Concat, Gather with constant indices, Squeeze, …)
// compute no field; a value that they make has a View: Pieces, each a block of
// one field, with every dimension of the value written as a product of Atoms.
// An atom is a digit of an index along one axis of the field, so that
// [N, 255, H, W] → [N, 3, 85, H, W] → [N, 3, H, W, 85] → [5:85) is known to
// hold the channels [5, 85) of each group of 85. A Span is such a set of
// channels.
//
// Facts are what later operators do to a Span of a field: two sets of Marks,
// those put on the values themselves (Pre) and those put on them after an
// activation (Post). They are collected by one pass backwards over the fields;
// a mark on a field passes to what it was computed from, element by element,
// until a contraction (Conv, Gemm, MatMul, Einsum) ends the descent.
//
// Invariants. One pass forwards, one backwards; the number of pieces of a view
// and of facts of a field are bounded, so time is linear in nodes. Names are
// never looked at. Weights are never read; constants of at most op.MaxFold
// elements are, where they steer the layout. What cannot be followed is an
// opaque field, never a wrong piece.
//
// Non-goals: which Span is a class, a box or an objectness (package patterns).
package match
