// Package fuse makes plans fast: passes over a program's steps, each of which finds steps
// that run better as one and puts that one in their place.
//
// A fusion is one file: what it looks for, the kernel that it makes, why, and which
// passes must come before or after it. Passes lists them in order, and the program panics
// at start where that breaks a constraint.
//
// Invariants. A pass changes no bit of any result, but for the NaN that an operation
// gives and for space-to-depth, which adds in another order. A step that stands for
// others keeps these (plan.Step.Plain) unless its kernel takes operands of any shape and
// type. Passes look at the context for each step, and what they may look at is bounded by
// the size of the graph.
//
// What a fusion is to know of operators is in its file, by their names. One thing is in
// their rows, since a kernel of package op runs it as well as two fusions: op.Op.Piece, an
// operator's loop over a few elements.
package fuse
