// Package plan is the interpreter's intermediate representation: a graph as steps over
// slots.
//
// Vocabulary. A Program is a planned graph. A slot is one value's place in a frame, which
// holds the tensors of one run; a Ref is a slot of that frame or of one further out, whose
// program a subgraph belongs to. A Step reads Refs and makes slots with a kernel: it is
// one node, or stands for several.
//
// Three forms go beyond a kernel. A step with Plain stands for other steps, which are run
// where its kernel does not fit the shapes of a run. A step with Tiles is a loop over
// tiles of rows, with programs of its own. A Place has an output made inside the memory of
// a value that a later step, a Join, puts together.
//
// Invariants. Every slot has one maker, and steps follow what they read. Spec is there
// while a program is planned and not in a run. Nothing here knows which passes there are
// (package fuse), or how steps are run (package interp).
package plan
