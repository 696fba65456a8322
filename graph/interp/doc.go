// Package interp plans and runs ONNX graphs in pure Go.
//
// New makes a Plan of a model once; Run runs it any number of times, also
// concurrently. Any value can be fed and any fetched, so parts of a graph run
// alone. A float32 graph can be computed in float64 (Options.Double), which is
// how gradients are checked.
//
//	m, err := onnx.ReadFile("model.onnx")
//	plan, err := interp.New(m, interp.Options{})
//	out, err := plan.Run(ctx, map[string]*tensor.Tensor{"images": x})
//
// RunProfiled measures every node, PeakMemory tells what runs have held, and
// the examples show each of these. What operators there are, onnxloss ops
// lists; a model that wants others is refused with all of them named.
//
// Vocabulary. A program is a planned graph: steps over slots (package plan), which passes
// make faster (package fuse). A frame holds the tensors of one run of a program; a
// subgraph's frame knows the frame around it. An arena hands out memory and takes it back
// when the last slot that refers to it is dropped. A pool has the goroutines that share
// loops (package pool).
//
// A step is one node, or several that give the same bits together: a kernel that stands
// for several nodes, with these beside it for shapes that it does not take; or a loop over
// tiles of rows.
//
// Invariants. What was planned for types, ranks or sizes that a run does not have is run
// node by node there. A Plan is read-only after New. Every error names its node. Kernels
// see only what their node reads. A run stops within one chunk of work of its context's
// end. Constants, inputs, tensors, texts, the elements of sequences, what the caller has of
// earlier runs, and scratch that kernels keep are within Options.MaxMemory; scratch for the
// plane, block or stripe that each core works on counts once it is there.
//
// Non-goals: what operators compute (package op), training.
package interp
